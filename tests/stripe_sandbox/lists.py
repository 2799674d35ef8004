"""GET lists: parameters in, one page out."""

from . import errors, events, params

PAGING = {"limit", "starting_after", "ending_before", "created"}
PERIODS = {"current_period_start", "current_period_end"}
INVOICE_FILTERS = ("customer", "subscription", "status", "collection_method")
ENDED = {"canceled", "incomplete_expired"}
STATUSES = ("active", "canceled", "ended", "all", "incomplete", "incomplete_expired", "past_due", "paused", "trialing")
STATUSES += ("unpaid",)


class Page:
    """A page of raw objects; `body` is quick, `as_dict` is for expanding."""

    def __init__(self, url, raw_objects, has_more):
        self.url, self.raw_objects, self.has_more = url, raw_objects, has_more

    def body(self) -> bytes:
        more = b"true" if self.has_more else b"false"
        url = self.url.encode()
        return b'{"object":"list","data":[%b],"has_more":%b,"url":"%b"}' % (b",".join(self.raw_objects), more, url)


def page(call, collection, filters, since=None):
    given = call.params
    limit = params.integer(given, "limit", 10, 1, 100)
    after, before = given.get("starting_after"), given.get("ending_before")
    if after and before:
        raise errors.invalid("ending_before", "You can only specify one of `starting_after` and `ending_before`.")
    low, high = created_range(given)
    low = max(filter(None, (low, since)), default=None)
    found, more = collection.page(filters, limit, after, before, low, high)
    return Page(call.path, found, more)


def created_range(given):
    return time_range(given, "created")


def time_range(given, name):
    """The first and the last second that a filter such as created[gte] lets pass."""
    wanted = given.get(name)
    if wanted is None:
        return None, None
    if not isinstance(wanted, dict):
        moment = params.integer(given, name)
        return moment, moment
    params.only(wanted, {"gt", "gte", "lt", "lte"})
    bounds = {bound: params.integer(wanted, bound) for bound in wanted}
    lows = [bounds[name] + (name == "gt") for name in ("gt", "gte") if name in bounds]
    highs = [bounds[name] - (name == "lt") for name in ("lt", "lte") if name in bounds]
    return max(lows, default=None), min(highs, default=None)


def plain(collection, texts=(), booleans=()):
    """A list with filters that compare a field as it is."""

    def listing(call):
        params.only(call.params, PAGING | set(texts) | set(booleans))
        filters = {name: call.params[name] for name in texts if name in call.params}
        filters |= {name: params.boolean(call.params, name) for name in booleans if name in call.params}
        return page(call, getattr(call.store, collection), filters)

    return listing


def customers(call):
    """Customers on a test clock are only listed by that clock (Stripe API reference, checked 2026-11-22)."""
    params.only(call.params, PAGING | {"email", "test_clock"})
    filters = {"test_clock": call.params.get("test_clock")}
    if "email" in call.params:
        filters["email"] = call.params["email"]
    return page(call, call.store.customers, filters)


def subscriptions(call):
    """Canceled ones only on request, and those on a test clock only by clock or customer.

    Stripe API reference, checked 2026-11-22.
    """
    names = ("customer", "price", "test_clock", "collection_method")
    params.only(call.params, PAGING | {*names, "status", *PERIODS})
    filters = {name: call.params[name] for name in names if name in call.params}
    if not filters.keys() & {"customer", "test_clock"}:
        filters["test_clock"] = None
    status = params.choice(call.params, "status", STATUSES)
    if status is None:
        filters["status"] = lambda value: value != "canceled"
    elif status == "ended":
        filters["status"] = ENDED.__contains__
    elif status != "all":
        filters["status"] = status
    if PERIODS & call.params.keys():
        filters["period"] = period_filter(call.params)
    return page(call, call.store.subscriptions, filters)


def period_filter(given):
    ranges = {name: time_range(given, name) for name in PERIODS}

    def lets_pass(period):
        for name, (low, high) in ranges.items():
            if (low is not None and period[name] < low) or (high is not None and period[name] > high):
                return False
        return True

    return lets_pass


def list_events(call):
    params.only(call.params, PAGING | {"type", "types", "delivery_success"})
    filters = {}
    types = params.strings(call.params, "types") or params.strings(call.params, "type")
    if len(types) > 20:
        raise errors.invalid("types", "You may pass up to 20 event types.")
    if len(types) == 1 and "*" not in types[0]:
        filters["type"] = types[0]
    elif types:
        filters["type"] = lambda kind: any(type_matches(kind, wanted) for wanted in types)
    if "delivery_success" in call.params:
        filters["delivered"] = params.boolean(call.params, "delivery_success")
    return page(call, call.store.events, filters, since=call.store.now() - events.REMEMBERED_SECONDS)


def type_matches(kind, wanted):
    """`type` may be a whole type or a group such as customer.* (Stripe API reference, checked 2026-11-22)."""
    return kind == wanted or (wanted.endswith(".*") and kind.startswith(wanted[:-1]))
