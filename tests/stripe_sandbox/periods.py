"""Billing periods: months and years by the calendar, counted from the anchor so that the 31st stays the 31st."""

from calendar import monthrange, timegm
from time import gmtime

SECONDS = {"day": 86400, "week": 7 * 86400}
MONTHS = {"month": 1, "year": 12}
MEAN = {**SECONDS, "month": 2629746, "year": 31556952}


def after_intervals(anchor: int, interval: str, number: int) -> int:
    if interval in SECONDS:
        return anchor + number * SECONDS[interval]
    year, month, day, *clock = gmtime(anchor)[:6]
    months = year * 12 + month - 1 + number * MONTHS[interval]
    year, month = months // 12, months % 12 + 1
    if day > 28:
        day = min(day, monthrange(year, month)[1])
    return timegm((year, month, day, *clock))


def period_around(anchor: int, interval: str, interval_count: int, moment: int) -> tuple[int, int]:
    """The period, counted from the anchor, that holds the moment."""
    number = max(0, int((moment - anchor) / (MEAN[interval] * interval_count)))
    start, end = (after_intervals(anchor, interval, (number + step) * interval_count) for step in (0, 1))
    while end <= moment:
        number += 1
        start, end = end, after_intervals(anchor, interval, (number + 1) * interval_count)
    while start > moment and number:
        number -= 1
        start, end = after_intervals(anchor, interval, number * interval_count), start
    return start, end
