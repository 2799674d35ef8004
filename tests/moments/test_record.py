"""Moments wait for their subscription, are switched off, withdrawn, and erased with their customer."""

import time

import pytest
from sqlalchemy import select

from manimod import tasks
from manimod.creatives import generate
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Customer, Moment, StripeEvent, Subscription
from manimod.moments import record
from tests import factories
from tests.stripe_events import customer, event, invoice, subscription

pytestmark = pytest.mark.both_databases


def later() -> int:
    return int(time.time()) + 60


def wait_for_settling(app, seconds: int) -> None:
    object.__setattr__(app.extensions["settings"], "grace_period_seconds", seconds)


def test_a_new_customer_waits_for_the_subscription_that_names_the_tier(
    app, connected, deliver, drain, moments, creatives
):
    factories.name_tier(connected)
    wait_for_settling(app, 60)
    deliver(event("customer.created", customer()))
    drain()
    assert moments() == {"new_customer:cus_1": "waiting"}
    deliver(event("customer.subscription.created", subscription()))
    drain()
    assert moments() == {"new_customer:cus_1": "generated"}
    assert [creative.tier for creative in creatives()] == ["Team"]


def test_a_new_customer_without_a_subscription_gets_a_generic_creative_in_the_end(
    app, deliver, drain, moments, creatives
):
    wait_for_settling(app, 60)
    deliver(event("customer.created", customer()))
    drain()
    with transaction():
        moment = db.session.scalar(select(Moment))
        moment.ready_at = moment.detected_at
    tasks.reconcile()
    drain()
    assert moments() == {"new_customer:cus_1": "generated"}
    assert [(creative.tier, creative.is_generic) for creative in creatives()] == [(None, True)]


def test_a_switched_off_kind_makes_no_creative_and_says_so(account, deliver, drain, moments, creatives):
    with transaction():
        record.set_switch(account, "cancelled", False)
    deliver(event("customer.subscription.deleted", subscription(status="canceled")))
    drain()
    assert moments() == {"cancelled:sub_1": "skipped"}
    assert creatives() == []


def test_a_paid_invoice_takes_its_creative_out_of_the_queue(deliver, drain, moments, creatives):
    deliver(event("invoice.payment_failed", invoice("in_7", status="open")))
    drain()
    assert [creative.status for creative in creatives()] == ["waiting"]
    deliver(event("invoice.paid", invoice("in_7", reason="manual")))
    drain()
    assert moments() == {"payment_failed:in_7": "withdrawn"}
    assert [creative.status for creative in creatives()] == ["withdrawn"]
    assert creatives()[0].reviews[0].reason == "the invoice was paid"


def test_a_failure_that_arrives_after_the_payment_never_reaches_the_queue(deliver, drain, moments, creatives):
    deliver(event("invoice.paid", invoice("in_7", reason="manual")))
    drain()
    deliver(event("invoice.payment_failed", invoice("in_7", status="open")))
    drain()
    assert moments() == {"payment_failed:in_7": "withdrawn"}
    assert creatives() == []


def test_a_customer_who_comes_back_is_not_won_back(deliver, drain, moments, creatives):
    deliver(event("customer.subscription.deleted", subscription(status="canceled")))
    drain()
    deliver(event("customer.subscription.created", subscription("sub_2"), created=later()))
    drain()
    assert moments() == {"cancelled:sub_1": "withdrawn"}
    assert [creative.status for creative in creatives()] == ["withdrawn"]


def test_a_return_that_arrives_before_the_cancellation_ends_the_same(deliver, drain, moments, creatives):
    deliver(event("customer.subscription.created", subscription("sub_2"), created=later()))
    drain()
    deliver(event("customer.subscription.deleted", subscription(status="canceled")))
    drain()
    assert moments() == {"cancelled:sub_1": "withdrawn"}
    assert creatives() == []


def test_a_recovered_subscription_ends_its_failure(deliver, drain, moments):
    deliver(event("invoice.payment_failed", invoice("in_7", status="open")))
    drain()
    deliver(event("customer.subscription.updated", subscription(), previous={"status": "past_due"}, created=later()))
    drain()
    assert moments() == {"payment_failed:in_7": "withdrawn"}


def test_a_new_failure_after_a_recovery_stands(deliver, drain, moments):
    deliver(event("customer.subscription.updated", subscription(), previous={"status": "past_due"}))
    deliver(event("invoice.payment_failed", invoice("in_8", status="open"), created=later()))
    drain()
    assert moments() == {"payment_failed:in_8": "generated"}


def test_a_deleted_customer_is_erased_everywhere(deliver, drain, moments, creatives):
    first = event("customer.created", customer())
    deliver(first, event("customer.subscription.created", subscription()))
    drain()
    deliver(event("customer.deleted", customer(deleted=True)))
    drain()
    assert db.session.scalars(select(Customer)).all() == []
    assert db.session.scalars(select(Subscription)).all() == []
    assert "Hazel" not in str(db.session.scalars(select(StripeEvent.facts)).all())
    assert moments() == {"new_customer:cus_1": "withdrawn"}
    assert [creative.status for creative in creatives()] == ["withdrawn"]


def test_no_creative_is_written_twice_for_one_moment(deliver, drain, creatives, connected):
    deliver(event("customer.created", customer()), event("customer.subscription.created", subscription()))
    drain()
    generate.generate(connected.id)
    assert len(creatives()) == 1
