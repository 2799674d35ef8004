"""The short form: whatever dies meanwhile, no event is lost, none counts twice, and nothing is left behind.

`make chaos` is the long one. The seed is printed with the report; `python -m tests.chaos --seed N` takes it.
"""

import os
import secrets

import pytest

from tests.chaos.__main__ import scene_on
from tests.chaos.run import Plan, run
from tests.stripe_sandbox import SandboxControl

# What mani mends within seconds: a killed sync is taken up again when its lease is over, after two minutes.
FAULTS = ("worker killed", "sync worker killed", "web process killed", "Valkey killed", "Valkey flushed")
POSTGRES_FAULTS = ("worker killed", "sync worker killed", "PostgreSQL backend killed", "PostgreSQL connections cut")


@pytest.mark.journey
@pytest.mark.parametrize(
    ("database", "events", "kills", "names"),
    [
        ("sqlite", 80, 2, (*FAULTS, "Valkey stands still", "SQLite locked", "disk full", "Stripe answers 500")),
        ("postgresql", 80, 2, (*POSTGRES_FAULTS, "PostgreSQL stands still")),
    ],
)
def test_nothing_is_lost_or_doubled_in_the_storm(
    database: str,
    events: int,
    kills: int,
    names: tuple[str, ...],
    sandbox: SandboxControl,
    request: pytest.FixtureRequest,
) -> None:
    server = request.getfixturevalue("postgres_server") if database == "postgresql" else None
    seed = int(os.environ.get("CHAOS_SEED") or secrets.randbelow(10**6))
    with scene_on(database, server, sandbox) as scene:
        report = run(scene, Plan(seed, events, kills, hangs=1, patience=90, names=names, syncs_amid=False))
    print(report)
    assert not report.findings, str(report)
    assert report.kills
    assert sum(report.happened.values()) >= events
