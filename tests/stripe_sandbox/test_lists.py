import time

import pytest
import requests
import stripe


@pytest.fixture
def seeded(control, account):
    return control.seed_customers(account["id"], 250, seed=1)


def ids(page):
    return [each.id for each in page.data]


def test_a_page_has_ten_objects_newest_first(client, seeded):
    page = client.v1.customers.list()
    created = [each.created for each in page.data]
    assert len(created) == 10
    assert created == sorted(created, reverse=True)
    assert page.has_more


def test_cursors_walk_forward_and_back(client, seeded):
    first = client.v1.customers.list({"limit": 5})
    second = client.v1.customers.list({"limit": 5, "starting_after": first.data[-1].id})
    back = client.v1.customers.list({"limit": 5, "ending_before": second.data[0].id})
    assert ids(back) == ids(first)
    assert not set(ids(first)) & set(ids(second))
    assert not back.has_more


def test_every_object_is_on_exactly_one_page(client, seeded):
    walked = [each.id for each in client.v1.customers.list({"limit": 100}).auto_paging_iter()]
    assert len(walked) == len(set(walked)) == 250


def test_an_object_created_while_paging_does_not_move_the_pages(client, seeded):
    before = [each.id for each in client.v1.customers.list({"limit": 100}).auto_paging_iter()]
    first = client.v1.customers.list({"limit": 100})
    client.v1.customers.create({"name": "Nettle Latecomer"})
    rest = client.v1.customers.list({"limit": 100, "starting_after": first.data[-1].id})
    assert ids(first) + [each.id for each in rest.auto_paging_iter()] == before


def test_a_cursor_may_point_at_a_deleted_object(client, seeded):
    first, second = client.v1.customers.list({"limit": 2}).data
    client.v1.customers.delete(first.id)
    assert client.v1.customers.list({"limit": 1, "starting_after": first.id}).data[0].id == second.id


def test_created_bounds_the_list(client, seeded):
    middle = client.v1.customers.list({"limit": 100}).data[50].created
    later = client.v1.customers.list({"limit": 100, "created": {"gt": middle}}).data
    from_then = client.v1.customers.list({"limit": 100, "created": {"gte": middle}}).data
    earlier = client.v1.customers.list({"limit": 100, "created": {"lt": middle}}).data
    assert all(each.created > middle for each in later)
    assert len(from_then) == len(later) + 1
    assert all(each.created < middle for each in earlier)


def test_canceled_subscriptions_are_listed_on_request(client, seeded):
    def walk(**filters):
        return list(client.v1.subscriptions.list({"limit": 100, **filters}).auto_paging_iter())

    canceled, everything, default = walk(status="canceled"), walk(status="all"), walk()
    assert len(everything) == 250
    assert len(default) == 250 - len(canceled)
    assert {each.status for each in canceled} == {"canceled"}
    assert {each.status for each in walk(status="past_due")} == {"past_due"}


def test_subscriptions_of_one_customer_or_one_price(client, subscription, customer, prices, seeded):
    assert ids(client.v1.subscriptions.list({"customer": customer.id})) == [subscription.id]
    found = client.v1.subscriptions.list({"price": prices["Team"]["month"], "limit": 100}).data
    assert subscription.id in [each.id for each in found]
    assert {each["items"].data[0].price.id for each in found} == {prices["Team"]["month"]}


def test_invoices_of_one_subscription_by_status(client, control, subscription):
    control.fail_renewal(subscription.id)
    found = client.v1.invoices.list({"subscription": subscription.id, "status": "open"}).data
    assert [invoice.billing_reason for invoice in found] == ["subscription_cycle"]


def test_events_by_type_types_and_delivery(client, control, account, subscription):
    assert {event.type for event in client.v1.events.list({"type": "invoice.*"}).data} >= {"invoice.paid"}
    wanted = ["customer.created", "invoice.paid"]
    assert {event.type for event in client.v1.events.list({"types": wanted}).data} == set(wanted)
    assert client.v1.events.list({"delivery_success": False}).data == []
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.events.list({"types": [f"a.{number}" for number in range(21)]})


@pytest.mark.parametrize(
    "wrong", [{"limit": 101}, {"limit": 0}, {"limit": "many"}, {"colour": "red"}, {"starting_after": "cus_nobody"}]
)
def test_wrong_parameters_are_refused(client, wrong):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.customers.list(wrong)
    assert caught.value.http_status == 400
    assert caught.value.param in wrong


def test_expanding_replaces_identifiers_by_objects(client, subscription, customer):
    found = client.v1.subscriptions.list(
        {"expand": ["data.customer", "data.items.data.price.product", "data.latest_invoice"]}
    ).data[0]
    assert found.customer.name == "Hazel Testford"
    assert found["items"].data[0].price.product.name == "Team"
    assert found.latest_invoice.status == "paid"


def test_expanding_what_is_no_reference_is_refused(client, subscription):
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.subscriptions.retrieve(subscription.id, {"expand": ["no_such_thing"]})


def test_sixty_pages_of_a_hundred_a_second_at_least(sandbox, control, account):
    """Without the SDK, whose objects take it far longer to build than the sandbox takes to answer.

    Measured in processor time, sandbox and client together, because the machine may be busy with something else.
    """
    control.seed_customers(account["id"], 1000, seed=2)
    url, key = f"{sandbox.url}/v1/subscriptions?status=all&limit=100", account["keys"]["test"]["restricted"]
    fastest = min(seconds_to_walk(url, key, pages=10) for _ in range(4))
    assert fastest < 10 / 60


def seconds_to_walk(url, key, pages):
    session, after, walked, more = requests.Session(), "", 0, True
    session.auth = (key, "")
    started = time.process_time()
    while more:
        page = session.get(url + after, timeout=5).json()
        walked, more, after = walked + 1, page["has_more"], f"&starting_after={page['data'][-1]['id']}"
    assert walked == pages
    return time.process_time() - started


def test_subscriptions_are_found_by_their_period(client, control, account):
    control.seed_customers(account["id"], 60, yearly=0, statuses={"active": 1}, seed=5)
    everyone = {each.id: each["items"].data[0] for each in client.v1.subscriptions.list({"limit": 100}).data}
    middle = sorted(item.current_period_start for item in everyone.values())[30]
    listing = client.v1.subscriptions.list
    late = listing({"limit": 100, "current_period_start": {"gte": middle}}).data
    assert {each.id for each in late} == {ident for ident, it in everyone.items() if it.current_period_start >= middle}
    early = listing({"limit": 100, "current_period_start": {"lt": middle}}).data
    assert len(early) + len(late) == 60
    assert listing({"current_period_end": {"lte": int(time.time())}}).data == []
    control.renew(early[0].id)
    assert listing({"limit": 1, "current_period_start": {"gte": int(time.time()) - 60}}).data[0].id == early[0].id


def test_invoices_are_found_by_subscription_and_status(client, control, subscription):
    control.fail_renewal(subscription.id)
    listing = client.v1.invoices.list
    found = listing({"subscription": subscription.id, "status": "open"}).data
    assert [each.billing_reason for each in found] == ["subscription_cycle"]
    assert listing({"subscription": subscription.id, "status": "draft"}).data == []
    assert listing({"collection_method": "send_invoice"}).data == []
