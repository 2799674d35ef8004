"""A customer with two subscriptions counts once, under the tier that the ads name."""

from datetime import timedelta

import pytest

from manimod.creatives import generate
from manimod.customers import segments, statistics
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Connection, Creative, Moment
from manimod.models.accounts import now
from manimod.models.states import CreativeStatus, MomentState
from tests import factories
from tests.customers.holdings import add_plan, add_subscription, subscribe

pytestmark = pytest.mark.both_databases


@pytest.fixture
def connection(app) -> Connection:
    connection = factories.make_connection(livemode=True)
    with transaction():
        for name, amount in (("Alpha", 9900), ("Omega", 900)):
            add_plan(connection, name, amount)
    return connection


def tiers_counted(connection: Connection) -> dict[str | None, int]:
    with transaction():
        segments.recompute(connection.id)
        statistics.count_audiences(connection.id)
    return {tier: customers for tier, _, customers in statistics.sizes(connection)}


def tier_in_the_ads(connection: Connection, customer: str) -> Creative:
    """The creative of a moment that belongs to no subscription."""
    happened = {"occurred_at": now(), "received_at": now(), "source": "webhook", "livemode": True}
    with transaction():
        moment = Moment(connection_id=connection.id, key=f"new_customer:{customer}", kind="new_customer", **happened)
        moment.stripe_customer_id, moment.state = customer, MomentState.READY
        db.session.add(moment)
    generate.generate(connection.id)
    return db.session.query(Creative).filter_by(status=CreativeStatus.WAITING).one()


@pytest.mark.parametrize(
    ("first", "second", "others", "named"),
    [
        ("Omega", "Alpha", {}, "Alpha"),
        ("Alpha", "Omega", {}, "Omega"),
        ("Alpha", "Omega", {"status": "canceled", "ended_at": now()}, "Alpha"),
        ("Omega", "Alpha", {"status": "incomplete"}, "Omega"),
        ("Omega", "Alpha", {"status": "past_due"}, "Alpha"),
    ],
)
def test_the_newest_that_runs_counts_on_every_page(connection, first, second, others, named):
    with transaction():
        subscribe(connection, "both", first, 400)
        add_subscription(connection, "both", second, now() - timedelta(days=50), **others)
    assert tiers_counted(connection) == {named: 1}
    assert tier_in_the_ads(connection, "cus_both").tier == named
