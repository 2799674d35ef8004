"""The test page: an event on its way from Stripe to the queue, against the promised five minutes."""

import re
import time
from datetime import timedelta

import pytest
from rq import Worker
from rq.serializers import JSONSerializer

from manimod.extensions import db
from manimod.jobs import FAST, HEARTBEAT_KEY, SLOW, transaction
from manimod.models import Connection, Moment, RejectedDelivery, StripeEvent
from manimod.models.accounts import now
from tests import factories


@pytest.fixture(autouse=True)
def everybody_at_work(valkey):
    for name in (FAST, SLOW):
        Worker([name], connection=valkey, serializer=JSONSerializer).register_birth()
    valkey.set(HEARTBEAT_KEY, int(time.time()))


def reject_deliveries(connection: Connection, count: int) -> None:
    rejected = {"code": "WEBHOOK_BAD_SIGNATURE", "hour": now(), "count": count, "last_at": now()}
    with transaction():
        connection.signing_secret_set_at = now() - timedelta(minutes=1)
        db.session.add(RejectedDelivery(connection_id=connection.id, **rejected))


DONE = '<li class="list-group-item d-flex gap-3 done"'


def begun(seconds_ago: float = 20) -> str:
    return f"/test?since={int(time.time() - seconds_ago)}"


def add_event(connection: Connection, seconds_ago: float, **columns: object) -> None:
    at = now() - timedelta(seconds=seconds_ago)
    event = {"stripe_id": "evt_1", "type": "customer.created", "source": "webhook", "facts": {}, "state": "done"}
    event |= {"stripe_customer_id": "cus_1", "created_at": at, "received_at": at}
    with transaction():
        db.session.add(StripeEvent(connection_id=connection.id, **event | columns))


def add_moment(connection: Connection, seconds_ago: float, **columns: object) -> None:
    at = now() - timedelta(seconds=seconds_ago)
    moment = {"key": "new_customer:cus_1", "kind": "new_customer", "source": "webhook", "state": "ready"}
    moment |= {"stripe_customer_id": "cus_1", "occurred_at": at, "received_at": at, "detected_at": at}
    with transaction():
        db.session.add(Moment(connection_id=connection.id, **moment | columns))


def test_without_a_connection_the_way_to_it_is_shown(as_owner):
    assert "Connect Stripe first" in as_owner.get("/test").text


def test_watching_begins_with_a_time_in_the_address(as_owner, connection):
    assert "/test?since=now" in as_owner.get("/test").text
    answer = as_owner.get("/test?since=now")
    assert answer.status_code == 302
    assert abs(int(answer.headers["Location"].partition("since=")[2]) - time.time()) < 5


@pytest.mark.parametrize("since", ["-1", "99999999999999999999", "0", "x"])
def test_a_made_up_time_does_no_harm(as_owner, connection, since):
    assert as_owner.get(f"/test?since={since}").status_code == 200


def test_first_it_waits_for_the_event_and_keeps_looking(as_owner, connection):
    page = as_owner.get(begun()).text
    assert "Waiting for the event" in page
    assert re.search(r"0:(19|2\d)", page)
    assert 'data-poll="1"' in page
    assert "Look again" in page, "a link does it without JavaScript"


def test_an_event_before_the_test_is_not_taken_for_it(as_owner, connection):
    add_event(connection, seconds_ago=60)
    add_moment(connection, seconds_ago=60)
    assert "Waiting for the event" in as_owner.get(begun()).text


@pytest.mark.parametrize(
    ("state", "reason"), [("ignored", "a test event"), ("done", "nothing changed"), ("failed", "x")]
)
def test_an_event_that_makes_no_ads_is_said_and_the_watch_goes_on(as_owner, connection, state, reason):
    add_event(connection, seconds_ago=9, state=state, reason=reason)
    page = as_owner.get(begun()).text
    assert "Still waiting for an event that creates ads" in page
    assert f"Received customer.created, which doesn't create ads ({reason})" in page
    assert 'data-poll="1"' in page


def test_each_stage_is_ticked_with_its_time(as_owner, connection):
    add_event(connection, seconds_ago=9, state="pending")
    page = as_owner.get(begun()).text
    assert "On its way" in page
    assert page.count(DONE) == 1
    add_moment(connection, seconds_ago=9)
    assert as_owner.get(begun()).text.count(DONE) == 2


def test_in_the_queue_it_stops_and_leads_to_the_ads(as_owner, connection, creative):
    add_event(connection, seconds_ago=9)
    add_moment(connection, seconds_ago=9, state="generated", creative_id=creative.id)
    page = as_owner.get(begun()).text
    assert "It works: the ads are in your queue" in page
    assert f'href="/creatives/{creative.id}"' in page
    assert page.count(DONE) == 4
    assert 'hx-target="#watch"' not in page


def test_a_new_stage_is_announced_once(as_owner, connection):
    add_event(connection, seconds_ago=9)
    assert "Test: received." in as_owner.htmx("get", begun() + "&stage=0").text
    assert "announcer" not in as_owner.htmx("get", begun() + "&stage=1").text


def test_what_to_check_is_said_when_nothing_comes(as_owner, connection):
    assert "What to check" not in as_owner.get(begun(seconds_ago=30)).text
    page = as_owner.get(begun(seconds_ago=100)).text
    assert "What to check" in page
    assert "Developers > Webhooks" in page


def test_a_page_left_open_stops_asking(as_owner, connection):
    page = as_owner.get(begun(seconds_ago=20 * 60)).text
    assert "Nothing has arrived" in page
    assert "Start again" in page
    assert 'hx-target="#watch"' not in page


def test_an_event_that_is_switched_off_is_said(as_owner, connection):
    add_event(connection, seconds_ago=9)
    add_moment(connection, seconds_ago=9, state="skipped")
    assert "“New customer” is switched off" in as_owner.get(begun()).text


def test_a_live_key_is_warned_of(as_owner, account):
    factories.make_connection(account, livemode=True)
    assert "This is live data" in as_owner.get("/test").text


def test_another_accounts_event_is_not_seen(as_owner, connection):
    stranger = factories.make_connection()
    add_event(stranger, seconds_ago=9)
    add_moment(stranger, seconds_ago=9)
    assert "Waiting for the event" in as_owner.get(begun()).text


def without_webhook(connection: Connection, **permissions: bool) -> None:
    with transaction():
        connection.encrypted_signing_secret = None
        connection.permissions = {"customers": True, "subscriptions": True, **permissions}
        connection.next_poll_at = now()


@pytest.mark.parametrize(
    ("permissions", "way"),
    [
        ({}, "mani looks for new customers every 15 seconds while you watch: their ads are here within a minute."),
        (
            {"events": True},
            "mani asks Stripe for events every 15 seconds while you watch: ads are here within a minute.",
        ),
    ],
    ids=["the guide's key", "a key that may read events"],
)
def test_the_way_is_said_before_the_start(as_owner, connection, permissions, way):
    without_webhook(connection, **permissions)
    for page in (as_owner.get("/test").text, as_owner.get(begun()).text):
        assert way in page
        assert "a webhook</a> it takes seconds" in page


def test_where_only_the_sync_is_left_no_clock_runs(as_owner, connection):
    without_webhook(connection)
    with transaction():
        connection.polled_at = now() - timedelta(hours=1)
    page = as_owner.get(begun()).text
    assert "Only the customer sync finds the new customer" in page
    assert "set up the webhook</a>" in page
    assert "/ 5:00" not in page


def test_rejected_deliveries_are_said_at_once_with_the_place_to_mend_it(as_owner, connection):
    reject_deliveries(connection, 45)
    for page in (as_owner.get("/test").text, as_owner.htmx("get", begun(2)).text):
        assert "Deliveries are rejected: they are signed with another secret" in page
        assert "45 rejected" in page
        assert 'href="/settings/integrations/stripe#webhook">Paste the signing secret</a>' in page
    assert "Waiting for the event" not in page
    assert "/ 5:00" not in page


def test_a_subscription_is_waited_for_with_a_countdown(as_owner, connection):
    add_event(connection, seconds_ago=9)
    add_moment(connection, seconds_ago=9, state="waiting", ready_at=now() + timedelta(seconds=11))
    page = as_owner.get(begun()).text
    assert re.search(r"in case a subscription follows: 1[01] s to go", page)


def test_after_five_minutes_nobody_is_told_to_create_a_customer_now(as_owner, connection):
    page = as_owner.get(begun(seconds_ago=330)).text
    assert "No event in 5 minutes" in page
    assert "Create a customer in Stripe's" not in page
    assert "/ 5:00" not in page
    assert 'data-poll="1"' in page, "it may still come"
