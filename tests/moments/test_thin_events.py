"""Thin events: Stripe names the object that has changed, and mani asks for it."""

import time
from collections.abc import Callable

import pytest
from sqlalchemy import select, update

from manimod import tasks
from manimod.extensions import db
from manimod.ingest import events
from manimod.jobs import transaction
from manimod.models import Customer, Moment, StripeEvent
from manimod.models.accounts import now
from tests import factories
from tests.stripe_events import customer, event, invoice, subscription

NAMES = {"customer": "customers", "subscription": "subscriptions", "invoice": "invoices"}


@pytest.fixture
def connection(account):
    return factories.make_connection(account)


@pytest.fixture
def send(client, connection, drain) -> Callable[..., None]:
    def post(*events: dict) -> None:
        for one in events:
            response = client.post(f"/webhooks/stripe/{connection.webhook_token}", **factories.signed(one))
            assert response.status_code == 200
        drain()

    return post


def thin(kind: str, body: dict, **others: object) -> dict:
    """The thin event of an object, with today's time as text."""
    name, number = body["object"], event(kind, body)["id"]
    return {
        "id": number,
        "object": "v2.core.event",
        "type": f"v1.{kind}",
        "created": as_text(time.time()),
        "livemode": False,
        "context": None,
        "related_object": {"id": body["id"], "type": name, "url": f"/v1/{NAMES[name]}/{body['id']}"},
        **others,
    }


def as_text(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def states() -> dict[str, str]:
    db.session.rollback()
    return dict(db.session.execute(select(Moment.key, Moment.state)).all())


def reasons() -> list[str | None]:
    db.session.rollback()
    return list(db.session.scalars(select(StripeEvent.reason).order_by(StripeEvent.id)))


MONTH_AGO = int(time.time()) - 30 * 86_400


def renewed_subscription(**others: object) -> dict:
    return subscription(created=MONTH_AGO, start_date=MONTH_AGO, billing_cycle_anchor=MONTH_AGO, **others)


def test_the_object_is_fetched_and_means_what_the_snapshot_means(send, lists):
    paid = invoice("in_1")
    lists.refused = set()
    lists.lists = {"/v1/customers": [customer()], "/v1/invoices": [paid], "/v1/subscriptions": [renewed_subscription()]}
    send(thin("customer.created", customer()), thin("invoice.paid", paid))
    by_thin = set(states())
    send(event("customer.created", customer()), event("invoice.paid", paid))
    assert set(states()) == by_thin
    assert {key.partition(":")[0] for key in by_thin} == {"new_customer", "renewed"}


def test_nothing_is_doubled_when_both_styles_arrive(send, lists):
    lists.lists = {"/v1/customers": [customer()]}
    send(thin("customer.created", customer()), event("customer.created", customer()))
    assert len(states()) == 1


def test_only_gets_of_the_named_object_are_sent(send, lists):
    lists.lists = {"/v1/customers": [customer()]}
    hostile = thin("customer.created", customer())
    hostile["related_object"]["url"] = "http://127.0.0.1:9/v1/charges/ch_1"
    send(hostile)
    assert [address for address in lists.requests if "cus_1" in address] == ["/v1/customers/cus_1"]


def test_what_the_key_may_not_read_names_the_permission(send, lists):
    send(thin("invoice.paid", invoice("in_1")))
    assert "Invoices: Read" in reasons()[0]
    assert states() == {}


def test_a_deletion_needs_no_object(send, lists):
    lists.lists = {"/v1/customers": [customer()]}
    send(thin("customer.created", customer()))
    send(thin("customer.deleted", customer()))
    assert states() == {"new_customer:cus_1": "withdrawn"}


def test_an_object_that_is_deleted_by_now_is_erased_and_not_welcomed(send, lists):
    lists.lists = {"/v1/customers": [{"id": "cus_1", "object": "customer", "deleted": True}]}
    send(thin("customer.created", customer()))
    assert states() == {}
    assert db.session.scalars(select(Customer)).all() == []


def test_an_object_that_stripe_cannot_give_now_is_asked_for_again(send, lists, valkey):
    lists.fails = True
    lists.lists = {"/v1/customers": [customer()]}
    send(thin("customer.created", customer()))
    assert states() == {}
    lists.fails = False
    for key in valkey.keys("mani:thin:*"):
        valkey.delete(key)
    db.session.rollback()
    [row] = db.session.scalars(select(StripeEvent))
    tasks.process_events(row.connection_id)
    assert states() == {"new_customer:cus_1": "generated"}


def test_while_stripe_is_away_no_job_is_asked_for(send, lists, connection, valkey):
    lists.fails = True
    send(thin("customer.created", customer()))
    with transaction():
        db.session.execute(update(StripeEvent).values(received_at=now() - 2 * events.STUCK_AFTER))
    assert events.due() == set()
    valkey.delete(*valkey.keys("mani:thin:*"))  # the pause is over
    assert events.due() == {connection.id}


def test_a_recovery_withdraws_the_failed_payment(send, lists):
    lists.refused = set()
    failed, owing = invoice("in_7", status="open"), renewed_subscription(status="past_due")
    lists.lists = {"/v1/invoices": [failed], "/v1/subscriptions": [owing]}
    send(thin("invoice.payment_failed", failed), thin("customer.subscription.updated", owing))
    assert states() == {"payment_failed:in_7": "generated"}
    lists.lists = {"/v1/subscriptions": [renewed_subscription()]}
    send(thin("customer.subscription.updated", renewed_subscription(), created=as_text(time.time() + 2)))
    assert states() == {"payment_failed:in_7": "withdrawn"}


@pytest.mark.parametrize("created", [None, "yesterday", 1_795_000_000, ""])
def test_a_time_that_cannot_be_read_is_no_event_and_never_1970(client, connection, created):
    strange = thin("customer.created", customer(), created=created)
    response = client.post(f"/webhooks/stripe/{connection.webhook_token}", **factories.signed(strange))
    assert response.status_code == 400


def test_an_event_of_another_account_is_ignored_and_its_object_not_asked_for(send, lists):
    send(thin("customer.created", customer(), context="acct_other"))
    assert "another Stripe account" in reasons()[0]
    assert lists.requests == []


def test_a_ping_of_the_destination_is_no_moment(send, lists):
    ping = {"id": "evt_ping", "object": "v2.core.event", "type": "v2.core.event_destination.ping"}
    related = {"id": "ed_1", "type": "v2.core.event_destination", "url": "/v2/core/event_destinations/ed_1"}
    send(ping | {"created": "2026-11-27T22:00:00.000Z", "livemode": False, "related_object": related})
    assert lists.requests == []
    assert states() == {}
