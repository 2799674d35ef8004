"""Each sync leaves its counts as the counts of the day, and an earlier sync's of the same day go."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from manimod.customers import statistics
from manimod.extensions import db
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import AudienceDay, Connection, Customer
from manimod.models.accounts import now
from tests import factories

pytestmark = pytest.mark.both_databases


@pytest.fixture
def connection(app) -> Connection:
    return factories.make_connection()


def count(connection: Connection, **customers: int) -> None:
    """A sync has just found these customers, by segment."""
    with transaction():
        db.session.query(Customer).filter_by(connection_id=connection.id).delete()
        for segment, number in customers.items():
            for place in range(number):
                known = {"stripe_id": f"cus_{segment}_{place}", "segment": segment, "created_at": now()}
                db.session.add(Customer(connection_id=connection.id, **known))
        db.session.flush()
        statistics.count_audiences(connection.id)


def age(connection: Connection, days: int) -> None:
    """As if what is kept had been counted so long ago."""
    with transaction():
        for row in db.session.scalars(select(AudienceDay).where(AudienceDay.connection_id == connection.id)):
            row.day -= timedelta(days=days)


def kept(connection: Connection) -> list[tuple]:
    rows = db.session.scalars(select(AudienceDay).where(AudienceDay.connection_id == connection.id))
    today = now().date()
    return sorted(((today - row.day).days, row.segment, row.customers) for row in rows)


def test_the_last_sync_of_a_day_counts(connection):
    count(connection, high=3, low=5)
    count(connection, high=4)
    assert kept(connection) == [(0, "high", 4)]


def test_earlier_days_stay_until_they_are_too_old_to_show(connection):
    count(connection, high=1)
    age(connection, statistics.TREND_DAYS)
    count(connection, high=2)
    age(connection, 1)
    count(connection, high=3)
    assert kept(connection) == [(0, "high", 3), (1, "high", 2)]


def test_a_connection_counts_for_itself(connection):
    stranger = factories.make_connection()
    count(stranger, low=9)
    count(connection, high=1)
    assert kept(stranger) == [(0, "low", 9)]
    assert statistics.get_trend(connection).latest == [1, 1]


def test_a_sync_leaves_the_counts_of_its_day(sandbox, stripe_account, connected, drain):
    sandbox.catalogue(stripe_account["id"])
    sandbox.seed_customers(stripe_account["id"], 12, seed=1)
    with transaction():
        sync.request_sync(connected)
    drain()
    assert sum(customers for _, _, customers in kept(connected)) == 12
