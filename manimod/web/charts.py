"""The geometry of the charts: pure functions of numbers. macros/charts.html writes it as SVG and as a table."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple

HEIGHT = 100  # of a plot, in its own units
DAY_WIDTH = 20
BAR_GAP = 0.8  # between two colours of one column
SHARES_WIDTH = 1000
SHARES_GAP = 4
SMALLEST_TOP = 4  # one or two things don't fill a plot


class Bar(NamedTuple):
    """The part of a day's column that stands for one series."""

    series: int
    y: float
    height: float


class PlottedDay(NamedTuple):
    """`title` shows while the day is pointed at. `numbers` is None where nothing was counted."""

    name: str
    title: str
    numbers: Sequence[int] | None
    bars: Sequence[Bar] = ()


class Plot(NamedTuple):
    """Numbers by day, today last. `paths` has one line per name."""

    names: Sequence[str]
    days: Sequence[PlottedDay]
    most: int
    top: int
    paths: Sequence[str] = ()


def columns(days: Sequence[tuple[date, Mapping[str, int]]], names: Mapping[str, str]) -> Plot:
    """One column per day, stacked from the counts by key of `names`."""
    most = max(sum(counts.values()) for _, counts in days)
    top = max(most, SMALLEST_TOP)
    plotted = []
    for day, counts in days:
        y, bars, parts, numbers = float(HEIGHT), [], [], []
        for series, (key, name) in enumerate(names.items(), 1):
            numbers.append(counts[key])
            if counts[key]:
                height = HEIGHT * counts[key] / top
                y -= height
                bars.append(Bar(series, round(y, 2), round(max(height - BAR_GAP, BAR_GAP), 2)))
                parts.append(f"{counts[key]} {name.lower()}")
        title = ", ".join(parts) or "nothing"
        plotted.append(PlottedDay(f"{day.day} {day:%b}", title, numbers, bars))
    return Plot(list(names.values()), plotted, most, top)


def lines(days: Sequence[tuple[date, Sequence[int] | None]], names: Sequence[str]) -> Plot:
    """One line per name over the days, from zero. A line has a gap where nothing was counted."""
    most = max((max(numbers) for _, numbers in days if numbers), default=0)
    top = max(most, SMALLEST_TOP)
    paths, plotted, command = [""] * len(names), [], "M"
    for index, (day, numbers) in enumerate(days):
        parts, x = [], (index + 0.5) * DAY_WIDTH
        for line, number in enumerate(numbers or ()):
            parts.append(f"{names[line]} {number:,}")
            paths[line] += f"{command}{x:g} {round(HEIGHT - HEIGHT * number / top, 1)}"
        command = "L" if numbers else "M"
        plotted.append(PlottedDay(f"{day.day} {day:%b}", ", ".join(parts) or "not counted", numbers))
    return Plot(names, plotted, most, top, paths)


def shares(numbers: Sequence[int]) -> list[tuple[float, float]]:
    """Where each part of the whole begins in a bar of `SHARES_WIDTH`, and how wide it is."""
    whole = sum(numbers) or 1
    parts, x = [], 0.0
    for index, number in enumerate(numbers, 1):
        width = SHARES_WIDTH * number / whole
        gap = SHARES_GAP if index < len(numbers) else 0
        parts.append((round(x, 1), round(max(width - gap, 1), 1)))
        x += width
    return parts
