"""What happened in a customer's life: an event, or a change that the sync found, becomes moments. Pure, no I/O.

The same moment has the same key whichever source saw it:

    new_customer:<customer>   renewed:<subscription>:<period start>
    payment_failed:<invoice>  cancelled:<subscription>
"""

from dataclasses import dataclass

from manimod.stripe.payloads import (
    LIVE_STATUSES,
    PAID_EVENT_TYPES,
    UNPAID_STATUSES,
    CustomerFacts,
    EventFacts,
    InvoiceFacts,
    SubscriptionFacts,
)

# Why an event of this type makes no moment, unless a rule below says otherwise.
REASON_BY_TYPE = {
    "customer.updated": "a change of the customer's profile makes no moment",
    "customer.deleted": "the event names no customer",
    "customer.subscription.created": "the subscription has not started: its first payment is open",
    "customer.subscription.trial_will_end": "a trial that is about to end makes no moment",
    "invoice.upcoming": "an upcoming renewal makes no moment until it is paid",
    "invoice.payment_action_required": "the customer is asked to confirm the payment: not failed yet",
}
# Why an invoice with this billing reason, paid or failed, makes no moment.
REASON_BY_BILLING_REASON = {
    "subscription_create": "the first invoice of a subscription is no renewal",
    "subscription_update": "an invoice for a change of plan is no renewal",
    "subscription_threshold": "an invoice at a usage threshold is no renewal",
    "manual": "a one-off invoice has nothing to do with a renewal",
    None: "the invoice doesn't say why it was made; the sync finds a renewal",
}


@dataclass(frozen=True)
class DetectedMoment:
    """What happened, to whom, and when (Unix seconds). `dedupe_key` tells it from others of its kind."""

    kind: str
    dedupe_key: str
    customer: str | None
    subscription: str | None
    occurred: int

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.dedupe_key}"


@dataclass(frozen=True)
class Withdrawal:
    """Open moments that no longer hold: the one with `key`, or those of a subscription or customer up to `until`."""

    kind: str
    key: str | None = None
    subscription: str | None = None
    customer: str | None = None
    until: int = 0

    def to_json(self) -> dict[str, str]:
        named = {"key": self.key, "subscription": self.subscription, "customer": self.customer}
        return {"kind": self.kind, **{name: value for name, value in named.items() if value}}


@dataclass(frozen=True)
class Interpretation:
    """What one event or change means. `reason` says why there is no moment."""

    moments: tuple[DetectedMoment, ...] = ()
    withdrawals: tuple[Withdrawal, ...] = ()
    erases: str | None = None  # a customer
    reason: str | None = None


def nothing(reason: str, *withdrawals: Withdrawal) -> Interpretation:
    return Interpretation(withdrawals=withdrawals, reason=reason)


def interpret(event: EventFacts) -> Interpretation:
    """What an event means, for every API version."""
    if event.is_thin:
        return nothing("thin event without its object; the poll or the sync finds what changed")
    if event.subscription:
        return _interpret_subscription(event, event.subscription)
    if event.invoice:
        return _interpret_invoice(event, event.invoice)
    if event.type == "customer.created":
        customer_id = event.customer_id
        moment = DetectedMoment("new_customer", customer_id or event.id, customer_id, None, event.created)
        return Interpretation((moment,))
    if event.type == "customer.deleted" and event.customer:
        return Interpretation(erases=event.customer.id, reason="a deleted customer is erased, not won back")
    return nothing(REASON_BY_TYPE.get(event.type, "this type of event makes no moment"))


def _interpret_subscription(event: EventFacts, subscription: SubscriptionFacts) -> Interpretation:
    change = event.type.removeprefix("customer.subscription.")
    before, status = event.previous_status, subscription.status
    if change == "deleted" or (change == "updated" and status == "canceled"):
        return Interpretation((_cancelled(subscription, event.created),))
    returns = ()
    if event.customer_id:
        returns = (Withdrawal("cancelled", customer=event.customer_id, until=event.created),)
    if change == "created" and status in LIVE_STATUSES:
        return nothing("a subscription started: it names the tier of its new customer", *returns)
    if change == "resumed" or (before == "paused" and status in LIVE_STATUSES):
        return nothing("a subscription was resumed", *returns)
    if change == "updated" and before in UNPAID_STATUSES and status == "active":
        recovered = Withdrawal("payment_failed", subscription=subscription.id, until=event.created)
        return nothing("the subscription is paid again", recovered)
    if before == "trialing" and status == "active" and change != "trial_will_end":
        return nothing("a trial became a paid subscription: neither new nor a renewal")
    otherwise = "a change inside a subscription makes no moment; renewals and failures come with the invoice"
    return nothing(REASON_BY_TYPE.get(event.type, otherwise))


def _interpret_invoice(event: EventFacts, invoice: InvoiceFacts) -> Interpretation:
    is_paid = event.type in PAID_EVENT_TYPES
    if not is_paid and event.type != "invoice.payment_failed":
        return nothing(REASON_BY_TYPE.get(event.type, "an invoice that is neither paid nor failed makes no moment"))
    recovered = ()
    if is_paid and invoice.id:
        recovered = (Withdrawal("payment_failed", key=f"payment_failed:{invoice.id}", until=event.created),)
    if invoice.billing_reason != "subscription_cycle":
        reason = REASON_BY_BILLING_REASON.get(invoice.billing_reason, "the invoice was not made by a renewal")
        return nothing(reason, *recovered)
    if is_paid:
        if not invoice.subscription or invoice.period_start is None:
            return nothing("the invoice names no subscription or period; the sync finds the renewal", *recovered)
        kind, dedupe_key = "renewed", f"{invoice.subscription}:{invoice.period_start}"
    else:
        if not invoice.id:
            return nothing("the failed invoice has no id")
        kind, dedupe_key = "payment_failed", invoice.id
    moment = DetectedMoment(kind, dedupe_key, invoice.customer, invoice.subscription, event.created)
    return Interpretation((moment,), recovered)


def paid_invoice(event: EventFacts) -> str | None:
    """The invoice that an event says was paid."""
    return event.invoice.id if event.invoice and event.type in PAID_EVENT_TYPES else None


def found_customer(customer: CustomerFacts) -> Interpretation:
    """A customer that the sync met: the same moment that the event makes."""
    return Interpretation((DetectedMoment("new_customer", customer.id, customer.id, None, customer.created or 0),))


def _cancelled(subscription: SubscriptionFacts, read: int) -> DetectedMoment:
    occurred = subscription.ended or read
    return DetectedMoment("cancelled", subscription.id, subscription.customer, subscription.id, occurred)


@dataclass(frozen=True)
class Baseline:
    """What the last sync saw of a subscription. All None: the sync has never seen it."""

    status: str | None = None
    period_start: int | None = None
    billing_anchor: int | None = None


def compare(before: Baseline, now: SubscriptionFacts, connected: int, read: int) -> Interpretation:
    """What changed in a subscription between two syncs.

    `connected` and `read` are Unix seconds: changes that predate the connection are ignored, and `read` is when the
    sync looked, for changes that carry no time of their own.
    """
    moments: list[DetectedMoment] = []
    withdrawals: list[Withdrawal] = []
    if now.status == "canceled" and before.status != "canceled" and (before.status or (now.ended or 0) >= connected):
        moments.append(_cancelled(now, read))
    if now.status in UNPAID_STATUSES and before.status not in UNPAID_STATUSES and now.latest_invoice:
        moments.append(DetectedMoment("payment_failed", now.latest_invoice, now.customer, now.id, read))
    if now.status == "active" and _is_renewal(before, now, connected):
        dedupe_key = f"{now.id}:{now.period_start}"
        moments.append(DetectedMoment("renewed", dedupe_key, now.customer, now.id, now.period_start or read))
    if now.status == "active" and before.status in UNPAID_STATUSES:
        withdrawals.append(Withdrawal("payment_failed", subscription=now.id, until=read))
    if now.status in LIVE_STATUSES and before.status is None and now.customer:
        withdrawals.append(Withdrawal("cancelled", customer=now.customer, until=now.created or 0))
    return Interpretation(tuple(moments), tuple(withdrawals))


def _is_renewal(before: Baseline, now: SubscriptionFacts, connected: int) -> bool:
    """Whether a new period began by renewal; a changed billing anchor means a change of plan instead."""
    if now.period_start is None:
        return False
    if before.period_start is None:
        begun = now.started or now.created or now.period_start
        return now.period_start > begun and now.period_start >= connected
    return now.period_start > before.period_start and now.billing_anchor == before.billing_anchor
