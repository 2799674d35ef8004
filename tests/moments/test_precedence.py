"""One customer is spoken to of one thing at a time: cancelled > payment failed > renewed > new."""

import time

import pytest
from sqlalchemy import select

from manimod.extensions import db
from manimod.models import Creative, Moment
from tests import factories
from tests.stripe_events import customer, event, invoice, subscription

NEW = ("customer.created", customer())
RENEWED = ("invoice.paid", invoice("in_renewal"))
FAILED = ("invoice.payment_failed", invoice("in_failed"))
CANCELLED = ("customer.subscription.deleted", subscription(status="canceled"))
YEAR = 365 * 24 * 3600


@pytest.fixture
def tell(client, live, drain):
    """Tell the live account's webhook, in this order; kind -> state of the moments that come of it."""
    drain()

    def send(*stories: tuple[str, dict], connection=live, created: int | None = None) -> dict[str, str]:
        for kind, body in stories:
            signed = factories.signed(event(kind, body, livemode=connection.livemode, created=created))
            assert client.post(f"/webhooks/stripe/{connection.webhook_token}", **signed).status_code == 200
            drain()
        db.session.rollback()
        return dict(db.session.execute(select(Moment.kind, Moment.state)).all())

    return send


@pytest.mark.both_databases
def test_each_moment_goes_before_the_weaker_ones(tell):
    assert tell(NEW) == {"new_customer": "generated"}
    assert tell(RENEWED) == {"new_customer": "withdrawn", "renewed": "generated"}
    assert tell(FAILED) == {"new_customer": "withdrawn", "renewed": "withdrawn", "payment_failed": "generated"}
    found = tell(CANCELLED)
    assert [kind for kind, state in found.items() if state == "generated"] == ["cancelled"]


def test_the_order_in_which_they_are_told_does_not_matter(tell):
    found = tell(CANCELLED, FAILED, RENEWED, NEW)
    assert [kind for kind, state in found.items() if state == "generated"] == ["cancelled"]


def test_the_set_that_nobody_is_left_for_says_why(tell):
    tell(RENEWED, CANCELLED)
    renewed, cancelled = db.session.scalars(select(Creative).order_by(Creative.id))
    assert (renewed.status, cancelled.status) == ("withdrawn", "waiting")
    assert renewed.reviews[-1].reason == "a cancellation goes before it"


def test_a_moment_whose_ads_are_over_silences_nobody(tell):
    tell(FAILED, created=int(time.time()) - YEAR)
    assert tell(RENEWED)["renewed"] == "generated"


def test_other_customers_keep_theirs(tell):
    other = subscription("sub_2", status="canceled") | {"customer": "cus_2"}
    assert tell(NEW, ("customer.subscription.deleted", other)) == {
        "new_customer": "generated",
        "cancelled": "generated",
    }


def test_whoever_tests_sees_what_each_event_makes(tell, sandbox):
    account = factories.make_account(name="Test Studio")
    testing = factories.connect(account, sandbox.create_account("Test Studio"))
    assert set(tell(NEW, RENEWED, CANCELLED, connection=testing).values()) == {"generated"}
