"""Deliveries that come at once share a commit, and nothing else: each gets its own answer."""

import contextvars
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event as listening
from sqlalchemy import select

from manimod.extensions import db
from manimod.ingest import receiver
from manimod.models import RejectedDelivery, StripeEvent
from tests.conftest import wait_for
from tests.factories import make_connection, signed
from tests.web.test_webhook import EVENT


@pytest.fixture
def deliver_at_once(app, connection):
    """Post requests while the desk is busy, so that all of them wait; their statuses."""

    def post(request, token):
        return FlaskClient(app).post(f"/webhooks/stripe/{token}", **request).status_code

    def run(*requests, tokens=(connection.webhook_token,)):
        db.session.commit()
        desk = app.extensions["desk"]
        posts = [(one, token) for token in tokens for one in requests]
        with ThreadPoolExecutor(len(posts)) as pool:
            desk._is_busy = True
            answers = [pool.submit(contextvars.Context().run, post, *one) for one in posts]
            wait_for(lambda: len(desk._waiting) == len(posts))
            desk._call([])
            return [answer.result() for answer in answers]

    return run


def numbered(number):
    return signed(EVENT | {"id": f"evt_{number}"})


def stored():
    return sorted(db.session.scalars(select(StripeEvent.stripe_id)))


@pytest.mark.both_databases
def test_each_is_stored_once_in_one_transaction(deliver_at_once):
    inserts = []
    listening.listen(db.engine, "commit", inserts.append)
    assert deliver_at_once(*map(numbered, (1, 2, 3, 2))) == [200] * 4
    assert len(inserts) <= 3  # the test's own, the one that reads, the one that writes
    assert stored() == ["evt_1", "evt_2", "evt_3"]
    assert sum(db.session.scalars(select(StripeEvent.repeats))) == 1


def test_one_that_is_refused_harms_no_other(deliver_at_once):
    forged = signed(EVENT | {"id": "evt_forged"}, secret="whsec_another")
    assert deliver_at_once(numbered(1), forged, numbered(2)) == [200, 400, 200]
    assert stored() == ["evt_1", "evt_2"]
    assert db.session.scalar(select(RejectedDelivery.code)) == "WEBHOOK_BAD_SIGNATURE"


def test_one_that_the_database_refuses_harms_no_other(deliver_at_once):
    half_a_pair = signed(b'{"id": "evt_\\ud800", "type": "customer.created", "created": 1790000000, "data": {}}')
    answers = deliver_at_once(numbered(1), half_a_pair, numbered(2))
    assert (answers[0], answers[2]) == (200, 200)
    assert stored() == ["evt_1", "evt_2"]


def test_accounts_share_a_commit_and_no_event(deliver_at_once, app, connection):
    elsewhere = make_connection()
    deliver_at_once(numbered(1))
    deliver_at_once(numbered(1), tokens=[elsewhere.webhook_token])
    assert set(db.session.scalars(select(StripeEvent.connection_id))) == {connection.id, elsewhere.id}


@pytest.mark.parametrize(("longest_silence", "asked"), [(float("inf"), 2), (-1, 4)], ids=["soon", "long ago"])
def test_bells_that_rang_soon_before_are_left_to_those_who_wait(
    deliver_at_once, valkey, monkeypatch, longest_silence, asked
):
    monkeypatch.setattr(receiver, "MAX_BATCH_SIZE", 1)
    monkeypatch.setattr(receiver, "MAX_ENQUEUE_DELAY_SECONDS", longest_silence)
    connections = [make_connection() for _ in range(2)]
    valkey.config_resetstat()
    deliver_at_once(numbered(1), numbered(2), tokens=[each.webhook_token for each in connections])
    assert valkey.info("commandstats")["cmdstat_set"]["calls"] == asked
    assert all(valkey.exists(f"mani:job:process_events:{each.id}") for each in connections)
