"""The webhook's acknowledgement against its floor (bench/floor.py), under the same gunicorn, in turns: by itself, and
while a worker processes a backlog into the same database on the same machine.
"""

import json
import os
import statistics

from bench import stage
from bench.drain import left, put, waiting
from bench.figures import Figure
from bench.load import Load, press
from bench.stage import Stage

ROUNDS, SECONDS = int(os.environ.get("BENCH_ROUNDS", "3")), 4.0
MAX_EVENTS = 12_000
BACKLOG = 12_000  # events for the worker in a round; it does not get through with them
TYPES = ("customer.created", "customer.subscription.created", "customer.subscription.updated", "invoice.paid")


def measure() -> list[Figure]:
    with Stage() as on:
        return [figure for kind in stage.KINDS for figure in compare(on, kind)]


def compare(on: Stage, kind: str) -> list[Figure]:
    with on.database(kind) as url, on.app(url).app_context():
        (_, token), (busy_connection, _) = stage.connections(2)
        stage.tables().session.commit()
        with on.web(url) as mani, on.web(url, "bench.floor:app") as floor:
            servers = {"floor": (floor, "/webhook"), "mani": (mani, f"/webhooks/stripe/{token}")}
            for address in servers.values():
                press(*address, bodies(200), 5)
            alone = in_turns(servers)
            with on.workers(url):
                draining = in_turns(servers, busy_connection)
        stage.tables().engine.dispose()
    rate, least_rate = median(alone["mani"], "rate"), median(alone["floor"], "rate")
    return [
        Figure(
            "webhook", f"{kind}, acknowledged", rate, "requests/s", least_rate, ">= 0.8 x", rate >= 0.8 * least_rate
        ),
        slowest(f"{kind}, 99 of 100", alone, 1.5),
        Figure("webhook", f"{kind}, while a worker drains", *both(draining, "rate", "requests/s")),
        slowest(f"{kind}, 99 of 100 while a worker drains", draining, 2.5),
    ]


def in_turns(servers: dict[str, tuple[int, str]], busy_connection: int | None = None) -> dict[str, list[Load]]:
    """Press each server in each round; with a connection, the worker has a backlog of its events all the time."""
    loads = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, address in servers.items():
            if busy_connection:
                put(busy_connection, BACKLOG, spread=True, silently=False)
            # On SQLite the bare app may wait for its 15 seconds and fail while the worker writes; mani may not.
            may_refuse = name == "floor" and busy_connection is not None
            loads[name].append(press(*address, bodies(MAX_EVENTS), SECONDS, may_refuse=may_refuse))
            if busy_connection:
                assert left() or waiting(), "the worker had nothing left to do"
    return loads


def median(loads: list[Load], name: str) -> float:
    return statistics.median(getattr(load, name) for load in loads)


def both(loads: dict[str, list[Load]], name: str, unit: str) -> tuple[float, str, float]:
    return median(loads["mani"], name), unit, median(loads["floor"], name)


def slowest(name: str, loads: dict[str, list[Load]], bar: float) -> Figure:
    """The slowest 1 % against the floor's, measured the same way."""
    value, unit, least = both(loads, "p99", "ms")
    return Figure("webhook", name, value, unit, least, f"<= {bar:g} x", value <= bar * least)


def bodies(number: int, samples: list[str] | None = None) -> list[str]:
    """Distinct events, cheaply: samples of each kind, or those given, under new ids."""
    given = samples or [json.dumps(stage.event(kind, "cus_bench")) for kind in TYPES]
    return [_renamed(given[count % len(given)]) for count in range(number)]


def _renamed(text: str) -> str:
    old = text.index('"evt_')
    return f"{text[: old + 5]}{next(stage._ids):024}{text[text.index(chr(34), old + 1) :]}"
