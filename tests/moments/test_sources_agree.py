"""Whatever brings a customer's life to mani, in whatever order, the same moments are open at the end.

`LIVES=2000 pytest tests/moments/test_sources_agree.py` plays more of them than the suite does.
"""

import os
import random
import time
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from manimod import tasks
from manimod.extensions import db
from manimod.ingest import events, sync
from manimod.jobs import transaction
from manimod.models import Connection, Moment
from manimod.models.states import Source
from manimod.stripe.payloads import minimise
from tests import factories
from tests.moments.lives import DAY, HOUR, Life, live

LIVES = int(os.environ.get("LIVES", "120"))
SYNCED_SHARE, MIXED_SHARE = 0.5, 0.25  # of them: a sync takes longer than an event
IN_A_GROUP = 200
OPEN = ("waiting", "ready", "generated")
SPAN = 130  # days
START = int(time.time()) // DAY * DAY - SPAN * DAY


@pytest.fixture(params=[True, False], ids=["live", "test"])
def livemode(request) -> bool:
    return request.param


@pytest.fixture
def connect(app, livemode):
    settings = app.extensions["settings"]
    before = settings.retention_days
    object.__setattr__(settings, "retention_days", 2 * SPAN)  # nothing of a life is forgotten meanwhile

    def make() -> Connection:
        long_ago = datetime.fromtimestamp(START, UTC) - timedelta(days=1)
        return factories.make_connection(livemode=livemode, connected_at=long_ago)

    yield make
    object.__setattr__(settings, "retention_days", before)


def groups(share: float = 1) -> list[list[Life]]:
    number = int(LIVES * share)
    lives = [live(START, seed, START + (SPAN - 2) * DAY) for seed in range(number)]
    return [lives[start : start + IN_A_GROUP] for start in range(0, number, IN_A_GROUP)]


def play_events(connection: Connection, told: list[dict], at_once: int) -> dict[str, str]:
    """Store events in this order, so many at once, and process them. Returns the state of every moment."""
    for start in range(0, len(told), at_once):
        batch = [minimise(one | {"livemode": connection.livemode}) for one in told[start : start + at_once]]
        with transaction():
            events.store([(connection.id, event) for event in batch], Source.WEBHOOK)
        while events.process_pending(connection.id):
            pass
    return states(connection)


def show(lists, lives: list[Life], at: int) -> None:
    """Stripe's lists as they are at this time."""
    lists.at = at
    lists.lists = {"/v1/customers": [], "/v1/subscriptions": []}
    for life in lives:
        lists.lists["/v1/customers"] += life.customers(at)
        lists.lists["/v1/subscriptions"] += life.subscriptions(at)


def play_syncs(connection: Connection, lives: list[Life], lists, times: list[int]) -> dict[str, str]:
    for at in times:
        show(lists, lives, at)
        with transaction():
            sync.request_sync(db.session.get(Connection, connection.id))
        tasks.sync_customers(connection.id)
    return states(connection)


def states(connection: Connection) -> dict[str, str]:
    db.session.rollback()
    query = select(Moment.key, Moment.state).where(Moment.connection_id == connection.id)
    return dict(db.session.execute(query).all())


def open_keys(found: dict[str, str]) -> set[str]:
    return {key for key, state in found.items() if state in OPEN}


def without_sent_invoices(keys: set[str], lives: list[Life]) -> set[str]:
    """Without the renewals that only an invoice can tell: it is sent, and the subscription stays active meanwhile."""
    changes = [subscription for life in lives for _, subscription in life.changes]
    sent = {change["id"] for change in changes if change["collection_method"] == "send_invoice"}
    return {key for key in keys if not key.startswith("renewed:") or key.split(":")[1] not in sent}


def told_by(lives: list[Life]) -> list[dict]:
    told = [one for life in lives for one in life.events]
    return sorted(told, key=lambda one: one["created"])


def explain(lives: list[Life], keys: set[str]) -> str:
    lines = []
    for life in lives:
        names = {
            life.customer["id"],
            *(s["id"] for _, s in life.changes),
            *(e["data"]["object"]["id"] for e in life.events),
        }
        theirs = sorted(key for key in keys if names.intersection(key.split(":")))
        if theirs:
            lines.append(f"{life.story}: {theirs}")
    return "\n".join(lines[:12])


def sync_times(lives: list[Life], seed: int) -> list[int]:
    """After every change, some in the draft's hour too; the last two long after everything."""
    chance = random.Random(seed)  # noqa: S311
    times = [START - HOUR]
    for day in sorted({(at - START) // DAY for life in lives for at, _ in life.changes}):
        times += [START + day * DAY + second for second in (600, 5400) if chance.random() < 0.3]
        times.append(START + day * DAY + 9000)
    return [*times, START + SPAN * DAY - 3 * HOUR, START + SPAN * DAY - HOUR]


@pytest.mark.parametrize("livemode", [True], ids=["live"], indirect=True)
def test_the_order_of_events_makes_no_difference(connect):
    for number, lives in enumerate(groups()):
        told = told_by(lives)
        expected = open_keys(play_events(connect(), told, at_once=50))
        assert expected
        shuffled = random.Random(number).sample(told, len(told))  # noqa: S311
        for order in (shuffled, told[::-1]):
            found = open_keys(play_events(connect(), order + order[: len(order) // 4], at_once=37))
            assert found == expected, explain(lives, found ^ expected)


@pytest.mark.parametrize("livemode", [True], ids=["live"], indirect=True)
def test_the_sync_alone_finds_what_events_say(connect, lists):
    for number, lives in enumerate(groups(SYNCED_SHARE)):
        expected = without_sent_invoices(open_keys(play_events(connect(), told_by(lives), at_once=100)), lives)
        found = open_keys(play_syncs(connect(), lives, lists, sync_times(lives, number)))
        assert found == expected, explain(lives, found ^ expected)


@pytest.mark.parametrize("livemode", [False], ids=["test"], indirect=True)
def test_events_before_and_after_a_sync_change_nothing(connect, lists):
    for number, lives in enumerate(groups(MIXED_SHARE)):
        told = told_by(lives)
        expected = open_keys(play_events(connect(), told, at_once=100))
        connection = connect()
        play_syncs(connection, lives, lists, sync_times(lives, number)[:40])
        play_events(connection, random.Random(number).sample(told, len(told)), at_once=50)  # noqa: S311
        found = open_keys(play_syncs(connection, lives, lists, sync_times(lives, number)[-20:]))
        assert found == expected, explain(lives, found ^ expected)
