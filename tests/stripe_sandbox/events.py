"""Every change makes its event: a snapshot of the object, and for an update what it was before."""

from . import objects

REMEMBERED_SECONDS = 30 * 86400  # "Events going back up to 30 days", Stripe API reference, checked 2026-11-22


def emit(store, kind, obj, before=None):
    """`before` is the object as it was, for updates; an update that changed nothing makes no event."""
    data = {"object": obj}
    if before is not None:
        data["previous_attributes"] = difference(before, obj)
        if not data["previous_attributes"]:
            return None
    return publish(store, kind, data)


def publish(store, kind, data):
    endpoints = store.universe.deliveries.listeners(store, kind)
    ident = store.new_id("evt")
    event = objects.event(ident, store.now(), store.livemode, kind, data, len(endpoints), store.request)
    store.events.add(event)
    for endpoint in endpoints:
        store.universe.deliveries.send(store, ident, endpoint["id"])
    return event


def save(store, collection, obj, before, kind):
    """Keeps a changed object and tells the world, if anything changed at all."""
    getattr(store, collection).save(obj)
    emit(store, kind, obj, before)
    return obj


def difference(before, after):
    """What the changed fields were: nested objects by field, but lists and Stripe's list objects as a whole."""
    previous = {}
    for name in before.keys() | after.keys():
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        nested = isinstance(old, dict) and isinstance(new, dict) and old.get("object") != "list"
        previous[name] = difference(old, new) if nested else old
    return previous
