"""Invoice items: what an owner adds to a draft, or to the next invoice of a customer (API reference, 2026-11-27)."""

from . import billing_objects, errors, events, invoices, lists, params, resources

FIELDS = {"customer", "amount", "currency", "description", "invoice", "subscription", "metadata", "period", "pricing"}


def create(call):
    store, given = call.store, call.params
    params.only(given, FIELDS | {"quantity", "unit_amount_decimal", "discountable"})
    customer = resources.existing(store, "customers", params.required(given, "customer"), "customer")
    moment, currency = store.now(customer), given.get("currency", store.account.currency)
    amount = params.integer(given, "amount", 0)
    item = billing_objects.invoice_item(store.new_id("ii"), moment, store.livemode, customer, currency, amount)
    item["description"] = given.get("description")
    item["metadata"] = params.merged_metadata({}, given.get("metadata", ""))
    if "period" in given:
        period = params.structure(given, "period")
        item["period"] = {name: params.integer(period, name) for name in ("end", "start")}
    if given.get("subscription"):
        subscription = resources.existing(store, "subscriptions", given["subscription"], "subscription")
        item["parent"] = billing_objects.subscription_parent(subscription["id"], {})
    draft = None
    if given.get("invoice"):
        draft = resources.existing(store, "invoices", given["invoice"], "invoice")
        if draft["status"] != "draft":
            raise errors.StripeError(400, "This invoice is no longer editable")
    store.invoice_items.add(item)
    if draft:
        before = store.invoices.get(draft["id"])
        invoices.take_in(store, draft, [item])
        events.save(store, "invoices", draft, before, "invoice.updated")
    events.emit(store, "invoiceitem.created", item)
    return item


def listing(call):
    params.only(call.params, lists.PAGING | {"customer", "invoice", "pending"})
    filters = {name: call.params[name] for name in ("customer", "invoice") if name in call.params}
    if "pending" in call.params:
        pending = params.boolean(call.params, "pending")
        filters["invoice"] = lambda value: (value is None) == pending
    return lists.page(call, call.store.invoice_items, filters)
