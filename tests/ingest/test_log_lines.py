"""The log tells the way of an event: a search for its id leads from the webhook to the creative."""

import json

import pytest

from tests import factories
from tests.stripe_events import customer, event, invoice


@pytest.fixture
def lines(capfd, app):
    """The log lines since the last call that hold all of these values."""

    def read(**values: object) -> list[dict]:
        heard.extend(json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{"))
        return [line for line in heard if values.items() <= line.items()]

    heard = []
    return read


def test_an_event_can_be_followed_from_the_webhook_to_its_creative(lines, client, connected, drain):
    drain()
    one = event("customer.created", customer())
    answer = client.post(f"/webhooks/stripe/{connected.webhook_token}", **factories.signed(one))
    drain()

    [stored] = lines(event="event_stored", event_id=one["id"])
    assert stored["request_id"] == answer.headers["X-Request-Id"]
    [processed] = lines(event="event_processed", event_id=one["id"])
    assert (processed["state"], processed["connection"], processed["task"]) == ("done", connected.id, "process_events")
    [found] = processed["moments"]
    assert found["kind"] == "new_customer"
    [ready] = lines(event="creative_ready", moments=[found["moment"]])
    # The bell that the request rang is the job that did the work.
    woken = [line["enqueued_job"] for line in lines(event="job_enqueued", request_id=stored["request_id"])]
    assert {line["job_id"] for line in (processed, ready)} == set(woken)


def test_an_event_that_is_ignored_says_why(lines, client, connected, drain):
    connected.account.plan = "free"
    one = event("customer.created", customer())
    client.post(f"/webhooks/stripe/{connected.webhook_token}", **factories.signed(one))
    drain()
    [processed] = lines(event="event_processed", event_id=one["id"])
    assert processed["state"] == "ignored"
    assert "plan" in processed["reason"]


def test_a_withdrawn_moment_is_told(lines, client, connected, drain):
    failed = event("invoice.payment_failed", invoice(billing_reason="subscription_cycle"))
    paid = event("invoice.paid", invoice(billing_reason="subscription_cycle"))
    for one in (failed, paid):
        client.post(f"/webhooks/stripe/{connected.webhook_token}", **factories.signed(one))
        drain()
    [processed] = lines(event="event_processed", event_id=failed["id"])
    [withdrawn] = lines(event="moments_withdrawn")
    assert withdrawn["moments"] == [found["moment"] for found in processed["moments"]]
    assert withdrawn["reason"] == "the invoice was paid"
