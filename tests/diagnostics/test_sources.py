"""Which source of events works now, and why another one does not."""

from datetime import timedelta

import pytest
from sqlalchemy import event

from manimod.diagnostics import sources
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Connection, Moment, StripeEvent
from manimod.models.accounts import now
from tests import factories


@pytest.fixture
def connection(account) -> Connection:
    """With a signing secret, and a key that may read events."""
    permissions = {"customers": True, "subscriptions": True, "events": True}
    connection = factories.make_connection(account, permissions=permissions, next_poll_at=now())
    with transaction():
        connection.signing_secret_set_at = now() - timedelta(days=2)
    return connection


@pytest.fixture
def arrived(connection):
    """Something arrived: `arrived("webhook", minutes_ago=5, delay=2)`, delay in seconds."""
    numbers = iter(range(1_000_000))

    def arrived(source: str, minutes_ago: float = 1, delay: float = 1, times: int = 1, state: str = "done") -> None:
        at = now() - timedelta(minutes=minutes_ago)
        happened = at - timedelta(seconds=delay)
        with transaction():
            for _ in range(times):
                key = {"connection_id": connection.id, "source": source, "received_at": at}
                if source == "sync":
                    moment = {"kind": "renewed", "state": "generated", "occurred_at": happened, "detected_at": at}
                    db.session.add(Moment(key=f"renewed:{next(numbers)}", **key, **moment))
                else:
                    stored = {"type": "customer.created", "facts": {}, "state": state, "created_at": happened}
                    db.session.add(StripeEvent(stripe_id=f"evt_{next(numbers)}", **key, **stored))

    return arrived


def without(connection: Connection, *, secret: bool = True, events: bool = True) -> None:
    with transaction():
        if not secret:
            connection.encrypted_signing_secret = None
        connection.permissions = connection.permissions | {"events": events}


def test_a_webhook_that_delivered_lately_works(connection, arrived):
    arrived("webhook")
    working = sources.WorkingSource(connection)
    assert (working.name, working.states["webhook"]) == ("webhook", "works")


def test_a_poll_that_nobody_runs_does_not_work(connection):
    without(connection, secret=False)
    with transaction():
        connection.next_poll_at = now() - timedelta(minutes=10)
    assert sources.WorkingSource(connection).name == "sync"


def test_a_first_poll_that_is_still_to_come_is_not_late(connection):
    without(connection, secret=False)
    with transaction():
        connection.next_poll_at = now() + timedelta(minutes=9)
    assert sources.WorkingSource(connection).name == "poll"


def test_a_poll_of_the_future_does_not_work(connection):
    without(connection, secret=False)
    with transaction():
        connection.polled_at = now() + timedelta(days=2)
    assert sources.WorkingSource(connection).name == "sync"


def test_a_poll_that_begins_and_never_ends_does_not_work(connection):
    without(connection, secret=False)
    with transaction():
        connection.polled_at, connection.next_poll_at = now() - timedelta(minutes=10), now()
    assert sources.WorkingSource(connection).name == "sync"
    with transaction():
        connection.polled_at = now() - timedelta(minutes=1)
    assert sources.WorkingSource(connection).name == "poll"


def test_before_its_first_event_a_webhook_is_awaited(connection):
    working = sources.WorkingSource(connection)
    assert (working.name, working.states["webhook"]) == ("poll", "awaited")


def test_without_a_webhook_the_poll_is_the_fastest(connection, arrived):
    without(connection, secret=False)
    arrived("poll")
    working = sources.WorkingSource(connection)
    assert (working.name, working.states["webhook"]) == ("poll", "not_ready")


def test_without_webhook_and_events_the_quick_check_and_the_sync_are_left(connection, arrived):
    without(connection, secret=False, events=False)
    arrived("sync")
    working = sources.WorkingSource(connection)
    assert working.states == {"webhook": "not_ready", "poll": "not_ready", "recent": "works", "sync": "works"}
    assert working.name == "recent"


def test_a_quick_check_that_nobody_runs_does_not_work(connection):
    without(connection, secret=False, events=False)
    with transaction():
        connection.polled_at = now() - timedelta(minutes=10)
    assert sources.WorkingSource(connection).name == "sync"


def test_a_webhook_that_is_silent_while_the_poll_finds_events_has_to_be_checked(connection, arrived):
    arrived("webhook", minutes_ago=60)
    arrived("poll", times=2)
    assert sources.WorkingSource(connection).name == "webhook", "the poll may win a race now and then"
    arrived("poll")
    working = sources.WorkingSource(connection)
    assert (working.name, working.states["webhook"]) == ("poll", "fails")


def test_the_sync_can_prove_a_webhook_silent_too(connection, arrived):
    without(connection, events=False)
    arrived("webhook", minutes_ago=60)
    arrived("sync", times=3)
    working = sources.WorkingSource(connection)
    assert (working.name, working.states["webhook"]) == ("recent", "fails")


def test_what_came_before_the_secret_was_pasted_says_nothing_of_the_webhook(connection, arrived):
    arrived("poll", times=3)
    with transaction():
        connection.signing_secret_set_at = now()
    assert sources.WorkingSource(connection).states["webhook"] == "awaited"


def test_a_quiet_day_does_not_make_a_webhook_fail(connection, arrived):
    arrived("webhook", minutes_ago=3 * 24 * 60)
    assert sources.WorkingSource(connection).name == "webhook"


def test_ignored_events_do_not_prove_that_a_source_works(connection, arrived):
    arrived("webhook", state="ignored")
    assert sources.WorkingSource(connection).name == "poll"


def test_while_stripe_cannot_be_read_only_the_webhook_works(connection, arrived):
    arrived("webhook")
    with transaction():
        connection.last_error = "STRIPE_KEY_EXPIRED"
    working = sources.WorkingSource(connection)
    assert [source for source in working.states if working.works(source)] == ["webhook"]
    without(connection, secret=False)
    assert sources.WorkingSource(connection).name is None


def test_each_source_says_when_something_last_arrived(connection, arrived):
    arrived("webhook", minutes_ago=5)
    arrived("webhook", minutes_ago=50)
    received_at = sources.WorkingSource(connection).last_received_at
    assert timedelta(minutes=4) < now() - received_at["webhook"] < timedelta(minutes=6)
    assert "sync" not in received_at


def test_another_connections_events_do_not_count(connection, arrived):
    arrived("webhook")
    other = factories.make_connection()
    assert sources.WorkingSource(other).name == "sync"
    assert sources.WorkingSource(other).other_mode_events == []


@pytest.mark.both_databases
def test_it_takes_two_queries_that_walk_indexes_only(app, connection, arrived):
    arrived("webhook", times=5)
    arrived("sync", times=5)
    statements = []
    note = lambda _c, _u, statement, parameters, *_: statements.append((statement, parameters))  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", note)
    sources.WorkingSource(connection)
    event.remove(db.engine, "before_cursor_execute", note)
    asked = [(said, given) for said, given in statements if "FROM stripe_event" in said or "FROM moment" in said]
    assert len(asked) == 2
    if db.engine.dialect.name == "sqlite":
        plans = [db.session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", g).all()[0][-1] for s, g in asked]
        assert ["ix_stripe_event_log" in plans[0], "ix_moment_found_in_lists" in plans[1]] == [True, True], plans
