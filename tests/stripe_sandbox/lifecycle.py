"""What time and money do to a subscription: it renews, falls behind, recovers, ends.

Statuses and events: Stripe documentation, "How subscriptions work", checked 2026-11-22.
"""

from . import cards, events, invoices, periods

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


def rule(subscription):
    recurring = subscription["items"]["data"][0]["price"]["recurring"]
    return recurring["interval"], recurring["interval_count"]


def grow_older(store, ident):
    """Moves a subscription's life back until its running period ends now, so that it renews ahead of time.

    Its anchor stays what it is to the period: all of its past moves by the same time. Only `created` stays, as for a
    subscription that was backdated. The new period never begins at the second of the one before, because consumers
    tell renewals apart by it.
    """
    subscription = store.subscriptions.get(ident)
    (interval, count), (start, end) = rule(subscription), period(subscription)
    moment = store.now(subscription)
    if end <= moment:
        return
    anchor, renews = subscription["billing_cycle_anchor"], max(moment, start + 1)
    number = 0 if anchor >= end else 1  # 0: the first period ends at the anchor
    while True:  # until the day of the month exists at both ends
        back = periods.after_intervals(renews, interval, -number * count)
        if back <= anchor and periods.after_intervals(back, interval, number * count) == renews:
            break
        number += 1
    for name in ("billing_cycle_anchor", "start_date", "trial_start", "trial_end"):
        subscription[name] = subscription[name] and subscription[name] - (anchor - back)
    began = periods.after_intervals(back, interval, (number - 1) * count) if number else start - (anchor - back)
    store.subscriptions.save({**subscription, "items": moved(subscription, (began, renews))})


def renew(store, ident, succeeds=None):
    """A new period, its invoice (billing_reason subscription_cycle) and the attempt to collect it."""
    subscription = store.subscriptions.get(ident)
    if subscription["status"] == "trialing":
        return begin_paying(store, ident, succeeds)
    grow_older(store, ident)
    subscription = store.subscriptions.get(ident)
    ended = period(subscription)
    bounds = periods.period_around(subscription["billing_cycle_anchor"], *rule(subscription), ended[1])
    invoice = invoices.draft(store, subscription, "subscription_cycle", bounds, looks_back=ended)
    change(store, ident, items=moved(subscription, bounds), latest_invoice=invoice["id"])
    bill_after_draft(store, invoice, succeeds)
    return store.subscriptions.get(ident)


def begin_paying(store, ident, succeeds=None):
    """The end of a trial, now or when it was due: the first paid period, which the anchor follows."""
    subscription = store.subscriptions.get(ident)
    start, ends = period(subscription)
    begins = min(ends, max(store.now(subscription), start + 1))
    bounds = periods.period_around(begins, *rule(subscription), begins)
    invoice = invoices.draft(store, subscription, "subscription_cycle", bounds, looks_back=(start, begins))
    fields = {"status": "active", "trial_end": begins, "billing_cycle_anchor": begins}
    change(store, ident, items=moved(subscription, bounds), latest_invoice=invoice["id"], **fields)
    bill_after_draft(store, invoice, succeeds)
    return store.subscriptions.get(ident)


def bill_after_draft(store, invoice, succeeds=None):
    """A renewal's invoice stays a draft for a while, in which the subscription looks active and nothing is paid."""
    wait = store.settings.draft_seconds
    if not wait:
        bill(store, invoice, succeeds)
        return
    subscription = store.subscriptions.get(invoices.subscription_of(invoice))
    invoice["automatically_finalizes_at"] = int(store.now(subscription) + wait)
    store.invoices.save(invoice)
    store.payments_of_drafts[invoice["id"]] = succeeds
    if not subscription["test_clock"]:
        store.universe.agenda.add(lambda: finish_draft(store, invoice["id"]), wait)


def finish_draft(store, invoice_id, succeeds=None):
    """Unless it was finished before, or its subscription has ended meanwhile."""
    chosen = store.payments_of_drafts.pop(invoice_id, None)
    invoice = store.invoices.get(invoice_id)
    if invoice["status"] == "draft" and invoice["auto_advance"]:
        bill(store, invoice, chosen if succeeds is None else succeeds)


def bill(store, invoice, succeeds=None):
    subscription = store.subscriptions.get(invoices.subscription_of(invoice))
    invoice["automatically_finalizes_at"] = None
    if subscription["pause_collection"]:
        bill_nobody(store, invoice, subscription["pause_collection"]["behavior"])
        return
    invoices.finalise(store, invoice)
    if subscription["collection_method"] == "charge_automatically":
        attempt(store, invoice, succeeds)


def bill_nobody(store, invoice, behaviour):
    """While collection is paused (docs.stripe.com/billing/subscriptions/pause-payment)."""
    if behaviour == "keep_as_draft":
        invoice["auto_advance"] = False
        store.invoices.save(invoice)
        return
    invoices.finalise(store, invoice)
    (invoices.void if behaviour == "void" else invoices.mark_uncollectible)(store, invoice)


def attempt(store, invoice, succeeds=None, method=None):
    """Collects an open invoice and lets the subscription follow."""
    paid = invoices.collect(store, invoice, succeeds, method)
    ident = invoices.subscription_of(invoice)
    if ident:
        (recover if paid else fall_behind)(store, ident, invoice)
    return paid


def forgo(store, invoice, settle):
    """An open invoice is voided or written off: a subscription that was behind with it owes nothing any more."""
    settle(store, invoice)
    ident = invoices.subscription_of(invoice)
    if ident and store.subscriptions.get(ident)["status"] == "incomplete":
        expire(store, ident)
    elif ident:
        recover(store, ident, invoice)
    return invoice


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
    bill(store, invoice)


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
    for status in ("draft", "open"):  # nothing more is collected for it
        for invoice in store.invoices.find(subscription=ident, status=status):
            store.invoices.save({**invoice, "auto_advance": False, "next_payment_attempt": None})
    events.emit(store, "customer.subscription.deleted", subscription)
    return subscription


FIRST_PAYMENT_SECONDS = 23 * 3600  # so long a subscription waits for its first payment


def expire(store, ident):
    """The first payment never came: the subscription never began (docs.stripe.com/billing/subscriptions/overview)."""
    before = store.subscriptions.get(ident)
    invoice = store.invoices.get(before["latest_invoice"])
    if invoice["status"] == "open":
        invoices.void(store, invoice)
    return change(store, ident, status="incomplete_expired", ended_at=store.now(before))


NOTICE_SECONDS = 3 * 86400  # trial_will_end comes three days before the end, or at once where less is left


def notice_trial(store, ident):
    store.noticed_trials.add(ident)
    events.emit(store, "customer.subscription.trial_will_end", store.subscriptions.get(ident))


def end_trial(store, ident):
    """A trial that may not be billed without a payment method pauses instead, when its settings say so."""
    subscription = store.subscriptions.get(ident)
    behaviour = subscription["trial_settings"].get("end_behavior", {}).get("missing_payment_method")
    if behaviour == "pause" and not has_payment_method(store, subscription):
        change(store, ident, "customer.subscription.paused", status="paused")
    else:
        renew(store, ident)


def has_payment_method(store, subscription):
    customer = store.customers.get(subscription["customer"])
    return bool(cards.default_of(store, subscription, customer))


def resume(store, ident):
    """Stripe resets the anchor to the time of the resumption (API reference of POST .../resume, default `now`)."""
    before = store.subscriptions.get(ident)
    begins = max(store.now(before), period(before)[0] + 1)
    bounds = periods.period_around(begins, *rule(before), begins)
    fields = {"status": "active", "items": moved(before, bounds), "billing_cycle_anchor": begins}
    after = events.save(store, "subscriptions", {**before, **fields}, before, "customer.subscription.resumed")
    invoice = invoices.draft(store, after, "subscription_cycle", bounds)
    change(store, ident, latest_invoice=invoice["id"])
    bill(store, invoice)
    return store.subscriptions.get(ident)
