"""Subscriptions through the API: create, change, cancel, resume."""

from . import billing_objects, errors, events, invoices, lifecycle, params, periods, resources

COMMON = {
    "cancel_at_period_end",
    "collection_method",
    "days_until_due",
    "default_payment_method",
    "description",
    "items",
    "metadata",
    "off_session",
    "payment_behavior",
    "payment_settings",
    "proration_behavior",
    "trial_end",
    "trial_settings",
}
CREATION = COMMON | {"customer", "trial_period_days", "billing_cycle_anchor", "backdate_start_date", "currency"}
CHANGE = COMMON | {"pause_collection", "cancel_at", "cancellation_details"}
DAY = 86400


def create(call):
    given, store = call.params, call.store
    params.only(given, CREATION)
    customer = resources.existing(store, "customers", params.required(given, "customer"), "customer")
    ident, now = store.new_id("sub"), store.now(customer)
    trial_end, anchor = trial_end_of(given, now), params.integer(given, "billing_cycle_anchor", low=now)
    start = params.integer(given, "backdate_start_date", now)
    items = new_items(store, ident, given, now, start, trial_end or anchor)
    subscription = billing_objects.subscription(
        ident,
        now,
        store.livemode,
        customer["id"],
        items[0]["price"]["currency"],
        items,
        billing_cycle_anchor=anchor or trial_end or start,
        start_date=start,
        test_clock=customer["test_clock"],
        trial_start=now if trial_end else None,
        trial_end=trial_end,
        status="trialing" if trial_end else "active",
    )
    subscription |= simple_changes(given, subscription, now)
    start_billing(store, subscription, params.choice(given, "payment_behavior", lifecycle.PAYMENT_BEHAVIOURS))
    return store.subscriptions.get(ident)


def trial_end_of(given, now):
    if given.get("trial_end") == "now":
        return None
    days = params.integer(given, "trial_period_days", low=1)
    return now + days * DAY if days else params.integer(given, "trial_end", low=now)


def new_items(store, subscription_id, given, now, start, trial_end):
    wanted = params.required(given, "items")
    if not isinstance(wanted, list):
        raise errors.invalid("items", "Invalid array: items")
    return [new_item(store, subscription_id, each, number, now, start, trial_end) for number, each in enumerate(wanted)]


def new_item(store, subscription_id, wanted, number, now, start=None, trial_end=None, period=None):
    params.only(wanted, {"price", "quantity", "metadata", "id", "deleted"})
    name = f"items[{number}][price]"
    if not wanted.get("price"):
        raise errors.missing_parameter(name)
    price = resources.existing(store, "prices", wanted["price"], name)
    if price["recurring"] is None:
        raise errors.invalid(
            name,
            "The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`.",
        )
    if period is None:
        period = (now, trial_end) if trial_end else around(start, price, now)
    quantity = params.integer(wanted, "quantity", 1, 0)
    return billing_objects.subscription_item(store.new_id("si"), now, subscription_id, price, quantity, period)


def around(anchor, price, moment):
    return periods.period_around(anchor, price["recurring"]["interval"], price["recurring"]["interval_count"], moment)


def start_billing(store, subscription, behaviour):
    """The first invoice comes with the subscription: nothing to pay during a trial."""
    trial = subscription["status"] == "trialing"
    if not trial and behaviour != "default_incomplete":
        check_payment(store, subscription, behaviour)
    period = lifecycle.period(subscription)
    moment, amount = subscription["created"], 0 if trial else None
    store.subscriptions.add(subscription)
    invoice = invoices.draft(store, subscription, "subscription_create", period, amount, looks_back=(moment, moment))
    invoices.finalise(store, invoice)
    subscription["latest_invoice"] = invoice["id"]
    waits = behaviour == "default_incomplete" and not trial
    fails = not trial and invoices.payment_problem(store, subscription["customer"], subscription["id"])
    by_invoice = subscription["collection_method"] == "send_invoice"
    if (waits or fails) and not by_invoice:
        subscription["status"] = "incomplete"
    store.subscriptions.save(subscription)
    events.emit(store, "customer.subscription.created", subscription)
    if trial and subscription["trial_end"] - moment <= lifecycle.NOTICE_SECONDS:
        lifecycle.notice_trial(store, subscription["id"])
    if not waits and not by_invoice:
        invoices.collect(store, invoice)


def check_payment(store, subscription, behaviour):
    if subscription["collection_method"] != "charge_automatically":
        return
    if store.settings.needs_payment_method and not lifecycle.has_payment_method(store, subscription):
        raise errors.no_payment_method()
    if behaviour == "error_if_incomplete" and invoices.payment_problem(store, subscription["customer"]):
        raise errors.declined()


def simple_changes(given, now, moment):
    """The fields that are set as they are given."""
    fields = {name: given[name] or None for name in ("description", "default_payment_method") if name in given}
    if "collection_method" in given:
        allowed = ("charge_automatically", "send_invoice")
        fields["collection_method"] = params.choice(given, "collection_method", allowed)
    if "days_until_due" in given:
        fields["days_until_due"] = params.integer(given, "days_until_due")
    if "metadata" in given:
        fields["metadata"] = params.merged_metadata(now["metadata"], given["metadata"])
    if "trial_settings" in given:
        fields["trial_settings"] = params.structure(given, "trial_settings")
    if "cancel_at_period_end" in given:
        fields |= lifecycle.cancellation(now, params.boolean(given, "cancel_at_period_end"), moment)
    return fields


def update(call):
    given, store = call.params, call.store
    params.only(given, CHANGE)
    before = resources.existing(store, "subscriptions", call.ident)
    if before["status"] in ("canceled", "incomplete_expired"):
        raise errors.StripeError(400, "A canceled subscription can only update its cancellation_details and metadata.")
    moment = store.now(before)
    after = {**before, **simple_changes(given, before, moment)}
    if "pause_collection" in given:
        after["pause_collection"] = paused_collection(given)
    if "items" in given:
        after["items"] = changed_items(store, before, given["items"], moment)
        if lifecycle.period(after)[0] != lifecycle.period(before)[0]:  # another interval begins anew
            after["billing_cycle_anchor"] = moment
    ends_trial = given.get("trial_end") == "now" and before["status"] == "trialing"
    if "trial_end" in given and not ends_trial:
        after["trial_end"] = params.integer(given, "trial_end", low=moment)
    events.save(store, "subscriptions", after, before, "customer.subscription.updated")
    if ends_trial:
        lifecycle.notice_trial(store, after["id"])
        lifecycle.end_trial(store, after["id"])
    elif after["items"] != before["items"] and given.get("proration_behavior") == "always_invoice":
        lifecycle.invoice_change(store, after["id"])
    return store.subscriptions.get(after["id"])


def paused_collection(given):
    if given["pause_collection"] == "":
        return None
    wanted = params.structure(given, "pause_collection")
    params.only(wanted, {"behavior", "resumes_at"})
    behaviour = params.choice(wanted, "behavior", ("keep_as_draft", "mark_uncollectible", "void"))
    return {"behavior": behaviour, "resumes_at": params.integer(wanted, "resumes_at")}


def changed_items(store, subscription, wanted, moment):
    """Items are named by id; one without an id is added."""
    items = {item["id"]: item for item in subscription["items"]["data"]}
    current = lifecycle.period(subscription)
    for number, each in enumerate(wanted):
        ident = each.get("id")
        if ident and ident not in items:
            raise errors.no_such("subscription_item", ident, param=f"items[{number}][id]")
        if ident and each.get("deleted") == "true":
            del items[ident]
        elif ident:
            items[ident] = changed_item(store, items[ident], each, number, moment)
        else:
            added = new_item(store, subscription["id"], each, number, moment, period=current)
            items[added["id"]] = added
    return {**subscription["items"], "data": list(items.values()), "total_count": len(items)}


def changed_item(store, item, wanted, number, moment):
    """Another interval starts a new period at once, the same interval keeps the running one (Stripe billing docs)."""
    price = wanted.get("price") or item["price"]["id"]
    asked = {"price": price, "quantity": wanted.get("quantity", str(item["quantity"]))}
    period = item["current_period_start"], item["current_period_end"]
    fresh = new_item(store, item["subscription"], asked, number, moment, period=period)
    if fresh["price"]["recurring"] != item["price"]["recurring"]:
        period = around(moment, fresh["price"], moment)
    bounds = {"current_period_start": period[0], "current_period_end": period[1]}
    return {**fresh, **bounds, "id": item["id"], "created": item["created"]}


def cancel(call):
    params.only(call.params, {"invoice_now", "prorate", "cancellation_details"})
    subscription = resources.existing(call.store, "subscriptions", call.ident)
    if subscription["status"] in ("canceled", "incomplete_expired"):
        raise errors.no_such("subscription", call.ident)
    details = params.structure(call.params, "cancellation_details")
    params.only(details, {"comment", "feedback"})
    return lifecycle.end(call.store, call.ident, "cancellation_requested", details)


def pause(call):
    """The status `paused`, since API 2026-09-30; pausing the collection alone is an update."""
    params.only(call.params, {"type", "invoice_now"})
    subscription = resources.existing(call.store, "subscriptions", call.ident)
    if subscription["status"] not in ("active", "trialing", "past_due"):
        raise errors.StripeError(400, "You can only pause a subscription that is active.")
    return lifecycle.change(call.store, call.ident, "customer.subscription.paused", status="paused")


def resume(call):
    """Only for the status `paused`: collection that was paused is resumed by an update."""
    params.only(call.params, {"billing_cycle_anchor", "proration_behavior"})
    subscription = resources.existing(call.store, "subscriptions", call.ident)
    if subscription["status"] != "paused":
        raise errors.StripeError(400, "You can only resume a subscription that is paused.")
    return lifecycle.resume(call.store, call.ident)
