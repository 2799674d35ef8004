"""mani's clock jumps, ahead or back: nothing waits for it, nothing is lost, and no check says good because of it."""

import json
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, Phase, example, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from manimod import tasks
from manimod.diagnostics import alerts, check_runner
from manimod.extensions import db
from manimod.ingest import events, polling, recent, retention, sync
from manimod.jobs import transaction
from manimod.models import Connection, Creative, Customer, Moment, StripeEvent, Subscription, SyncRun
from manimod.models.accounts import now
from manimod.models.states import Source
from manimod.stripe import connections
from manimod.stripe.gateway import verify
from tests import factories, stripe_events
from tests.stripe_lists import StripeLists

READS = {"customers": True, "subscriptions": True}


@pytest.fixture
def connection(account, lists) -> Connection:
    """Its lists are empty; no webhook."""
    connection = factories.make_connection(account, permissions=READS, connected_at=now() - timedelta(days=1))
    with transaction():
        connection.encrypted_signing_secret = None
    return connection


@pytest.fixture
def work(connection) -> Callable[[], None]:
    """What the scheduler and the workers do about a sync and a poll that are due."""

    def run() -> None:
        if connection.id in sync.due():
            while sync.run(connection.id):
                pass
        if connection.id in polling.due():
            polling.run(connection.id)
        db.session.rollback()

    with transaction():
        sync.request_sync(connection)
        connection.next_poll_at = now()
    return run


@pytest.fixture
def outcomes(connection) -> Callable[[], dict[str, str]]:
    """Of each check."""

    def run() -> dict[str, str]:
        return {check.name: check.outcome for check in check_runner.run_checks(connection.account, connection)}

    return run


# --- one jump, and the clock is right again --------------------------------------------------------------------------


@pytest.mark.parametrize("jump", [timedelta(days=2), timedelta(hours=1), timedelta(minutes=2)], ids=str)
@pytest.mark.both_databases
def test_what_a_clock_planned_that_was_ahead_is_due_at_once(connection, work, clock, jump):
    for clock.ahead in (timedelta(), jump):
        work()
    clock.ahead = timedelta()
    assert connection.id in sync.due() & polling.due()
    work()
    clock.ahead = timedelta(seconds=5)
    assert connection.id not in sync.due() | polling.due(), "not again and again"


@pytest.mark.both_databases
def test_a_clock_that_goes_back_stops_nothing(connection, work, clock):
    for clock.ahead in (timedelta(), timedelta(days=-2), timedelta()):
        assert connection.id in sync.due() & polling.due()
        work()
        clock.ahead += timedelta(seconds=5)
        assert connection.id not in sync.due() | polling.due(), "not again and again"


def test_a_time_that_is_absurdly_far_ahead_is_due(connection):
    with transaction():
        connection.next_sync_at = connection.next_poll_at = now() + timedelta(days=2)
    assert connection.id in sync.due() & polling.due()


@pytest.mark.both_databases
def test_a_run_that_was_leased_in_the_future_is_taken_over(connection, work, clock):
    clock.ahead = timedelta(days=2)
    with transaction():
        db.session.add(SyncRun(connection_id=connection.id, lease_until=now() + sync.LEASE))
    clock.ahead = timedelta()
    assert connection.id in sync.due()
    work()
    assert sync.get_latest(connection).state == "done"


def test_a_run_that_is_leased_now_is_left_alone(connection):
    with transaction():
        db.session.add(SyncRun(connection_id=connection.id, lease_until=now() + sync.LEASE))
    assert sync.run(connection.id) is False
    assert sync.get_latest(connection).state == "running"


@pytest.mark.both_databases
def test_events_and_moments_of_the_future_are_taken_up(connection, clock):
    clock.ahead = timedelta(days=2)
    stored = {"type": "customer.created", "facts": {}, "created_at": now(), "received_at": now(), "source": "webhook"}
    with transaction():
        db.session.add(StripeEvent(connection_id=connection.id, stripe_id="evt_1", **stored))
    clock.ahead = timedelta()
    assert connection.id in events.due()
    with transaction():
        db.session.execute(update(StripeEvent).values(state="done"))
    assert connection.id not in events.due()
    with transaction():
        waits = {"kind": "new_customer", "state": "waiting", "source": "webhook", "ready_at": now() + timedelta(days=2)}
        times = {"occurred_at": now(), "received_at": now()}
        db.session.add(Moment(connection_id=connection.id, key="new_customer:cus_1", **waits, **times))
    assert connection.id in events.due()


# --- what is lost or made by a wrong clock ---------------------------------------------------------------------------


def test_who_comes_while_a_sync_runs_is_not_erased_because_the_clock_is_ahead(connection, lists, clock, monkeypatch):
    with transaction():
        connection.livemode = True  # where nobody is asked for by name before they are erased
    clock.ahead = timedelta(minutes=10)
    monkeypatch.setattr(sync, "SLICE_SECONDS", 0)
    lists.at = int(time.time())
    lists.lists["/v1/customers"] = [stripe_events.customer(f"cus_{number}", created=9) for number in range(250)]
    with transaction():
        sync.request_sync(connection)
    assert sync.run(connection.id) is True  # the first page
    with transaction():
        columns = {"connection_id": connection.id, "created_at": now() - clock.ahead + timedelta(seconds=1)}
        db.session.add(Customer(stripe_id="cus_new", **columns))
    while sync.run(connection.id):
        pass
    assert (sync.get_latest(connection).state, sync.get_latest(connection).gone) == ("done", 0)
    assert db.session.scalar(select(func.count()).where(Customer.stripe_id == "cus_new")) == 1


def test_who_came_after_the_connection_is_new_though_the_clock_was_ahead(account, lists, clock, drain):
    clock.ahead = timedelta(days=2)
    lists.at = int(time.time())
    check = connections.check_key("rk_test_" + "0" * 24)
    with transaction():
        connection = connections.connect(account, check)
    assert abs(connection.connected_at.timestamp() - lists.at) < 5
    drain()
    clock.ahead = timedelta()
    lists.lists["/v1/customers"] = [stripe_events.customer("cus_1", created=lists.at + 60)]
    lists.at += 120
    with transaction():
        sync.request_sync(connection)
    drain()
    assert db.session.scalars(select(Moment.key)).all() == ["new_customer:cus_1"]


def test_a_thin_event_that_is_fetched_by_a_clock_ahead_holds_up_no_later_one(connection, lists, clock, drain):
    with transaction():
        connections.set_signing_secret(connection, factories.SIGNING_SECRET)
    at = lists.at = int(time.time())
    lists.lists["/v1/subscriptions"] = [stripe_events.subscription()]
    thin = {"id": "evt_thin", "object": "v2.core.event", "type": "v1.customer.subscription.updated", "livemode": False}
    thin |= {"created": "2026-01-01T00:00:00Z"}
    thin |= {"related_object": {"id": "sub_1", "type": "subscription", "url": "/v1/subscriptions/sub_1"}}
    clock.ahead = timedelta(days=2)
    later = stripe_events.event(
        "customer.subscription.updated", stripe_events.subscription(status="past_due"), created=at + 60
    )
    for one in (thin, later):
        request = factories.signed(one, at=now().timestamp())
        secrets = connections.signing_secrets(connection)
        event = verify(request["data"], request["headers"]["Stripe-Signature"], secrets)
        with transaction():
            events.store([(connection.id, event)], Source.WEBHOOK)
        drain()
    assert db.session.scalar(select(Subscription.status)) == "past_due"


def test_the_event_check_skips_nothing_because_the_clock_was_ahead(connection, lists, clock, work):
    with transaction():
        connection.permissions = READS | {"events": True}
    lists.refused.clear()
    lists.at = int(time.time())
    clock.ahead = timedelta(days=40)
    work()
    body = stripe_events.event("customer.created", stripe_events.customer("cus_1"), created=lists.at)
    lists.lists["/v1/events"] = [body]
    clock.ahead = timedelta()
    work()
    assert db.session.scalars(select(StripeEvent.stripe_id)).all() == [body["id"]]


def test_an_event_with_a_time_of_its_own_holds_up_no_later_one(connection, lists, work):
    """Whatever Stripe says about one event, the event check reads on from Stripe's present time."""
    with transaction():
        connection.permissions = READS | {"events": True}
    lists.refused.clear()
    lists.at = int(time.time())
    odd = stripe_events.event("customer.created", stripe_events.customer("cus_1"), created=7_258_118_400)
    lists.lists["/v1/events"] = [odd]
    work()
    right = stripe_events.event("customer.created", stripe_events.customer("cus_2"), created=lists.at)
    lists.lists["/v1/events"] = [odd, right]
    with transaction():
        connection.next_poll_at = now()
    polling.run(connection.id)
    assert set(db.session.scalars(select(StripeEvent.stripe_id))) == {odd["id"], right["id"]}


def test_a_clock_that_is_years_ahead_deletes_nothing_of_the_last_weeks(connection, lists, clock, work):
    lists.at = int(time.time())
    for age in (70, 100):
        at = now() - timedelta(days=age)
        stored = {"type": "customer.created", "facts": {}, "created_at": at, "received_at": at, "source": "webhook"}
        with transaction():
            db.session.add(StripeEvent(connection_id=connection.id, stripe_id=f"evt_{age}", state="done", **stored))
    work()
    for ahead in (timedelta(), timedelta(days=3650)):
        clock.ahead = ahead
        retention.prune(connection.id)
        work()  # a sync by the wrong clock moves no limit either
        retention.prune(connection.id)
        assert db.session.scalars(select(StripeEvent.stripe_id)).all() == ["evt_70"]


def test_ads_that_expired_by_a_wrong_clock_are_back_in_the_queue(connection, drain, clock, deliver_customer):
    deliver_customer("cus_1")
    creative = db.session.scalar(select(Creative))
    assert creative.status == "waiting"
    for ahead, status in ((timedelta(days=400), "expired"), (timedelta(), "waiting"), (timedelta(), "waiting")):
        clock.ahead = ahead
        tasks.check_health(connection.account_id)
        db.session.rollback()
        assert creative.status == status


@pytest.fixture
def deliver_customer(connection, drain) -> Callable[[str], None]:
    """An event about a new customer, on to its creative."""

    def run(customer_id: str) -> None:
        body = stripe_events.event("customer.created", stripe_events.customer(customer_id))
        with transaction():
            connections.set_signing_secret(connection, factories.SIGNING_SECRET)
        request = factories.signed(json.loads(json.dumps(body)))
        event = verify(request["data"], request["headers"]["Stripe-Signature"], connections.signing_secrets(connection))
        with transaction():
            events.store([(connection.id, event)], Source.WEBHOOK)
        drain()

    return run


# --- what checks say -------------------------------------------------------------------------------------------------


def test_what_was_last_seen_in_the_future_is_broken(connection, work, clock, outcomes, drain):
    clock.ahead = timedelta(days=2)
    work()
    tasks.reconcile()  # the scheduler was there
    clock.ahead = timedelta()
    found = {check.name: check for check in check_runner.run_checks(connection.account, connection)}
    assert found["scheduler"].outcome == "broken"
    assert "in the future" in found["scheduler"].meaning
    assert not [check.name for check in found.values() if check.outcome == "good" and _is_ahead(check.seen_at)]
    tasks.reconcile()
    work()
    found = {check.name: check for check in check_runner.run_checks(connection.account, connection)}
    assert found["scheduler"].outcome == "good"
    assert not [check.name for check in found.values() if _is_ahead(check.seen_at)]


def _is_ahead(at) -> bool:
    return bool(at and at > now() + timedelta(minutes=2))


def test_a_webhook_of_the_future_is_not_what_works_now(connection, clock, outcomes, deliver_customer):
    clock.ahead = timedelta(days=2)
    with transaction():
        db.session.add(SyncRun(connection_id=connection.id, state="done", finished_at=now()))
    stored = {"type": "customer.created", "facts": {}, "created_at": now(), "received_at": now(), "source": "webhook"}
    with transaction():
        connections.set_signing_secret(connection, factories.SIGNING_SECRET)
        db.session.add(StripeEvent(connection_id=connection.id, stripe_id="evt_1", state="done", **stored))
    clock.ahead = timedelta()
    assert outcomes()["webhook"] != "good"
    assert recent.is_needed(connection), "the lists are asked while nobody knows of a webhook that delivers"


def test_checks_run_again_at_once(connection, clock):
    clock.ahead = timedelta(days=2)
    tasks.check_health(connection.account_id)
    clock.ahead = timedelta()
    assert connection.account_id in alerts.due()


def test_pages_say_that_a_time_is_in_the_future(connection, as_owner, clock, work):
    clock.ahead = timedelta(days=2)
    work()
    clock.ahead = timedelta()
    assert "in the future: " in as_owner.get("/settings/integrations/stripe").text


# --- a day of it -----------------------------------------------------------------------------------------------------

STEP, DAY = 600, 86_400
# A leap second repeats a second; a clock that is set by hand is off by an hour (daylight saving time), or by days.
OFFSETS = st.sampled_from((-172_800, -3600, -61, -1, 0, 1, 61, 3600, 7200, 172_800)) | st.integers(-90_000, 90_000)
DAYS = st.dictionaries(st.integers(0, DAY // STEP - 1), OFFSETS, min_size=3, max_size=12)


@pytest.mark.parametrize("reads_events", [False, True], ids=["lists", "events"])
def test_through_a_day_of_jumps_nothing_stops_and_each_customer_is_found_once(app, lists, clock, reads_events):
    """The jumps of a day: step -> by how much mani's clock is off from then on. Stripe's clock is right."""
    began = int(time.time())

    @seed(20261128)
    @settings(
        max_examples=2,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(jumps=DAYS)
    @example(jumps={20: 172_800, 21: 0, 50: 3600, 56: 0, 75: -3600, 81: 0, 100: 1, 101: 0})
    def live_through(jumps: dict[int, int]) -> None:
        lists.refused = {"/v1/invoices"} if reads_events else {"/v1/events", "/v1/invoices"}
        lists.lists, lists.at = {}, began
        clock.ahead = timedelta()
        permissions = READS | {"events": reads_events}
        connection = factories.make_connection(livemode=True, permissions=permissions, permissions_checked_at=now())
        with transaction():
            connection.encrypted_signing_secret = None
            sync.request_sync(connection)
            connection.next_poll_at = now()
        polled, synced, off = began, began, 0
        for step in range(DAY // STEP):
            lists.at = began + step * STEP
            off = jumps.get(step, off)
            clock.ahead = timedelta(seconds=lists.at - time.time() + off)
            if step % 12 == 3:
                come(lists, f"cus_{step}")
            if connection.id in sync.due():
                synced = lists.at
                while sync.run(connection.id):
                    pass
            if connection.id in polling.due():
                polled = lists.at
                polling.run(connection.id)
                events.process_pending(connection.id)
            assert lists.at - polled <= 600 + STEP, "every 10 minutes"
            assert lists.at - synced <= 3 * 3600 + STEP, "every 3 hours"
        keys = db.session.scalars(select(Moment.key).where(Moment.connection_id == connection.id)).all()
        assert sorted(keys) == sorted(f"new_customer:cus_{step}" for step in range(3, DAY // STEP, 12))
        erased = select(func.sum(SyncRun.gone)).where(SyncRun.connection_id == connection.id)
        assert db.session.scalar(erased) == 0

    live_through()


def come(lists: StripeLists, customer_id: str) -> None:
    """A new customer, first in Stripe's lists."""
    body = stripe_events.customer(customer_id, created=lists.at, livemode=True)
    lists.lists["/v1/customers"] = [body, *lists.lists.get("/v1/customers", [])]
    event = stripe_events.event("customer.created", body, created=lists.at, livemode=True)
    lists.lists["/v1/events"] = [event, *lists.lists.get("/v1/events", [])]
