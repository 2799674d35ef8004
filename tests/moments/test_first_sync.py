"""The first sync makes no moment of what is already there, and misses nobody who comes while it is under way."""

import time

import pytest

from manimod.ingest import sync
from manimod.jobs import transaction
from tests import factories
from tests.moments.lives import PERIOD
from tests.moments.lives import period as items
from tests.moments.test_sources_agree import states
from tests.stripe_events import customer, subscription


@pytest.fixture
def read(account, lists):
    connection = factories.make_connection(account)

    def first_sync(customers: list[dict], subscriptions: list[dict]) -> set[str]:
        lists.at, lists.lists = int(time.time()) + 60, {"/v1/customers": customers, "/v1/subscriptions": subscriptions}
        with transaction():
            sync.request_sync(connection)
        sync.run(connection.id)
        return set(states(connection))

    return first_sync


@pytest.fixture
def now() -> int:
    """When the account connects."""
    return int(time.time())


def begun(at: int, **others: object) -> dict:
    times = {"created": at, "start_date": at, "billing_cycle_anchor": at}
    return subscription(**times, **others) | {"items": items(at, at + PERIOD)}


def test_who_was_there_before_is_not_new(read, now):
    assert read([customer(created=now - 5)], [begun(now - 5)]) == set()


def test_who_comes_after_the_connection_is_new(read, now):
    assert read([customer(created=now + 30)], [begun(now + 31)]) == {"new_customer:cus_1"}


@pytest.mark.parametrize("status", ["past_due", "canceled"])
def test_a_failure_or_an_end_of_before_is_no_moment(read, now, status):
    assert read([customer(created=now - PERIOD)], [begun(now - PERIOD, status=status, ended_at=now - 9)]) == set()
