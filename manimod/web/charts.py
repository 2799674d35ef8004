"""Numbers as drawings: pure functions that take data and return SVG. A table beside each drawing says the same.

Colours are classes of mani.css; widths and heights are attributes, for the Content-Security-Policy forbids styles.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from markupsafe import Markup

HEIGHT = 100  # of a trend's drawing, in its own units
DAY_WIDTH = 20
COLUMN_MARGIN = 3
COLUMN_GAP = 0.8  # between two colours of one column
SHARES_WIDTH = 1000
SHARES_GAP = 4
SMALLEST_TOP = 4  # a chart of one or two things doesn't fill the page
LEGEND = "list-unstyled d-flex flex-wrap column-gap-3 mb-0 small text-body-secondary"
SWATCH = Markup(
    '<svg class="swatch" viewBox="0 0 12 12" aria-hidden="true">'
    '<rect class="series-{}" width="12" height="12" rx="3"></rect></svg>'
)
STROKE = Markup(
    '<svg class="stroke" viewBox="0 0 24 12" aria-hidden="true"><path class="line-{}" d="M0 6H24"></path></svg>'
)

# One number per key or line; None where nothing was counted on that day.
Days = Sequence[tuple[date, Mapping | Sequence | None]]


def bar(number: float, most: float) -> Markup:
    """A bar as long as `number` is of `most`. The number itself stands beside it."""
    width = round(100 * number / most, 1) if most else 0
    return Markup(
        '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="bar-track" width="100" height="8"></rect>'
        '<rect class="bar-fill" width="{}" height="8"></rect></svg>'
    ).format(width)


def bars(caption: str, rows: Sequence[tuple[str, int]]) -> Markup:
    """A table whose numbers are also bars."""
    most = max((number for _, number in rows), default=0)
    row = Markup('<tr><th scope="row">{}</th><td class="bar-cell" aria-hidden="true">{}</td><td>{:,}</td></tr>')
    body = _join(row.format(name, bar(number, most), number) for name, number in rows)
    return _table(caption, body)


def shares(caption: str, rows: Sequence[tuple[str, int]]) -> Markup:
    """One bar that is the whole, and its parts in a table that is also the legend."""
    whole = sum(number for _, number in rows)
    part = Markup('<g><title>{}: {:,} ({})</title><rect class="series-{}" x="{}" width="{}" height="20"></rect></g>')
    row = Markup(
        '<tr><th scope="row">{}{}</th><td><strong>{}</strong></td><td class="text-body-secondary">{:,}</td></tr>'
    )
    x, parts, body = 0.0, [], []
    for number_of_series, (name, number) in enumerate(rows, 1):
        width = SHARES_WIDTH * number / whole if whole else 0
        gap = 0 if number_of_series == len(rows) else SHARES_GAP
        percent = share(number, whole)
        parts.append(part.format(name, number, percent, number_of_series, round(x, 1), round(max(width - gap, 1), 1)))
        body.append(row.format(SWATCH.format(number_of_series), name, percent, number))
        x += width
    drawing = Markup(
        '<svg class="shares" viewBox="0 0 {} 20" preserveAspectRatio="none" role="img" aria-label="{}">{}</svg>'
    ).format(SHARES_WIDTH, caption, _join(parts))
    return drawing + _table(caption, _join(body))


def columns(caption: str, days: Days, names: Mapping[str, str]) -> Markup:
    """Stacked columns, one per day. Each tells its numbers when it is pointed at."""
    most = max((sum(counts.values()) for _, counts in days), default=0)
    top = max(most, SMALLEST_TOP)
    series = {key: number for number, key in enumerate(names, 1)}
    rect = Markup('<rect class="series-{}" x="{}" width="{}" y="{}" height="{}"></rect>')
    drawn = []
    for index, (day, counts) in enumerate(days):
        x, y, stack, told = index * DAY_WIDTH, float(HEIGHT), [], []
        for key, count in counts.items():
            if not count:
                continue
            height = HEIGHT * count / top
            y -= height
            visible = round(max(height - COLUMN_GAP, COLUMN_GAP), 2)
            stack.append(
                rect.format(series[key], x + COLUMN_MARGIN, DAY_WIDTH - 2 * COLUMN_MARGIN, round(y, 2), visible)
            )
            told.append(f"{count} {names[key].lower()}")
        title = f"{_day(day)}: {', '.join(told) or 'nothing'}"
        drawn.append(_day_group(title, x, DAY_WIDTH, _join(stack)))
    summary = f"{caption}. At most {most} a day."
    return _trend(caption, summary, top, len(days) * DAY_WIDTH, _join(drawn), days, names)


def lines(caption: str, days: Days, names: Sequence[str]) -> Markup:
    """One line per name over the days, from zero. A line has a gap where nothing was counted."""
    most = max((max(counts) for _, counts in days if counts), default=0)
    top = max(most, SMALLEST_TOP)
    width = (max(len(days), 2) - 1) * DAY_WIDTH
    drawn = []
    for line in range(len(names)):
        drawn.append(Markup('<path class="line-{}" d="{}"></path>').format(line, _path(days, line, top)))
    for index, (day, counts) in enumerate(days):
        told = "not counted"
        if counts:
            told = ", ".join(f"{name} {count:,}" for name, count in zip(names, counts, strict=True))
        is_edge = index in (0, len(days) - 1)
        x = max(index * DAY_WIDTH - DAY_WIDTH // 2, 0)
        drawn.append(_day_group(f"{_day(day)}: {told}", x, DAY_WIDTH // 2 if is_edge else DAY_WIDTH, Markup()))
    summary = f"{caption}. At most {most:,}."
    return _trend(caption, summary, top, width, _join(drawn), days, dict(enumerate(names)))


def legend(rows: Mapping[str, int], names: Mapping[str, str]) -> Markup:
    """What the colours of `columns` mean, with totals."""
    item = Markup('<li class="hstack gap-1">{}{} <strong class="text-body">{:,}</strong></li>')
    items = _join(item.format(SWATCH.format(number), names[key], rows[key]) for number, key in enumerate(names, 1))
    return Markup('<ul class="{}">{}</ul>').format(LEGEND, items)


def line_legend(names: Sequence[str], latest: Sequence[int], changes: Sequence[int]) -> Markup:
    """What the strokes of `lines` mean: the latest number of each, and the change over the whole span."""
    item = Markup('<li class="hstack gap-1">{}{} <strong class="text-body">{:,}</strong> <span>{}</span></li>')
    rows = zip(names, latest, changes, strict=True)
    items = [item.format(STROKE.format(line), name, number, change(by)) for line, (name, number, by) in enumerate(rows)]
    return Markup('<ul class="{}">{}</ul>').format(LEGEND, _join(items))


def change(number: int) -> str:
    """`+12`, `−3`, `±0`."""
    sign = "+" if number > 0 else "−" if number < 0 else "±"
    return f"{sign}{abs(number):,}"


def share(part: float, whole: float) -> str:
    """`38%`; a part that exists is never said to be 0%."""
    percent = 100 * part / whole if whole else 0
    return "<1%" if 0 < percent < 1 else f"{percent:.0f}%"


def _path(days: Days, line: int, top: float) -> str:
    steps, pen = [], "M"
    for index, (_, counts) in enumerate(days):
        if not counts:
            pen = "M"
            continue
        y = round(HEIGHT - HEIGHT * counts[line] / top, 1)
        steps.append(f"{pen}{index * DAY_WIDTH} {y}")
        pen = "L"
    return "".join(steps)


def _day_group(title: str, x: int, width: int, drawn: Markup) -> Markup:
    return Markup(
        '<g class="trend-day"><title>{}</title><rect class="trend-hit" x="{}" width="{}" height="{}"></rect>{}</g>'
    ).format(title, x, width, HEIGHT, drawn)


def _trend(caption: str, summary: str, top: int, width: int, drawn: Markup, days: Days, names: Mapping) -> Markup:
    grid = _join(
        Markup('<line class="trend-line" x1="0" x2="{}" y1="{}" y2="{}"></line>').format(width, y, y)
        for y in (0, HEIGHT // 2, HEIGHT)
    )
    return Markup(
        '<figure class="trend"><figcaption class="visually-hidden">{caption}</figcaption>'
        '<div class="text-body-secondary" aria-hidden="true">{top:,}</div>'
        '<svg class="trend-drawing" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img"'
        ' aria-label="{summary}">{grid}{drawn}</svg>{days}{table}</figure>'
    ).format(
        caption=caption,
        top=top,
        width=width,
        height=HEIGHT,
        summary=summary,
        grid=grid,
        drawn=drawn,
        days=_days_below(days),
        table=_numbers(caption, days, names),
    )


def _days_below(days: Days) -> Markup:
    """The first day, one in the middle, and today."""
    shown = [_day(days[0][0]), "Today"]
    if len(days) > 6:
        shown.insert(1, _day(days[len(days) // 2][0]))
    spans = _join(Markup("<span>{}</span>").format(day) for day in shown)
    return Markup(
        '<div class="d-flex justify-content-between pt-1 pb-2 text-body-secondary" aria-hidden="true">{}</div>'
    ).format(spans)


def _numbers(caption: str, days: Days, names: Mapping) -> Markup:
    """All numbers of a trend as a table, the latest day first."""
    head = _join(Markup('<th scope="col">{}</th>').format(name) for name in names.values())
    body = []
    for day, counts in reversed(days):
        cells = Markup('<td colspan="{}">not counted</td>').format(len(names))
        if counts:
            cells = _join(Markup("<td>{:,}</td>").format(counts[key]) for key in names)
        body.append(Markup('<tr><th scope="row">{}</th>{}</tr>').format(_day(day), cells))
    return Markup(
        '<details><summary class="dropdown-toggle">Show as a table</summary>'
        '<div class="table-responsive border rounded mt-2" tabindex="0" role="region"'
        ' aria-label="{caption}, as a table">'
        '<table class="table"><caption class="visually-hidden">{caption}</caption>'
        '<thead><tr><th scope="col">Day</th>{head}</tr></thead><tbody>{body}</tbody></table></div></details>'
    ).format(caption=caption, head=head, body=_join(body))


def _table(caption: str, body: Markup) -> Markup:
    return Markup(
        '<table class="chart-table"><caption class="visually-hidden">{}</caption><tbody>{}</tbody></table>'
    ).format(caption, body)


def _day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _join(parts: Iterable[Markup]) -> Markup:
    return Markup("").join(parts)
