"""The delivery log: what Stripe told an account, on which source, what came of it, and the whole story of one event."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import FromClause, func, or_, select, tuple_

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.ingest import events
from manimod.models import (
    AudienceSize,
    Connection,
    Creative,
    Customer,
    Moment,
    RejectedDelivery,
    StripeEvent,
    Subscription,
    Tier,
)
from manimod.models.accounts import now
from manimod.moments import interpret
from manimod.stripe.payloads import EventFacts

PAGE_SIZE = 25
MAX_NAMES_SCANNED = 20_000
MAX_SCANNED = 2000  # events that a page with filters reads at most; then one may look further
REJECTIONS_SHOWN_FOR = timedelta(days=7)
MAX_RESULTS = 10
MAX_MOMENTS_SHOWN = 20
REPLAYABLE_STATES = ("failed", "ignored")


@dataclass(frozen=True)
class DeliveryFilters:
    """Which events are shown; None leaves a question open. `result` is the event's state."""

    type: str | None = None
    source: str | None = None
    result: str | None = None

    def conditions(self, of: FromClause) -> list:
        asked = {"type": self.type, "source": self.source, "state": self.result}
        return [of.c[name] == value for name, value in asked.items() if value is not None]


@dataclass(frozen=True)
class LogPage:
    """Events, the newest first. `further` is where to look on, None at the end."""

    events: list[StripeEvent]
    further: str | None


@dataclass(frozen=True)
class EventDetail:
    """One event from Stripe to the queue. `withdraws` says what it takes back, in words."""

    event: StripeEvent
    moments: list[tuple[Moment, Creative | None]]
    withdraws: list[str]

    @property
    def is_erased(self) -> bool:
        """Its customer was deleted in Stripe, and with it what the event said."""
        return "id" not in self.event.facts

    @property
    def may_replay(self) -> bool:
        return self.event.state in REPLAYABLE_STATES and not self.is_erased


@dataclass(frozen=True)
class CustomerActivity:
    """What mani knows of one customer; `customer` is None where no sync has seen it yet."""

    stripe_id: str
    customer: Customer | None
    tier: str | None
    moments: list[Moment]
    events: list[StripeEvent]


def page(connection: Connection, filters: DeliveryFilters, after: str | None = None) -> LogPage:
    """The newest events that fit, or those further back than `after`, which came from a page before."""
    order = StripeEvent.received_at.desc(), StripeEvent.id.desc()
    query = select(StripeEvent).where(StripeEvent.connection_id == connection.id).order_by(*order)
    if place := _place(after):
        query = query.where(tuple_(StripeEvent.received_at, StripeEvent.id) < tuple_(*place))
    most = PAGE_SIZE if filters == DeliveryFilters() else MAX_SCANNED
    looked_at = query.limit(most).subquery()
    fitting = select(looked_at.c.id).where(*filters.conditions(looked_at))
    fitting = fitting.order_by(looked_at.c.received_at.desc(), looked_at.c.id.desc()).limit(PAGE_SIZE)
    found = list(db.session.scalars(select(StripeEvent).where(StripeEvent.id.in_(fitting)).order_by(*order)))
    last = found[-1] if len(found) == PAGE_SIZE else db.session.scalar(query.offset(most - 1).limit(1))
    return LogPage(found, f"{last.received_at.timestamp():.6f}_{last.id}" if last else None)


def _place(text: str | None) -> tuple[datetime, int] | None:
    at, _, row_id = (text or "").partition("_")
    try:
        return datetime.fromtimestamp(float(at), UTC), min(int(row_id), 2**62)
    except (ValueError, OverflowError, OSError):
        return None


def rejected_deliveries(connection: Connection) -> list[RejectedDelivery]:
    """What the webhook refused in the last week, the newest first."""
    query = select(RejectedDelivery).where(
        RejectedDelivery.connection_id == connection.id, RejectedDelivery.last_at > now() - REJECTIONS_SHOWN_FOR
    )
    return list(db.session.scalars(query.order_by(RejectedDelivery.last_at.desc()).limit(PAGE_SIZE)))


def get_event(connection: Connection, event_id: int) -> EventDetail:
    """Raises NOT_FOUND, also for another account's event."""
    query = select(StripeEvent).where(StripeEvent.connection_id == connection.id, StripeEvent.id == event_id)
    event = db.session.scalar(query)
    if event is None:
        raise ManimodError("NOT_FOUND")
    told = EventDetail(event, [], [])
    has_failed = event.attempts > 0 and event.processed_at is None  # nothing came of it, and it may be unreadable
    return told if told.is_erased or has_failed else _with_moments(told, connection)


def _with_moments(told: EventDetail, connection: Connection) -> EventDetail:
    meaning = interpret.interpret(EventFacts.from_json(told.event.facts))
    found = (
        select(Moment, Creative)
        .outerjoin(Creative, Creative.id == Moment.creative_id)
        .where(Moment.connection_id == connection.id, Moment.key.in_([moment.key for moment in meaning.moments]))
    )
    rows = [(moment, creative) for moment, creative in db.session.execute(found)]
    return EventDetail(told.event, rows, sorted({withdrawal.kind for withdrawal in meaning.withdrawals}))


def replay(connection: Connection, event_id: int) -> None:
    """Process an event once more that was ignored or given up. Moments that exist are not made twice."""
    if not get_event(connection, event_id).may_replay:
        raise ManimodError("EVENT_NOT_REPLAYED")
    events.replay(connection, event_id)


def find_customers(connection: Connection, text: str) -> list[CustomerActivity]:
    """The customers with this Stripe id or with this in their name (at its beginning, where there are many customers),
    each with what was made of them.
    """
    text = text.strip()
    if not text:
        return []
    query = select(Customer).where(Customer.connection_id == connection.id)
    wanted = [Customer.stripe_id == text, Customer.is_named(text)]
    if not has_many_customers(connection):
        wanted.append(Customer.name.icontains(text, autoescape=True))
    customers = {row.stripe_id: row for row in db.session.scalars(query.where(or_(*wanted)).limit(MAX_RESULTS))}
    ids = list(customers) or [text]
    found = [_customer_activity(connection, stripe_id, customers.get(stripe_id)) for stripe_id in ids]
    return [one for one in found if one.customer or one.moments or one.events]


def has_many_customers(connection: Connection) -> bool:
    """More than are looked through for a part of a name."""
    query = select(func.sum(AudienceSize.customers)).where(AudienceSize.connection_id == connection.id)
    return (db.session.scalar(query) or 0) > MAX_NAMES_SCANNED


def _customer_activity(connection: Connection, stripe_id: str, customer: Customer | None) -> CustomerActivity:
    tier = (
        select(Tier)
        .join(Subscription, Subscription.stripe_product_id == Tier.stripe_product_id)
        .where(Tier.connection_id == connection.id, Subscription.connection_id == connection.id)
        .where(Subscription.stripe_customer_id == stripe_id)
        .order_by(Subscription.ended_at.is_not(None), Subscription.created_at.desc())
        .limit(1)
    )
    known = db.session.scalar(tier)
    return CustomerActivity(
        stripe_id,
        customer,
        known.name if known else None,
        _latest(Moment, connection, stripe_id, Moment.id),
        _latest(StripeEvent, connection, stripe_id, StripeEvent.id),
    )


def _latest(model: type, connection: Connection, stripe_id: str, order) -> list:
    query = select(model).where(model.connection_id == connection.id, model.stripe_customer_id == stripe_id)
    return list(db.session.scalars(query.order_by(order.desc()).limit(MAX_MOMENTS_SHOWN)))
