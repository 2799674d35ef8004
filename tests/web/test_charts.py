"""Charts: numbers in; geometry, SVG and the same numbers as a table out."""

from datetime import date, timedelta
from xml.etree import ElementTree

import pytest

from manimod.web import charts, labels

NAMES = {"joined": "New customer", "left": "Cancelled"}
COLUMNS = "{{ charts.trend('What happened', geometry.columns(days, names), ' a day') }}"
LINES = "{{ charts.trend('Customers', geometry.lines(days, names)) }}"


def days(*counts: object) -> list[tuple[date, object]]:
    first = date(2026, 11, 1)
    return [(first + timedelta(days=index), each) for index, each in enumerate(counts)]


@pytest.fixture
def draw(app):
    """Renders a call of a macro; returns the document."""

    def render(call: str, **values: object) -> ElementTree.Element:
        return ElementTree.fromstring(f"<div>{app.jinja_env.from_string(call).render(values)}</div>")

    return render


def texts(drawn: ElementTree.Element, tag: str) -> list[str]:
    return [" ".join("".join(element.itertext()).split()) for element in drawn.iter(tag)]


def rectangles(drawn: ElementTree.Element, name: str) -> list[dict[str, str]]:
    return [rect.attrib for rect in drawn.iter("rect") if rect.get("class") == name]


@pytest.mark.parametrize(("number", "most", "width"), [(1, 4, "25.0"), (0, 4, "0.0"), (0, 0, "0")])
def test_a_bar_is_as_long_as_its_share_of_the_longest(draw, number, most, width):
    [fill] = rectangles(draw("{{ charts.bar(number, most) }}", number=number, most=most), "bar-fill")
    assert fill["width"] == width


def test_bars_name_every_row_and_its_number(draw):
    drawn = draw("{{ charts.bars('Customers by tier', rows) }}", rows=[("Pro", 1200), ("Starter", 300)])
    assert texts(drawn, "caption") == ["Customers by tier"]
    assert texts(drawn, "th") == ["Pro", "Starter"]
    assert "1,200" in texts(drawn, "td")
    assert [fill["width"] for fill in rectangles(drawn, "bar-fill")] == ["100.0", "25.0"]


def test_bars_without_rows_are_an_empty_table(draw):
    assert texts(draw("{{ charts.bars('Nothing', []) }}"), "th") == []


def test_shares_fill_the_whole_width_and_say_their_percentages(draw):
    drawn = draw("{{ charts.shares('Segments', rows) }}", rows=[("High", 1), ("Low", 3)])
    assert texts(drawn, "title") == ["High: 1 (25%)", "Low: 3 (75%)"]
    [first], [last] = rectangles(drawn, "series-1")[:1], rectangles(drawn, "series-2")[:1]
    assert (first["x"], first["width"]) == ("0.0", "246.0")
    assert float(last["x"]) + float(last["width"]) == charts.SHARES_WIDTH


def test_a_share_that_exists_is_never_shown_as_none():
    assert labels.share(1, 1000) == "<1%"
    assert labels.share(0, 1000) == "0%"
    assert labels.share(1, 0) == "0%"
    assert charts.shares([1, 9999])[0] == (0.0, 1)


def test_columns_are_stacked_from_the_bottom():
    lower, upper = charts.columns(days({"joined": 2, "left": 2}, {"joined": 0, "left": 0}), NAMES).days[0].bars
    assert (lower.series, lower.y, lower.height) == (1, 50.0, 49.2)
    assert (upper.series, upper.y, upper.height) == (2, 0.0, 49.2)


def test_columns_name_each_day_in_a_title_and_in_the_table(draw):
    drawn = draw(COLUMNS, days=days({"joined": 2, "left": 1}, {"joined": 0, "left": 0}), names=NAMES)
    assert texts(drawn, "title") == ["1 Nov: 2 new customer, 1 cancelled", "2 Nov: nothing"]
    assert [texts(row, "th") + texts(row, "td") for row in drawn.iter("tr")] == [
        ["Day", "New customer", "Cancelled"],
        ["2 Nov", "0", "0"],
        ["1 Nov", "2", "1"],
    ]
    assert "What happened. At most 3 a day." in [drawing.get("aria-label") for drawing in drawn.iter("svg")]


def test_a_small_number_does_not_fill_the_chart():
    [bar] = charts.columns(days({"joined": 1, "left": 0}), NAMES).days[0].bars
    assert bar.height == 24.2, "one of at least four"


def test_lines_run_from_day_to_day_with_a_gap_where_nothing_was_counted(draw):
    drawn = draw(LINES, days=days([4, 0], None, [2, 1], [0, 1]), names=["All", "Pro"])
    paths = [path.get("d") for path in drawn.iter("path")]
    assert paths == ["M10 0.0M50 50.0L70 100.0", "M10 100.0M50 75.0L70 75.0"]
    assert texts(drawn, "title")[1] == "2 Nov: not counted"
    assert "2 Novnot counted" in texts(drawn, "tr")


@pytest.mark.parametrize("call", [COLUMNS, LINES])
def test_every_place_of_a_plot_belongs_to_one_day(draw, call):
    counted, names = [{"joined": 1, "left": 0}] * 3 if call == COLUMNS else [[1], [2], [3]], NAMES
    drawn = draw(call, days=days(*counted), names=names if call == COLUMNS else ["All"])
    areas = [(float(area["x"]), float(area["width"])) for area in rectangles(drawn, "trend-hit")]
    assert areas == [(0, 20), (20, 20), (40, 20)]
    assert 'viewBox="0 0 60 100"' in ElementTree.tostring(drawn).decode()


def test_a_legend_names_each_colour_with_its_total(draw):
    counted = days({"joined": 1400, "left": 2}, {"joined": 100, "left": 0})
    drawn = draw("{{ charts.legend(geometry.columns(days, names)) }}", days=counted, names=NAMES)
    assert texts(drawn, "li") == ["New customer 1,500", "Cancelled 2"]


def test_a_line_legend_says_the_change(draw):
    drawn = draw("{{ charts.line_legend(['All', 'Pro', 'Free'], [10, 5, 5], [3, -2, 0]) }}")
    assert texts(drawn, "li") == ["All 10 +3", "Pro 5 −2", "Free 5 ±0"]


def test_names_are_shown_as_text(app):
    calls = "{{ charts.bars('<i>', [('<b>Pro & Co</b>', 1)]) }}{{ charts.shares('<i>', [('<b>', 1)]) }}" + COLUMNS
    values = {"days": days({"<b>": 1}), "names": {"<b>": "<b>"}}
    drawn = app.jinja_env.from_string(calls).render(values)
    drawn += app.jinja_env.from_string(LINES).render(days=days([1]), names=["<b>"])
    assert "<b>" not in drawn
    assert "<i>" not in drawn
