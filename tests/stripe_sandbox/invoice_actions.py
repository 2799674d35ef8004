"""Invoices through the API: made by hand, finalised, paid, voided."""

from . import billing_objects, errors, events, invoices, lifecycle, params, resources

FIELDS = {"customer", "auto_advance", "collection_method", "days_until_due", "description", "metadata", "currency"}


def create(call):
    """An invoice by hand: billing_reason `manual`. Pending invoice items come in only when they are asked for."""
    store, given = call.store, call.params
    params.only(given, FIELDS | {"pending_invoice_items_behavior"})
    customer = resources.existing(store, "customers", params.required(given, "customer"), "customer")
    now, currency = store.now(customer), given.get("currency", store.account.currency)
    invoice = billing_objects.invoice(store.new_id("in"), now, store.account, customer, currency, [], 0, (now, now))
    allowed = ("charge_automatically", "send_invoice")
    invoice["collection_method"] = params.choice(given, "collection_method", allowed, allowed[0])
    days = params.integer(given, "days_until_due")
    invoice["due_date"] = now + days * invoices.DAY if days else None
    invoice["description"] = given.get("description")
    invoice["metadata"] = params.merged_metadata({}, given.get("metadata", ""))
    invoice["auto_advance"] = params.boolean(given, "auto_advance", False)
    if given.get("pending_invoice_items_behavior") == "include":
        invoices.take_in(store, invoice, store.invoice_items.find(customer=customer["id"], invoice=None))
    store.invoices.add(invoice)
    events.emit(store, "invoice.created", invoice)
    return invoice


def update(call):
    params.only(call.params, {"description", "metadata", "auto_advance"})
    before = resources.existing(call.store, "invoices", call.ident)
    after = {**before, "description": call.params.get("description", before["description"])}
    after["auto_advance"] = params.boolean(call.params, "auto_advance", before["auto_advance"])
    if "metadata" in call.params:
        after["metadata"] = params.merged_metadata(before["metadata"], call.params["metadata"])
    return events.save(call.store, "invoices", after, before, "invoice.updated")


def delete(call):
    in_status(call, "draft", "deleted")
    return resources.delete("invoices")(call)


def send(call):
    """A draft is finalised for it."""
    params.only(call.params, ())
    invoice = finalised(call, "sent")
    events.emit(call.store, "invoice.sent", invoice)
    return invoice


def finalised(call, done):
    invoice = resources.existing(call.store, "invoices", call.ident)
    if invoice["status"] == "draft":
        return invoices.finalise(call.store, invoice)
    return in_status(call, "open", done)


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
    invoice = finalised(call, "paid")
    succeeds = True if params.boolean(call.params, "paid_out_of_band") else None
    if not lifecycle.attempt(call.store, invoice, succeeds, call.params.get("payment_method")):
        raise errors.declined()
    return call.store.invoices.get(invoice["id"])


def in_status(call, status, done):
    invoice = resources.existing(call.store, "invoices", call.ident)
    if invoice["status"] != status:
        raise errors.StripeError(400, f"Invoices with status {invoice['status']} can't be {done}.")
    return invoice
