"""Without a webhook, and with a key that may read customers and subscriptions only, mani asks for what is new."""

import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from manimod import tasks
from manimod.customers import pace
from manimod.extensions import db
from manimod.ingest import polling, sync
from manimod.jobs import transaction
from manimod.models import AudienceDay, Connection, Creative, Customer, Moment
from manimod.models.accounts import now
from manimod.moments import record
from manimod.stripe import connections
from tests import factories

MINUTE, HOUR, DAY = 60, 3600, 86_400


@pytest.fixture
def poll_now(drain):
    def run(connection) -> None:
        with transaction():
            db.session.execute(update(Connection).values(next_poll_at=now()))
        tasks.reconcile()
        drain()
        db.session.expire_all()

    return run


@pytest.fixture
def business(account, lists, drain) -> Connection:
    """A live account of a key with two permissions, whose first sync is over. `lists` is its Stripe."""
    permissions = {"customers": True, "subscriptions": True, "events": False}
    since = now() - timedelta(hours=10)
    connection = factories.make_connection(account, livemode=True, permissions=permissions, connected_at=since)
    lists.lists = {
        "/v1/customers": [customer("cus_1")],
        "/v1/subscriptions": [subscription("sub_1", lists.at - 30 * DAY)],
    }
    sync_now(connection, drain)
    lists.requests.clear()
    return connection


def sync_now(connection, drain) -> None:
    with transaction():
        sync.request_sync(connection)
    drain()


def customer(stripe_id: str, created: int = 1_700_000_000) -> dict:
    return {"id": stripe_id, "object": "customer", "name": "Hazel Testford", "created": created}


def subscription(stripe_id: str, began: int, status: str = "active", **fields: object) -> dict:
    """Monthly, created long ago; `began` is its present period's start."""
    price = {"id": "price_1", "unit_amount": 2900, "currency": "usd", "product": "prod_1"}
    price["recurring"] = {"interval": "month", "interval_count": 1}
    item = {"current_period_start": began, "current_period_end": began + 30 * DAY, "price": price, "quantity": 1}
    body = {"id": stripe_id, "object": "subscription", "customer": stripe_id.replace("sub", "cus"), "status": status}
    body |= {"created": 1_700_000_000, "start_date": 1_700_000_000, "latest_invoice": "in_1"}
    return body | {"items": {"data": [item]}} | fields


def keys() -> dict[str, str]:
    db.session.rollback()
    return dict(db.session.execute(select(Moment.key, Moment.state)).all())


def test_the_guides_own_key_makes_a_creative_in_under_five_minutes(sandbox, account, drain, poll_now, creatives):
    stripe_account = sandbox.create_account("Brightside Studio")
    connection = factories.connect(account, stripe_account)
    drain()
    stripe = sandbox.client(stripe_account["keys"]["test"]["secret"])
    stripe.v1.customers.create({"name": "Hazel Testford"})
    poll_now(connection)
    assert [(creative.event, creative.source) for creative in creatives(connection)] == [("new_customer", "recent")]
    assert connection.next_poll_at - now() <= timedelta(minutes=1)


@pytest.fixture
def creatives():
    def read(connection) -> list[Creative]:
        db.session.rollback()
        return list(db.session.scalars(select(Creative).where(Creative.account_id == connection.account_id)))

    return read


def test_in_test_mode_somebody_who_watches_waits_fifteen_seconds(sandbox, account, drain, poll_now, as_owner):
    connection = factories.connect(account, sandbox.create_account("Brightside Studio"))
    drain()
    poll_now(connection)
    with transaction():
        connection.next_poll_at = now() + timedelta(seconds=40)
    assert polling.due() == set()
    as_owner.get("/creatives/new", headers={"HX-Request": "true"})
    assert polling.due() == {connection.id}


def test_a_webhook_that_delivers_needs_no_questions(sandbox, account, client, drain, poll_now):
    connection = factories.connect(account, sandbox.create_account("Brightside Studio"))
    drain()
    event = {
        "id": "evt_1",
        "object": "event",
        "type": "customer.created",
        "created": int(time.time()),
        "livemode": False,
    }
    event["data"] = {"object": customer("cus_1", int(time.time()))}
    client.post(f"/webhooks/stripe/{connection.webhook_token}", **factories.signed(event))
    drain()
    sandbox.clear_requests()
    poll_now(connection)
    assert sandbox.requests() == []


@pytest.mark.both_databases
def test_a_new_customer_with_a_subscription_is_found_and_counted_at_once(business, lists, poll_now, creatives):
    lists.lists["/v1/customers"].insert(0, customer("cus_2", lists.at - 30))
    lists.lists["/v1/subscriptions"].insert(0, subscription("sub_2", lists.at - 20, created=lists.at - 20))
    poll_now(business)
    assert set(keys()) == {"new_customer:cus_2"}
    assert len(creatives(business)) == 1
    assert db.session.scalar(select(AudienceDay.customers).where(AudienceDay.segment.is_(None))) == 1
    poll_now(business)
    assert len(creatives(business)) == 1


def test_only_what_may_be_new_is_asked_for(business, lists, poll_now):
    poll_now(business)
    assert [request.partition("?")[0] for request in lists.requests] == ["/v1/customers"]


def test_a_draft_hour_makes_no_renewals_of_cards_that_fail(business, lists, poll_now):
    begin = lists.at
    lists.lists["/v1/subscriptions"] = [subscription("sub_1", begin)]
    found_at = None
    for minute in range(5, 180, 5):
        lists.at = begin + minute * MINUTE
        if minute == 60:
            lists.lists["/v1/subscriptions"] = [subscription("sub_1", begin, "past_due")]
        poll_now(business)
        if keys() and found_at is None:
            found_at = minute
    assert set(keys()) == {"payment_failed:in_1"}
    assert found_at in (60, 65)


def test_a_renewal_is_found_two_hours_after_its_period_began(business, lists, poll_now):
    begin = lists.at
    lists.lists["/v1/subscriptions"] = [subscription("sub_1", begin)]
    for minute in range(5, 120, 5):
        lists.at = begin + minute * MINUTE
        poll_now(business)
    assert keys() == {}
    lists.at = begin + 2 * HOUR + MINUTE
    poll_now(business)
    assert set(keys()) == {f"renewed:sub_1:{begin}"}


def test_the_sync_and_the_quick_check_make_one_moment(business, lists, poll_now, drain):
    begin = lists.at
    lists.lists["/v1/subscriptions"] = [subscription("sub_1", begin)]
    lists.lists["/v1/customers"].insert(0, customer("cus_2", begin - 30))
    for minute in (10, 30, 65, 125, 130):
        lists.at = begin + minute * MINUTE
        poll_now(business)
        sync_now(business, drain)
    assert set(keys()) == {f"renewed:sub_1:{begin}", "new_customer:cus_2"}


def test_a_cancellation_is_found_where_the_account_is_large_enough(business, lists, poll_now):
    ended = subscription("sub_1", lists.at - 30 * DAY, "canceled", ended_at=lists.at - MINUTE)
    lists.lists["/v1/subscriptions"] = [ended]
    poll_now(business)
    assert keys() == {}
    with transaction():
        business.monthly_payments = pace.MORE_PAYMENTS
    poll_now(business)
    assert set(keys()) == {"cancelled:sub_1"}


def test_a_list_that_is_long_goes_on_with_the_next_look(business, lists, poll_now):
    burst = [customer(f"cus_new{number}", lists.at - 30) for number in range(700)]
    lists.lists["/v1/customers"] = burst + lists.lists["/v1/customers"]
    poll_now(business)
    assert sum("/v1/customers" in request for request in lists.requests) == 5
    lists.at += MINUTE
    poll_now(business)
    assert len(keys()) == 700


def test_too_many_requests_double_the_pause(business, lists, poll_now):
    with transaction():
        business.monthly_payments = pace.MANY_PAYMENTS
    lists.is_busy = True
    pauses = []
    for _ in range(3):
        poll_now(business)
        pauses.append((business.next_poll_at - now()).total_seconds())
    assert 115 < pauses[0] <= 150 < 235 < pauses[1] <= 300 < 475 < pauses[2] <= 600
    lists.is_busy = False
    poll_now(business)
    assert business.next_poll_at - now() <= timedelta(minutes=1)


def test_reads_are_counted(business, lists, poll_now):
    before = connections.count_reads(business.id)
    poll_now(business)
    assert connections.count_reads(business.id) - before == len(lists.requests) == 1


def test_after_a_downgrade_nothing_is_read_or_made(business, lists, account, poll_now, drain):
    lists.lists["/v1/customers"].insert(0, customer("cus_2", lists.at - 30))
    with transaction():
        account.plan = "starter"
        business.next_sync_at = now()
    poll_now(business)
    assert (lists.requests, keys()) == ([], {})
    with transaction():
        account.plan = "pro"
    poll_now(business)
    assert set(keys()) == {"new_customer:cus_2"}


def test_moments_that_are_ready_wait_while_the_plan_is_too_low(business, lists, account, poll_now, drain, creatives):
    with transaction():
        account.plan = "starter"
        moment = {"key": "renewed:sub_1:1", "kind": "renewed", "stripe_customer_id": "cus_1", "source": "sync"}
        at = now() - timedelta(minutes=1)
        db.session.add(
            Moment(connection_id=business.id, occurred_at=at, received_at=at, detected_at=at, state="ready", **moment)
        )
    tasks.reconcile()
    tasks.process_events(business.id)
    drain()
    assert (creatives(business), keys()) == ([], {"renewed:sub_1:1": "ready"})


def test_permissions_are_asked_for_once_a_day_or_when_the_owner_presses(business, lists, drain):
    def sync_by_itself() -> int:
        lists.requests.clear()
        with transaction():
            business.next_sync_at = now()
        tasks.reconcile()
        drain()
        return sum("limit=1&" in f"{request}&" or request == "/v1/account" for request in lists.requests)

    assert sync_by_itself() == 0
    with transaction():
        business.permissions_checked_at = datetime(2026, 1, 1, tzinfo=UTC)
    assert sync_by_itself() > 0
    assert sync_by_itself() == 0


def test_an_erased_customer_stays_erased(business, lists, poll_now):
    lists.lists["/v1/customers"].insert(0, customer("cus_2", lists.at - 30))
    poll_now(business)
    with transaction():
        record.erase(business, "cus_2")
    poll_now(business)
    assert db.session.scalar(select(Customer).where(Customer.stripe_id == "cus_2")) is None


def test_the_page_says_which_source_gives_what_and_what_it_costs(business, lists, as_owner, poll_now):
    with transaction():
        business.encrypted_signing_secret, business.monthly_payments = None, 50
    poll_now(business)
    page = as_owner.get("/settings/integrations/stripe").text
    said = " ".join(page.split())
    assert "Working now: <strong>Quick check</strong>, creatives for new customers within 6 minutes" in said
    assert "Renewals 2 hours after the period began" in said
    assert "Cancellations within 60 minutes" in said
    used = connections.count_reads(business.id)
    assert f"mani used {used} of about 25,000 reads that Stripe allows this account" in said
    assert "Every hour, mani reads all customers and subscriptions" in said


def test_the_pages_say_that_a_lower_plan_reads_nothing(business, account, as_owner):
    with transaction():
        account.plan, business.next_sync_at = "starter", now()
    said = " ".join(as_owner.get("/settings/integrations/stripe").text.split())
    assert "Nothing is read from Stripe and no ads are made; what was made stays." in said
    assert "Syncing" not in said
    assert "Paused: the plan doesn" in as_owner.get("/").text
    as_owner.post("/settings/integrations/stripe/sync")
    assert sync.due() == set()


def test_in_test_mode_a_cancellation_is_found_by_filters_that_stripe_takes(
    sandbox, account, drain, poll_now, creatives
):
    stripe_account = sandbox.create_account("Brightside Studio")
    stripe = sandbox.client(stripe_account["keys"]["test"]["secret"])
    price = sandbox.catalogue(stripe_account["id"])["Team"]["month"]
    leaver = stripe.v1.customers.create({"name": "Hazel Testford"})
    owned = stripe.v1.subscriptions.create({"customer": leaver.id, "items": [{"price": price}]})
    connection = factories.connect(account, stripe_account)
    with transaction():
        connection.connected_at = now() - timedelta(minutes=1)
    drain()
    sandbox.cancel(owned.id)
    sandbox.clear_requests()
    poll_now(connection)
    assert f"cancelled:{owned.id}" in keys()
    assert [row for row in sandbox.requests() if row["status"] != 200] == []


@pytest.mark.both_databases
def test_payments_are_estimated_from_what_runs(business, lists, drain):
    yearly = subscription("sub_2", lists.at - DAY)
    yearly["items"]["data"][0]["price"] |= {"id": "price_2", "recurring": {"interval": "year", "interval_count": 1}}
    weekly = subscription("sub_3", lists.at - DAY)
    weekly["items"]["data"][0]["price"] |= {"id": "price_3", "recurring": {"interval": "week", "interval_count": 1}}
    free = subscription("sub_4", lists.at - DAY)
    free["items"]["data"][0]["price"] |= {"id": "price_4", "unit_amount": 0}
    lists.lists["/v1/subscriptions"] = [yearly, weekly, free, subscription("sub_5", lists.at, "trialing")]
    sync_now(business, drain)
    assert business.monthly_payments == round(30 / 365 + 30 / 7 + 1)  # sub_1 still runs, as far as is known
