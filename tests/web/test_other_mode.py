"""Events of the mode that the key doesn't belong to are ignored, counted, and said on the page."""

import pytest

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Connection, StripeEvent
from manimod.models.accounts import now
from tests.factories import signed

PAGE = "/settings/integrations/stripe"


@pytest.fixture
def ignore(connection):
    """Events that were ignored: `ignore(3, livemode=True)`."""

    def ignore(count: int, livemode: bool) -> Connection:
        at = now()
        event = {"type": "customer.created", "source": "webhook", "facts": {}, "state": "ignored", "livemode": livemode}
        with transaction():
            db.session.add_all(
                StripeEvent(connection_id=connection.id, stripe_id=f"evt_{n}", created_at=at, received_at=at, **event)
                for n in range(count)
            )
        return connection

    return ignore


def test_live_events_at_a_test_key_are_counted(as_owner, ignore):
    ignore(3, livemode=True)
    assert "3 live-mode events were ignored lately: the key is a test-mode key." in as_owner.get(PAGE).text


def test_test_events_at_a_live_key_are_counted(as_owner, ignore):
    connection = ignore(1, livemode=False)
    with transaction():
        connection.livemode = True
    assert "1 test-mode event was ignored lately: the key is a live-mode key." in as_owner.get(PAGE).text


def test_what_was_ignored_for_another_reason_is_not_counted(as_owner, ignore):
    ignore(2, livemode=False)
    assert "ignored lately" not in as_owner.get(PAGE).text


def test_a_live_event_that_arrives_at_a_test_key_is_one_of_them(as_owner, connected, sandbox, stripe_account, drain):
    event = {
        "id": "evt_live",
        "object": "event",
        "type": "customer.created",
        "livemode": True,
        "created": int(now().timestamp()),
        "api_version": "2025-03-31.basil",
        "data": {"object": {"id": "cus_live", "object": "customer", "created": int(now().timestamp())}},
    }
    assert as_owner.post(f"/webhooks/stripe/{connected.webhook_token}", **signed(event)).status_code == 200
    drain()
    assert "1 live-mode event was ignored" in as_owner.get(PAGE).text
