"""The inbox keeps each signed event once, minimised, and processes it once, however often and in whatever order."""

import itertools

import pytest
from sqlalchemy import select, text

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.ingest import events
from manimod.jobs import transaction
from manimod.models import StripeEvent
from manimod.stripe import connections
from tests import factories
from tests.stripe_events import customer, event, invoice, subscription


def stored(stripe_id: str) -> StripeEvent:
    db.session.rollback()
    return db.session.scalar(select(StripeEvent).where(StripeEvent.stripe_id == stripe_id))


@pytest.mark.both_databases
def test_an_event_is_stored_once_however_often_it_is_delivered(deliver, drain, moments):
    once = event("customer.created", customer())
    assert deliver(once) is True
    assert deliver(once) is False
    drain()
    assert deliver(once) is False
    drain()
    assert moments() == {"new_customer:cus_1": "generated"}


def test_only_allowed_fields_are_stored_and_the_ledger_counts_the_rest(deliver):
    one = event("customer.created", customer())
    deliver(one)
    row = stored(one["id"])
    assert "hazel@example.com" not in str(row.facts)
    assert row.facts["customer"]["name"] == "Hazel Testford"
    assert "data.object.name" in row.fields_read
    assert row.fields_dropped >= 4


def test_an_event_of_the_other_mode_is_ignored_with_its_reason(deliver, drain, moments):
    live = event("customer.created", customer(), livemode=True)
    deliver(live)
    drain()
    assert moments() == {}
    assert stored(live["id"]).state == "ignored"
    assert "live-mode" in stored(live["id"]).reason


def test_after_a_downgrade_events_are_ignored_with_their_reason(account, deliver, drain, moments):
    with transaction():
        account.plan = "starter"
    one = event("customer.created", customer())
    deliver(one)
    drain()
    assert moments() == {}
    assert "starter" in stored(one["id"]).reason


def test_an_event_without_a_moment_says_why(deliver, drain):
    one = event("invoice.paid", invoice(reason="manual"))
    deliver(one)
    drain()
    assert "one-off" in stored(one["id"]).reason


STORY = [
    ("customer.created", lambda: customer(), 100),
    ("customer.subscription.created", lambda: subscription(), 100),
    ("invoice.paid", lambda: invoice("in_0", reason="subscription_create"), 101),
    ("invoice.payment_failed", lambda: invoice("in_7", status="open"), 200),
    ("invoice.paid", lambda: invoice("in_7"), 300),
]
ORDERS = list(itertools.permutations(range(len(STORY))))


@pytest.mark.parametrize("order", ORDERS[::9], ids=str)
def test_a_story_ends_the_same_in_whatever_order_it_is_told(deliver, drain, moments, order):
    tell(order, deliver, drain)
    check(moments())


@pytest.mark.both_databases
@pytest.mark.parametrize("order", ORDERS[::60], ids=str)
def test_so_it_does_on_either_database(deliver, drain, moments, order):
    tell(order, deliver, drain)
    check(moments())


def tell(order, deliver, drain):
    for number in order:
        kind, body, created = STORY[number]
        deliver(event(kind, body(), created=1_780_000_000 + created))
        if number % 2:
            drain()
    drain()


def check(states):
    assert states.pop("new_customer:cus_1") == "generated"
    assert states.pop("payment_failed:in_7", "withdrawn") == "withdrawn"
    assert [state for key, state in states.items() if key.startswith("renewed:sub_1:")] == ["generated"]


def test_two_events_of_one_second_end_with_the_final_status(deliver, drain, app):
    from manimod.models import Subscription

    for status in ("canceled", "active"):
        deliver(event("customer.subscription.updated", subscription(status=status), created=1_780_000_500))
        drain()
    assert db.session.scalar(select(Subscription.status)) == "canceled"


@pytest.mark.both_databases
def test_a_poison_event_is_parked_after_five_tries_and_holds_up_no_neighbour(deliver, drain, moments, connected):
    bad, good = event("customer.created", customer("cus_bad")), event("customer.created", customer("cus_good"))
    deliver(bad)
    with transaction():
        stored_bad = db.session.scalar(select(StripeEvent).where(StripeEvent.stripe_id == bad["id"]))
        stored_bad.facts = {"customer": 7}
    deliver(good)
    drain()
    assert moments() == {"new_customer:cus_good": "generated"}
    for _ in range(events.MAX_ATTEMPTS):
        events.process_pending(connected.id)
    assert stored(bad["id"]).state == "failed"
    assert "try 5 of 5" in stored(bad["id"]).reason


@pytest.mark.both_databases
def test_an_outage_of_the_database_is_no_events_fault(deliver, drain, moments, connected):
    one = event("customer.created", customer())
    deliver(one)
    db.session.execute(text("ALTER TABLE moment RENAME TO moment_away"))
    db.session.commit()
    for _ in range(events.MAX_ATTEMPTS + 1):
        events.process_pending(connected.id)
    db.session.rollback()
    db.session.execute(text("ALTER TABLE moment_away RENAME TO moment"))
    db.session.commit()
    assert (stored(one["id"]).state, stored(one["id"]).attempts) == ("pending", 0)
    drain()
    events.process_pending(connected.id)
    assert "new_customer:cus_1" in moments()


def test_a_parked_event_can_be_replayed(deliver, drain, moments, connected):
    one = event("customer.created", customer())
    deliver(one)
    with transaction():
        row = db.session.scalar(select(StripeEvent))
        row.state, row.attempts = "failed", 5
        row_id = row.id
    drain()
    assert moments() == {}
    with transaction():
        events.replay(connected, row_id)
    drain()
    assert moments() == {"new_customer:cus_1": "generated"}


def test_nobody_replays_another_accounts_event(deliver, connected):
    deliver(event("customer.created", customer()))
    stranger = factories.make_connection()
    event_id = db.session.scalar(select(StripeEvent.id))
    with pytest.raises(ManimodError), transaction():
        events.replay(stranger, event_id)


@pytest.mark.both_databases
def test_after_a_disconnect_nothing_is_processed_or_left(deliver, drain, moments, connected):
    deliver(event("customer.created", customer()))
    with transaction():
        connections.disconnect(connected)
    drain()
    assert moments() == {}
    assert db.session.scalar(select(StripeEvent.id)) is None
    assert (connected.encrypted_api_key, connected.encrypted_signing_secret) == (None, None)
