"""Very many customers quickly: one example of each object becomes a template, filled in when the object is read.

The same seed, account and `until` give the same customers. They make no events: they were there before.
"""

import gc
import random
import time
from collections import namedtuple
from contextlib import contextmanager

from . import names, objects, periods, templates
from .ids import Ids

DAY, YEAR = 86400, 365 * 86400
TIERS = (("Starter", 1900, 19000), ("Team", 4900, 49000), ("Scale", 14900, 149000))  # name, by month, by year
FEATURES = {
    "Starter": ("5 projects", "Review links", "Email support"),
    "Team": ("Everything in Starter, plus:", "Unlimited projects", "Shared calendars", "100 GB of storage"),
    "Scale": ("Everything in Team, plus:", "Approval rounds", "Brand templates", "An audit log", "1 TB of storage"),
}
STATUSES = {"active": 0.87, "past_due": 0.03, "canceled": 0.10}
Row = namedtuple(
    "Row",
    "customer customer_created name email phone line1 city country postal_code payment_method prefix "
    "subscription item created start end ended invoice line number",
)
Kind = namedtuple("Kind", "price status subscription subscription_facts invoice invoice_facts")


class Seeded:
    """An object of the collection that is rendered each time it is read; it costs a few references."""

    __slots__ = ("form", "row")

    def __init__(self, form, row):
        self.form, self.row = form, row

    def render(self) -> bytes:
        return (self.form % self.row._asdict()).encode()


def catalogue(store, tiers=TIERS, at=None):
    """Products and their monthly and yearly prices; those that are there already are kept."""
    at = at or int(time.time()) - 2 * YEAR
    known = {product["name"]: product for product in store.products.find()}
    found = {}
    for order, (name, monthly, yearly) in enumerate(tiers):
        product = known.get(name)
        if product is None:
            features = [{"name": feature} for feature in FEATURES.get(name, ())]
            product = objects.product(
                store.new_id("prod"), at + order, store.livemode, name, marketing_features=features
            )
            store.products.add(product)
        found[name] = {
            interval: ensure_price(store, product, interval, amount, at + order)
            for interval, amount in (("month", monthly), ("year", yearly))
        }
    return found


def ensure_price(store, product, interval, amount, at):
    for price in store.prices.find(product=product["id"]):
        if price["recurring"] and price["recurring"]["interval"] == interval:
            return price
    nickname = f"{product['name']} {interval}ly"
    price = objects.price(
        store.new_id("price"),
        at,
        store.livemode,
        product["id"],
        store.account.currency,
        amount,
        (interval, 1),
        nickname=nickname,
    )
    return store.prices.add(price)


def populate(store, customers, seed=0, tiers=TIERS, statuses=None, years=2.0, until=None, yearly=0.3, subscribed=1.0):
    """`yearly` and `subscribed` are shares; `statuses` maps a subscription's status to its share."""
    with without_collector():
        return fill(store, customers, seed, tiers, statuses, years, until, yearly, subscribed)


@contextmanager
def without_collector():
    """So many new objects keep the garbage collector busy for a third of the time, and none of them is garbage."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def fill(store, customers, seed, tiers, statuses, years, until, yearly, subscribed):
    until, statuses = int(until or time.time()), statuses or STATUSES
    begin = until - int(years * YEAR)
    prices = catalogue(store, tiers, begin - DAY)
    share = {"year": yearly, "month": 1 - yearly}
    kinds = [
        (kind(store, price, status), share[interval] * statuses[status])
        for intervals in prices.values()
        for interval, price in intervals.items()
        for status in statuses
    ]
    there = len(store.customers) or ""  # so that seeding twice makes other customers
    draw = random.Random(f"{seed} {store.account.id} {store.livemode}{there}")
    ids = Ids(draw.random())
    moments = sorted(draw.randrange(begin, until - 600) for _ in range(customers))
    drawn = draw.choices([each for each, _ in kinds], [weight for _, weight in kinds], k=customers)
    pairs = [(each, row(draw, ids, created, each, until)) for created, each in zip(moments, drawn, strict=True)]
    keep(store, pairs, [draw.random() < subscribed for _ in pairs])
    return prices


def row(draw, ids, customer_created, kind, until):
    """What is particular to one customer and what belongs to it."""
    created = customer_created + draw.randrange(5, 300)
    ended = draw.randrange(created + 60, until) if kind.status == "canceled" else 0
    start, end = periods.period_around(created, kind.price["recurring"]["interval"], 1, ended or until)
    # Identifiers of one customer share their tails: they differ by prefix, and drawing each would cost seconds.
    short, long = ids.letters(14), ids.letters(24)
    return Row(
        f"cus_{short}",
        customer_created,
        *names.person(draw),
        f"pm_{long}",
        short[-8:].upper(),
        f"sub_{long}",
        f"si_{short}",
        created,
        start,
        end,
        ended,
        f"in_{long}",
        f"il_{long}",
        draw.randrange(1, 30),
    )


def keep(store, pairs, subscribed):
    form = templates.customer(store)
    store.customers.add_many(
        (it.customer, it.customer_created, Seeded(form, it), {"test_clock": None, "email": it.email}) for _, it in pairs
    )
    pairs = [pair for pair, has_subscription in zip(pairs, subscribed, strict=True) if has_subscription]
    store.subscriptions.add_many(
        (
            it.subscription,
            it.created,
            Seeded(kind.subscription, it),
            {**kind.subscription_facts, "customer": it.customer, "period": periods_of(it)},
        )
        for kind, it in pairs
    )
    store.invoices.add_many(
        (
            it.invoice,
            it.start,
            Seeded(kind.invoice, it),
            {**kind.invoice_facts, "customer": it.customer, "subscription": it.subscription},
        )
        for kind, it in pairs
    )


def periods_of(it):
    return {"current_period_start": it.start, "current_period_end": it.end}


def kind(store, price, status):
    """One price with one status: the templates and what lists find their objects by."""
    subscription, invoice = templates.subscription(store, price, status), templates.invoice(store, price, status)
    return Kind(
        price,
        status,
        templates.form(subscription),
        objects.subscription_facts(subscription),
        templates.form(invoice),
        objects.invoice_facts(invoice),
    )
