"""What the webhook refuses is counted by hour and reason, and repeats by event, so that people can see what happens."""

import time

import pytest
from sqlalchemy import select

from manimod.extensions import db
from manimod.models import RejectedDelivery, StripeEvent
from tests.factories import signed
from tests.web.test_webhook import EVENT


@pytest.fixture
def deliver(client, connection):
    client.sends_csrf = False
    return lambda **request: client.post(f"/webhooks/stripe/{connection.webhook_token}", **request)


def refusals():
    return {row.code: row for row in db.session.scalars(select(RejectedDelivery))}


@pytest.mark.both_databases
def test_many_refusals_of_a_kind_are_one_row(deliver):
    for _ in range(3):
        deliver(**signed(EVENT, secret="whsec_another"))
    assert {code: row.count for code, row in refusals().items()} == {"WEBHOOK_BAD_SIGNATURE": 3}


def test_each_reason_is_counted_by_itself(deliver):
    deliver(**signed(EVENT, secret="whsec_another"))
    deliver(**signed(b"[]"))
    assert set(refusals()) == {"WEBHOOK_BAD_SIGNATURE", "WEBHOOK_NOT_AN_EVENT"}


@pytest.mark.parametrize("ahead", [-600, 600])
def test_a_clock_that_is_off_is_measured(deliver, ahead):
    deliver(**signed(EVENT, at=time.time() + ahead))
    assert refusals()["WEBHOOK_STALE"].clock_skew_seconds == pytest.approx(-ahead, abs=2)


def test_what_is_accepted_is_no_refusal(deliver):
    deliver(**signed(EVENT))
    assert not refusals()


def test_a_delivery_that_comes_again_is_counted_on_its_event(deliver):
    for _ in range(3):
        deliver(**signed(EVENT))
    event = db.session.scalar(select(StripeEvent))
    assert event.repeats == 2
    assert event.repeated_at >= event.received_at
