"""The sync reads every customer and subscription, mends the mirror, and finds the moments that nobody told."""

import itertools
import json
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from manimod import tasks
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.ingest import polling, sync
from manimod.jobs import transaction
from manimod.models import Customer, Moment, Subscription, SyncRun, Tier
from manimod.models.accounts import now
from manimod.stripe import connections
from tests import factories

REQUIRED = ["rak_customer_read", "rak_subscription_read"]
READS = [*REQUIRED, "rak_product_read", "rak_plan_read", "rak_event_read"]


@pytest.fixture
def stripe_account(sandbox):
    return sandbox.create_account("Brightside Studio", permissions=READS)


@pytest.fixture
def stripe(sandbox, stripe_account):
    return sandbox.client(stripe_account["keys"]["test"]["secret"])


@pytest.fixture
def plans(sandbox, stripe_account):
    return sandbox.catalogue(stripe_account["id"])


@pytest.fixture
def sync_now(drain):
    def run(connection) -> SyncRun:
        with transaction():
            sync.request_sync(connection)
        drain()
        return sync.get_latest(connection)

    return run


@pytest.fixture
def old_subscription(sandbox, stripe_account, stripe, connected, sync_now) -> str:
    """A subscription from before the connection, whose running period has just ended."""
    forty_days_ago = int(time.time()) - 40 * 24 * 3600
    sandbox.seed_customers(stripe_account["id"], 1, yearly=0, statuses={"active": 1}, years=0.5, until=forty_days_ago)
    sync_now(connected)
    return stripe.v1.subscriptions.list().data[0].id


def subscribe(stripe, plans, name="Hazel Testford", tier="Team"):
    customer = stripe.v1.customers.create({"name": name})
    return stripe.v1.subscriptions.create({"customer": customer.id, "items": [{"price": plans[tier]["month"]}]})


def count(model) -> int:
    return db.session.scalar(select(func.count()).select_from(model))


@pytest.mark.both_databases
def test_the_first_sync_makes_no_moment_of_what_is_already_there(sandbox, stripe_account, account, drain, app):
    sandbox.seed_customers(stripe_account["id"], 230)
    connection = factories.connect(account, stripe_account)
    drain()
    run = sync.get_latest(connection)
    assert (run.state, run.customers, run.is_first) == ("done", 230, True)
    assert count(Customer) == 230
    assert count(Moment) == 0


def test_tiers_get_their_names_and_positions(stripe, plans, connected, sync_now):
    for tier in plans:
        subscribe(stripe, plans, tier=tier)
    sync_now(connected)
    tiers = db.session.execute(select(Tier.product_name, Tier.position)).all()
    assert dict(tiers) == {"Starter": "entry", "Team": "middle", "Scale": "top"}


@pytest.mark.parametrize(
    ("happens", "kind"),
    [
        (lambda sandbox, subscription: sandbox.renew(subscription), "renewed"),
        (lambda sandbox, subscription: sandbox.fail_renewal(subscription), "payment_failed"),
        (lambda sandbox, subscription: sandbox.cancel(subscription), "cancelled"),
    ],
    ids=["renewed", "payment_failed", "cancelled"],
)
def test_it_finds_what_no_event_told(sandbox, old_subscription, connected, sync_now, moments, creatives, happens, kind):
    happens(sandbox, old_subscription)
    sync_now(connected)
    assert {key.split(":")[0]: state for key, state in moments().items()} == {kind: "generated"}
    assert [(creative.source, creative.event) for creative in creatives()] == [("sync", kind)]
    sync_now(connected)
    assert len(creatives()) == 1


def test_it_finds_a_new_customer_whom_no_event_told(stripe, plans, connected, sync_now, creatives):
    subscribe(stripe, plans)
    sync_now(connected)
    assert [(creative.event, creative.tier) for creative in creatives()] == [("new_customer", "Team")]


@pytest.mark.both_databases
@pytest.mark.parametrize("order", list(itertools.permutations(["webhook", "poll", "sync"])), ids="-".join)
def test_one_renewal_seen_on_three_paths_is_one_moment_and_one_creative(
    stripe, sandbox, old_subscription, connected, sync_now, moments, creatives, deliver, drain, order
):
    sandbox.renew(old_subscription)
    for path in order:
        if path == "sync":
            sync_now(connected)
        elif path == "poll":
            with transaction():
                connected.next_poll_at = now()
            polling.run(connected.id)
        else:
            deliver(*(json.loads(json.dumps(told.to_dict(), default=str)) for told in stripe.v1.events.list().data))
        drain()
    assert [key.split(":")[0] for key in moments()] == ["renewed"]
    assert [creative.moments_count for creative in creatives()] == [1]


@pytest.mark.both_databases
def test_a_customer_deleted_in_stripe_is_erased(stripe, plans, connected, sync_now):
    subscription = subscribe(stripe, plans)
    sync_now(connected)
    stripe.v1.customers.delete(subscription.customer)
    run = sync_now(connected)
    assert run.gone == 1
    assert (count(Customer), count(Subscription)) == (0, 0)


def test_customers_on_a_test_clock_whom_no_list_shows_are_kept_until_deleted(
    stripe, connected, sync_now, deliver, monkeypatch
):
    monkeypatch.setattr(sync, "SLICE_SECONDS", 0)  # so that Stripe is asked for one of them in each slice
    clock = stripe.v1.test_helpers.test_clocks.create({"frozen_time": int(time.time()) - 60})
    created = [stripe.v1.customers.create({"name": "Hazel Testford", "test_clock": clock.id}) for _ in range(3)]
    for told in stripe.v1.events.list().data:
        if told.type == "customer.created":
            deliver(json.loads(json.dumps(told.to_dict(), default=str)))
    assert [sync_now(connected).gone, sync_now(connected).gone] == [0, 0]
    assert count(Customer) == 3
    for customer in created[:2]:
        stripe.v1.customers.delete(customer.id)
    assert sync_now(connected).gone == 2
    assert db.session.scalars(select(Customer.stripe_id)).all() == [created[2].id]


@pytest.mark.both_databases
def test_times_are_kept_to_the_second_and_in_utc(stripe, plans, connected, sync_now):
    subscription = subscribe(stripe, plans)
    sync_now(connected)
    kept = db.session.scalar(select(Subscription))
    assert (kept.created_at.timestamp(), kept.created_at.utcoffset()) == (subscription.created, timedelta())
    assert (kept.started_at.timestamp(), kept.ended_at) == (subscription.start_date, None)
    assert db.session.scalar(select(func.count()).where(Subscription.created_at <= kept.created_at)) == 1


def test_a_changed_name_is_kept(stripe, connected, sync_now):
    customer = stripe.v1.customers.create({"name": "Old Name"})
    sync_now(connected)
    stripe.v1.customers.update(customer.id, {"name": "New Name"})
    sync_now(connected)
    assert db.session.scalar(select(Customer.name)) == "New Name"


def test_it_is_due_every_hour_and_only_then(connected, drain):
    tasks.reconcile()
    drain()
    assert count(SyncRun) == 1
    with transaction():
        connected.next_sync_at = now() - timedelta(seconds=1)
    tasks.reconcile()
    drain()
    assert count(SyncRun) == 2
    assert timedelta(minutes=59) < connected.next_sync_at - now() <= timedelta(minutes=60)


def test_it_never_runs_twice_at_once(connected, sandbox):
    sandbox.clear_requests()
    with transaction():
        sync.request_sync(connected)
        db.session.add(SyncRun(connection_id=connected.id, lease_until=now() + timedelta(minutes=1)))
    assert sync.run(connected.id) is False
    assert sandbox.requests() == []


@pytest.mark.both_databases
def test_a_killed_run_goes_on_where_it_stopped(sandbox, stripe_account, connected, monkeypatch):
    sandbox.seed_customers(stripe_account["id"], 1200)
    sandbox.clear_requests()
    monkeypatch.setattr(sync, "SLICE_SECONDS", 0)
    with transaction():
        sync.request_sync(connected)
    assert sync.run(connected.id) is True
    with transaction():  # as a killed worker leaves it: still leased
        sync.get_latest(connected).lease_until = now() - timedelta(seconds=1)
    assert any(sync.get_latest(connected).cursors.values())
    monkeypatch.undo()
    assert sync.run(connected.id) is False
    run = sync.get_latest(connected)
    assert (run.state, run.customers) == ("done", 1200)
    assert count(Customer) == 1200
    pages = [row for row in sandbox.requests() if row["path"] == "/v1/customers"]
    assert len(pages) < 2 * 12  # twelve pages, and a few that were read ahead when it was killed


@pytest.mark.parametrize("fault", [{"status": 429}, {"status": 500}, {"drop": True}, {"half": True}], ids=str)
def test_it_is_patient_with_a_passing_fault(sandbox, stripe, connected, sync_now, fault):
    stripe.v1.customers.create({"name": "Hazel Testford"})
    sandbox.fault(path="/v1/subscriptions", times=2, after=1, **fault)
    run = sync_now(connected)
    assert (run.state, run.customers) == ("done", 1)


def test_a_deleted_key_fails_the_run_and_says_so_until_it_works_again(sandbox, stripe_account, connected, sync_now):
    key = stripe_account["keys"]["test"]["restricted"]
    sandbox.change_key(key, state="expired")
    run = sync_now(connected)
    assert (run.state, run.error_code, connected.last_error) == ("failed", "STRIPE_KEY_EXPIRED", "STRIPE_KEY_EXPIRED")
    sandbox.change_key(key, state="active")
    assert sync_now(connected).state == "done"
    assert connected.last_error is None


def test_a_permission_that_was_added_in_stripe_is_noticed(sandbox, account, drain, sync_now):
    stripe_account = sandbox.create_account("Careful Studio", permissions=REQUIRED)
    connection = factories.connect(account, stripe_account)
    drain()
    assert connection.permissions["events"] is False
    key = stripe_account["keys"]["test"]["restricted"]
    sandbox.change_key(key, permissions=READS)
    sync_now(connection)
    assert connection.permissions["events"] is True
    assert connection.next_poll_at is not None


def test_a_disconnect_stops_a_running_sync_cleanly(sandbox, stripe_account, connected, monkeypatch):
    sandbox.seed_customers(stripe_account["id"], 300)
    monkeypatch.setattr(sync, "SLICE_SECONDS", 0)
    with transaction():
        sync.request_sync(connected)
    sync.run(connected.id)
    with transaction():
        connections.disconnect(connected)
    assert sync.run(connected.id) is False
    assert (count(Customer), count(SyncRun)) == (0, 0)


def test_nothing_is_synced_without_a_connection(connected):
    with transaction():
        connections.disconnect(connected)
    with pytest.raises(ManimodError), transaction():
        sync.request_sync(connected)


def test_only_get_requests_reach_stripe(sandbox, stripe, plans, connected, sync_now):
    subscribe(stripe, plans)
    sync_now(connected)
    assert {row["method"] for row in sandbox.requests(key_kind="restricted")} == {"GET"}
