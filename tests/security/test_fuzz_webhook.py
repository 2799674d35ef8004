"""Signed events with hostile content: each is stored or refused, none takes mani or a neighbour down."""

import html
import json
import time

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from manimod.extensions import db
from manimod.ingest import events as ingest_events
from manimod.models import Moment, StripeEvent
from tests import factories, stripe_events
from tests.security import hostile

SLOWEST = 5.0  # seconds of the processor for one event


@pytest.fixture
def post(client, connection):
    client.sends_csrf = False
    return lambda body: client.post(f"/webhooks/stripe/{connection.webhook_token}", **factories.signed(body))


def events(**columns):
    db.session.rollback()
    return list(db.session.scalars(select(StripeEvent).filter_by(**columns)))


def test_whatever_is_signed_is_stored_or_refused(app, client, connection, post, drain, as_owner):
    @hostile.fuzz("webhook", share=0.85, short=80, body=hostile.bodies())
    def send(body: bytes) -> int:
        begun = time.process_time()
        answer = post(body)
        assert answer.status_code in (200, 400, 413, 429), answer.status_code  # so many refusals are noted a minute
        assert "Traceback" not in answer.text
        assert time.process_time() - begun < SLOWEST
        return answer.status_code

    send()
    assert {post(body).status_code for body in hostile.RAW} == {200, 400}
    assert events(stripe_id="evt_m")  # a name of a megabyte
    assert events(stripe_id="evt_w")  # half a surrogate pair and a NUL
    for number in range(3):
        neighbour = stripe_events.event("customer.created", stripe_events.customer(f"cus_neighbour{number}"))
        assert post(json.dumps(neighbour).encode()).status_code == 200
    for _ in range(ingest_events.MAX_ATTEMPTS + len(events()) // ingest_events.BATCH_SIZE + 1):
        if events(state="pending"):
            ingest_events.process_pending(connection.id)
    drain()
    assert events(state="pending") == []
    assert all(event.reason for event in events(state="failed"))
    keys = set(db.session.scalars(select(Moment.key)))
    assert {f"new_customer:cus_neighbour{number}" for number in range(3)} <= keys
    for page in ("/", "/creatives", "/audience", "/settings/integrations/stripe"):
        assert as_owner.get(page).status_code == 200


def test_an_event_that_breaks_the_processing_is_parked_and_its_neighbours_are_not(connection, post, as_owner):
    """Facts that no front door lets in: the row was damaged afterwards, or written by another release."""
    told = [stripe_events.event("customer.created", stripe_events.customer(f"cus_{number}")) for number in range(3)]
    for event in told:
        post(json.dumps(event).encode())
    poisoned = events(stripe_id=told[1]["id"])[0]
    poisoned.facts = poisoned.facts | {"customer": {"no": "customer"}}
    db.session.commit()
    with capture_logs():
        for _ in range(ingest_events.MAX_ATTEMPTS):
            ingest_events.process_pending(connection.id)
    assert [event.state for event in events()] == ["done", "failed", "done"]
    parked = events(state="failed")[0]
    assert parked.attempts == ingest_events.MAX_ATTEMPTS
    assert "could not process it" in parked.reason
    assert parked.reason in html.unescape(as_owner.get(f"/troubleshooting/events/{parked.id}").text)
    assert f"/troubleshooting/events/{parked.id}" in as_owner.get("/troubleshooting/deliveries").text
