"""A customer gets the ads of one moment at a time: cancelled > payment failed > renewed > new."""

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
def deliver_live(client, live, drain):
    """Deliver to the live account's webhook in this order. Returns kind -> state of the moments."""
    drain()

    def send(*deliveries: tuple[str, dict], connection=live, created: int | None = None) -> dict[str, str]:
        for kind, body in deliveries:
            signed = factories.signed(event(kind, body, livemode=connection.livemode, created=created))
            assert client.post(f"/webhooks/stripe/{connection.webhook_token}", **signed).status_code == 200
            drain()
        db.session.rollback()
        return dict(db.session.execute(select(Moment.kind, Moment.state)).all())

    return send


@pytest.mark.both_databases
def test_each_moment_goes_before_the_weaker_ones(deliver_live):
    assert deliver_live(NEW) == {"new_customer": "generated"}
    assert deliver_live(RENEWED) == {"new_customer": "withdrawn", "renewed": "generated"}
    assert deliver_live(FAILED) == {"new_customer": "withdrawn", "renewed": "withdrawn", "payment_failed": "generated"}
    found = deliver_live(CANCELLED)
    assert [kind for kind, state in found.items() if state == "generated"] == ["cancelled"]


def test_the_order_in_which_they_arrive_does_not_matter(deliver_live):
    found = deliver_live(CANCELLED, FAILED, RENEWED, NEW)
    assert [kind for kind, state in found.items() if state == "generated"] == ["cancelled"]


def test_a_creative_without_moments_is_withdrawn_with_the_reason(deliver_live):
    deliver_live(RENEWED, CANCELLED)
    renewed, cancelled = db.session.scalars(select(Creative).order_by(Creative.id))
    assert (renewed.status, cancelled.status) == ("withdrawn", "waiting")
    assert renewed.reviews[-1].reason == "a cancellation goes before it"


def test_a_moment_whose_ads_are_over_withdraws_no_other(deliver_live):
    deliver_live(FAILED, created=int(time.time()) - YEAR)
    assert deliver_live(RENEWED)["renewed"] == "generated"


def test_other_customers_keep_their_moments(deliver_live):
    other = subscription("sub_2", status="canceled") | {"customer": "cus_2"}
    assert deliver_live(NEW, ("customer.subscription.deleted", other)) == {
        "new_customer": "generated",
        "cancelled": "generated",
    }


def test_in_test_mode_every_event_keeps_its_moment(deliver_live, sandbox, drain):
    account = factories.make_account(name="Test Studio")
    testing = factories.connect(account, sandbox.create_account("Test Studio"))
    drain()
    assert set(deliver_live(NEW, RENEWED, CANCELLED, connection=testing).values()) == {"generated"}
