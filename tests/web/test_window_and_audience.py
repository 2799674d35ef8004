"""The creative's page says when to run it, and whether its audience is large enough to be matched."""

from datetime import timedelta

import pytest
from sqlalchemy import insert

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Moment
from manimod.models.accounts import now
from tests.browser.filling import make_creative


@pytest.fixture
def creative(account):
    with transaction():
        creative = make_creative(account)
        db.session.add(creative)
    return creative


def page(as_owner, creative) -> str:
    return as_owner.get(f"/creatives/{creative.id}").get_data(as_text=True)


def add_moments(connection, creative, number, **more):
    """Of as many customers, each with two moments."""
    own = {"connection_id": connection.id, "kind": creative.event, "creative_id": creative.id, "livemode": False}
    own |= {"source": "webhook", "state": "generated", "occurred_at": now(), "received_at": now(), "detected_at": now()}
    rows = []
    for number_of_moment in range(2 * number):
        customer = more.get("stripe_customer_id", f"cus_{number_of_moment // 2}")
        key = f"{creative.id}:{customer}:{number_of_moment}"
        rows.append(own | {"key": key, "stripe_customer_id": customer} | more)
    with transaction():
        db.session.execute(insert(Moment), rows)


def test_the_window_is_said(as_owner, creative):
    assert f"{creative.run_until.day} {creative.run_until:%b %Y}" in page(as_owner, creative)


@pytest.mark.parametrize(
    ("size", "said"),
    [
        (
            1,
            "1 customer to whom this happened, while ads about it may run. Matched audiences need more on Google",
        ),
        (500, "500 customers to whom this happened, while ads about it may run. Matched audiences need more on TikTok"),
        (1000, "1,000 customers to whom this happened, while ads about it may run.</li>"),
    ],
)
def test_the_audience_is_held_against_the_platforms_minimum(as_owner, connection, creative, size, said):
    add_moments(connection, creative, size)
    assert said in page(as_owner, creative)


def test_only_those_count_to_whom_it_happened_in_this_window(as_owner, connection, creative, add_creative):
    """Not who has the tier, nor whose moment was withdrawn or is long ago; those of the set before do."""
    before = add_creative(creative.account, status="approved")
    others = add_creative(creative.account, "cancelled", status="approved")
    add_moments(connection, creative, 3)
    add_moments(connection, before, 2, stripe_customer_id="cus_earlier")
    add_moments(connection, others, 5, stripe_customer_id="cus_left")
    add_moments(connection, creative, 4, stripe_customer_id="cus_paid", state="withdrawn")
    add_moments(connection, creative, 5, stripe_customer_id="cus_old", occurred_at=now() - timedelta(days=15))
    assert "4 customers to whom this happened" in page(as_owner, creative)


def test_an_audience_without_moments_is_not_guessed(as_owner, creative):
    assert "to whom this happened" not in page(as_owner, creative)
