"""The webhook's acknowledgement against its floor (bench/floor.py), under the same gunicorn, in turns: by itself, and
while a worker processes a backlog into the same database on the same machine.
"""

import json
import os
import statistics
from dataclasses import dataclass

from bench import stage
from bench.drain import left, name_tiers, put, waiting
from bench.figures import Figure
from bench.load import press
from bench.stage import Stage

ROUNDS, SECONDS = int(os.environ.get("BENCH_ROUNDS", "3")), 4.0
MAX_EVENTS = 12_000
BACKLOG = 40_000  # events for the worker in a round; it does not get through with them
TYPES = ("customer.created", "customer.subscription.created", "customer.subscription.updated", "invoice.paid")


@dataclass(frozen=True)
class Turn:
    """One server under load: its requests per second, its slowest 1 % (ms), and the processor that it and the database
    used for a request (ms). The processor's figure holds while others use the machine."""

    rate: float
    p99: float
    processor: float


def measure() -> list[Figure]:
    with Stage() as on:
        return [figure for kind in stage.KINDS for figure in compare(on, kind)]


def compare(on: Stage, kind: str) -> list[Figure]:
    with on.database(kind) as url, on.app(url).app_context():
        (_, token), (busy_connection, _) = stage.connections(2)
        name_tiers(busy_connection)
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
        Figure("webhook", f"{kind}, processor of server and database", *both(alone, "processor", "ms")),
        slowest(f"{kind}, 99 of 100", alone, 1.5),
        Figure("webhook", f"{kind}, while a worker drains", *both(draining, "rate", "requests/s")),
        slowest(f"{kind}, 99 of 100 while a worker drains", draining, 2.5),
    ]


def in_turns(servers: dict[str, tuple[int, str]], busy_connection: int | None = None) -> dict[str, list[Turn]]:
    """Press each server in each round; with a connection, the worker has a backlog of its events all the time."""
    turns = {name: [] for name in servers}
    for _ in range(ROUNDS):
        for name, address in servers.items():
            if busy_connection:
                put(busy_connection, BACKLOG, spread=True, silently=False)
            # On SQLite the bare app may wait for its 15 seconds and fail while the worker writes; mani may not.
            may_refuse = name == "floor" and busy_connection is not None
            used = _processor(address[0])
            load = press(*address, bodies(MAX_EVENTS), SECONDS, may_refuse=may_refuse)
            used = (_processor(address[0]) - used) * 1000 / (load.rate * SECONDS)
            turns[name].append(Turn(load.rate, load.p99, used))
            if busy_connection:
                assert left() or waiting(), "the worker had nothing left to do"
    return turns


def _processor(port: int) -> float:
    """Seconds that the server on this port and the database have used."""
    return stage.processor(f"127.0.0.1:{port}") + stage.database_seconds()


def median(turns: list[Turn], name: str) -> float:
    return statistics.median(getattr(turn, name) for turn in turns)


def both(turns: dict[str, list[Turn]], name: str, unit: str) -> tuple[float, str, float]:
    return median(turns["mani"], name), unit, median(turns["floor"], name)


def slowest(name: str, turns: dict[str, list[Turn]], bar: float) -> Figure:
    """The slowest 1 % against the floor's, measured the same way."""
    value, unit, least = both(turns, "p99", "ms")
    return Figure("webhook", name, value, unit, least, f"<= {bar:g} x", value <= bar * least)


def bodies(number: int, samples: list[str] | None = None) -> list[str]:
    """Distinct events, cheaply: samples of each kind, or those given, under new ids."""
    given = samples or [json.dumps(stage.event(kind, "cus_bench")) for kind in TYPES]
    return [_renamed(given[count % len(given)]) for count in range(number)]


def _renamed(text: str) -> str:
    old = text.index('"evt_')
    return f"{text[: old + 5]}{next(stage._ids):024}{text[text.index(chr(34), old + 1) :]}"
