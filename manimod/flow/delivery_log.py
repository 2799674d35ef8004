"""The delivery log: what Stripe told an account, on which path, what came of it, and the whole story of one event."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import or_, select, tuple_

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.flow import inbox, moments
from manimod.models import Connection, Creative, Customer, Moment, RefusedDelivery, StripeEvent, Subscription, Tier
from manimod.models.accounts import now
from manimod.stripe_facts import EventFacts

PAGE = 25
LOOKED_THROUGH = 5000  # events that a page with filters reads at most; then one may look further
REFUSALS_SHOWN = timedelta(days=7)
FOUND_AT_MOST = 10
MOMENTS_SHOWN = 20
REPLAYED = ("parked", "ignored")


@dataclass(frozen=True)
class Filters:
    """Which events are shown; None leaves a question open. `result` is the event's state."""

    type: str | None = None
    path: str | None = None
    result: str | None = None

    def fit(self, event: StripeEvent) -> bool:
        return (
            self.type in (None, event.type) and self.path in (None, event.path) and self.result in (None, event.state)
        )


@dataclass(frozen=True)
class LogPage:
    """Events, the newest first. `further` is where to look on, None at the end."""

    events: list[StripeEvent]
    further: str | None


@dataclass(frozen=True)
class Story:
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
        return self.event.state in REPLAYED and not self.is_erased


@dataclass(frozen=True)
class Processed:
    """What mani knows of one customer; `customer` is None where no sync has seen it yet."""

    stripe_id: str
    customer: Customer | None
    tier: str | None
    moments: list[Moment]
    events: list[StripeEvent]


def page(connection: Connection, filters: Filters, after: str | None = None) -> LogPage:
    """The newest events that fit, or those further back than `after`, which came from a page before."""
    query = select(StripeEvent).where(StripeEvent.connection_id == connection.id)
    if place := _place(after):
        query = query.where(tuple_(StripeEvent.received_at, StripeEvent.id) < tuple_(*place))
    query = query.order_by(StripeEvent.received_at.desc(), StripeEvent.id.desc())
    limit = PAGE if filters == Filters() else LOOKED_THROUGH
    found, last, seen = [], None, 0
    for event in db.session.scalars(query.limit(limit).execution_options(yield_per=500)):
        last, seen = event, seen + 1
        if filters.fit(event):
            found.append(event)
        if len(found) == PAGE:
            break
    is_end = last is None or (seen < limit and len(found) < PAGE)
    return LogPage(found, None if is_end else f"{last.received_at.timestamp():.6f}_{last.id}")


def _place(text: str | None) -> tuple[datetime, int] | None:
    at, _, row_id = (text or "").partition("_")
    try:
        return datetime.fromtimestamp(float(at), UTC), min(int(row_id), 2**62)
    except (ValueError, OverflowError, OSError):
        return None


def refusals(connection: Connection) -> list[RefusedDelivery]:
    """What the webhook refused in the last week, the newest first."""
    query = select(RefusedDelivery).where(
        RefusedDelivery.connection_id == connection.id, RefusedDelivery.last_at > now() - REFUSALS_SHOWN
    )
    return list(db.session.scalars(query.order_by(RefusedDelivery.last_at.desc()).limit(PAGE)))


def story(connection: Connection, event_id: int) -> Story:
    """Raises NOT_FOUND, also for another account's event."""
    query = select(StripeEvent).where(StripeEvent.connection_id == connection.id, StripeEvent.id == event_id)
    event = db.session.scalar(query)
    if event is None:
        raise ManimodError("NOT_FOUND")
    told = Story(event, [], [])
    has_failed = event.attempts > 0 and event.processed_at is None  # nothing came of it, and it may be unreadable
    return told if told.is_erased or has_failed else _with_what_came_of_it(told, connection)


def _with_what_came_of_it(told: Story, connection: Connection) -> Story:
    meaning = moments.interpret(EventFacts.from_json(told.event.facts))
    found = (
        select(Moment, Creative)
        .outerjoin(Creative, Creative.id == Moment.creative_id)
        .where(
            Moment.connection_id == connection.id, Moment.key.in_([happening.key for happening in meaning.happenings])
        )
    )
    rows = [(moment, creative) for moment, creative in db.session.execute(found)]
    return Story(told.event, rows, sorted({withdrawal.kind for withdrawal in meaning.withdrawals}))


def replay(connection: Connection, event_id: int) -> None:
    """Process an event once more that was ignored or given up. Moments that exist are not made twice."""
    if not story(connection, event_id).may_replay:
        raise ManimodError("EVENT_NOT_REPLAYED")
    inbox.replay(connection, event_id)


def find_customers(connection: Connection, text: str) -> list[Processed]:
    """The customers with this Stripe id or with this in their name, each with what was made of them."""
    text = text.strip()
    if not text:
        return []
    query = select(Customer).where(Customer.connection_id == connection.id)
    wanted = or_(Customer.stripe_id == text, Customer.name.icontains(text, autoescape=True))
    customers = {row.stripe_id: row for row in db.session.scalars(query.where(wanted).limit(FOUND_AT_MOST))}
    ids = list(customers) or [text]
    found = [_processed(connection, stripe_id, customers.get(stripe_id)) for stripe_id in ids]
    return [one for one in found if one.customer or one.moments or one.events]


def _processed(connection: Connection, stripe_id: str, customer: Customer | None) -> Processed:
    tier = (
        select(Tier)
        .join(Subscription, Subscription.stripe_product_id == Tier.stripe_product_id)
        .where(Tier.connection_id == connection.id, Subscription.connection_id == connection.id)
        .where(Subscription.stripe_customer_id == stripe_id)
        .order_by(Subscription.ended_at.is_not(None), Subscription.created_at.desc())
        .limit(1)
    )
    known = db.session.scalar(tier)
    return Processed(
        stripe_id,
        customer,
        known.name if known else None,
        _latest(Moment, connection, stripe_id, Moment.id),
        _latest(StripeEvent, connection, stripe_id, StripeEvent.id),
    )


def _latest(model: type, connection: Connection, stripe_id: str, order) -> list:
    query = select(model).where(model.connection_id == connection.id, model.stripe_customer_id == stripe_id)
    return list(db.session.scalars(query.order_by(order.desc()).limit(MOMENTS_SHOWN)))
