"""Quick checks between the syncs change nothing of what is open at the end: they only find it sooner."""

import os
import random
import time

from sqlalchemy import select

from manimod import tasks
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.lifecycle import KINDS
from manimod.models import Connection, Moment
from manimod.models.accounts import now
from manimod.models.states import Source
from tests import factories
from tests.moments.lives import DAY, HOUR, live
from tests.moments.test_sources_agree import explain, open_keys, play_syncs, show, states

LIVES, SPAN = int(os.environ.get("LIVES", "15")), 100  # days
START = int(time.time()) // DAY * DAY  # quick checks read nothing that is older than the connection


def play_checks(connection: Connection, lives: list, lists, times: list[int]) -> None:
    for at in times:
        show(lists, lives, at)
        with transaction():
            db.session.get(Connection, connection.id).next_poll_at = now()
        tasks.poll_events(connection.id)


def test_quick_checks_between_syncs_change_nothing(app, lists):
    lives = [live(START, seed, START + (SPAN - 2) * DAY) for seed in range(LIVES)]
    chance = random.Random(1)  # noqa: S311
    days = sorted({(at - START) // DAY for life in lives for at, _ in life.changes})
    syncs = [START + day * DAY + 9000 for day in days] + [START + SPAN * DAY - 3 * HOUR, START + SPAN * DAY - HOUR]
    without = factories.make_connection()
    play_syncs(without, lives, lists, [START - HOUR, *syncs])
    expected = open_keys(states(without))
    connection = factories.make_connection()
    play_syncs(connection, lives, lists, [START - HOUR])
    for sync_at in syncs:
        checks = sorted(sync_at - chance.randrange(10, 9000) for _ in range(3))
        play_checks(connection, lives, lists, checks)
        play_syncs(connection, lives, lists, [sync_at])
    found = open_keys(states(connection))
    kinds = set(db.session.scalars(select(Moment.kind).filter_by(connection_id=connection.id, source=Source.RECENT)))
    assert kinds == set(KINDS), "quick checks find each kind"
    assert found == expected, explain(lives, found ^ expected)
