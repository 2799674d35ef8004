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

NOW = int(time.time())


@pytest.fixture
def read(account, lists):
    connection = factories.make_connection(account)

    def first_sync(customers: list[dict], subscriptions: list[dict]) -> set[str]:
        lists.at, lists.lists = NOW + 60, {"/v1/customers": customers, "/v1/subscriptions": subscriptions}
        with transaction():
            sync.request_sync(connection)
        sync.run(connection.id)
        return set(states(connection))

    return first_sync


def begun(at: int, **others: object) -> dict:
    times = {"created": at, "start_date": at, "billing_cycle_anchor": at}
    return subscription(**times, **others) | {"items": items(at, at + PERIOD)}


def test_who_was_there_before_is_not_new(read):
    assert read([customer(created=NOW - 5)], [begun(NOW - 5)]) == set()


def test_who_comes_after_the_connection_is_new(read):
    assert read([customer(created=NOW + 30)], [begun(NOW + 31)]) == {"new_customer:cus_1"}


@pytest.mark.parametrize("status", ["past_due", "canceled"])
def test_a_failure_or_an_end_of_before_is_no_moment(read, status):
    assert read([customer(created=NOW - PERIOD)], [begun(NOW - PERIOD, status=status, ended_at=NOW - 9)]) == set()
