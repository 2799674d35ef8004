"""What mani keeps of Stripe's objects: the allow-list, for every API version since 2017.

Nothing that is not named here leaves this module, whatever Stripe sends. Each event also gets a ledger: the fields
that were read and the number of fields that were dropped. Shapes: Stripe API reference and captured events of 20
API versions; since 2025-03-31 an invoice names its subscription under `parent`, and periods stand on the items.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any


def to_datetime(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


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

MAX_NUMBER = 2**53
MAX_TIMESTAMP = 253_370_764_800  # the year 9999
MAX_TEXT_LENGTH = 255
MONTHLY = {"day": 365 / 12, "week": 52 / 12, "month": 1.0, "year": 1 / 12}  # how often an interval fits a month


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
        """The list price a month in minor units; None where there is no fixed recurring price."""
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

    def to_json(self) -> dict:
        """Like dataclasses.asdict, which copies everything twice."""
        plain = {name: _plain(getattr(self, name)) for name in ("customer", "subscription", "invoice")}
        if self.subscription:
            plain["subscription"]["price"] = _plain(self.subscription.price)
        return {**vars(self), **plain}

    @classmethod
    def from_json(cls, data: dict) -> "EventFacts":
        customer, subscription, invoice = data["customer"], data["subscription"], data["invoice"]
        if subscription:
            price = subscription["price"]
            subscription = SubscriptionFacts(**{**subscription, "price": PriceFacts(**price) if price else None})
        return cls(
            **{
                **data,
                "customer": CustomerFacts(**customer) if customer else None,
                "subscription": subscription,
                "invoice": InvoiceFacts(**invoice) if invoice else None,
            }
        )


def _plain(facts: Any) -> dict | None:
    return dict(vars(facts)) if facts else None


@dataclass(frozen=True)
class MinimisedEvent:
    facts: EventFacts
    fields_read: list[str]
    fields_dropped: int


class NotAnEvent(ValueError):
    """The JSON is not a Stripe event: no id, type or time, or not an object at all."""


class Reader:
    """Takes named fields out of untrusted JSON and checks their types; for events it also remembers which it took."""

    __slots__ = ("data", "path", "taken")

    def __init__(self, data: Any, path: str = "", taken: set[str] | None = None) -> None:
        self.data = data if isinstance(data, (dict, list)) else None
        self.path = path
        self.taken = taken

    def raw(self, name: str) -> Any:
        return self.data.get(name) if isinstance(self.data, dict) else None

    def inside(self, name: str) -> "Reader":
        return Reader(self.raw(name), f"{self.path}{name}.", self.taken)

    def each(self, name: str) -> Iterator["Reader"]:
        """The members of a list, or of a Stripe list object (`{"data": [...]}`)."""
        holder = self.raw(name)
        members = holder.get("data") if isinstance(holder, dict) else holder
        path = f"{self.path}{name}[]."
        for member in members if isinstance(members, list) else ():
            yield Reader(member, path, self.taken)

    def text(self, name: str) -> str | None:
        value = self.raw(name)
        if not isinstance(value, str) or not value:
            return None
        self._take(name)
        return clean(value)

    def identifier(self, name: str) -> str | None:
        """The id of a reference, which may be expanded to the whole object. Too long an id is none at all."""
        value = self.raw(name)
        if isinstance(value, str) and 0 < len(value) <= MAX_TEXT_LENGTH and value.isprintable():
            if self.taken is not None:
                self._take(name)
            return value
        return self.inside(name).identifier("id") if isinstance(value, dict) else None

    def number(self, name: str) -> int | None:
        value = self.raw(name)
        if type(value) is not int or not 0 <= value <= MAX_NUMBER:
            return None
        self._take(name)
        return value

    def moment(self, name: str) -> int | None:
        """Unix seconds, up to the year 9999."""
        value = self.number(name)
        return value if value is not None and value < MAX_TIMESTAMP else None

    def flag(self, name: str) -> bool:
        value = self.raw(name)
        if value is None:
            return False
        self._take(name)
        return value is True

    def _take(self, name: str) -> None:
        if self.taken is not None:
            self.taken.add(self.path + name)


def clean(text: str) -> str:
    """Text that every database and page can hold: no NUL, no lone surrogate, a bounded length."""
    return text.encode("utf-8", "replace").decode().replace("\0", "")[:MAX_TEXT_LENGTH]


def minimise(event: Any) -> MinimisedEvent:
    """The facts of one event of any API version. Raises NotAnEvent."""
    reader = Reader(event, taken=set())
    event_id, kind, created = reader.identifier("id"), reader.identifier("type"), reader.moment("created")
    is_thin = reader.raw("object") == "v2.core.event"
    if event_id is None or kind is None or (created is None and not is_thin):
        raise NotAnEvent("no id, type or created")
    body = reader.inside("data").inside("object")
    facts = EventFacts(
        id=event_id,
        type=kind[:100],
        created=created or 0,
        livemode=reader.flag("livemode"),
        is_thin=is_thin,
        previous_status=reader.inside("data").inside("previous_attributes").text("status"),
        **_object_facts(kind, body),
    )
    return MinimisedEvent(facts, sorted(reader.taken), max(count_fields(event) - len(reader.taken), 0))


def _object_facts(kind: str, body: Reader) -> dict:
    if kind.startswith("customer.subscription."):
        return {"subscription": read_subscription(body)}
    if kind in ("customer.created", "customer.updated", "customer.deleted"):
        return {"customer": read_customer(body)}
    if kind.startswith("invoice."):
        return {"invoice": read_invoice(body)}
    return {}


def read_customer(reader: Reader) -> CustomerFacts | None:
    customer_id = reader.identifier("id")
    if customer_id is None:
        return None
    return CustomerFacts(customer_id, reader.text("name"), reader.moment("created"), reader.flag("deleted"))


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
        created=reader.moment("created"),
        started=reader.moment("start_date") or reader.moment("start"),
        ended=reader.moment("ended_at"),
        period_start=_latest(r.moment("current_period_start") for r in [reader, *items]),
        billing_anchor=reader.moment("billing_cycle_anchor"),
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
    return PriceFacts(
        id=price_id,
        product=reader.identifier("product"),
        product_name=(reader.inside("product") if reader.raw("product") else reader).text("name"),
        nickname=reader.text("nickname"),
        currency=(reader.identifier("currency") or "")[:3] or None,
        amount=None
        if terms.raw("usage_type") == "metered"
        else (amount if amount is not None else reader.number("amount")),
        interval=_interval(terms),
        interval_count=min(terms.number("interval_count") or 1, 1000),
    )


def _interval(terms: Reader) -> str | None:
    interval = terms.identifier("interval")
    return interval if interval in MONTHLY else None


def _leading_item(items: list[Reader]) -> tuple[PriceFacts | None, int]:
    """The item that names the tier: the highest monthly list price, the first where there is none."""
    priced = [(read_price(item.inside("price")) or read_price(item.inside("plan")), item) for item in items]
    priced = [(price, item) for price, item in priced if price]
    if not priced:
        return None, 1
    price, item = max(priced, key=lambda pair: pair[0].monthly or 0)
    return price, min(item.number("quantity") or 1, 1_000_000)


def _subscription_of(reader: Reader) -> str | None:
    """Where an invoice or a line names its subscription: on itself, or since 2025-03-31 under `parent`."""
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
    end = invoice.moment("period_end")
    starts = [line.inside("period").moment("start") for line in lines if not _is_proration(line)]
    ahead = [start for start in starts if start is not None and (end is None or start >= end)]
    return max(ahead, default=end)


def _is_proration(line: Reader) -> bool:
    details = line.inside("parent")
    return line.flag("proration") or any(
        details.inside(name).flag("proration") for name in ("subscription_item_details", "invoice_item_details")
    )


def _latest(moments: Iterable[int | None]) -> int | None:
    return max((moment for moment in moments if moment is not None), default=None)


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
