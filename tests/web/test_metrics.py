"""What Prometheus may read: the installation in figures, for whoever may, and nobody's name, id or key."""

import math
import re
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import event as moment
from sqlalchemy import insert, text, update

from manimod.config import ConfigError
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Moment, StripeEvent
from manimod.models.accounts import now
from tests import factories
from tests.applications import send_redis_away
from tests.stripe_events import customer, event

TOKEN = "a-token-of-its-own"


@pytest.fixture
def figures(client):
    """metric -> its value, or label values -> value."""

    def read() -> dict:
        answer = client.get("/metrics")
        assert answer.status_code == 200
        found = {}
        for family in text_string_to_metric_families(answer.text):
            values = {tuple(sample.labels.values()): sample.value for sample in family.samples}
            found[family.name.removeprefix("mani_")] = values.get((), values) if values else None
        return found

    return read


@pytest.fixture
def with_token(app):
    app.extensions["settings"] = factories.make_settings(
        app.config["SQLALCHEMY_DATABASE_URI"], app.extensions["settings"].redis_url, METRICS_TOKEN=TOKEN
    )


def test_without_a_token_this_machine_may_read(client):
    assert client.get("/metrics").status_code == 200
    assert "Set-Cookie" not in client.get("/metrics").headers


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
def test_without_a_token_nobody_reads_through_a_proxy(client, header):
    assert client.get("/metrics", headers={header: "127.0.0.1"}).status_code == 403


def test_without_a_token_no_other_machine_reads(client):
    assert client.get("/metrics", environ_base={"REMOTE_ADDR": "192.0.2.1"}).status_code == 403


def test_with_a_token_only_who_brings_it_reads(client, with_token):
    assert client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).status_code == 200
    for wrong in ({}, {"Authorization": "Bearer other"}, {"Authorization": TOKEN}, {"Authorization": "Bearer ü"}):
        assert client.get("/metrics", headers=wrong).status_code == 403


def test_a_token_is_one_word():
    with pytest.raises(ConfigError, match="METRICS_TOKEN"):
        factories.make_settings("sqlite:///:memory:", "redis://127.0.0.1:1/0", METRICS_TOKEN="two words")


@pytest.mark.both_databases
def test_the_way_of_an_event_can_be_watched(client, figures, connected, drain):
    drain()
    client.post(
        f"/webhooks/stripe/{connected.webhook_token}", **factories.signed(event("customer.created", customer()))
    )
    before = figures()
    assert before["events_failed"] == 0
    assert 0 <= before["oldest_waiting_seconds"] < 60
    assert before["jobs_waiting"]["mani",] == 1
    drain()
    after = figures()
    assert (after["oldest_waiting_seconds"], after["jobs_waiting"]["mani",]) == (0, 0)
    assert 0 <= after["last_sync_age_seconds"] < 60


@pytest.mark.both_databases
def test_a_moment_that_waits_for_its_creative_counts_as_waiting(figures, connection):
    at = now() - timedelta(minutes=6)
    row = {"key": "renewed:1", "kind": "renewed", "state": "ready", "source": "sync"}
    with transaction():
        db.session.add(Moment(connection_id=connection.id, occurred_at=at, received_at=at, detected_at=at, **row))
    assert 355 < figures()["oldest_waiting_seconds"] < 420


@pytest.mark.both_databases
def test_connections_are_counted_by_error(figures, app):
    for number in range(3):
        factories.make_connection(last_error="STRIPE_UNREACHABLE" if number else None)
    assert figures()["connections"] == {("", "connected"): 1, ("STRIPE_UNREACHABLE", "connected"): 2}


def test_before_the_first_sync_its_age_is_not_a_number(figures):
    assert math.isnan(figures()["last_sync_age_seconds"])


def test_workers_are_counted_by_queue_and_the_scheduler_is_watched(figures, valkey, connected):
    found = figures()
    assert (found["redis_up"], found["workers"]) == (1, {("mani",): 0, ("mani-sync",): 0})
    assert found["scheduler_up"] == 0
    valkey.set("mani:scheduler", int(now().timestamp()))
    assert figures()["scheduler_up"] == 1


def test_without_redis_the_rest_is_still_measured(app, figures):
    send_redis_away(app)
    found = figures()
    assert (found["redis_up"], found["jobs_waiting"], found["events_failed"]) == (0, None, 0)


def test_no_name_id_or_key_is_in_the_metrics(client, connected, owner, stripe_account):
    page = client.get("/metrics").text
    for secret in (owner.email, "Brightside", connected.stripe_account_id, connected.webhook_token, "rk_test"):
        assert secret not in page


@pytest.mark.both_databases
def test_no_query_reads_the_inbox_from_end_to_end(app, figures, connected):
    row = {"connection_id": connected.id, "type": "customer.created", "source": "webhook", "facts": {}, "state": "done"}
    rows = [{**row, "stripe_id": f"evt_{n}", "created_at": now(), "received_at": now()} for n in range(3000)]
    with transaction():
        db.session.execute(insert(StripeEvent), rows)
        db.session.execute(update(StripeEvent).where(StripeEvent.id < 3).values(state="pending"))
    db.session.execute(text("ANALYZE"))
    db.session.commit()
    asked = []
    listen = lambda *arguments: asked.append(arguments[2:4])  # noqa: E731
    moment.listen(db.engine, "before_cursor_execute", listen)
    figures()
    moment.remove(db.engine, "before_cursor_execute", listen)
    explain = "EXPLAIN QUERY PLAN" if db.engine.dialect.name == "sqlite" else "EXPLAIN"
    of_inbox = [(query, values) for query, values in asked if "stripe_event" in query]
    assert len(of_inbox) == 2
    for query, values in of_inbox:
        rows = db.session.connection().exec_driver_sql(f"{explain} {query}", values).all()
        steps = [str(row) for row in rows if "SCAN stripe_event" in str(row) or "on stripe_event" in str(row)]
        assert not [step for step in steps if not re.search("ix_stripe_event_(pending|failed)", step)], rows
