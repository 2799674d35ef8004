"""Troubleshooting says what kind of events arrive: whose they are, and in which payload style."""

import html
import json

import pytest

from manimod.stripe import connections
from tests import factories, stripe_events
from tests.moments.test_thin_events import thin


@pytest.fixture
def send(client, connected, drain):
    client.sends_csrf = False

    def post(*events):
        for event in events:
            answer = client.post(f"/webhooks/stripe/{connected.webhook_token}", **factories.signed(event))
            assert answer.status_code == 200
        drain()

    return post


@pytest.fixture
def doctor(app, account):
    """What `flask doctor` says of a check."""
    runner = app.test_cli_runner()

    def ask(name):
        found = json.loads(runner.invoke(args=["doctor", str(account.id), "--json"]).output)["checks"]
        return next(
            (check["outcome"], check["meaning"], check["evidence"]) for check in found if check["check"] == name
        )

    return ask


def test_events_of_other_accounts_and_of_wrong_objects_are_counted_with_their_reason(as_owner, send, doctor):
    body = stripe_events.customer("cus_1")
    send(
        stripe_events.event("customer.created", body, account="acct_other"),
        stripe_events.event("customer.created", stripe_events.customer("cus_2"), account="acct_other"),
        stripe_events.event("customer.created", body | {"object": "payment_intent"}),
        stripe_events.event("customer.updated", stripe_events.customer("cus_3")),
    )
    outcome, meaning, evidence = doctor("own_events")
    assert (outcome, evidence) == ("attention", "3 events of the latest 4")
    assert "2 events: the event is about another Stripe account than the key's: acct_other" in meaning
    assert "1 event: the event is about another object than its type says: payment_intent" in meaning
    assert "2 events: the event is about another Stripe account" in html.unescape(as_owner.get("/troubleshooting").text)


def test_ones_own_events_are_good(send, doctor):
    send(stripe_events.event("customer.created", stripe_events.customer()))
    assert doctor("own_events")[0] == "good"


def test_before_the_first_delivery_the_payload_style_is_open(connected, doctor):
    outcome, meaning, _ = doctor("payload_style")
    assert outcome == "not_applicable"
    assert "thin is the most private way" in meaning


def test_the_payload_style_is_that_of_the_newest_delivery(send, doctor):
    send(thin("customer.created", stripe_events.customer("cus_1")))
    assert "thin events: the most private way" in doctor("payload_style")[1]
    send(stripe_events.event("customer.created", stripe_events.customer("cus_2")))
    assert "Stripe sends snapshots" in doctor("payload_style")[1]


def test_thin_events_that_the_key_may_not_read_name_the_permission(send, doctor, as_owner):
    send(thin("invoice.paid", stripe_events.invoice(), created="2026-11-27T12:00:00.000Z"))
    outcome, meaning, _ = doctor("payload_style")
    assert (outcome, "Invoices: Read" in meaning) == ("attention", True)


def test_a_permission_that_could_not_be_asked_is_said_to_be_that(connected, sandbox, doctor):
    sandbox.fault(path="/v1/products", status=500)
    outcome, meaning, _ = doctor("permission_products")
    assert (outcome, "couldn't be asked now" in meaning) == ("not_applicable", True)
    assert connections.get_for_account(connected.account).last_error is None
