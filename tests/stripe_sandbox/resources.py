"""Customers, products, prices, webhook endpoints and the account: create, change, delete."""

from . import cards, errors, events, lifecycle, objects, params, webhooks

ADDRESS = ("city", "country", "line1", "line2", "postal_code", "state")
TEXTS = {
    "customers": {"name", "email", "phone", "description", "tax_exempt", "invoice_prefix"},
    "products": {"name", "description", "statement_descriptor", "unit_label", "url", "tax_code", "default_price"},
    "prices": {"nickname", "lookup_key", "tax_behavior"},
}
STRUCTURES = {
    "customers": {"address", "shipping", "invoice_settings"},
    "products": {"package_dimensions"},
    "prices": set(),
}
LISTS = {"customers": set(), "products": {"images", "marketing_features"}, "prices": set()}
FLAGS = {"customers": set(), "products": {"active", "shippable"}, "prices": {"active"}}
CREATION = {
    "customers": {"balance", "payment_method", "source", "preferred_locales", "test_clock"},
    "products": {"id", "type"},
    "prices": {"currency", "product", "product_data", "recurring", "unit_amount"},
}


def existing(store, name, ident, param="id"):
    """The object, or Stripe's 404 with its hint at the other mode."""
    collection = getattr(store, name)
    if ident in collection:
        return collection.get(ident)
    other = getattr(store.account.stores[not store.livemode], name)
    raise errors.no_such(collection.kind, ident, livemode=store.livemode, elsewhere=ident in other, param=param)


def changes(name, given, now, extra=()):
    """What the parameters change, by field; `now` is the object as it stands."""
    texts, structures, flags = TEXTS[name], STRUCTURES[name], FLAGS[name]
    params.only(given, texts | structures | flags | LISTS[name] | {"metadata"} | set(extra))
    fields = {field: given[field] or None for field in texts if field in given}
    fields |= {field: params.boolean(given, field) for field in flags if field in given}
    fields |= {field: structure(given, field, now) for field in structures if field in given}
    fields |= {field: params.strings(given, field) if given[field] else [] for field in LISTS[name] if field in given}
    if "metadata" in given:
        fields["metadata"] = params.merged_metadata(now["metadata"], given["metadata"])
    return fields


def structure(given, field, now):
    value = params.structure(given, field) or None
    if field == "address" and value:
        params.only(value, ADDRESS)
        return {part: value.get(part) or None for part in ADDRESS}
    if field == "invoice_settings":
        return {**now[field], **(value or {})}
    return value


def retrieve(name):
    def retrieving(call):
        params.only(call.params, ())
        if name == "customers" and call.store.customers.removed(call.ident):
            return {"id": call.ident, "object": "customer", "deleted": True}
        return existing(call.store, name, call.ident)

    return retrieving


def update(name):
    def updating(call):
        before = existing(call.store, name, call.ident)
        after = {**before, **changes(name, call.params, before)}
        if name == "products" and after != before:
            after["updated"] = call.store.now()
        return events.save(call.store, name, after, before, f"{before['object']}.updated")

    return updating


def delete(name):
    def deleting(call):
        obj = existing(call.store, name, call.ident)
        getattr(call.store, name).remove(call.ident)
        events.emit(call.store, f"{obj['object']}.deleted", obj)
        return {"id": call.ident, "object": obj["object"], "deleted": True}

    return deleting


def create_customer(call):
    store, given = call.store, call.params
    clock = given.get("test_clock") or None
    if clock:
        existing(store, "test_clocks", clock, "test_clock")
    obj = objects.customer(store.new_id("cus"), store.now({"test_clock": clock}), store.livemode, test_clock=clock)
    obj |= changes("customers", given, obj, CREATION["customers"])
    obj["balance"] = params.integer(given, "balance", 0)
    obj["default_source"] = given.get("source")
    obj["preferred_locales"] = params.strings(given, "preferred_locales")
    store.customers.add(obj)
    given_default = obj["invoice_settings"]["default_payment_method"]
    if given.get("payment_method"):
        card = cards.attached(store, given["payment_method"], obj)
        if given_default == given["payment_method"]:
            obj["invoice_settings"]["default_payment_method"] = card["id"]
        store.customers.save(obj)
    events.emit(store, "customer.created", obj)
    return obj


def delete_customer(call):
    """Deleting a customer cancels what it subscribed to (Stripe API reference, checked 2026-11-22)."""
    existing(call.store, "customers", call.ident)
    for subscription in call.store.subscriptions.find(customer=call.ident):
        if subscription["status"] not in ("canceled", "incomplete_expired"):
            lifecycle.end(call.store, subscription["id"], "cancellation_requested")
    return delete("customers")(call)


def create_product(call):
    store, given = call.store, call.params
    ident = given.get("id") or store.new_id("prod")
    if ident in store.products:
        raise errors.invalid("id", "Product already exists.", "resource_already_exists")
    obj = objects.product(ident, store.now(), store.livemode, params.required(given, "name"))
    obj |= changes("products", given, obj, CREATION["products"])
    store.products.add(obj)
    events.emit(store, "product.created", obj)
    return obj


def create_price(call):
    store, given = call.store, call.params
    currency = params.required(given, "currency")
    params.required(given, "unit_amount")
    obj = objects.price(
        store.new_id("price"),
        store.now(),
        store.livemode,
        product_of_price(call),
        currency.lower(),
        params.integer(given, "unit_amount", low=0),
        recurrence(given),
    )
    obj |= changes("prices", given, obj, CREATION["prices"])
    store.prices.add(obj)
    events.emit(store, "price.created", obj)
    return obj


def product_of_price(call):
    if "product_data" in call.params:
        data = params.structure(call.params, "product_data")
        return create_product(call.with_params(data))["id"]
    return existing(call.store, "products", params.required(call.params, "product"), "product")["id"]


def recurrence(given):
    if "recurring" not in given:
        return None
    recurring = params.structure(given, "recurring")
    params.only(recurring, {"interval", "interval_count", "usage_type"})
    interval = params.choice(recurring, "interval", ("day", "week", "month", "year"))
    if interval is None:
        raise errors.missing_parameter("recurring[interval]")
    return interval, params.integer(recurring, "interval_count", 1, 1)


def create_endpoint(call):
    store, given = call.store, call.params
    params.only(given, {"url", "enabled_events", "api_version", "connect", "description", "metadata"})
    webhooks.check_url(params.required(given, "url"))
    params.required(given, "enabled_events")
    obj = objects.webhook_endpoint(
        store.new_id("we"),
        store.now(),
        store.livemode,
        given["url"],
        params.strings(given, "enabled_events"),
        api_version=given.get("api_version"),
        description=given.get("description"),
        metadata=params.merged_metadata({}, given.get("metadata", "")),
    )
    store.webhook_endpoints.add(obj)
    connect = params.boolean(given, "connect", False)
    return {**obj, "secret": store.universe.deliveries.open(store, obj["id"], connect=connect)}


def update_endpoint(call):
    given = call.params
    params.only(given, {"url", "enabled_events", "description", "metadata", "disabled"})
    obj = existing(call.store, "webhook_endpoints", call.ident)
    if "url" in given:
        webhooks.check_url(given["url"])
        obj["url"] = given["url"]
    if "enabled_events" in given:
        obj["enabled_events"] = params.strings(given, "enabled_events")
    if "disabled" in given:
        obj["status"] = "disabled" if params.boolean(given, "disabled") else "enabled"
    obj["description"] = given.get("description", obj["description"])
    obj["metadata"] = params.merged_metadata(obj["metadata"], given.get("metadata", {}))
    return call.store.webhook_endpoints.save(obj)


def delete_endpoint(call):
    existing(call.store, "webhook_endpoints", call.ident)
    call.store.webhook_endpoints.remove(call.ident)
    return {"id": call.ident, "object": "webhook_endpoint", "deleted": True}


def show_account(call):
    return objects.account(call.store.account, call.store.livemode)
