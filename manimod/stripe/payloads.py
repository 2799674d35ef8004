"""What mani keeps of Stripe's objects: the allow-list, for every API version since 2017.

Nothing that is not named here leaves this module, whatever Stripe sends; catalogue.py does the same for products and
prices. Each event also gets a ledger: the fields that were read and the number of fields that were dropped. Shapes:
Stripe API reference and captured events of 20 API versions; since 2025-03-31 an invoice names its subscription under
`parent`, and periods stand on the items.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import orjson

from manimod.stripe.catalogue import MAX_QUANTITY, PriceFacts, read_price
from manimod.stripe.reader import Reader, count_values

EVENT_TYPES = (
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.resumed",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.overdue",
    "invoice.voided",
    "invoice.marked_uncollectible",
)
LIVE_STATUSES = ("active", "trialing")
UNPAID_STATUSES = ("past_due", "unpaid")
PAID_EVENT_TYPES = ("invoice.paid", "invoice.payment_succeeded")  # the second repeats the first
FAILED_EVENT_TYPES = ("invoice.payment_failed", "invoice.overdue")  # the second of an invoice that is sent
SETTLED_STATUSES = ("paid", "void", "uncollectible")  # of an invoice that nobody waits for any more
STATUS_BY_EVENT_TYPE = {
    "invoice.paid": "paid",
    "invoice.payment_succeeded": "paid",
    "invoice.payment_failed": "open",
    "invoice.overdue": "open",
    "invoice.voided": "void",
    "invoice.marked_uncollectible": "uncollectible",
}


@dataclass(frozen=True)
class CustomerFacts:
    id: str
    name: str | None = None
    created: int | None = None
    deleted: bool = False


@dataclass(frozen=True)
class SubscriptionFacts:
    """Times are Unix seconds. `price` is that of the item for which most is paid a month: the tier."""

    id: str
    customer: str | None = None
    status: str | None = None
    created: int | None = None
    started: int | None = None
    ended: int | None = None
    period_start: int | None = None
    billing_anchor: int | None = None
    latest_invoice: str | None = None
    quantity: int = 1
    price: PriceFacts | None = None
    collection_method: str | None = None  # charge_automatically or send_invoice
    is_paused: bool = False  # its collection; the status stays as it is
    trial_end: int | None = None
    cancels_at: int | None = None  # when it is to end
    cancellation_feedback: str | None = None  # what the customer chose, such as too_expensive; never their comment
    cancellation_reason: str | None = None  # cancellation_requested, payment_failed, payment_disputed
    period_end: int | None = None


@dataclass(frozen=True)
class InvoiceFacts:
    """`period_start` is where the period begins that the invoice renews; no amount is kept."""

    id: str | None = None
    customer: str | None = None
    subscription: str | None = None
    billing_reason: str | None = None
    status: str | None = None
    period_start: int | None = None
    paid_at: int | None = None
    has_failed: bool = False  # a payment was tried in vain, or a sent invoice is overdue
    account_name: str | None = None


NEW_FIELDS = ("is_tiered", "trial_days")  # of a price, which workers of the release before don't know


@dataclass(frozen=True)
class EventFacts:
    """An event without anything that mani has no use for. Exactly one of the three objects is set, or none."""

    id: str
    type: str
    created: int
    livemode: bool = False
    is_thin: bool = False  # it came without its object, which `related_id` names
    related_id: str | None = None
    fetched: int | None = None  # when Stripe was asked for the object of a thin event; Unix seconds
    account: str | None = None  # of another Stripe account that the event is about; None: of the key's own
    wrong_object: str | None = None  # what the object is, where it isn't what the event's type says
    previous_status: str | None = None
    customer: CustomerFacts | None = None
    subscription: SubscriptionFacts | None = None
    invoice: InvoiceFacts | None = None

    @property
    def customer_id(self) -> str | None:
        if self.customer:
            return self.customer.id
        about = self.subscription or self.invoice
        return about.customer if about else None

    @property
    def deletes_customer(self) -> bool:
        """Also a thin event whose object turns out to be deleted."""
        return self.customer is not None and (self.type == "customer.deleted" or self.customer.deleted)

    @property
    def observed(self) -> int:
        """When Stripe said what the object says; Unix seconds."""
        return self.fetched or self.created

    def to_json(self) -> dict[str, Any]:
        facts = orjson.loads(orjson.dumps(self))  # at a tenth of the time that `asdict` takes
        price = facts["subscription"] and facts["subscription"]["price"]
        for name in NEW_FIELDS:
            if price and not price[name]:
                del price[name]
        return facts

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "EventFacts":
        """From what this release has stored, or one before or after it."""
        facts = dict(data)
        if data["customer"]:
            facts["customer"] = _from_known(CustomerFacts, data["customer"])
        if data["subscription"]:
            subscription = dict(data["subscription"])
            if subscription["price"]:
                subscription["price"] = _from_known(PriceFacts, subscription["price"])
            facts["subscription"] = _from_known(SubscriptionFacts, subscription)
        if data["invoice"]:
            facts["invoice"] = _from_known(InvoiceFacts, data["invoice"])
        return _from_known(cls, facts)


def _from_known(kind: type, data: dict[str, Any]) -> Any:
    """Without the fields that only another release knows."""
    return kind(**{name: value for name, value in data.items() if name in kind.__dataclass_fields__})


@dataclass(frozen=True)
class MinimisedEvent:
    facts: EventFacts
    fields_read: list[str]
    fields_dropped: int


class NotAnEvent(ValueError):
    """The JSON is not a Stripe event: no id, type or time, or not an object at all."""


def to_datetime(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def minimise(event: Any) -> MinimisedEvent:
    """The facts of one event of any API version. Raises NotAnEvent."""
    reader = Reader(event)
    is_thin = reader.raw("object") == "v2.core.event"
    event_id, kind = reader.identifier("id"), (reader.identifier("type") or "").removeprefix("v1.")
    created = reader.time("created") if is_thin else reader.timestamp("created")
    if event_id is None or not kind or created is None:
        raise NotAnEvent("no id, type or created")
    body, related = reader.inside("data", "object"), reader.inside("related_object")
    expected, wrong_object = expected_object(kind), None
    found = related.identifier("type") if is_thin else body.identifier("object")
    if expected and found not in (None, expected):
        expected, wrong_object = None, found
    about: dict[str, Any] = {}
    if expected:
        about[expected] = READERS[expected](body)
    if "invoice" in about and kind in STATUS_BY_EVENT_TYPE:  # which goes before the status in its snapshot
        about["invoice"] = replace(about["invoice"], status=STATUS_BY_EVENT_TYPE[kind])
    facts = EventFacts(
        id=event_id,
        type=kind[:100],
        created=created,
        livemode=reader.flag("livemode"),
        is_thin=is_thin,
        related_id=related.identifier("id"),
        account=reader.identifier("account") or (reader.identifier("context") or "").rpartition("/")[2] or None,
        wrong_object=wrong_object,
        previous_status=reader.inside("data", "previous_attributes").text("status"),
        **about,
    )
    return MinimisedEvent(facts, sorted(reader.read), max(count_values(event) - len(reader.read), 0))


def expected_object(kind: str) -> str | None:
    """What an event of this type is about, as its object calls itself; None for types that mani has no use for."""
    if kind in ("customer.created", "customer.updated", "customer.deleted"):
        return "customer"
    if kind.startswith("customer.subscription."):
        return "subscription"
    return "invoice" if kind.startswith("invoice.") else None


def read_customer(reader: Reader) -> CustomerFacts | None:
    customer_id = reader.identifier("id")
    if customer_id is None:
        return None
    return CustomerFacts(customer_id, reader.text("name"), reader.timestamp("created"), reader.flag("deleted"))


def read_subscription(reader: Reader) -> SubscriptionFacts | None:
    subscription_id = reader.identifier("id")
    if subscription_id is None:
        return None
    price, quantity = None, 1
    period_start, period_end = reader.timestamp("current_period_start"), reader.timestamp("current_period_end")
    for item in list(reader.each("items")) or [reader]:
        # The item for which most is paid names the tier, or else the first one.
        item_price = read_price(item.inside("price")) or read_price(item.inside("plan"))
        number = 1 if item.number("quantity") is None else min(item.number("quantity"), MAX_QUANTITY)
        if item_price and (price is None or item_price.monthly(number) > price.monthly(quantity)):
            price, quantity = item_price, number
        period_start = max(period_start or 0, item.timestamp("current_period_start") or 0) or None
        period_end = max(period_end or 0, item.timestamp("current_period_end") or 0) or None
    cancellation = reader.inside("cancellation_details")
    cancels_at = reader.timestamp("cancel_at")
    if reader.flag("cancel_at_period_end"):
        cancels_at = cancels_at or period_end
    return SubscriptionFacts(
        id=subscription_id,
        customer=_customer_of(reader),
        status=reader.word("status", 30),
        created=reader.timestamp("created"),
        started=reader.timestamp("start_date") or reader.timestamp("start"),
        ended=reader.timestamp("ended_at"),
        period_start=period_start,
        billing_anchor=reader.timestamp("billing_cycle_anchor"),
        latest_invoice=reader.identifier("latest_invoice"),
        quantity=quantity,
        price=price,
        collection_method=reader.identifier("collection_method") or reader.identifier("billing"),
        is_paused=isinstance(reader.raw("pause_collection"), dict),
        trial_end=reader.timestamp("trial_end"),
        cancels_at=cancels_at,
        cancellation_feedback=cancellation.word("feedback", 40),
        cancellation_reason=cancellation.word("reason", 40),
        period_end=period_end,
    )


def _customer_of(reader: Reader) -> str | None:
    """The customer of a subscription or invoice; an account where the owner uses accounts as customers."""
    return reader.identifier("customer") or reader.identifier("customer_account")


def read_invoice(reader: Reader) -> InvoiceFacts:
    """A renewal's invoice opens the period that a line of it begins, if the plan is billed in advance.

    A metered line looks back: then the new period begins where the invoice's own ends, since an invoice's period is
    the one that has just passed. Items that were added to the invoice have times of their own, which open no period.
    """
    subscription, period_start = _subscription_of(reader), reader.timestamp("period_end")
    for line in reader.each("lines"):
        subscription = subscription or _subscription_of(line)
        start = line.inside("period").timestamp("start")
        details = line.inside("parent", "subscription_item_details")
        was_added = line.text("type") == "invoiceitem" or line.inside("parent").text("type") == "invoice_item_details"
        is_proration = line.flag("proration") or details.flag("proration")
        if start is not None and not was_added and not is_proration:
            period_start = max(start, period_start or 0)
    return InvoiceFacts(
        id=reader.identifier("id"),
        customer=_customer_of(reader),
        subscription=subscription,
        billing_reason=reader.word("billing_reason", 40),
        status=reader.word("status", 20),
        period_start=period_start,
        paid_at=reader.inside("status_transitions").timestamp("paid_at"),
        has_failed=bool(reader.number("attempt_count")) or reader.raw("status") == "overdue",
        account_name=reader.text("account_name"),
    )


def _subscription_of(reader: Reader) -> str | None:
    """The subscription that an invoice or a line names: directly, or since 2025-03-31 under `parent`."""
    return (
        reader.identifier("subscription")
        or reader.inside("parent", "subscription_details").identifier("subscription")
        or reader.inside("parent", "subscription_item_details").identifier("subscription")
    )


READERS = {"customer": read_customer, "subscription": read_subscription, "invoice": read_invoice}  # of objects by name
