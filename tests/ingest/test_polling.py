"""The event poll brings creatives without any webhook, recovers what a webhook lost, and knows its place."""

from datetime import timedelta

import pytest

from manimod import tasks
from manimod.ingest import polling
from manimod.jobs import transaction
from manimod.models import StripeEvent
from manimod.models.accounts import now
from tests import factories

READS = ["rak_customer_read", "rak_subscription_read", "rak_event_read"]


@pytest.fixture
def stripe_account(sandbox):
    return sandbox.create_account("Brightside Studio", permissions=READS)


@pytest.fixture
def stripe(sandbox, stripe_account):
    return sandbox.client(stripe_account["keys"]["test"]["secret"])


@pytest.fixture
def poll_now(drain):
    def run(connection) -> None:
        with transaction():
            connection.next_poll_at = now()
        tasks.reconcile()
        drain()

    return run


def test_an_event_without_a_webhook_becomes_a_creative(stripe, connected, poll_now, creatives):
    stripe.v1.customers.create({"name": "Hazel Testford"})
    poll_now(connected)
    assert [(creative.event, creative.source) for creative in creatives()] == [("new_customer", "poll")]


def test_polling_again_finds_nothing_new(stripe, connected, poll_now, creatives):
    stripe.v1.customers.create({"name": "Hazel Testford"})
    poll_now(connected)
    poll_now(connected)
    assert len(creatives()) == 1
    assert StripeEvent.query.count() == 1


def test_it_reads_on_over_many_pages(stripe, connected, poll_now):
    for number in range(130):
        stripe.v1.customers.create({"name": f"Customer {number}"})
    poll_now(connected)
    assert StripeEvent.query.count() == 130


def test_it_is_due_every_minute(connected, poll_now):
    poll_now(connected)
    assert timedelta(seconds=50) < connected.next_poll_at - now() <= timedelta(minutes=1)
    assert connected.id not in polling.due()


def test_what_happened_before_the_connection_is_left_alone(stripe, account, stripe_account, drain, poll_now):
    stripe.v1.customers.create({"name": "Older Than The Connection"})
    connection = factories.connect(account, stripe_account)
    with transaction():
        connection.connected_at = now() + timedelta(seconds=2)
    poll_now(connection)
    assert StripeEvent.query.count() == 0


def test_a_key_without_the_permission_asks_for_no_events(sandbox, account, drain, poll_now):
    careful = sandbox.create_account("Careful Studio")
    connection = factories.connect(account, careful)
    drain()
    sandbox.clear_requests()
    poll_now(connection)
    paths = {row["path"] for row in sandbox.requests()}
    assert "/v1/customers" in paths
    assert "/v1/events" not in paths


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_a_broken_poll_says_nothing_of_the_connection_and_is_made_up_for(
    sandbox, stripe, connected, poll_now, creatives, status
):
    stripe.v1.customers.create({"name": "Hazel Testford"})
    sandbox.fault(path="/v1/events", status=status)
    poll_now(connected)
    assert connected.last_error is None
    sandbox.clear_faults()
    poll_now(connected)
    assert len(creatives()) == 1


def test_without_the_permission_that_was_taken_away_the_lists_are_asked(
    sandbox, stripe, stripe_account, connected, poll_now, creatives
):
    key = stripe_account["keys"]["test"]["restricted"]
    sandbox.change_key(key, permissions=["rak_customer_read", "rak_subscription_read"])
    poll_now(connected)
    assert (connected.permissions["events"], connected.last_error) == (False, None)
    stripe.v1.customers.create({"name": "Hazel Testford"})
    poll_now(connected)
    assert [creative.source for creative in creatives()] == ["recent"]
