"""What is counted by day: the customers of each product and segment, as the last sync of a day (in UTC) found them, and
what happened to customers, on the days of the account's time zone.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from sqlalchemy import Date, and_, delete, func, insert, literal, or_, select, union_all

from manimod.customers import tiers
from manimod.extensions import UtcDateTime, db
from manimod.lifecycle import KINDS
from manimod.models import AudienceDay, AudienceSize, Connection, Moment, MomentDay
from manimod.models.accounts import now
from manimod.models.rows import upsert

DAYS = 30  # of what happened
RETENTION_DAYS = 100  # a little more than the longest trend that is shown
WEEK = timedelta(days=7)
LINES = 4  # tiers that are told by name in the trend, if there are many


@dataclass(frozen=True)
class Trend:
    """Customers by day, today last: all of them, then those of the largest tiers, then of the others together."""

    names: list[str]
    days: list[tuple[date, list[int] | None]]  # as many numbers as names; None: no sync counted on that day

    @property
    def latest(self) -> list[int]:
        return next(counts for _, counts in reversed(self.days) if counts)

    @property
    def changes(self) -> list[int]:
        first = next(counts for _, counts in self.days if counts)
        return [end - begin for begin, end in zip(first, self.latest, strict=True)]


def store_audience_sizes(connection_id: int) -> None:
    """Today's counts, in place of what an earlier sync of the day has left."""
    today = now().date()
    oldest = today - timedelta(days=RETENTION_DAYS)
    replaced = or_(AudienceDay.day == today, AudienceDay.day < oldest)
    db.session.execute(delete(AudienceDay).where(AudienceDay.connection_id == connection_id, replaced))
    db.session.execute(delete(MomentDay).where(MomentDay.connection_id == connection_id, MomentDay.day < oldest))
    columns = ["connection_id", "stripe_product_id", "segment", "customers"]
    counted = select(literal(today, Date), *(getattr(AudienceSize, name) for name in columns))
    db.session.execute(
        insert(AudienceDay).from_select(["day", *columns], counted.where(AudienceSize.connection_id == connection_id))
    )


def trend(connection: Connection, days: int) -> Trend | None:
    """Of the last `days`, from the first that was counted; None where none was."""
    counted = _by_day(connection, days)
    if not counted:
        return None
    names = tiers.names(connection)
    by_tier = {day: _add_up(names, products) for day, products in counted.items()}
    newest = by_tier[max(by_tier)]
    ranked = sorted(set().union(*by_tier.values()), key=lambda tier: (tier is None, -newest[tier], tier or ""))
    shown = ranked if len(ranked) <= LINES + 1 else ranked[:LINES]
    others = len(ranked) - len(shown)

    def numbers(of_day: Counter) -> list[int]:
        told = [of_day[tier] for tier in shown]
        return [of_day.total(), *told, of_day.total() - sum(told)] if others else [of_day.total(), *told]

    first = min(by_tier)
    span = [first + timedelta(days=number) for number in range((now().date() - first).days + 1)]
    return Trend(
        names=["All customers", *(tier or tiers.NONE for tier in shown), *([f"{others} more"] if others else [])],
        days=[(day, numbers(by_tier[day]) if day in by_tier else None) for day in span],
    )


def a_week_before(connection: Connection) -> list[tuple[str | None, str | None, int]]:
    """(product, segment, customers) a week ago, or on the last day before that was counted; empty: too young."""
    own = AudienceDay.connection_id == connection.id
    latest = now().date() - WEEK
    day = select(func.max(AudienceDay.day)).where(own, AudienceDay.day <= latest, AudienceDay.day > latest - WEEK)
    query = select(AudienceDay.stripe_product_id, AudienceDay.segment, AudienceDay.customers)
    return [tuple(row) for row in db.session.execute(query.where(own, AudienceDay.day == day.scalar_subquery()))]


def _by_day(connection: Connection, days: int) -> dict[date, dict[str | None, int]]:
    query = select(AudienceDay.day, AudienceDay.stripe_product_id, func.sum(AudienceDay.customers)).where(
        AudienceDay.connection_id == connection.id, AudienceDay.day > now().date() - timedelta(days=days)
    )
    counted: dict[date, dict[str | None, int]] = {}
    for day, product, customers in db.session.execute(query.group_by(AudienceDay.day, AudienceDay.stripe_product_id)):
        counted.setdefault(day, {})[product] = customers
    return counted


def _add_up(names: dict[str, str | None], products: dict[str | None, int]) -> Counter:
    by_tier: Counter = Counter()
    for product, customers in products.items():
        by_tier[tiers.display_name(names, product)] += customers
    return by_tier


# --- what happened ---------------------------------------------------------------------------------------------------


def count_moments(connection: Connection, moments: list[dict]) -> None:
    """Add moments that were written just now to their days."""
    zone = ZoneInfo(connection.account.time_zone)
    found = Counter((moment["occurred_at"].astimezone(zone).date(), moment["kind"]) for moment in moments)
    _write(connection, found)


def recount(connection: Connection) -> None:
    """Count the latest days once more, as they begin in a time zone that was changed."""
    db.session.execute(delete(MomentDay).where(MomentDay.connection_id == connection.id))
    zone, days = _latest_days(connection)
    begins = [datetime.combine(day, time.min, zone) for day in [*days, days[-1] + timedelta(days=1)]]
    spans = union_all(
        *(
            select(literal(day, Date).label("day"), _time(begin).label("begin"), _time(end).label("end"))
            for day, (begin, end) in zip(days, pairwise(begins), strict=True)
        )
    ).subquery()
    query = (
        select(spans.c.day, Moment.kind, func.count())
        .join(Moment, and_(Moment.occurred_at >= spans.c.begin, Moment.occurred_at < spans.c.end))
        .where(Moment.connection_id == connection.id)
        .group_by(spans.c.day, Moment.kind)
    )
    _write(connection, {(day, kind): number for day, kind, number in db.session.execute(query)})


def moments_by_day(connection: Connection) -> list[tuple[date, dict[str, int]]]:
    """Moments by kind for each of the latest days, today last."""
    _, days = _latest_days(connection)
    counts = {day: dict.fromkeys(KINDS, 0) for day in days}
    query = select(MomentDay.day, MomentDay.kind, MomentDay.moments)
    for day, kind, number in db.session.execute(
        query.where(MomentDay.connection_id == connection.id, MomentDay.day.between(days[0], days[-1]))
    ):
        counts[day][kind] = number
    return list(counts.items())


def _latest_days(connection: Connection) -> tuple[ZoneInfo, list[date]]:
    zone = ZoneInfo(connection.account.time_zone)
    today = now().astimezone(zone).date()
    return zone, [today - timedelta(days=number) for number in reversed(range(DAYS))]


def _time(at: datetime):
    return literal(at, UtcDateTime())


def _write(connection: Connection, found: dict[tuple[date, str], int]) -> None:
    rows = [
        {"connection_id": connection.id, "day": day, "kind": kind, "moments": number}
        for (day, kind), number in found.items()
    ]
    upsert(MomentDay, rows, ("connection_id", "day", "kind"), add=("moments",))
