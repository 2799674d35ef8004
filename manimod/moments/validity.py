"""Whether a moment holds, judged by all that is known of its customer. Pure, no I/O.

The order in which events and syncs arrive makes no difference: the same facts give the same answer.

| moment         | no moment at all                        | withdrawn while, or once                             |
|----------------|-----------------------------------------|------------------------------------------------------|
| new_customer   | the customer had a subscription before  | no subscription's first payment ever came            |
| renewed        | the period starts with the end of a     | the period's invoice is open, void or uncollectible  |
|                | trial, or is the first full one of an   |                                                      |
|                | anchored subscription                   |                                                      |
| payment_failed |                                         | the invoice is paid, void or uncollectible, or the   |
|                |                                         | subscription is no longer past due, or has ended     |
|                |                                         | and the customer has another                         |
| cancelled      | its first payment never came            | another subscription runs or is in dunning, or ended |
|                |                                         | later                                                |

Live accounts have one more rule: a customer gets the ads of one moment at a time, see `find_reasons`.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from manimod.lifecycle import KINDS
from manimod.models import Invoice, Subscription
from manimod.moments.interpret import DetectedMoment
from manimod.stripe.payloads import LIVE_STATUSES, UNPAID_STATUSES

RUNNING_STATUSES = (*LIVE_STATUSES, *UNPAID_STATUSES)  # whoever has one of these has not left
UNUSED_STATUSES = ("incomplete", "incomplete_expired")  # the first payment has not come
PRIORITIES = {kind: place for place, kind in enumerate(KINDS)}
INVOICE_REASONS = {
    "paid": "the invoice was paid",
    "void": "the invoice was voided",
    "uncollectible": "the invoice was written off",
}


@dataclass
class KnownCustomer:
    """What is known of one customer: subscriptions and invoices by their ids."""

    subscriptions: dict[str, Subscription] = field(default_factory=dict)
    invoices: dict[str, Invoice] = field(default_factory=dict)


def why_never(moment: DetectedMoment, customer: KnownCustomer) -> str | None:
    """Why this is no moment, whatever happens later; None if it is one."""
    own = customer.subscriptions.get(moment.subscription)
    if own is None:
        return None
    if moment.kind == "new_customer":
        for other in customer.subscriptions.values():
            is_earlier = (other.created_at, other.stripe_id) < (own.created_at, own.stripe_id)
            if is_earlier and other.status not in UNUSED_STATUSES:
                return "the customer had a subscription before"
    if moment.kind == "renewed":
        period_start = _period_start(moment)
        if period_start == own.trial_end:
            return "the first payment after a trial is no renewal"
        started = own.started_at or own.created_at
        if period_start == own.billing_anchor and period_start > started.timestamp():
            return "the first full period of a subscription is no renewal"
    if moment.kind == "cancelled" and own.status == "incomplete_expired":
        return "the subscription never started: its first payment never came"
    return None


def why_withdrawn(moment: DetectedMoment, customer: KnownCustomer) -> str | None:
    """Why the moment does not hold now; None if it holds."""
    never = why_never(moment, customer)
    if never:
        return never
    if moment.kind == "new_customer":
        statuses = {subscription.status for subscription in customer.subscriptions.values()}
        return "the first payment never came" if statuses == {"incomplete_expired"} else None
    if moment.kind == "renewed":
        return _why_not_renewed(moment, customer)
    if moment.kind == "payment_failed":
        return _why_not_failed(moment, customer)
    return _why_not_cancelled(moment, customer)


def _why_not_renewed(moment: DetectedMoment, customer: KnownCustomer) -> str | None:
    """Without a known invoice, the moment is the sync's, which waits until the payment is decided."""
    own = customer.subscriptions.get(moment.subscription)
    reason = None
    for invoice in customer.invoices.values():
        is_renewal = invoice.billing_reason == "subscription_cycle" and invoice.period_start == _period_start(moment)
        if not is_renewal or invoice.stripe_subscription_id != moment.subscription:
            continue
        if invoice.status == "paid":
            return None
        is_settled = own and own.recovered_at and own.recovered_at >= int(invoice.observed_at.timestamp())
        if invoice.status != "open" or not is_settled:
            reason = INVOICE_REASONS.get(invoice.status, "the invoice of the new period isn't paid")
    return reason


def _why_not_failed(moment: DetectedMoment, customer: KnownCustomer) -> str | None:
    invoice = customer.invoices.get(moment.dedupe_key)
    if invoice and invoice.status in INVOICE_REASONS:
        return INVOICE_REASONS[invoice.status]
    own = customer.subscriptions.get(moment.subscription)
    if own and own.recovered_at and own.recovered_at >= moment.occurred:
        return "the subscription is no longer past due"
    if own and own.status == "canceled" and _has_another(moment, customer):
        return "the subscription has ended, and the customer has another"
    return None


def _has_another(moment: DetectedMoment, customer: KnownCustomer) -> bool:
    """Whether another subscription runs than the moment's. However clocks differ, none ends its own moments."""
    others = (row for row in customer.subscriptions.values() if row.stripe_id != moment.subscription)
    return any(other.status in RUNNING_STATUSES for other in others)


def _why_not_cancelled(moment: DetectedMoment, customer: KnownCustomer) -> str | None:
    if _has_another(moment, customer):
        return "the customer has another subscription"
    own = customer.subscriptions.get(moment.subscription)
    for other in customer.subscriptions.values():
        if own and own.ended_at and other.status == "canceled" and _end(other) > _end(own):
            return "another subscription of the customer ended later"
    return None


def _end(subscription: Subscription) -> tuple[datetime, str]:
    """When a cancelled subscription ended; of two in one second, the ids decide."""
    return subscription.ended_at or subscription.observed_at, subscription.stripe_id


def find_reasons(
    moments: Collection[DetectedMoment], customer: KnownCustomer, now: datetime, one_at_a_time: bool
) -> dict[str, str | None]:
    """Why each of a customer's moments is withdrawn, by key; None for those that hold.

    `one_at_a_time`: of the moments that hold and whose ads may still run, those of weaker kinds than the strongest one
    are withdrawn. The order of KINDS is the order of strength.
    """
    reasons = {moment.key: why_withdrawn(moment, customer) for moment in moments}
    if not one_at_a_time:
        return reasons
    rivals = []
    for moment in moments:
        if reasons[moment.key] is None and may_run(moment.kind, moment.occurred, now):
            rivals.append(moment)
    strongest = max((moment.kind for moment in rivals), key=PRIORITIES.get, default=None)
    for moment in rivals:
        if PRIORITIES[moment.kind] < PRIORITIES[strongest]:
            reasons[moment.key] = f"{KINDS[strongest].noun} goes before it"
    return reasons


def may_run(kind: str, occurred: int, now: datetime) -> bool:
    """Whether ads for a moment of `occurred` (Unix seconds) may still run."""
    return occurred + timedelta(days=KINDS[kind].runs[1]).total_seconds() > now.timestamp()


def _period_start(moment: DetectedMoment) -> int:
    return int(moment.dedupe_key.rpartition(":")[2])
