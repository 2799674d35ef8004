"""Counts that pages show: customers by tier and value segment, now and by day, and moments by day."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, Date, Select, and_, delete, exists, func, insert, literal, null, or_, select

from manimod.customers import tiers
from manimod.customers.tiers import RUNNING_STATUSES
from manimod.extensions import db
from manimod.lifecycle import KINDS, Segment
from manimod.models import AudienceDay, Connection, Creative, Customer, Moment, MomentDay, Subscription
from manimod.models.accounts import now
from manimod.models.bulk import upsert
from manimod.models.states import CreativeStatus, MomentState

TREND_DAYS = 30
MAX_TREND_TIERS = 4  # with more tiers than this, the trend adds up the smaller ones
COLUMNS = ["day", "connection_id", "stripe_product_id", "segment", "customers"]  # of AudienceDay


@dataclass
class AudienceSummary:
    """The customers of one tier and segment. `made`: kind of moment -> status -> number of creative sets."""

    tier: str | None
    segment: str | None
    customers: int = 0
    made: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    @property
    def sets(self) -> int:
        return sum(statuses.total() for statuses in self.made.values())


@dataclass(frozen=True)
class AudienceTable:
    """`rows` has one entry per tier, largest first: its name and its audiences by segment.

    `columns` holds the segments, and None where some customers have none; `listed` the audiences that an ad can address
    by tier, largest first.
    """

    rows: list[tuple[str, dict[str | None, AudienceSummary]]]
    columns: list[str | None]
    listed: list[AudienceSummary]
    customers: int


@dataclass(frozen=True)
class Trend:
    """Customers by day, today last: all of them, then those of the largest tiers, then the other tiers together."""

    names: list[str]
    days: list[tuple[date, list[int] | None]]  # as many numbers as names; None: no sync counted on that day

    @property
    def latest(self) -> list[int]:
        return next(counts for _, counts in reversed(self.days) if counts)

    @property
    def changes(self) -> list[int]:
        first = next(counts for _, counts in self.days if counts)
        return [end - begin for begin, end in zip(first, self.latest, strict=True)]


def count_audiences(connection_id: int) -> None:
    """Count customers by the tier that the ads name to them and by segment, at the end of a sync.

    The counts are those of the day, in place of an earlier sync's. Days that are too old to show are deleted.
    """
    today = now().date()
    oldest = today - timedelta(days=TREND_DAYS)
    replaced = or_(AudienceDay.day >= today, AudienceDay.day < oldest)  # later only if the clock was ahead
    db.session.execute(delete(AudienceDay).where(AudienceDay.connection_id == connection_id, replaced))
    db.session.execute(delete(MomentDay).where(MomentDay.connection_id == connection_id, MomentDay.day < oldest))
    day = literal(today, Date)
    for counted in (_count_subscribers(connection_id, day), _count_others(connection_id, day)):
        db.session.execute(insert(AudienceDay).from_select(COLUMNS, counted))


def _count_subscribers(connection_id: int, day: ColumnElement[date]) -> Select[Any]:
    """The customers with a running subscription, by its product: of several, that of the one that the ads name."""
    customer_id, product = Subscription.stripe_customer_id, Subscription.stripe_product_id
    place = func.row_number().over(partition_by=customer_id, order_by=tiers.NAMED_FIRST).label("place")
    query = select(customer_id, product, place).where(Subscription.connection_id == connection_id)
    held = query.where(Subscription.status.in_(RUNNING_STATUSES)).subquery()
    is_theirs = and_(Customer.connection_id == connection_id, Customer.stripe_id == held.c.stripe_customer_id)
    columns = (Customer.connection_id, held.c.stripe_product_id, Customer.segment)
    query = select(day, *columns, func.count()).join_from(held, Customer, is_theirs).where(held.c.place == 1)
    return query.group_by(*columns)


def _count_others(connection_id: int, day: ColumnElement[date]) -> Select[Any]:
    """The customers without a running subscription."""
    is_running = and_(
        Subscription.connection_id == Customer.connection_id,
        Subscription.stripe_customer_id == Customer.stripe_id,
        Subscription.status.in_(RUNNING_STATUSES),
    )
    columns = (Customer.connection_id, Customer.segment)
    query = select(day, Customer.connection_id, null(), Customer.segment, func.count())
    query = query.where(Customer.connection_id == connection_id, ~exists().where(is_running))
    return query.group_by(*columns)


def is_latest(connection_id: int) -> ColumnElement[bool]:
    """Of the rows of AudienceDay, those that the last sync counted."""
    is_own = AudienceDay.connection_id == connection_id
    return and_(is_own, AudienceDay.day == select(func.max(AudienceDay.day)).where(is_own).scalar_subquery())


def sizes(connection: Connection) -> list[tuple[str | None, str | None, int]]:
    """(tier's name or None without a subscription, segment, customers) as the last sync counted them."""
    names = tiers.names(connection)
    query = select(AudienceDay.stripe_product_id, AudienceDay.segment, AudienceDay.customers)
    rows = db.session.execute(query.where(is_latest(connection.id)))
    return [(names.get(product, tiers.UNNAMED), segment, customers) for product, segment, customers in rows]


def count_new_customers(connection: Connection, since: datetime) -> int:
    """The customers who have joined since then, as events or checks have said."""
    is_new = and_(Moment.kind == "new_customer", Moment.occurred_at > since)
    query = select(func.count()).where(Moment.connection_id == connection.id, is_new)
    return db.session.scalar(query.where(Moment.state != MomentState.WITHDRAWN))


def by_size(counts: list[tuple[str | None, int]]) -> list[tuple[str | None, int]]:
    """Added up by name, the most first; what has no name comes last."""
    total: Counter[str | None] = Counter()
    for name, count in counts:
        total[name] += count
    return sorted(total.items(), key=lambda row: (row[0] is None, -row[1]))


def get_audiences(connection: Connection) -> AudienceTable:
    """How many customers each tier and segment holds, and the open creative sets that were made for them."""
    cells: dict[str | None, dict[str | None, AudienceSummary]] = {}
    by_tier: Counter[str | None] = Counter()
    for tier, segment, customers in sizes(connection):
        audience = cells.setdefault(tier, {}).setdefault(segment, AudienceSummary(tier, segment))
        audience.customers += customers
        by_tier[tier] += customers
    columns = (Creative.tier, Creative.segment, Creative.event, Creative.status)
    is_open = Creative.status.in_((CreativeStatus.WAITING, CreativeStatus.APPROVED))
    query = select(*columns, func.count()).where(Creative.account_id == connection.account_id, is_open)
    for tier, segment, kind, status, number in db.session.execute(query.group_by(*columns)):
        # A set that was made before its tier was renamed belongs to no audience of today.
        if tier and segment in cells.get(tier, {}):
            cells[tier][segment].made[kind][status] = number
    rows, segments, listed = [], list(Segment), []
    for tier, _ in by_size(list(by_tier.items())):
        rows.append((tier or tiers.NONE, cells[tier]))
        if None in cells[tier] and None not in segments:
            segments.append(None)
        if tier:
            listed += [audience for audience in cells[tier].values() if audience.customers]
    listed.sort(key=lambda audience: -audience.customers)
    return AudienceTable(rows, segments, listed, by_tier.total())


def scheduled_ends(connection: Connection) -> list[datetime]:
    """When the subscriptions end that customers have cancelled for a later day, the next one first."""
    is_running = Subscription.status.in_(RUNNING_STATUSES)
    query = select(Subscription.cancels_at).where(Subscription.connection_id == connection.id, is_running)
    return list(db.session.scalars(query.where(Subscription.cancels_at > now()).order_by(Subscription.cancels_at)))


def get_trend(connection: Connection) -> Trend | None:
    """The last days, from the first that was counted; None where none was."""
    names = tiers.names(connection)
    query = select(AudienceDay.day, AudienceDay.stripe_product_id, func.sum(AudienceDay.customers)).where(
        AudienceDay.connection_id == connection.id, AudienceDay.day > now().date() - timedelta(days=TREND_DAYS)
    )
    counted: dict[date, Counter[str | None]] = {}
    for day, product, customers in db.session.execute(query.group_by(AudienceDay.day, AudienceDay.stripe_product_id)):
        counted.setdefault(day, Counter())[names.get(product, tiers.UNNAMED)] += customers
    if not counted:
        return None
    newest = counted[max(counted)]
    ranked = sorted(set().union(*counted.values()), key=lambda tier: (tier is None, -newest[tier], tier or ""))
    shown = ranked
    if len(ranked) > MAX_TREND_TIERS + 1:
        shown = ranked[:MAX_TREND_TIERS]
    others = len(ranked) - len(shown)
    labels = ["All customers", *(tier or tiers.NONE for tier in shown)]
    if others:
        labels.append(f"{others} more")
    days: list[tuple[date, list[int] | None]] = []
    day = min(counted)
    while day <= now().date():
        numbers = None
        if day in counted:
            by_tier = [counted[day][tier] for tier in shown]
            numbers = [counted[day].total(), *by_tier]
            if others:
                numbers.append(counted[day].total() - sum(by_tier))
        days.append((day, numbers))
        day += timedelta(days=1)
    return Trend(names=labels, days=days)


def count_moments(connection: Connection, moments: list[dict[str, Any]]) -> None:
    """Add moments that were just recorded to their days, which begin in the account's time zone."""
    zone = ZoneInfo(connection.account.time_zone)
    rows: dict[tuple[date, str], dict[str, Any]] = {}
    for moment in moments:
        day, kind = moment["occurred_at"].astimezone(zone).date(), moment["kind"]
        row = {"connection_id": connection.id, "day": day, "kind": kind, "moments": 0}
        rows.setdefault((day, kind), row)["moments"] += 1
    upsert(MomentDay, list(rows.values()), ("connection_id", "day", "kind"), add=("moments",))


def moments_by_day(connection: Connection) -> list[tuple[date, dict[str, int]]]:
    """Moments by kind for each of the last days, today last."""
    today = now().astimezone(ZoneInfo(connection.account.time_zone)).date()
    counts: dict[date, dict[str, int]] = {}
    for days_ago in reversed(range(TREND_DAYS)):
        counts[today - timedelta(days=days_ago)] = dict.fromkeys(KINDS, 0)
    query = select(MomentDay.day, MomentDay.kind, MomentDay.moments)
    query = query.where(MomentDay.connection_id == connection.id, MomentDay.day.between(min(counts), today))
    for day, kind, number in db.session.execute(query):
        counts[day][kind] = number
    return list(counts.items())
