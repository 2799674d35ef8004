"""The lifecycle as public reports describe it: events and syncs in order, and what must be open at the end."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from manimod import tasks
from manimod.extensions import db
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import Connection, Creative, Customer, Moment, Subscription
from tests import factories

CASES = Path(__file__).parents[3] / "shared" / "cases"
T = 1_795_000_000
OPEN = ("waiting", "ready", "generated")


@pytest.fixture(params=["live", "test"])
def play(request, app: Flask, account, client, lists, drain) -> Callable[..., list[dict[str, str]]]:
    """Play steps in order. Returns after each of them the state of every moment by its key."""
    livemode = request.param == "live"
    connection = factories.make_connection(
        account, livemode, connected_at=datetime.fromtimestamp(T - 100 * 86_400, UTC)
    )
    factories.name_tier(connection)

    def run(*steps: dict) -> list[dict[str, str]]:
        states = []
        for step in steps:
            if "sync" in step:
                lists.at = step["sync"]["at"]
                lists.lists = {f"/v1/{name}": body for name, body in step["sync"].items() if name != "at"}
                with transaction():
                    sync.request_sync(db.session.get(Connection, connection.id))
                tasks.sync_customers(connection.id)
            else:
                signed = factories.signed(step["event"] | {"livemode": livemode})
                assert client.post(f"/webhooks/stripe/{connection.webhook_token}", **signed).status_code == 200
            drain()
            db.session.rollback()
            states.append(dict(db.session.execute(select(Moment.key, Moment.state)).all()))
        return states

    return run


def steps_of(file: str) -> list[dict]:
    path = next(CASES.glob(f"{file}*"), None)
    if path is None:
        pytest.skip("the cases are not here")
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return [{"event": json.loads(line)} for line in text.splitlines()]
    return json.loads(text)["steps"]


def open_keys(states: dict[str, str]) -> set[str]:
    return {key for key, state in states.items() if state in OPEN}


def test_a_renewal_counts_once_it_is_paid(play):
    states = play(*steps_of("01"))
    assert states[1] == {}
    assert open_keys(states[2]) == {"payment_failed:in_draft"}
    assert open_keys(states[-1]) == {f"renewed:sub_t2:{T}"}
    assert states[-1]["payment_failed:in_draft"] == "withdrawn"


def test_a_paused_collection_renews_nothing(play):
    assert play(*steps_of("02"))[-1] == {}


def test_an_invoice_that_is_sent_fails_when_it_is_overdue(play):
    states = play(*steps_of("03"))
    assert states[1] == {}
    assert open_keys(states[-1]) == {"payment_failed:in_open"}


def test_the_first_payment_after_a_trial_is_no_renewal(play):
    assert set(play(*steps_of("04"))[-1]) == {"new_customer:cus_t2"}


def test_an_added_item_makes_no_second_renewal(play):
    assert set(play(*steps_of("06"))[-1]) == {f"renewed:sub_t2:{T}"}


def test_a_failed_upgrade_is_a_failed_payment(play):
    assert "payment_failed:in_up" in open_keys(play(*steps_of("07"))[-1])


def test_events_of_a_connected_account_are_ignored(play):
    assert play(*steps_of("10"))[-1] == {}
    assert db.session.scalars(select(Customer)).all() == []


@pytest.mark.parametrize("order", [1, -1])
def test_a_deleted_customer_leaves_nothing_open(play, order):
    assert open_keys(play(*steps_of("12")[::order])[-1]) == set()
    assert db.session.scalars(select(Customer)).all() == []
    assert db.session.scalars(select(Subscription)).all() == []


def test_late_news_brings_nobody_back(play):
    play(*steps_of("13"))
    assert dict(db.session.execute(select(Customer.stripe_id, Customer.name)).all()) == {"cus_n2": "New Name"}


def test_a_first_payment_that_never_came_withdraws_the_welcome(play):
    states = play(*steps_of("14"))[-1]
    assert states == {"new_customer:cus_t2": "withdrawn"}


def test_an_account_as_customer_is_a_customer(play):
    states = play(*steps_of("16"))[-1]
    assert open_keys(states) == {"cancelled:sub_t2"}
    assert db.session.scalar(select(Creative.tier).where(Creative.event == "cancelled")) == "Team"


def test_an_old_customer_who_subscribes_is_welcomed(play):
    assert open_keys(play(*steps_of("18"))[-1]) == {"new_customer:cus_t2"}


def test_a_tier_minutes_after_the_sign_up_replaces_the_welcome_without_one(play):
    states = play(*steps_of("19"))
    assert open_keys(states[-1]) == {"new_customer:cus_t2"}
    creatives = db.session.execute(select(Creative.tier, Creative.status).order_by(Creative.id)).all()
    assert creatives == [(None, "withdrawn"), ("Team", "waiting")]
