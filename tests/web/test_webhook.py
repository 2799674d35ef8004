"""POST /webhooks/stripe/<token>: what Stripe is told."""

import pytest
from sqlalchemy import func, select

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import RejectedDelivery, StripeEvent
from tests.factories import signed

EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "customer.created",
    "created": 1_790_000_000,
    "livemode": False,
    "api_version": "2025-03-31.basil",
    "data": {"object": {"id": "cus_1", "object": "customer", "name": "Ada", "created": 1_790_000_000}},
}


@pytest.fixture
def deliver(client, connection):
    client.sends_csrf = False
    address = f"/webhooks/stripe/{connection.webhook_token}"
    return lambda address=address, **request: client.post(address, **request)


def stored():
    return db.session.scalar(select(func.count()).select_from(StripeEvent))


def test_a_signed_event_is_stored_and_acknowledged(deliver):
    answer = deliver(**signed(EVENT))
    assert (answer.status_code, answer.text) == (200, "ok\n")
    assert stored() == 1


def test_a_repeated_event_is_acknowledged_and_stored_once(deliver):
    assert [deliver(**signed(EVENT)).status_code for _ in range(3)] == [200, 200, 200]
    assert stored() == 1


@pytest.mark.parametrize(
    "other",
    [{"type": "customer.updated"}, {"created": 1_790_000_001}],
    ids=["type", "time"],
)
def test_another_event_with_the_same_id_is_no_repetition(deliver, other):
    """Stripe's fixtures and test sends repeat evt_00000000000000."""
    test_send = EVENT | {"id": "evt_00000000000000"}
    for _ in range(2):
        assert deliver(**signed(test_send)).status_code == 200
        assert deliver(**signed(test_send | other)).status_code == 200
    assert [event.repeats for event in db.session.scalars(select(StripeEvent))] == [1, 1]


@pytest.mark.parametrize(
    "request_",
    [
        {"json": EVENT},
        signed(EVENT, secret="whsec_another"),
        signed(EVENT, at=1_000_000_000),
        signed(b"not json"),
        signed(b"[]"),
    ],
    ids=["unsigned", "another secret", "stale", "not json", "not an event"],
)
def test_what_is_not_from_stripe_is_refused(deliver, request_):
    answer = deliver(**request_)
    assert answer.status_code == 400
    assert answer.mimetype == "text/plain"
    assert stored() == 0


def test_an_unknown_address_is_not_there(deliver):
    answer = deliver("/webhooks/stripe/nobody", **signed(EVENT))
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")


def test_after_a_disconnect_the_endpoint_is_gone_and_keeps_nothing(deliver, connection):
    with transaction():
        connection.status = "disconnected"
    assert deliver(**signed(EVENT)).status_code == 410
    assert db.session.scalars(select(RejectedDelivery)).all() == []


def test_before_the_secret_is_pasted_it_says_so(deliver, connection):
    with transaction():
        connection.encrypted_signing_secret = None
    answer = deliver(**signed(EVENT))
    assert answer.status_code == 400
    assert "no signing secret" in answer.text


def test_more_than_a_megabyte_is_too_large(deliver):
    answer = deliver(**signed(b"x" * (1024 * 1024 + 1)))
    assert (answer.status_code, answer.mimetype) == (413, "text/plain")


def test_reading_it_is_no_use(deliver, client, connection):
    answer = client.get(f"/webhooks/stripe/{connection.webhook_token}")
    assert (answer.status_code, answer.mimetype) == (405, "text/plain")
