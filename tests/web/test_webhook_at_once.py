"""Deliveries that arrive at once share a commit, and nothing else: each gets its own answer."""

import contextvars
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext

import pytest
from flask.testing import FlaskClient
from sqlalchemy import event as listening
from sqlalchemy import func, select, text

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import RejectedDelivery, StripeEvent
from tests.factories import make_connection, signed
from tests.web.test_webhook import EVENT


@pytest.fixture
def deliver_at_once(app, connection):
    """Post requests from a thread each; their statuses, in order. With `held`, they gather while another writes."""

    def post(request, token):
        return FlaskClient(app).post(f"/webhooks/stripe/{token}", **request).status_code

    def run(*requests, tokens=(connection.webhook_token,), held=False):
        db.session.commit()
        posts = [(one, token) for token in tokens for one in requests]
        with ThreadPoolExecutor(len(posts)) as pool, hold_table() if held else nullcontext():
            answers = [pool.submit(contextvars.Context().run, post, *one) for one in posts]
            time.sleep(0.5 if held else 0)
        return [answer.result() for answer in answers]

    return run


@contextmanager
def hold_table():
    """Nobody else can write events meanwhile: SQLite has one writer, PostgreSQL locks the table."""
    with transaction():
        if db.engine.dialect.name == "postgresql":
            db.session.execute(text("LOCK TABLE stripe_event IN EXCLUSIVE MODE"))
        yield


def numbered(number):
    return signed(EVENT | {"id": f"evt_{number}"})


def stored():
    return sorted(db.session.scalars(select(StripeEvent.stripe_id)))


@pytest.mark.both_databases
def test_many_at_once_are_each_stored_once(deliver_at_once):
    requests = [numbered(number % 20) for number in range(40)]
    assert deliver_at_once(*requests) == [200] * 40
    assert stored() == sorted(f"evt_{number}" for number in range(20))
    assert db.session.scalar(select(func.sum(StripeEvent.repeats))) == 20


@pytest.mark.both_databases
def test_those_that_wait_for_the_database_share_a_commit(deliver_at_once):
    commits = []
    listening.listen(db.engine, "commit", commits.append)
    assert deliver_at_once(*map(numbered, range(8)), held=True) == [200] * 8
    assert len(commits) <= 8  # each for itself, eight deliveries take twice as many
    assert len(stored()) == 8


def test_one_that_is_refused_harms_no_other(deliver_at_once):
    forged = signed(EVENT | {"id": "evt_forged"}, secret="whsec_another")
    assert deliver_at_once(numbered(1), forged, numbered(2)) == [200, 400, 200]
    assert stored() == ["evt_1", "evt_2"]
    assert db.session.scalar(select(RejectedDelivery.code)) == "WEBHOOK_BAD_SIGNATURE"


def test_one_that_the_database_refuses_harms_no_other(deliver_at_once):
    refuse = "CREATE TRIGGER refuse BEFORE INSERT ON stripe_event WHEN NEW.stripe_id = 'evt_2'"
    db.session.execute(text(f"{refuse} BEGIN SELECT RAISE(ABORT, 'refused'); END"))
    assert deliver_at_once(*map(numbered, (1, 2, 3, 4)), held=True) == [200, 500, 200, 200]
    assert stored() == ["evt_1", "evt_3", "evt_4"]


@pytest.mark.both_databases
def test_while_the_database_cannot_store_each_is_told_to_come_again(deliver_at_once):
    db.session.execute(text("ALTER TABLE stripe_event RENAME TO stripe_event_away"))
    assert deliver_at_once(*map(numbered, (1, 2, 3))) == [503] * 3
    db.session.execute(text("ALTER TABLE stripe_event_away RENAME TO stripe_event"))
    assert deliver_at_once(*map(numbered, (1, 2, 3))) == [200] * 3


def test_accounts_share_a_commit_and_no_event(deliver_at_once, connection):
    elsewhere = make_connection()
    deliver_at_once(numbered(1), tokens=[connection.webhook_token, elsewhere.webhook_token], held=True)
    assert set(db.session.scalars(select(StripeEvent.connection_id))) == {connection.id, elsewhere.id}


def test_a_batch_enqueues_one_job_per_account(deliver_at_once, connection, valkey):
    elsewhere = make_connection()
    tokens = [connection.webhook_token, elsewhere.webhook_token]
    assert deliver_at_once(*map(numbered, range(4)), tokens=tokens) == [200] * 8
    jobs = [valkey.hgetall(key) for key in valkey.keys("rq:job:*")]
    assert len([job for job in jobs if b"process_events" in job.get(b"description", b"")]) == 2
