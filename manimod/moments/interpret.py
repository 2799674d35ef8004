"""What happened in a customer's life: an event, or a change that the sync found, becomes moments. Pure, no I/O.

The same moment has the same key whichever source saw it:

    new_customer:<customer>   renewed:<subscription>:<period start>
    payment_failed:<invoice>  cancelled:<subscription>

| event                                                 | means                                         |
|-------------------------------------------------------|-----------------------------------------------|
| customer.created                                      | new_customer                                  |
| customer.subscription.created, or its first payment   | new_customer, if the customer never had one   |
| invoice.paid, billing reason subscription_cycle       | renewed                                       |
| invoice.payment_failed or invoice.overdue, billing    | payment_failed                                |
| reason subscription_cycle, _update or _threshold      |                                               |
| customer.subscription.deleted, status canceled        | cancelled                                     |
| customer.deleted                                      | none: the customer is erased                  |

validity.py says when a moment holds no longer, or never did; compare.py what the sync finds without events.
"""

from dataclasses import dataclass

from manimod.lifecycle import KINDS
from manimod.stripe.payloads import (
    FAILED_EVENT_TYPES,
    LIVE_STATUSES,
    PAID_EVENT_TYPES,
    SETTLED_STATUSES,
    UNPAID_STATUSES,
    CustomerFacts,
    EventFacts,
    InvoiceFacts,
    SubscriptionFacts,
)

DAY_SECONDS = 86_400
# Why an event of this type makes no moment, unless a rule below says otherwise.
REASON_BY_TYPE = {
    "customer.updated": "a change of the customer's profile makes no moment",
    "customer.deleted": "the event names no customer",
    "customer.subscription.created": "the subscription has not started: its first payment is open",
    "customer.subscription.trial_will_end": "a trial that is about to end makes no moment",
    "invoice.upcoming": "an upcoming renewal makes no moment until it is paid",
    "invoice.payment_action_required": "the customer is asked to confirm the payment: not failed yet",
}
# Why an invoice with this billing reason makes no moment, once it is paid.
PAID_REASONS = {
    "subscription_create": "the first invoice of a subscription is no renewal",
    "subscription_update": "an invoice for a change of plan is no renewal",
    "subscription_threshold": "an invoice at a usage threshold is no renewal",
    "manual": "a one-off invoice has nothing to do with a renewal",
    None: "the invoice doesn't say why it was made; the sync finds a renewal",
}
# The same, once its payment has failed or it is overdue. None: it is a failed payment.
FAILED_REASONS = {
    "subscription_cycle": None,
    "subscription_update": None,
    "subscription_threshold": None,
    "subscription_create": "the first payment of a subscription failed: nobody became a customer",
    "manual": "a one-off invoice has nothing to do with a subscription",
    None: "the invoice doesn't say why it was made; the sync finds a failed payment",
}
OTHER_REASON = "the invoice was not made by a renewal"


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
    """Which open moments an event ends: the one with `key`, or those of a subscription or customer."""

    kind: str
    key: str | None = None
    subscription: str | None = None
    customer: str | None = None

    def to_json(self) -> dict[str, str]:
        named = {"key": self.key, "subscription": self.subscription, "customer": self.customer}
        return {"kind": self.kind, **{name: value for name, value in named.items() if value}}


@dataclass(frozen=True)
class Interpretation:
    """What one event or change means. `reason` says why there is no moment.

    `welcome` is a moment if the subscription is the customer's first, which only the replica knows.
    """

    moments: tuple[DetectedMoment, ...] = ()
    welcome: DetectedMoment | None = None
    withdrawals: tuple[Withdrawal, ...] = ()
    erases: str | None = None  # a customer
    reason: str | None = None


def nothing(reason: str, *withdrawals: Withdrawal) -> Interpretation:
    return Interpretation(withdrawals=withdrawals, reason=reason)


def interpret(event: EventFacts) -> Interpretation:
    """What an event means, for every API version."""
    if event.is_thin and event.fetched is None:
        return nothing("a thin event names its object; what it means is known once the object is fetched")
    if event.wrong_object:
        return nothing(f"the event is about another object than its type says: {event.wrong_object[:40]}")
    if event.subscription:
        return _interpret_subscription(event, event.subscription)
    if event.invoice:
        return _interpret_invoice(event, event.invoice)
    if event.deletes_customer:
        return Interpretation(erases=event.customer_id, reason="a deleted customer is erased, not won back")
    if event.type == "customer.created":
        customer_id = event.customer_id
        moment = DetectedMoment("new_customer", customer_id or event.id, customer_id, None, event.created)
        return Interpretation((moment,))
    return nothing(REASON_BY_TYPE.get(event.type, "this type of event makes no moment"))


def _interpret_subscription(event: EventFacts, subscription: SubscriptionFacts) -> Interpretation:
    change = event.type.removeprefix("customer.subscription.")
    before, status = event.previous_status, subscription.status
    if status == "incomplete_expired":
        return nothing("the subscription never started: its first payment never came")
    if change == "deleted" or (change == "updated" and status == "canceled"):
        return Interpretation((cancelled(subscription, event.created),))
    returns = ()
    if event.customer_id:
        returns = (Withdrawal("cancelled", customer=event.customer_id),)
    starts = change == "created" or (change == "updated" and before == "incomplete")
    if starts and status in LIVE_STATUSES:
        reason = "a subscription started: a moment only if it is the customer's first"
        return Interpretation(welcome=welcome(subscription, event.created), withdrawals=returns, reason=reason)
    if change == "resumed" or (before == "paused" and status in LIVE_STATUSES):
        return nothing("a subscription was resumed", *returns)
    if is_recovery(event):
        return nothing("the subscription is paid again", Withdrawal("payment_failed", subscription=subscription.id))
    if before == "trialing" and status == "active" and change != "trial_will_end":
        return nothing("a trial became a paid subscription: neither new nor a renewal")
    otherwise = "a change inside a subscription makes no moment; renewals and failures come with the invoice"
    return nothing(REASON_BY_TYPE.get(event.type, otherwise))


def is_recovery(event: EventFacts) -> bool:
    """Whether the event says that a subscription is no longer past due."""
    return event.previous_status in UNPAID_STATUSES and event.subscription.status == "active"


def _interpret_invoice(event: EventFacts, invoice: InvoiceFacts) -> Interpretation:
    if event.type in FAILED_EVENT_TYPES:
        reason = FAILED_REASONS.get(invoice.billing_reason, OTHER_REASON)
        if reason or not invoice.id:
            return nothing(reason or "the failed invoice has no id")
        return Interpretation(
            (DetectedMoment("payment_failed", invoice.id, invoice.customer, invoice.subscription, event.created),)
        )
    ended = ()
    if invoice.status in SETTLED_STATUSES and invoice.id:
        ended = (Withdrawal("payment_failed", key=f"payment_failed:{invoice.id}"),)
    if event.type not in PAID_EVENT_TYPES:
        otherwise = "an invoice that is neither paid nor failed makes no moment"
        return nothing(REASON_BY_TYPE.get(event.type, otherwise), *ended)
    if invoice.billing_reason != "subscription_cycle":
        return nothing(PAID_REASONS.get(invoice.billing_reason, OTHER_REASON), *ended)
    if not invoice.subscription or invoice.period_start is None:
        return nothing("the invoice names no subscription or period; the sync finds the renewal", *ended)
    dedupe_key = f"{invoice.subscription}:{invoice.period_start}"
    renewed = DetectedMoment("renewed", dedupe_key, invoice.customer, invoice.subscription, event.created)
    return Interpretation((renewed,), withdrawals=ended)


def welcome(subscription: SubscriptionFacts, read: int) -> DetectedMoment | None:
    """The welcome of a customer whose first subscription this may be; None if it comes too late at `read`."""
    customer, started = subscription.customer, subscription.created or read
    if customer is None or started < read - KINDS["new_customer"].runs[1] * DAY_SECONDS:
        return None
    return DetectedMoment("new_customer", customer, customer, subscription.id, started)


def cancelled(subscription: SubscriptionFacts, read: int) -> DetectedMoment:
    """The end of a subscription, which was seen at `read` (Unix seconds)."""
    occurred = subscription.ended or read
    return DetectedMoment("cancelled", subscription.id, subscription.customer, subscription.id, occurred)


def found_invoice(invoice: InvoiceFacts, read: int) -> Interpretation:
    """An invoice that mani asked for at `read` (Unix seconds): the same moment that its event makes."""
    if invoice.status == "paid" and invoice.billing_reason == "subscription_cycle" and invoice.period_start is not None:
        kind, dedupe_key, occurred = (
            "renewed",
            f"{invoice.subscription}:{invoice.period_start}",
            invoice.paid_at or read,
        )
    elif invoice.status == "open" and invoice.has_failed and FAILED_REASONS.get(invoice.billing_reason, "") is None:
        kind, dedupe_key, occurred = "payment_failed", invoice.id, read
    else:
        return nothing("the invoice is neither a paid renewal nor a failed payment")
    occurred = invoice.paid_at or read
    return Interpretation((DetectedMoment(kind, dedupe_key, invoice.customer, invoice.subscription, occurred),))


def found_customer(customer: CustomerFacts) -> Interpretation:
    """A customer that the sync met: the same moment that the event makes."""
    return Interpretation((DetectedMoment("new_customer", customer.id, customer.id, None, customer.created or 0),))
