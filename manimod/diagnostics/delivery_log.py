"""The delivery log: the events of an account, one event with its creatives, and what is known of a customer."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Row, select, tuple_

from manimod.customers.tiers import NAMED_FIRST
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.ingest import events
from manimod.models import (
    Account,
    Connection,
    Creative,
    Customer,
    Invoice,
    Moment,
    RejectedDelivery,
    StripeEvent,
    Subscription,
    Tier,
)
from manimod.models.accounts import now
from manimod.models.states import EventState
from manimod.moments import interpret
from manimod.stripe.payloads import EventFacts

PAGE_SIZE = 25
MAX_SCANNED = 2000  # events that a page with filters reads at most, so that a rare one costs no scan of the table
REJECTIONS_SHOWN_FOR = timedelta(days=7)
MAX_ID = 2**62
MAX_CUSTOMERS = 10
MAX_ACTIVITY = 20  # moments and events of one customer
# Where a customer's id stands, and the identifier by which support finds it.
IDENTIFIERS = (
    (Customer.stripe_id, Customer.stripe_id),
    (Moment.stripe_customer_id, Moment.stripe_customer_id),
    (Moment.stripe_customer_id, Moment.creative_id),
    (StripeEvent.stripe_customer_id, StripeEvent.stripe_customer_id),
    (StripeEvent.stripe_customer_id, StripeEvent.stripe_id),
    (Subscription.stripe_customer_id, Subscription.stripe_id),
    (Invoice.stripe_customer_id, Invoice.stripe_id),
)
FILTERS = {"type": StripeEvent.type, "source": StripeEvent.source, "result": StripeEvent.state}


@dataclass(frozen=True)
class LogPage:
    """Events, newest first. `further`: the next page comes after this event; None at the end."""

    events: list[StripeEvent]
    further: int | None
    outcomes: dict[int, list[Row]]  # by the event's row


@dataclass(frozen=True)
class EventDetail:
    """One event with its moments and their creatives. `withdraws` holds the kinds of moments that it withdraws."""

    event: StripeEvent
    moments: Sequence[Row[tuple[Moment, Creative | None]]]
    withdraws: list[str]

    @property
    def is_erased(self) -> bool:
        """Its customer was deleted in Stripe, and with it what the event said."""
        return "id" not in self.event.facts

    @property
    def may_replay(self) -> bool:
        return self.event.state in (EventState.FAILED, EventState.IGNORED) and not self.is_erased


@dataclass(frozen=True)
class CustomerActivity:
    """What mani knows of one customer; `customer` is None where no sync has seen it yet."""

    stripe_id: str
    customer: Customer | None
    tier: str | None
    moments: list[Moment]
    events: list[StripeEvent]


def page(connection: Connection, wanted: dict[str, str], after: int | None = None) -> LogPage:
    """The newest events that have the `wanted` values of FILTERS, or those that are older than the event `after`."""
    order = StripeEvent.received_at.desc(), StripeEvent.id.desc()
    newest = select(StripeEvent.id).where(StripeEvent.connection_id == connection.id).order_by(*order)
    if after is not None and abs(after) < MAX_ID:
        place = StripeEvent.received_at, StripeEvent.id
        last = select(*place).where(StripeEvent.connection_id == connection.id, StripeEvent.id == after)
        newest = newest.where(tuple_(*place) < last.scalar_subquery())
    size = MAX_SCANNED if wanted else PAGE_SIZE
    scanned = list(db.session.scalars(newest.limit(size)))
    fitting = select(StripeEvent).where(StripeEvent.id.in_(scanned)).order_by(*order)
    for name, value in wanted.items():
        fitting = fitting.where(FILTERS[name] == value)
    found = list(db.session.scalars(fitting.limit(PAGE_SIZE)))
    further = None
    if len(found) == PAGE_SIZE:
        further = found[-1].id
    elif len(scanned) == size:
        further = scanned[-1]
    return LogPage(found, further, find_outcomes(connection, found))


def find_outcomes(connection: Connection, listed: list[StripeEvent]) -> dict[int, list[Row]]:
    """What came of events, by their row: each moment's kind, state and reason, and its creative's id, tier and
    segment."""
    said = {event.id: {moment.key for moment in _interpret(event).moments} for event in listed}
    columns = (Moment.key, Moment.kind, Moment.state, Moment.reason, Moment.creative_id, Creative.tier)
    query = select(*columns, Creative.segment).outerjoin(Creative, Creative.id == Moment.creative_id)
    theirs = Moment.connection_id == connection.id, Moment.key.in_(set().union(*said.values()))
    moments = db.session.execute(query.where(*theirs)).all()
    return {row_id: [moment for moment in moments if moment.key in keys] for row_id, keys in said.items()}


def _interpret(event: StripeEvent) -> interpret.Interpretation:
    has_failed = event.attempts > 0 and event.processed_at is None  # nothing came of it, and it may be unreadable
    if has_failed or "id" not in event.facts:
        return interpret.Interpretation()
    return interpret.interpret(EventFacts.from_json(event.facts))


def rejected_deliveries(connection: Connection) -> list[RejectedDelivery]:
    """What the webhook rejected in the last week, newest first."""
    since = now() - REJECTIONS_SHOWN_FOR
    query = select(RejectedDelivery).where(
        RejectedDelivery.connection_id == connection.id, RejectedDelivery.last_at > since
    )
    return list(db.session.scalars(query.order_by(RejectedDelivery.last_at.desc()).limit(PAGE_SIZE)))


def get_event(account: Account, event_id: int) -> EventDetail:
    """Of the account's live or test connection. Raises NOT_FOUND, also for another account's event."""
    event = db.session.get(StripeEvent, event_id)
    connection = event and db.session.get(Connection, event.connection_id)
    if connection is None or connection.account_id != account.id:
        raise ManimodError("NOT_FOUND")
    meaning = _interpret(event)
    with_creatives = select(Moment, Creative).outerjoin(Creative, Creative.id == Moment.creative_id)
    is_its_own = Moment.key.in_([moment.key for moment in meaning.moments])
    moments = db.session.execute(with_creatives.where(Moment.connection_id == connection.id, is_its_own)).all()
    return EventDetail(event, moments, sorted({withdrawal.kind for withdrawal in meaning.withdrawals}))


def replay(account: Account, event_id: int) -> None:
    """Process an event once more that was ignored or has failed. Moments that exist are not made twice."""
    detail = get_event(account, event_id)
    if not detail.may_replay:
        raise ManimodError("EVENT_NOT_REPLAYED")
    events.replay(db.session.get(Connection, detail.event.connection_id), event_id)


def find_customers(connection: Connection, text: str) -> list[CustomerActivity]:
    """The customers with this Stripe id, or whose name begins like this, each with what was made of them."""
    text = text.strip()
    if not text:
        return []
    named = select(Customer.stripe_id).where(Customer.connection_id == connection.id, Customer.is_named(text))
    return get_activity(connection, [text, *db.session.scalars(named.limit(MAX_CUSTOMERS))])


def find_ids(connection: Connection, text: str) -> list[str]:
    """The customers whom a Stripe id or a creative's number means, never those who are called like this."""
    number, found = int(text) if re.fullmatch("[0-9]{1,18}", text) else None, set()
    for customer, identifier in IDENTIFIERS:
        meant = number if identifier is Moment.creative_id else text
        query = select(customer).where(customer.class_.connection_id == connection.id, identifier == meant)
        found.update(db.session.scalars(query.where(customer.is_not(None)).limit(MAX_CUSTOMERS)))
    return sorted(found)[:MAX_CUSTOMERS]


def get_activity(connection: Connection, customer_ids: list[str]) -> list[CustomerActivity]:
    """What was made of each of these customers; without those of whom nothing is known."""
    query = select(Customer).where(Customer.connection_id == connection.id, Customer.stripe_id.in_(customer_ids))
    customers = {customer.stripe_id: customer for customer in db.session.scalars(query)}
    found = []
    for stripe_id in dict.fromkeys(customer_ids):
        activity = _customer_activity(connection, stripe_id, customers.get(stripe_id))
        if activity.customer or activity.moments or activity.events:
            found.append(activity)
    return found


def _customer_activity(connection: Connection, stripe_id: str, customer: Customer | None) -> CustomerActivity:
    newest_tier = (
        select(Tier)
        .join(Subscription, Subscription.stripe_product_id == Tier.stripe_product_id)
        .where(Tier.connection_id == connection.id, Subscription.connection_id == connection.id)
        .where(Subscription.stripe_customer_id == stripe_id)
        .order_by(NAMED_FIRST)
    )
    tier = db.session.scalar(newest_tier.limit(1))
    latest = []
    for model in (Moment, StripeEvent):
        query = select(model).where(model.connection_id == connection.id, model.stripe_customer_id == stripe_id)
        latest.append(list(db.session.scalars(query.order_by(model.id.desc()).limit(MAX_ACTIVITY))))
    name = tier and (tier.name or "Tier without a name")
    return CustomerActivity(stripe_id, customer, name, *latest)
