import time
from collections import Counter

from .seed import populate
from .state import Universe


def walk(listing, **filters):
    return list(listing({"limit": 100, **filters}).auto_paging_iter())


def test_seeded_customers_are_spread_over_two_years_and_all_tiers(client, control, account):
    seeded = control.seed_customers(account["id"], 300, seed=7)
    assert (seeded["customers"], seeded["subscriptions"]) == (300, 300)
    subscriptions = walk(client.v1.subscriptions.list, status="all")
    prices = Counter(each["items"].data[0].price.id for each in subscriptions)
    assert set(prices) == {price for both in seeded["prices"].values() for price in both.values()}
    age = time.time() - min(each.created for each in subscriptions)
    assert 600 * 86400 < age <= 731 * 86400
    assert {"active", "past_due", "canceled"} == {each.status for each in subscriptions}


def test_seeded_objects_are_like_any_other(client, control, account):
    control.seed_customers(account["id"], 20, seed=7, statuses={"active": 1})
    subscription = client.v1.subscriptions.list({"expand": ["data.customer", "data.latest_invoice"]}).data[0]
    item = subscription["items"].data[0]
    assert item.current_period_start <= time.time() < item.current_period_end
    assert subscription.customer.email.endswith("@example.com")
    assert subscription.latest_invoice.status == "paid"
    assert subscription.latest_invoice.parent.subscription_details.subscription == subscription.id
    assert control.renew(subscription.id)["status"] == "active"
    client.v1.customers.update(subscription.customer.id, {"name": "Renamed"})
    assert client.v1.customers.retrieve(subscription.customer.id).name == "Renamed"


def test_they_were_there_before_so_they_make_no_events(control, client, account):
    control.seed_customers(account["id"], 50)
    assert client.v1.events.list().data == []


def test_the_same_seed_gives_the_same_customers():
    names = []
    for _ in range(2):
        universe = Universe(seed="same")
        store = universe.add_account("Twin").stores[False]
        populate(store, 30, seed=3, until=1_795_000_000)
        names.append([store.customers.raw(each["id"]) for each in store.customers.find()])
    assert names[0] == names[1]


def test_some_customers_may_have_no_subscription(control, account):
    seeded = control.seed_customers(account["id"], 200, subscribed=0.5)
    assert seeded["customers"] == 200
    assert 60 < seeded["subscriptions"] < 140


def test_ten_thousand_take_a_moment(control, account):
    started = time.perf_counter()
    control.seed_customers(account["id"], 10_000)
    assert time.perf_counter() - started < 5


def test_seeding_twice_makes_other_customers(client, control, account):
    for _ in range(2):
        control.seed_customers(account["id"], 30, seed=1)
    assert len({each.id for each in walk(client.v1.customers.list)}) == 60
