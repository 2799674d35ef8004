"""The numbers behind the growth plan of docs/operations.md, from the figures that were measured here.

python -m bench.plan [ACCOUNTS] [EVENTS A SECOND] [RETENTION DAYS]    measures nothing: takes what is in results.json,
assumes the rest, and says of each figure which it is
"""

import heapq
import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"
CUSTOMERS_AN_ACCOUNT = 2_000
CUSTOMER_BYTES = 900  # estimated, with its subscription's share of the indexes
MOMENTS_AN_EVENT = 0.25  # most events repeat what another said, or change nothing
AVERAGE = 0.1  # of the rate that is planned for, over the day: renewals come in waves
LONGEST_LAG = 2.0  # seconds; workers are added until the simulation stays below
HEADROOM = 0.5  # the share of what a process can do that is planned for
THREADS, PROCESSES = 8, 2
CUSTOMERS_A_SECOND = 2_500  # of one account: 25 requests a second of each list, 100 in an answer


@dataclass(frozen=True)
class Plan:
    """How many of what. `lag` is seconds from event to register, 95 of 100, for one account in the simulated storm."""

    web_servers: int
    workers: int
    sync_workers: int
    connections: int
    gigabytes: float
    lag: float


@dataclass(frozen=True)
class Known:
    """A figure of one process, and whether bench/results.json has it."""

    name: str
    value: float
    is_measured: bool


def known(benchmark: str, words: str, assumed: float, of: str = "value") -> Known:
    rows = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    found = [row[of] for row in rows if row["benchmark"] == benchmark and words in row["name"]]
    return Known(f"{benchmark}: {words}", found[-1] if found else assumed, bool(found))


KNOWN = {
    "acknowledged": known("webhook", "postgresql, acknowledged", 600),
    "drained": known("drain", "postgresql, events of", 2_500),
    "job": known("scaling", "a job with nothing to do, its processor", 20),
    "event bytes": known("scaling", "an event's row with its indexes", 1_400),
    "moment bytes": known("scaling", "a moment's row with its indexes", 520),
    "sync": known("sync", "all at 25 requests/s an endpoint", 1.1, of="ratio"),
}


def plan(accounts: int, rate: float, days: int) -> Plan:
    acknowledged, drained = (KNOWN[name].value * HEADROOM for name in ("acknowledged", "drained"))
    web = max(2, up(rate / acknowledged))
    workers = max(2, up(rate / drained))
    while (lag := simulate(accounts, rate, workers, drained)) > LONGEST_LAG:
        workers += max(1, workers // 4)
    sync_seconds = CUSTOMERS_AN_ACCOUNT / CUSTOMERS_A_SECOND * KNOWN["sync"].value
    syncs = max(1, up(accounts * sync_seconds / 3600 / HEADROOM))
    rows = rate * AVERAGE * days * 86_400
    size = rows * (KNOWN["event bytes"].value + MOMENTS_AN_EVENT * KNOWN["moment bytes"].value)
    size += accounts * CUSTOMERS_AN_ACCOUNT * CUSTOMER_BYTES
    connections = web * PROCESSES * THREADS + workers + syncs + 2
    return Plan(web, workers, syncs, connections, size / 1e9, lag)


def simulate(accounts: int, rate: float, workers: int, drained: float, seconds: float = 20.0) -> float:
    """Bells and turns: accounts of very different size, a queue of requests, workers that take one bell at a time."""
    chance = random.Random(1)
    weights = [1 / (place + 1) ** 0.7 for place in range(accounts)]
    arrivals = [
        (number / rate, account)
        for number, account in enumerate(chance.choices(range(accounts), weights, k=int(rate * seconds)))
    ]
    free, queue, waiting, lags, at = [0.0] * workers, [], {}, [], 0
    heapq.heapify(free)
    while at < len(arrivals) or queue:
        now = heapq.heappop(free)
        if not queue:
            now = max(now, arrivals[at][0])
        while at < len(arrivals) and arrivals[at][0] <= now:
            came, account = arrivals[at]
            if account not in waiting:
                queue.append(account)
            waiting.setdefault(account, []).append(came)
            at += 1
        served = waiting.pop(queue.pop(0))
        done = now + KNOWN["job"].value / 1000 / HEADROOM + len(served) / drained
        lags += [done - came for came in served]
        heapq.heappush(free, done)
    lags.sort()
    return lags[int(len(lags) * 0.95)]


def up(number: float) -> int:
    return int(-(-number // 1))


def main(accounts: int = 10_000, rate: int = 5_000, days: int = 90) -> None:
    made = plan(accounts, rate, days)
    print(f"{accounts:,} accounts, {rate:,} events/s at the peak, {days} days kept")
    print(f"  web servers of {PROCESSES} x {THREADS}   {made.web_servers}")
    print(f"  workers / sync workers  {made.workers} / {made.sync_workers}")
    print(f"  database connections    {made.connections}")
    print(f"  tables and indexes      {made.gigabytes:,.0f} GB")
    print(f"  event to register       {made.lag:.2f} s, 95 of 100, by simulation")
    for figure in KNOWN.values():
        print(f"  {'measured' if figure.is_measured else 'assumed '}  {figure.value:>8,.1f}  {figure.name}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
