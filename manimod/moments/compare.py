"""What the sync finds in a subscription since it last looked, without any event. Pure, no I/O.

Stripe moves a renewed subscription to its new period at once, and leaves it `active` while the invoice is a draft, for
about an hour; then it charges. So a period that has just begun says nothing: the sync decides it once it is
PAYMENT_SECONDS old, and remembers only periods that are decided.
Source: docs.stripe.com/billing/invoices/subscription, "Invoice lifecycle".
"""

from dataclasses import dataclass

from manimod.moments.interpret import DetectedMoment, Interpretation, cancelled, welcome
from manimod.stripe.payloads import LIVE_STATUSES, UNPAID_STATUSES, InvoiceFacts, SubscriptionFacts

DRAFT_SECONDS = 3600
PAYMENT_SECONDS = 2 * 3600  # the draft's hour, and a card's payment after it


@dataclass(frozen=True)
class Baseline:
    """What the last sync saw of a subscription. All None: the sync has never seen it."""

    status: str | None = None
    period_start: int | None = None  # of the last period that was decided
    latest_invoice: str | None = None  # at that time


def compare(before: Baseline, now: SubscriptionFacts, connected: int, read: int) -> Interpretation:
    """What changed in a subscription between two syncs.

    `connected` and `read` are Unix seconds: changes that predate the connection are ignored, and `read` is when the
    sync looked, for changes that carry no time of their own.
    """
    moments: list[DetectedMoment] = []
    if now.status == "canceled" and before.status != "canceled" and (before.status or (now.ended or 0) >= connected):
        moments.append(cancelled(now, read))
    if _has_failed(before, now, read):
        moments.append(DetectedMoment("payment_failed", now.latest_invoice, now.customer, now.id, read))
    if is_decided(now, read) and _is_renewal(before, now, connected):
        occurred = read if before.status in UNPAID_STATUSES else now.period_start
        dedupe_key = f"{now.id}:{now.period_start}"
        moments.append(DetectedMoment("renewed", dedupe_key, now.customer, now.id, occurred))
    started = before.status in (None, "incomplete") and now.status in LIVE_STATUSES
    is_new = started and (now.created or 0) >= connected
    return Interpretation(tuple(moments), welcome=welcome(now, read) if is_new else None)


def is_decided(now: SubscriptionFacts, read: int) -> bool:
    """Whether the payment of the present period can no longer be pending: it came, or no sync will learn of it."""
    if now.status in UNPAID_STATUSES:
        return False  # until it is paid, or the subscription ends
    return not _may_be_charged(now) or now.period_start is None or read - now.period_start >= PAYMENT_SECONDS


def wants_invoices(before: Baseline, now: SubscriptionFacts) -> bool:
    """Whether its invoices say more than the subscription does: its period is new, or it is or was past due."""
    is_running = now.status in (*LIVE_STATUSES, *UNPAID_STATUSES)
    was_unpaid = now.status in UNPAID_STATUSES or before.status in UNPAID_STATUSES
    return is_running and (now.period_start != before.period_start or was_unpaid)


def remember(before: Baseline, now: SubscriptionFacts, read: int, is_open: bool = False) -> Baseline:
    """What the next sync compares with. What is not decided yet stays as it was, so that the next sync decides.

    `is_open`: the invoice of the present period is known, and neither paid nor given up.
    """
    status = now.status
    if now.status == "past_due" and before.status not in UNPAID_STATUSES and not _has_failed(before, now, read):
        status = before.status
    if is_decided(now, read) and not is_open:
        return Baseline(status, now.period_start, now.latest_invoice)
    return Baseline(status, before.period_start, before.latest_invoice)


def unpaid_invoice(before: Baseline, now: SubscriptionFacts, read: int) -> InvoiceFacts | None:
    """The invoice whose payment has failed since the last sync, with as much as the subscription says about it."""
    if not _has_failed(before, now, read):
        return None
    began = before.period_start is not None and (now.period_start or 0) > before.period_start
    is_renewal = began or now.latest_invoice == before.latest_invoice
    return InvoiceFacts(
        id=now.latest_invoice,
        customer=now.customer,
        subscription=now.id,
        billing_reason="subscription_cycle" if is_renewal else None,
        status="open",
        period_start=now.period_start,
    )


def _may_be_charged(now: SubscriptionFacts) -> bool:
    """Whether Stripe charges the period by itself. A sent invoice may stay unpaid for weeks; a pause pays nothing."""
    return now.status == "active" and now.collection_method != "send_invoice" and not now.is_paused


def _has_failed(before: Baseline, now: SubscriptionFacts, read: int) -> bool:
    """Whether a payment has failed since the last sync. In a period's first hour, the latest invoice is a draft."""
    if now.status != "past_due" or now.latest_invoice is None:
        return False
    if now.period_start is not None and read - now.period_start < DRAFT_SECONDS:
        return False
    return before.status not in UNPAID_STATUSES


def _is_renewal(before: Baseline, now: SubscriptionFacts, connected: int) -> bool:
    """Whether a period began since the last one that was decided, other than the first."""
    if not _may_be_charged(now) or now.period_start is None:
        return False
    if before.period_start is not None:
        return now.period_start > before.period_start
    begun = now.started or now.created or now.period_start
    return now.period_start > begun and now.period_start + PAYMENT_SECONDS >= connected
