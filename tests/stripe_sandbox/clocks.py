"""Test clocks: Stripe's own way to let time pass for a few customers (API reference, checked 2026-11-22).

Advancing does, in order of time, everything that falls due on the way. The answer says "advancing" as Stripe's does;
the next look at the clock says "ready".
"""

from . import errors, events, invoices, lifecycle, objects, params, resources


def create(call):
    store, given = call.store, call.params
    params.only(given, {"frozen_time", "name"})
    params.required(given, "frozen_time")
    frozen, now = params.integer(given, "frozen_time"), store.now()
    clock = objects.test_clock(store.new_id("clock"), now, frozen, given.get("name"))
    store.test_clocks.add(clock)
    events.emit(store, "test_helpers.test_clock.created", clock)
    return clock


def advance(call):
    store, given = call.store, call.params
    params.only(given, {"frozen_time"})
    params.required(given, "frozen_time")
    clock, target = resources.existing(store, "test_clocks", call.ident), params.integer(given, "frozen_time")
    if target <= clock["frozen_time"]:
        raise errors.invalid(
            "frozen_time", "You can only advance a test clock to a time after its current frozen time."
        )
    advancing = {**clock, "status": "advancing"}
    events.emit(store, "test_helpers.test_clock.advancing", advancing)
    run(store, clock["id"], target)
    set_time(store, clock["id"], target)
    events.emit(store, "test_helpers.test_clock.ready", store.test_clocks.get(clock["id"]))
    return advancing


def delete(call):
    """The clock's customers go with it."""
    resources.existing(call.store, "test_clocks", call.ident)
    for customer in call.store.customers.find(test_clock=call.ident):
        resources.delete_customer(call.with_ident(customer["id"]))
    call.store.test_clocks.remove(call.ident)
    return {"id": call.ident, "object": "test_helpers.test_clock", "deleted": True}


def set_time(store, ident, moment):
    store.test_clocks.save({**store.test_clocks.get(ident), "frozen_time": moment})


def run(store, ident, target):
    while True:
        due = [each for each in agenda(store, ident) if each[0] <= target]
        if not due:
            return
        moment, _, action, subject = min(due, key=lambda each: each[:2])
        set_time(store, ident, max(moment, store.test_clocks.get(ident)["frozen_time"]))
        action(store, subject)


def agenda(store, ident):
    """(when, order, what, for whom) for all that is still to come on this clock."""
    for subscription in store.subscriptions.find(test_clock=ident):
        if subscription["status"] == "incomplete":
            expires = subscription["created"] + lifecycle.FIRST_PAYMENT_SECONDS
            yield expires, subscription["id"], lifecycle.expire, subscription["id"]
        elif subscription["status"] == "trialing":
            yield from trial_agenda(store, subscription)
        elif subscription["status"] in ("active", "past_due", "unpaid"):
            ends = lifecycle.period(subscription)[1]
            leaves = subscription["cancel_at_period_end"]
            yield ends, subscription["id"], cancel_now if leaves else lifecycle.renew, subscription["id"]
            yield from retry_agenda(store, subscription)
            yield from draft_agenda(store, subscription)


def trial_agenda(store, subscription):
    ident, ends = subscription["id"], subscription["trial_end"]
    if ident not in store.noticed_trials:
        yield max(subscription["created"], ends - lifecycle.NOTICE_SECONDS), ident, lifecycle.notice_trial, ident
    yield ends, ident, cancel_now if subscription["cancel_at_period_end"] else lifecycle.end_trial, ident


def retry_agenda(store, subscription):
    for invoice in store.invoices.find(subscription=subscription["id"], status="open"):
        if invoice["next_payment_attempt"]:
            yield invoice["next_payment_attempt"], invoice["id"], retry, invoice["id"]
        if invoice["due_date"] and invoice["id"] not in store.overdue_invoices:
            yield invoice["due_date"], invoice["id"], invoices.overdue, invoice["id"]


def draft_agenda(store, subscription):
    for invoice in store.invoices.find(subscription=subscription["id"], status="draft"):
        if invoice["automatically_finalizes_at"]:
            yield invoice["automatically_finalizes_at"], invoice["id"], lifecycle.finish_draft, invoice["id"]


def cancel_now(store, ident):
    lifecycle.end(store, ident, "cancellation_requested")


def retry(store, invoice_id):
    lifecycle.attempt(store, store.invoices.get(invoice_id))
