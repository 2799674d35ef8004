"""Payment methods through the API: create, attach, detach, list."""

from . import cards, errors, events, lists, params, resources


def create(call):
    store, given = call.store, call.params
    params.only(given, {"type", "card", "billing_details", "metadata"})
    params.choice(given, "type", ("card",))
    card = params.structure(given, "card")
    token = card.get("token") or cards.BY_NUMBER.get(card.get("number"), "")
    if cards.card_of(token) is None:
        raise errors.declined()
    obj = cards.make(store, token, store.now())
    obj["metadata"] = params.merged_metadata({}, given.get("metadata", ""))
    return store.payment_methods.save(obj)


def attach(call):
    params.only(call.params, {"customer"})
    customer = resources.existing(call.store, "customers", params.required(call.params, "customer"), "customer")
    return cards.attached(call.store, call.ident, customer)


def detach(call):
    params.only(call.params, ())
    before = resources.existing(call.store, "payment_methods", call.ident)
    after = call.store.payment_methods.save({**before, "customer": None})
    events.emit(call.store, "payment_method.detached", after, before)
    return after


def of_customer(call):
    """GET /v1/customers/{id}/payment_methods"""
    resources.existing(call.store, "customers", call.ident)
    params.only(call.params, lists.PAGING | {"type"})
    return lists.page(call, call.store.payment_methods, {"customer": call.ident})
