"""A list of Stripe's that never ends: it fails with a reason, and the worker is free for others."""

import json
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import func, select

from manimod.extensions import db
from manimod.ingest import polling, sync
from manimod.jobs import transaction
from manimod.models import Customer, StripeEvent
from manimod.models.accounts import now
from tests import factories, stripe_events

READS = {"customers": True, "subscriptions": True}


@pytest.fixture
def connection(account, lists):
    return factories.make_connection(account, permissions=READS, permissions_checked_at=now())


@pytest.fixture
def goes_round(lists):
    """Let a list be a circle of so many pages, after some that lead into it: each has one object."""
    right = lists.answer

    def circle(path: str, pages: int, before: int = 0, make=stripe_events.customer) -> None:
        def answer(address: str) -> tuple[int, dict]:
            asked = urlsplit(address)
            if asked.path != path:
                return right(address)
            lists.requests.append(address)
            after = parse_qs(asked.query).get("starting_after", ["0"])[0]
            number = int(after.rpartition("_")[2]) + 1
            number = number if number <= before + pages else before + 1
            return 200, {"object": "list", "data": [make(f"x_{number}")], "has_more": True}

        lists.answer = answer

    return circle


def sync_now(connection, most_slices: int = 1) -> sync.SyncRun:
    with transaction():
        sync.request_sync(connection)
    slices = 1
    while sync.run(connection.id):
        slices += 1
        assert slices <= most_slices
    db.session.rollback()
    return sync.get_latest(connection)


@pytest.mark.parametrize(("pages", "before"), [(1, 0), (2, 0), (3, 5), (7, 1), (40, 0)])
def test_a_sync_of_a_circle_fails_and_says_why(connection, lists, goes_round, pages, before):
    goes_round("/v1/customers", pages, before)
    run = sync_now(connection)
    assert (run.state, run.error_code, connection.last_error) == ("failed", *["STRIPE_LIST_ENDLESS"] * 2)
    assert len(lists.requests) < 4 * (pages + before) + 10


def test_a_circle_that_is_longer_than_a_slice_ends_too(connection, goes_round, monkeypatch):
    monkeypatch.setattr(sync, "SLICE_SECONDS", 0)
    goes_round("/v1/customers", 11)
    assert sync_now(connection, most_slices=50).error_code == "STRIPE_LIST_ENDLESS"


def test_it_erases_nobody(connection, lists, goes_round):
    lists.lists["/v1/customers"] = [stripe_events.customer("cus_1")]
    assert sync_now(connection).state == "done"
    goes_round("/v1/customers", 3)
    assert sync_now(connection).state == "failed"
    assert db.session.scalar(select(func.count()).where(Customer.stripe_id == "cus_1")) == 1


def test_more_that_never_comes_is_asked_for_once(connection, lists):
    right = lists.answer

    def answer(address: str) -> tuple[int, dict]:
        status, body = right(address)
        return status, body | ({"data": [], "has_more": True} if "/v1/customers" in address else {})

    lists.answer = answer
    assert sync_now(connection).error_code == "STRIPE_LIST_ENDLESS"
    assert len([address for address in lists.requests if address.startswith("/v1/customers?limit=100")]) == 1


def test_prices_in_a_circle_hold_up_no_sync(connection, lists, goes_round):
    with transaction():
        connection.permissions = READS | {"prices": True}
    goes_round("/v1/prices", 4, make=lambda number: stripe_events.price() | {"id": number})
    assert sync_now(connection).state == "done"
    assert len(lists.requests) < 20


def test_the_sync_works_again_once_the_list_ends(connection, lists, goes_round):
    right = lists.answer
    goes_round("/v1/customers", 3)
    sync_now(connection)
    lists.answer = right
    assert sync_now(connection).state == "done"
    assert connection.last_error is None


def poll_now(connection) -> None:
    with transaction():
        connection.next_poll_at = now()
    polling.run(connection.id)
    db.session.rollback()


@pytest.mark.parametrize("pages", [1, 2, 5, 12])
def test_an_event_check_of_a_circle_ends_and_pauses_longer_each_time(connection, lists, goes_round, pages):
    with transaction():
        connection.permissions = READS | {"events": True}
    body = json.dumps(stripe_events.event("customer.created", stripe_events.customer()))
    goes_round("/v1/events", pages, make=lambda number: json.loads(body) | {"id": number})
    poll_now(connection)
    assert len(lists.requests) < 4 * pages + 10
    assert db.session.scalar(select(func.count()).select_from(StripeEvent)) == pages
    assert connection.polled_at is None, "it is no check that went well"
    first = connection.next_poll_at - now()
    poll_now(connection)
    assert connection.next_poll_at - now() > first > timedelta(seconds=90)


@pytest.mark.parametrize("pages", [1, 2, 5, 12])
def test_a_quick_check_of_a_circle_ends_and_says_why(connection, lists, goes_round, pages):
    assert sync_now(connection).state == "done"
    with transaction():
        connection.encrypted_signing_secret = None
    goes_round("/v1/customers", pages)
    for _ in range(pages):  # each reads a few pages only
        poll_now(connection)
    assert connection.last_error == "STRIPE_LIST_ENDLESS"
    assert len(lists.requests) < 4 * pages + 20
