"""A cancellation for a later day is shown before it happens; why customers left stands beside their win-back ads."""

import time

import pytest
from sqlalchemy import select

from manimod.customers import statistics
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Creative, Customer, StripeEvent
from tests.delivering import connected, deliver  # noqa: F401
from tests.stripe_events import customer, event, item, subscription

IN_A_WEEK = int(time.time()) + 7 * 86_400
WHY = {"reason": "cancellation_requested", "feedback": "too_expensive", "comment": "Ask Hazel at hazel@example.com"}


def count_audiences(connection) -> None:
    with transaction():
        statistics.count_audiences(connection.id)


@pytest.fixture
def counted(connected, deliver, drain):  # noqa: F811
    """The account has been read, and has a customer."""
    deliver(event("customer.created", customer()))
    drain()
    return connected


def test_a_subscription_that_will_end_is_counted_on_the_audience_page(counted, deliver, drain, as_owner):  # noqa: F811
    scheduled = subscription(items=[item(period_start=IN_A_WEEK - 30 * 86_400)], cancel_at_period_end=True)
    deliver(event("customer.subscription.updated", scheduled))
    drain()
    count_audiences(counted)
    page = as_owner.get("/audience").text
    assert "1 subscription will end because the customer cancelled" in page


def test_a_cancellation_that_was_taken_back_is_not_counted(counted, deliver, drain, as_owner):  # noqa: F811
    scheduled = subscription(cancel_at=IN_A_WEEK)
    deliver(event("customer.subscription.updated", scheduled, created=int(time.time()) - 60))
    deliver(event("customer.subscription.updated", subscription(cancel_at=None)))
    drain()
    count_audiences(counted)
    assert "will end because" not in as_owner.get("/audience").text


def test_why_they_left_stands_beside_the_ads_and_their_comment_nowhere(counted, deliver, drain, as_owner):  # noqa: F811
    ended = subscription(status="canceled", ended_at=int(time.time()), cancellation_details=WHY)
    deliver(event("customer.subscription.deleted", ended))
    drain()
    creative_id = db.session.scalar(select(Creative.id).where(Creative.event == "cancelled"))
    page = as_owner.get(f"/creatives/{creative_id}").text
    assert "Too expensive: 1 customer" in page
    assert "hazel@example.com" not in page
    assert "hazel@example.com" not in str(db.session.scalars(select(StripeEvent.facts)).all())
    assert db.session.scalars(select(Customer.name)).all() == ["Hazel Testford"]
