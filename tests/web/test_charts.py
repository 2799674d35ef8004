"""Charts: numbers in, SVG and the same numbers as a table out."""

from datetime import date, timedelta
from xml.etree import ElementTree

import pytest
from markupsafe import Markup

from manimod.web import charts

NAMES = {"joined": "New customer", "left": "Cancelled"}


def days(*counts: object) -> list[tuple[date, object]]:
    first = date(2026, 11, 1)
    return [(first + timedelta(days=index), each) for index, each in enumerate(counts)]


def parse(drawn: Markup) -> ElementTree.Element:
    return ElementTree.fromstring(f"<div>{drawn}</div>")


def texts(drawn: Markup, tag: str) -> list[str]:
    return ["".join(element.itertext()) for element in parse(drawn).iter(tag)]


def rectangles(drawn: Markup, name: str) -> list[dict[str, str]]:
    return [rect.attrib for rect in parse(drawn).iter("rect") if rect.get("class") == name]


@pytest.mark.parametrize(("number", "most", "width"), [(1, 4, "25.0"), (0, 4, "0.0"), (0, 0, "0")])
def test_a_bar_is_as_long_as_its_share_of_the_longest(number, most, width):
    [fill] = rectangles(charts.bar(number, most), "bar-fill")
    assert fill["width"] == width


def test_bars_name_every_row_and_its_number():
    drawn = charts.bars("Customers by tier", [("Pro", 1200), ("Starter", 300)])
    assert texts(drawn, "caption") == ["Customers by tier"]
    assert texts(drawn, "th") == ["Pro", "Starter"]
    assert "1,200" in texts(drawn, "td")
    assert [fill["width"] for fill in rectangles(drawn, "bar-fill")] == ["100.0", "25.0"]


def test_bars_without_rows_are_an_empty_table():
    assert texts(charts.bars("Nothing", []), "th") == []


def test_shares_fill_the_whole_width_and_say_their_percentages():
    drawn = charts.shares("Segments", [("High", 1), ("Low", 3)])
    assert texts(drawn, "title") == ["High: 1 (25%)", "Low: 3 (75%)"]
    [first], [last] = rectangles(drawn, "series-1")[:1], rectangles(drawn, "series-2")[:1]
    assert (first["x"], first["width"]) == ("0.0", "246.0")
    assert float(last["x"]) + float(last["width"]) == charts.SHARES_WIDTH


def test_a_share_that_exists_is_never_shown_as_none():
    assert charts.share(1, 1000) == "<1%"
    assert charts.share(0, 1000) == "0%"
    assert charts.share(1, 0) == "0%"


def test_columns_are_stacked_from_the_bottom():
    drawn = charts.columns("What happened", days({"joined": 2, "left": 2}, {"joined": 0, "left": 0}), NAMES)
    [lower], [upper] = rectangles(drawn, "series-1")[-1:], rectangles(drawn, "series-2")[-1:]
    assert (lower["y"], lower["height"]) == ("50.0", "49.2")
    assert (upper["y"], upper["height"]) == ("0.0", "49.2")


def test_columns_tell_each_day_in_a_title_and_in_the_table():
    drawn = charts.columns("What happened", days({"joined": 2, "left": 1}, {"joined": 0, "left": 0}), NAMES)
    assert texts(drawn, "title") == ["1 Nov: 2 new customer, 1 cancelled", "2 Nov: nothing"]
    assert texts(drawn, "tr") == ["DayNew customerCancelled", "2 Nov00", "1 Nov21"]
    assert 'aria-label="What happened. At most 3 a day."' in drawn


def test_a_small_number_does_not_fill_the_chart():
    drawn = charts.columns("What happened", days({"joined": 1, "left": 0}), NAMES)
    assert rectangles(drawn, "series-1")[-1]["height"] == "24.2", "one of at least four"


def test_lines_run_from_day_to_day_with_a_gap_where_nothing_was_counted():
    drawn = charts.lines("Customers", days([4, 0], None, [2, 1], [0, 1]), ["All", "Pro"])
    paths = [path.get("d") for path in parse(drawn).iter("path")]
    assert paths == ["M0 0.0M40 50.0L60 100.0", "M0 100.0M40 75.0L60 75.0"]
    assert texts(drawn, "title")[1] == "2 Nov: not counted"
    assert "2 Novnot counted" in texts(drawn, "tr")


def test_a_legend_names_each_colour_with_its_total():
    assert texts(charts.legend({"joined": 1500, "left": 2}, NAMES), "li") == ["New customer 1,500", "Cancelled 2"]


def test_a_line_legend_says_the_change():
    drawn = charts.line_legend(["All", "Pro", "Free"], [10, 5, 5], [3, -2, 0])
    assert texts(drawn, "li") == ["All 10 +3", "Pro 5 −2", "Free 5 ±0"]


def test_names_are_shown_as_text():
    drawn = charts.bars("<i>", [("<b>Pro & Co</b>", 1)]) + charts.shares("<i>", [("<b>", 1)])
    drawn += charts.columns("<i>", days({"joined": 1}), {"joined": "<b>"}) + charts.lines("<i>", days([1]), ["<b>"])
    assert "<b>" not in drawn
    assert "<i>" not in drawn
