"""The webhook's acknowledgement against its floor (bench/floor.py), under the same gunicorn, in turns."""

import json
import statistics

from bench import stage
from bench.figures import Figure
from bench.load import Load, press
from bench.stage import Stage

ROUNDS, SECONDS = 3, 4.0
MOST_EVENTS = 12_000
TYPES = ("customer.created", "customer.subscription.created", "customer.subscription.updated", "invoice.paid")


def measure() -> list[Figure]:
    with Stage() as on:
        return [figure for kind in stage.KINDS for figure in compare(on, kind)]


def compare(on: Stage, kind: str) -> list[Figure]:
    with on.database(kind) as url:
        with on.app(url).app_context():
            [(_, token)] = stage.connections(1)
            stage.tables().engine.dispose()
        with on.web(url) as mani, on.web(url, "bench.floor:app") as floor:
            press(mani, f"/webhooks/stripe/{token}", bodies(200), 5)
            press(floor, "/webhook", bodies(200), 5)
            rounds = [
                (
                    press(floor, "/webhook", bodies(MOST_EVENTS), SECONDS),
                    press(mani, f"/webhooks/stripe/{token}", bodies(MOST_EVENTS), SECONDS),
                )
                for _ in range(ROUNDS)
            ]
    return figures(kind, [ours for _, ours in rounds], [least for least, _ in rounds])


def figures(kind: str, ours: list[Load], floor: list[Load]) -> list[Figure]:
    def median(loads: list[Load], name: str) -> float:
        return statistics.median(getattr(load, name) for load in loads)

    rate, least_rate = median(ours, "rate"), median(floor, "rate")
    p99, least_p99 = median(ours, "p99"), median(floor, "p99")
    is_quick, is_even = rate >= 0.9 * least_rate, p99 <= 1.3 * least_p99
    return [
        Figure("webhook", f"{kind}, acknowledged", rate, "requests/s", least_rate, ">= 0.9 x", is_quick),
        Figure("webhook", f"{kind}, 99 of 100", p99, "ms", least_p99, "<= 1.3 x", is_even),
    ]


def bodies(number: int, samples: list[str] | None = None) -> list[str]:
    """Distinct events, cheaply: samples of each kind, or those given, under new ids."""
    given = samples or [json.dumps(stage.event(kind, "cus_bench")) for kind in TYPES]
    return [_renamed(given[count % len(given)]) for count in range(number)]


def _renamed(text: str) -> str:
    old = text.index('"evt_')
    return f"{text[: old + 5]}{next(stage._ids):024}{text[text.index(chr(34), old + 1) :]}"
