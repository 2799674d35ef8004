"""What time and money do to a subscription: it renews, falls behind, recovers, ends.

Statuses and events: Stripe documentation, "How subscriptions work", checked 2026-11-22.
"""

from . import events, invoices, periods

PAYMENT_BEHAVIOURS = ("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")
UPDATED = "customer.subscription.updated"


def period(subscription):
    items = subscription["items"]["data"]
    return items[0]["current_period_start"], items[0]["current_period_end"]


def change(store, ident, kind=UPDATED, **fields):
    before = store.subscriptions.get(ident)
    return events.save(store, "subscriptions", {**before, **fields}, before, kind)


def moved(subscription, bounds):
    """The items with another period."""
    items = subscription["items"]
    moved_to = {"current_period_start": bounds[0], "current_period_end": bounds[1]}
    return {**items, "data": [{**item, **moved_to} for item in items["data"]]}


def next_period(store, subscription):
    """After the period's end, or from now on when the control API renews ahead of time.

    Renewing now, rather than a month ahead, keeps every period of a live customer out of the future; it never starts at
    the second of the period before, because consumers tell renewals apart by it.
    """
    start, end = period(subscription)
    moment, recurring = store.now(subscription), subscription["items"]["data"][0]["price"]["recurring"]
    rule = recurring["interval"], recurring["interval_count"]
    if end <= moment:
        return periods.period_around(subscription["billing_cycle_anchor"], *rule, end), None
    start = max(moment, start + 1)
    return periods.period_around(start, *rule, start), start


def renew(store, ident, succeeds=None):
    """A new period, its invoice (billing_reason subscription_cycle) and the attempt to collect it."""
    subscription = store.subscriptions.get(ident)
    bounds, anchor = next_period(store, subscription)
    past = period(subscription)[0], bounds[0]
    invoice = invoices.draft(store, subscription, "subscription_cycle", bounds, looks_back=past)
    fields = {"items": moved(subscription, bounds), "latest_invoice": invoice["id"]}
    if anchor:
        fields["billing_cycle_anchor"] = anchor
    if subscription["status"] == "trialing":
        fields |= {"status": "active", "trial_end": min(subscription["trial_end"], store.now(subscription))}
    change(store, ident, **fields)
    bill(store, ident, invoice, succeeds)
    return store.subscriptions.get(ident)


def bill(store, ident, invoice, succeeds=None):
    subscription = store.subscriptions.get(ident)
    pause = subscription["pause_collection"]
    if pause:
        if pause["behavior"] == "void":
            invoices.void(store, invoices.finalise(store, invoice))
        return
    invoices.finalise(store, invoice)
    if subscription["collection_method"] == "charge_automatically":
        attempt(store, invoice, succeeds)


def attempt(store, invoice, succeeds=None):
    """Collects an open invoice and lets the subscription follow."""
    paid = invoices.collect(store, invoice, succeeds)
    ident = invoices.subscription_of(invoice)
    if ident:
        (recover if paid else fall_behind)(store, ident, invoice)
    return paid


def recover(store, ident, invoice):
    subscription = store.subscriptions.get(ident)
    if (
        subscription["status"] in ("past_due", "unpaid", "incomplete")
        and subscription["latest_invoice"] == invoice["id"]
    ):
        change(store, ident, status="active")


def fall_behind(store, ident, invoice):
    """Past due at first; when the retries are used up, what the owner's settings say."""
    if store.subscriptions.get(ident)["status"] in ("incomplete", "canceled"):
        return
    change(store, ident, status="past_due")
    if invoice["attempt_count"] < store.settings.retries:
        return
    if store.settings.after_retries == "canceled":
        end(store, ident, "payment_failed")
    elif store.settings.after_retries == "unpaid":
        change(store, ident, status="unpaid")


def invoice_change(store, ident):
    """A change of plan billed at once: billing_reason subscription_update, which is no renewal."""
    subscription = store.subscriptions.get(ident)
    moment = store.now(subscription)
    bounds = moment, period(subscription)[1]
    amount = max(100, subscription["items"]["data"][0]["price"]["unit_amount"] // 2)
    invoice = invoices.draft(store, subscription, "subscription_update", bounds, amount, proration=True)
    change(store, ident, latest_invoice=invoice["id"])
    bill(store, ident, invoice)


def cancellation(subscription, at_period_end, moment):
    details = {"comment": None, "feedback": None, "reason": "cancellation_requested" if at_period_end else None}
    return {
        "cancel_at_period_end": at_period_end,
        "cancel_at": period(subscription)[1] if at_period_end else None,
        "canceled_at": moment if at_period_end else None,
        "cancellation_details": details,
    }


def cancel_at_period_end(store, ident, wanted):
    subscription = store.subscriptions.get(ident)
    return change(store, ident, **cancellation(subscription, wanted, store.now(subscription)))


def end(store, ident, reason, details=None):
    subscription = store.subscriptions.get(ident)
    moment = store.now(subscription)
    subscription |= {"status": "canceled", "ended_at": moment, "cancel_at_period_end": False, "cancel_at": None}
    subscription["canceled_at"] = subscription["canceled_at"] or moment
    subscription["cancellation_details"] |= {**(details or {}), "reason": reason}
    store.subscriptions.save(subscription)
    events.emit(store, "customer.subscription.deleted", subscription)
    return subscription


def end_trial(store, ident):
    """A trial that may not be billed without a payment method pauses instead, when its settings say so."""
    subscription = store.subscriptions.get(ident)
    behaviour = subscription["trial_settings"].get("end_behavior", {}).get("missing_payment_method")
    if behaviour == "pause" and not has_payment_method(store, subscription):
        change(store, ident, status="paused", kind="customer.subscription.paused")
    else:
        renew(store, ident)


def has_payment_method(store, subscription):
    customer = store.customers.get(subscription["customer"])
    settings = customer["invoice_settings"]["default_payment_method"]
    return bool(subscription["default_payment_method"] or settings or customer["default_source"])


def resume(store, ident):
    before = store.subscriptions.get(ident)
    bounds, anchor = next_period(store, before)
    fields = {"status": "active", "items": moved(before, bounds)}
    if anchor:
        fields["billing_cycle_anchor"] = anchor
    after = events.save(store, "subscriptions", {**before, **fields}, before, "customer.subscription.resumed")
    invoice = invoices.draft(store, after, "subscription_cycle", bounds)
    change(store, ident, latest_invoice=invoice["id"])
    bill(store, ident, invoice)
    return store.subscriptions.get(ident)
