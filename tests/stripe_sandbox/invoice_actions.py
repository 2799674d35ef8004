"""Invoices through the API: made by hand, finalised, paid, voided."""

from . import billing_objects, errors, events, invoices, lifecycle, params, resources


def create(call):
    """An invoice by hand, without lines: billing_reason `manual`."""
    params.only(call.params, {"customer", "auto_advance", "collection_method", "description", "metadata", "currency"})
    store = call.store
    customer = resources.existing(store, "customers", params.required(call.params, "customer"), "customer")
    now, currency = store.now(customer), call.params.get("currency", store.account.currency)
    invoice = billing_objects.invoice(store.new_id("in"), now, store.account, customer, currency, [], 0, (now, now))
    invoice["metadata"] = params.merged_metadata({}, call.params.get("metadata", ""))
    invoice["auto_advance"] = params.boolean(call.params, "auto_advance", False)
    store.invoices.add(invoice)
    events.emit(store, "invoice.created", invoice)
    return invoice


def finalise(call):
    params.only(call.params, {"auto_advance"})
    return invoices.finalise(call.store, in_status(call, "draft", "finalized"))


def void(call):
    params.only(call.params, ())
    return lifecycle.forgo(call.store, in_status(call, "open", "voided"), invoices.void)


def write_off(call):
    params.only(call.params, ())
    invoice = in_status(call, "open", "marked uncollectible")
    return lifecycle.forgo(call.store, invoice, invoices.mark_uncollectible)


def pay(call):
    """The answer to a refused payment is 402 card_declined (Stripe error codes page, checked 2026-11-22)."""
    params.only(call.params, {"paid_out_of_band", "payment_method", "source", "forgive", "off_session"})
    invoice = in_status(call, "open", "paid")
    succeeds = True if params.boolean(call.params, "paid_out_of_band") else None
    if not lifecycle.attempt(call.store, invoice, succeeds):
        raise errors.StripeError(402, "Your card was declined.", code="card_declined", kind="card_error")
    return call.store.invoices.get(invoice["id"])


def in_status(call, status, done):
    invoice = resources.existing(call.store, "invoices", call.ident)
    if invoice["status"] != status:
        raise errors.StripeError(400, f"Invoices with status {invoice['status']} can't be {done}.")
    return invoice
