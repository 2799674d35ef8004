"""In whatever order it arrives, it means the same: also what happens within one second, which Stripe doesn't divide."""

import itertools
import json
import re
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from manimod.extensions import db
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import Connection, Customer, Subscription
from tests import factories
from tests.moments.lives import DAY, PERIOD, invoice, period
from tests.moments.test_sources_agree import open_keys, play_events, states
from tests.stripe_events import customer, event, subscription
from tests.stripe_lists import StripeLists

T = int(time.time()) // DAY * DAY - DAY
FAILED, RENEWED = "payment_failed:in_2", f"renewed:sub_1:{T}"


def moved(status: str, previous: str | None = None) -> dict:
    """The subscription in its second period, which begins at T."""
    body = subscription(status=status, created=T - PERIOD, start_date=T - PERIOD, billing_cycle_anchor=T - PERIOD)
    body |= {"items": period(T, T + PERIOD), "latest_invoice": "in_2"}
    before = {"status": previous} if previous else {"latest_invoice": "in_1"}
    return event("customer.subscription.updated", body, created=T, previous=before)


def billed(kind: str, status: str) -> dict:
    body = invoice(moved("active")["data"]["object"], "in_2", "subscription_cycle", T) | {"status": status}
    return event(kind, body, created=T)


FAILURE = (moved("active"), billed("invoice.payment_failed", "open"), moved("past_due", "active"))
WRITTEN_OFF = (billed("invoice.marked_uncollectible", "uncollectible"),)
RECOVERY = (billed("invoice.paid", "paid"), moved("active", "past_due"))
JOINS = (
    event("customer.created", customer(name=None, created=T), created=T),
    event("customer.updated", customer(created=T), created=T, previous={"name": None}),
    event("customer.subscription.created", subscription(status="incomplete", created=T), created=T),
    event("customer.subscription.updated", subscription(created=T), created=T, previous={"status": "incomplete"}),
)


@pytest.fixture
def play(app, lists) -> Callable[..., set[str]]:
    """Process events one after another; for a list of subscriptions, sync. Returns what the customer has at the end."""

    def run(*told: dict | list[dict], read_at: int = T) -> set[str]:
        connection = connect(lists)
        for step in told:
            if isinstance(step, list):
                sync_at(read_at + 1, connection, lists, step)  # Stripe is asked a little before it answers
            else:
                play_events(connection, [of_customer(0, step)], at_once=1)
        return outcomes(connection)[0]

    return run


def connect(lists: StripeLists) -> Connection:
    """A connection whose first sync was a day before, and found nobody."""
    connection = factories.make_connection(livemode=True, connected_at=datetime.fromtimestamp(T - 100 * DAY, UTC))
    sync_at(T - DAY, connection, lists, [])
    return connection


def of_customer(number: int, told: dict) -> dict:
    """An event as another customer's."""
    return json.loads(re.sub(r'"((?:evt|cus|sub|in)_\d+)"', rf'"\1_{number}"', json.dumps(told)))


def outcomes(connection: Connection) -> dict[int, set[str]]:
    """Each customer's open moments, the subscription's status and the customer's name, without their number."""
    found = [(key, re.sub(r"_\d+(:|$)", r"\1", key)) for key in open_keys(states(connection))]
    for columns in ((Subscription.stripe_id, Subscription.status), (Customer.stripe_id, Customer.name)):
        found += db.session.execute(select(*columns).filter_by(connection_id=connection.id))
    by_customer = defaultdict(set)
    for key, said in found:
        by_customer[int(re.search(r"_\d+_(\d+)", key)[1])].add(said)
    return by_customer


def sync_at(at: int, connection: Connection, lists: StripeLists, subscriptions: list[dict]) -> None:
    lists.at, lists.lists = at, {"/v1/subscriptions": subscriptions}
    with transaction():
        sync.request_sync(db.session.get(Connection, connection.id))
    sync.run(connection.id)


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (FAILURE, {FAILED, "past_due"}),
        (FAILURE + RECOVERY, {RENEWED, "active"}),
        (FAILURE[:2] + WRITTEN_OFF, {"active"}),
        (JOINS, {"new_customer:cus_1", "active", "Hazel Testford"}),
    ],
    ids=["a renewal fails", "a renewal fails and is paid", "a renewal is written off", "somebody joins"],
)
def test_every_order_ends_the_same(app, lists, told, expected):
    connection, orders = connect(lists), list(itertools.permutations(told))
    for place in range(len(told)):
        of_all = [of_customer(number, order[place]) for number, order in enumerate(orders)]
        play_events(connection, of_all, at_once=len(orders))
    found = outcomes(connection)
    for number, order in enumerate(orders):
        assert found[number] == expected, [one["type"] for one in order]


@pytest.mark.parametrize("status", ["active", "past_due"])
def test_a_list_that_is_read_in_that_second_changes_nothing(play, status):
    listed = [of_customer(0, moved(status))["data"]["object"]]
    for place in range(len(FAILURE) + 1):
        assert play(*FAILURE[:place], listed, *FAILURE[place:]) == {FAILED, "past_due"}, place


def test_a_failure_that_is_told_late_is_over_if_a_list_has_shown_that(play):
    listed = [of_customer(0, moved("active"))["data"]["object"]]
    for place in range(len(FAILURE) + 1):
        assert FAILED not in play(*FAILURE[:place], listed, *FAILURE[place:], read_at=T + 3600), place
