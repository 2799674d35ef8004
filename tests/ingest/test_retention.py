"""What is old is deleted in small steps, and nothing that was deleted is found a second time."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from manimod import tasks
from manimod.extensions import db
from manimod.ingest import retention
from manimod.jobs import transaction
from manimod.models import Invoice, Moment, StripeEvent
from manimod.models.accounts import now
from manimod.moments import record
from tests import factories

OLD, YOUNG = timedelta(days=100), timedelta(days=80)


@pytest.fixture
def connection(app):
    return factories.make_connection()


def make_event(connection, age, state="done"):
    number = db.session.scalar(select(func.count()).select_from(StripeEvent))
    at = now() - age
    with transaction():
        db.session.add(
            StripeEvent(
                connection_id=connection.id, stripe_id=f"evt_{number}", type="invoice.paid", source="webhook", facts={},
                created_at=at, received_at=at, state=state,
            )
        )  # fmt: skip


def make_moment(connection, kind, key, age, state="generated", subscription="sub_1"):
    at = now() - age
    with transaction():
        db.session.add(
            Moment(
                connection_id=connection.id, kind=kind, key=key, state=state, source="webhook", occurred_at=at,
                received_at=at, detected_at=at, stripe_customer_id="cus_1", stripe_subscription_id=subscription,
            )
        )  # fmt: skip


def kept(column):
    db.session.rollback()
    return sorted(db.session.scalars(select(column)))


@pytest.mark.both_databases
def test_processed_events_go_after_the_retention(connection):
    for state in ("done", "ignored", "failed", "pending"):
        make_event(connection, OLD, state)
    make_event(connection, YOUNG)
    retention.prune(connection.id)
    assert kept(StripeEvent.state) == ["done", "pending"]


def test_invoices_go_with_the_events_and_open_nothing_again(connection):
    make_moment(connection, "payment_failed", "payment_failed:in_1", OLD, "withdrawn")
    row = {"connection_id": connection.id, "stripe_id": "in_1", "stripe_customer_id": "cus_1", "status": "paid"}
    with transaction():
        db.session.add(Invoice(**row, observed_at=now() - OLD))
        db.session.add(Invoice(**row | {"stripe_id": "in_2"}, observed_at=now() - YOUNG))
    retention.prune(connection.id)
    assert kept(Invoice.stripe_id) == ["in_2"]
    with transaction():
        record.record(connection, [], {"cus_1"})
    assert kept(Moment.state) == ["withdrawn"]


@pytest.mark.both_databases
def test_of_a_subscriptions_renewals_and_failures_the_newest_stays(connection):
    make_moment(connection, "renewed", "renewed:sub_1:1", OLD + timedelta(days=60))
    make_moment(connection, "payment_failed", "payment_failed:in_2", OLD + timedelta(days=30), state="withdrawn")
    make_moment(connection, "renewed", "renewed:sub_1:2", OLD)
    make_moment(connection, "renewed", "renewed:sub_2:1", OLD, subscription="sub_2")
    retention.prune(connection.id)
    assert kept(Moment.key) == ["renewed:sub_1:2", "renewed:sub_2:1"]


def test_what_happens_once_in_a_life_stays(connection):
    make_moment(connection, "new_customer", "new_customer:cus_1", OLD + timedelta(days=1))
    make_moment(connection, "cancelled", "cancelled:sub_1", OLD)
    make_moment(connection, "renewed", "renewed:sub_1:1", YOUNG)
    retention.prune(connection.id)
    assert len(kept(Moment.key)) == 3


@pytest.mark.parametrize("state", ["waiting", "ready", "blocked"])
def test_a_moment_that_still_waits_for_its_creative_stays(connection, state):
    make_moment(connection, "renewed", "renewed:sub_1:1", OLD, state=state)
    make_moment(connection, "renewed", "renewed:sub_1:2", YOUNG)
    retention.prune(connection.id)
    assert len(kept(Moment.key)) == 2


def test_large_tables_go_in_small_transactions(connection, monkeypatch):
    monkeypatch.setattr(retention, "BATCH_SIZE", 2)
    for _ in range(5):
        make_event(connection, OLD)
    assert [retention.prune(connection.id) for _ in range(4)] == [True, True, True, False]
    assert not kept(StripeEvent.id)


def test_the_scheduler_looks_once_an_hour_and_only_where_something_is_old(connection, drain):
    make_event(connection, OLD)
    tasks.reconcile()
    drain()
    assert not kept(StripeEvent.id)
    make_event(connection, OLD)
    tasks.reconcile()
    drain()
    assert kept(StripeEvent.id)


def test_events_that_stripe_can_resend_may_not_be_forgotten():
    with pytest.raises(Exception, match="RETENTION_DAYS must be a whole number from 31"):
        factories.make_settings("sqlite:////x.db", "redis://127.0.0.1:1/0", RETENTION_DAYS="30")
