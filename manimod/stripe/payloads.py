"""What mani keeps of Stripe's objects: the allow-list, for every API version since 2017.

Nothing that is not named here leaves this module, whatever Stripe sends. Each event also gets a ledger: the fields
that were read and the number of fields that were dropped. Shapes: Stripe API reference and captured events of 20
API versions; since 2025-03-31 an invoice names its subscription under `parent`, and periods stand on the items.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

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
)

LIVE_STATUSES = ("active", "trialing")
UNPAID_STATUSES = ("past_due", "unpaid")
PAID_EVENT_TYPES = ("invoice.paid", "invoice.payment_succeeded")  # the second repeats the first

MAX_TIMESTAMP = 253_370_764_799  # the last second before the year 9999
MAX_TEXT_LENGTH = 255
MONTHLY = {"day": 365 / 12, "week": 52 / 12, "month": 1.0, "year": 1 / 12}  # how many of an interval make a month


@dataclass(frozen=True)
class PriceFacts:
    """A plan of the price list. `amount` is the list price in minor units; None for metered and tiered prices."""

    id: str
    product: str | None = None
    product_name: str | None = None
    nickname: str | None = None
    currency: str | None = None
    amount: int | None = None
    interval: str | None = None
    interval_count: int = 1

    @property
    def monthly(self) -> float | None:
        """The list price per month in minor units; None without a fixed recurring price."""
        if self.amount is None or self.interval not in MONTHLY:
            return None
        return self.amount * MONTHLY[self.interval] / max(self.interval_count, 1)


@dataclass(frozen=True)
class CustomerFacts:
    id: str
    name: str | None = None
    created: int | None = None
    deleted: bool = False


@dataclass(frozen=True)
class SubscriptionFacts:
    """Times are Unix seconds. `price` is the item with the highest monthly list price: the tier."""

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


@dataclass(frozen=True)
class InvoiceFacts:
    """`period_start` is where the period begins that the invoice renews; no amount is kept."""

    id: str | None = None
    customer: str | None = None
    subscription: str | None = None
    billing_reason: str | None = None
    status: str | None = None
    period_start: int | None = None
    account_name: str | None = None


@dataclass(frozen=True)
class EventFacts:
    """An event without anything that mani has no use for. Exactly one of the three objects is set, or none."""

    id: str
    type: str
    created: int
    livemode: bool = False
    is_thin: bool = False
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

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> "EventFacts":
        facts = dict(data)
        if data["customer"]:
            facts["customer"] = CustomerFacts(**data["customer"])
        if data["subscription"]:
            price = data["subscription"]["price"]
            facts["subscription"] = SubscriptionFacts(
                **data["subscription"] | {"price": PriceFacts(**price) if price else None}
            )
        if data["invoice"]:
            facts["invoice"] = InvoiceFacts(**data["invoice"])
        return cls(**facts)


@dataclass(frozen=True)
class MinimisedEvent:
    facts: EventFacts
    fields_read: list[str]
    fields_dropped: int


class NotAnEvent(ValueError):
    """The JSON is not a Stripe event: no id, type or time, or not an object at all."""


@dataclass
class Reader:
    """Reads named fields of untrusted JSON, checks their types and remembers in `read` which ones it read."""

    data: Any
    path: str = ""
    read: set[str] = field(default_factory=set)

    def raw(self, name: str) -> Any:
        return self.data.get(name) if isinstance(self.data, dict) else None

    def inside(self, name: str) -> "Reader":
        return Reader(self.raw(name), f"{self.path}{name}.", self.read)

    def each(self, name: str) -> Iterator["Reader"]:
        """The members of a list, or of a Stripe list object (`{"data": [...]}`)."""
        members = self.raw(name)
        if isinstance(members, dict):
            members = members.get("data")
        for member in members if isinstance(members, list) else ():
            yield Reader(member, f"{self.path}{name}[].", self.read)

    def text(self, name: str) -> str | None:
        """Text that every database and page can hold: no NUL, no lone surrogate, a bounded length."""
        value = self.raw(name)
        if not isinstance(value, str) or not value:
            return None
        self.read.add(self.path + name)
        return value.encode("utf-8", "replace").decode().replace("\0", "")[:MAX_TEXT_LENGTH]

    def identifier(self, name: str) -> str | None:
        """The id of a reference, which may be expanded to the whole object. An id that is too long counts as none."""
        value = self.raw(name)
        if isinstance(value, str) and 0 < len(value) <= MAX_TEXT_LENGTH and value.isprintable():
            self.read.add(self.path + name)
            return value
        return self.inside(name).identifier("id") if isinstance(value, dict) else None

    def number(self, name: str, maximum: int = 2**53) -> int | None:
        value = self.raw(name)
        if type(value) is not int or not 0 <= value <= maximum:
            return None
        self.read.add(self.path + name)
        return value

    def timestamp(self, name: str) -> int | None:
        """Unix seconds, up to the year 9999."""
        return self.number(name, MAX_TIMESTAMP)

    def flag(self, name: str) -> bool:
        value = self.raw(name)
        if value is None:
            return False
        self.read.add(self.path + name)
        return value is True


def to_datetime(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def minimise(event: Any) -> MinimisedEvent:
    """The facts of one event of any API version. Raises NotAnEvent."""
    reader = Reader(event)
    event_id, kind, created = reader.identifier("id"), reader.identifier("type"), reader.timestamp("created")
    is_thin = reader.raw("object") == "v2.core.event"
    if event_id is None or kind is None or (created is None and not is_thin):
        raise NotAnEvent("no id, type or created")
    customer = subscription = invoice = None
    body = reader.inside("data").inside("object")
    if kind.startswith("customer.subscription."):
        subscription = read_subscription(body)
    elif kind in ("customer.created", "customer.updated", "customer.deleted"):
        customer = read_customer(body)
    elif kind.startswith("invoice."):
        invoice = read_invoice(body)
    facts = EventFacts(
        id=event_id,
        type=kind[:100],
        created=created or 0,
        livemode=reader.flag("livemode"),
        is_thin=is_thin,
        previous_status=reader.inside("data").inside("previous_attributes").text("status"),
        customer=customer,
        subscription=subscription,
        invoice=invoice,
    )
    return MinimisedEvent(facts, sorted(reader.read), max(count_fields(event) - len(reader.read), 0))


def read_customer(reader: Reader) -> CustomerFacts | None:
    customer_id = reader.identifier("id")
    if customer_id is None:
        return None
    return CustomerFacts(customer_id, reader.text("name"), reader.timestamp("created"), reader.flag("deleted"))


def read_subscription(reader: Reader) -> SubscriptionFacts | None:
    subscription_id = reader.identifier("id")
    if subscription_id is None:
        return None
    items = list(reader.each("items"))
    price, quantity = _leading_item(items or [reader])
    return SubscriptionFacts(
        id=subscription_id,
        customer=reader.identifier("customer"),
        status=reader.identifier("status"),
        created=reader.timestamp("created"),
        started=reader.timestamp("start_date") or reader.timestamp("start"),
        ended=reader.timestamp("ended_at"),
        period_start=max(filter(None, (r.timestamp("current_period_start") for r in [reader, *items])), default=None),
        billing_anchor=reader.timestamp("billing_cycle_anchor"),
        latest_invoice=reader.identifier("latest_invoice"),
        quantity=quantity,
        price=price,
    )


def read_invoice(reader: Reader) -> InvoiceFacts:
    lines = list(reader.each("lines"))
    return InvoiceFacts(
        id=reader.identifier("id"),
        customer=reader.identifier("customer"),
        subscription=_subscription_of(reader) or next(filter(None, map(_subscription_of, lines)), None),
        billing_reason=reader.identifier("billing_reason"),
        status=reader.identifier("status"),
        period_start=_renewed_period(reader, lines),
        account_name=reader.text("account_name"),
    )


def read_price(reader: Reader) -> PriceFacts | None:
    """A price, or a plan of the years before prices."""
    price_id = reader.identifier("id")
    if price_id is None:
        return None
    terms = reader.inside("recurring") if reader.raw("recurring") else reader
    amount = reader.number("unit_amount")
    if amount is None:
        amount = reader.number("amount")
    interval = terms.identifier("interval")
    return PriceFacts(
        id=price_id,
        product=reader.identifier("product"),
        product_name=(reader.inside("product") if reader.raw("product") else reader).text("name"),
        nickname=reader.text("nickname"),
        currency=(reader.identifier("currency") or "")[:3] or None,
        amount=None if terms.raw("usage_type") == "metered" else amount,
        interval=interval if interval in MONTHLY else None,
        interval_count=min(terms.number("interval_count") or 1, 1000),
    )


def _leading_item(items: list[Reader]) -> tuple[PriceFacts | None, int]:
    """The price and quantity of the item that names the tier: the highest monthly list price, or else the first."""
    leading, quantity = None, 1
    for item in items:
        price = read_price(item.inside("price")) or read_price(item.inside("plan"))
        if price and (leading is None or (price.monthly or 0) > (leading.monthly or 0)):
            leading, quantity = price, min(item.number("quantity") or 1, 1_000_000)
    return leading, quantity


def _subscription_of(reader: Reader) -> str | None:
    """The subscription that an invoice or a line names: directly, or since 2025-03-31 under `parent`."""
    parent = reader.inside("parent")
    return (
        reader.identifier("subscription")
        or parent.inside("subscription_details").identifier("subscription")
        or parent.inside("subscription_item_details").identifier("subscription")
    )


def _renewed_period(invoice: Reader, lines: list[Reader]) -> int | None:
    """Where the period begins that a renewal's invoice opens.

    A plan billed in advance says so in its line. A metered line looks back: then it is where the invoice's own
    period ends, since an invoice's period is the one that has just passed.
    """
    end = invoice.timestamp("period_end")
    latest = end
    for line in lines:
        details = line.inside("parent")
        holders = (line, details.inside("subscription_item_details"), details.inside("invoice_item_details"))
        start = line.inside("period").timestamp("start")
        if start is None or any(holder.flag("proration") for holder in holders):
            continue
        latest = start if latest is None else max(latest, start)
    return latest


def count_fields(data: Any) -> int:
    """How many values a JSON document holds, nested ones counted one by one."""
    if not isinstance(data, (dict, list)):
        return 1
    total, stack = 0, [data]
    while stack:
        holder = stack.pop()
        for value in holder.values() if isinstance(holder, dict) else holder:
            if isinstance(value, (dict, list)):
                stack.append(value)
            else:
                total += 1
    return total
