"""Control actions on subscriptions, for customers that live on no test clock; each answers with the subscription."""

from . import clocks, events, invoices, lifecycle


def renew(universe, subscription, succeeds=None):
    return lifecycle.renew(universe.holding("subscriptions", subscription), subscription, succeeds)


def finish_draft(universe, subscription, succeeds=None):
    """The draft's hour is over now."""
    store = universe.holding("subscriptions", subscription)
    lifecycle.finish_draft(store, store.subscriptions.get(subscription)["latest_invoice"], succeeds)
    return store.subscriptions.get(subscription)


def void_invoice(universe, subscription):
    store = universe.holding("subscriptions", subscription)
    return lifecycle.forgo(store, open_invoice(store, subscription), invoices.void)


def overdue(universe, subscription):
    """The open invoice, which the customer pays by hand, is due and not paid."""
    store = universe.holding("subscriptions", subscription)
    invoices.overdue(store, open_invoice(store, subscription)["id"])
    return store.subscriptions.get(subscription)


def write_off_invoice(universe, subscription):
    """Marked uncollectible: the owner no longer expects the money."""
    store = universe.holding("subscriptions", subscription)
    return lifecycle.forgo(store, open_invoice(store, subscription), invoices.mark_uncollectible)


def expire(universe, subscription):
    """Of a subscription that is incomplete: its first payment never came."""
    return lifecycle.expire(universe.holding("subscriptions", subscription), subscription)


def retry_payment(universe, subscription, succeeds=None):
    """One more attempt at the open invoice; without `succeeds` the customer's flag decides."""
    store = universe.holding("subscriptions", subscription)
    lifecycle.attempt(store, open_invoice(store, subscription), succeeds)
    return store.subscriptions.get(subscription)


def open_invoice(store, subscription):
    invoice = store.invoices.get(store.subscriptions.get(subscription)["latest_invoice"])
    if invoice["status"] != "open":
        raise ValueError(f"the latest invoice of {subscription} is {invoice['status']}")
    return invoice


def set_payment(universe, customer, succeeds):
    """Whether this customer's payments go through from now on; unlike metadata this makes no event."""
    store = universe.holding("customers", customer)
    (store.failing_customers.discard if succeeds else store.failing_customers.add)(customer)


def cancel(universe, subscription, at_period_end=False, reason="cancellation_requested"):
    store = universe.holding("subscriptions", subscription)
    if not at_period_end:
        return lifecycle.end(store, subscription, reason)
    return lifecycle.cancel_at_period_end(store, subscription, True)


def keep(universe, subscription):
    """Takes back a cancellation at the period's end."""
    return lifecycle.cancel_at_period_end(universe.holding("subscriptions", subscription), subscription, False)


def end_period(universe, subscription):
    """What the end of the period brings: the end of a cancelled subscription, a renewal of any other."""
    store = universe.holding("subscriptions", subscription)
    leaves = store.subscriptions.get(subscription)["cancel_at_period_end"]
    (clocks.cancel_now if leaves else lifecycle.renew)(store, subscription)
    return store.subscriptions.get(subscription)


def pause(universe, subscription, behavior="void"):
    store = universe.holding("subscriptions", subscription)
    return lifecycle.change(store, subscription, pause_collection={"behavior": behavior, "resumes_at": None})


def resume(universe, subscription):
    store = universe.holding("subscriptions", subscription)
    if store.subscriptions.get(subscription)["status"] == "paused":
        return lifecycle.resume(store, subscription)
    return lifecycle.change(store, subscription, pause_collection=None)


def trial_will_end(universe, subscription):
    store = universe.holding("subscriptions", subscription)
    lifecycle.notice_trial(store, subscription)
    return store.subscriptions.get(subscription)


def end_trial(universe, subscription):
    store = universe.holding("subscriptions", subscription)
    lifecycle.end_trial(store, subscription)
    return store.subscriptions.get(subscription)


def emit(universe, account, type, object, livemode=False, previous_attributes=None):
    """Any other event, such as invoice.upcoming, with whatever object."""
    store = universe.accounts[account].stores[livemode]
    data = {"object": object}
    if previous_attributes is not None:
        data["previous_attributes"] = previous_attributes
    return events.publish(store, type, data)


ACTIONS = (renew, retry_payment, set_payment, cancel, keep, end_period, pause, resume, trial_will_end, end_trial, emit)
ACTIONS += (finish_draft, expire, overdue, void_invoice, write_off_invoice)
