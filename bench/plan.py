"""The numbers behind the growth plan of docs/operations.md, from the figures that were measured here.

python -m bench.plan [ACCOUNTS] [EVENTS A SECOND] [RETENTION DAYS]    makes no measurement; takes bench/results.json
"""

import heapq
import json
import random
import sys
from dataclasses import dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results.json"
# Estimates of a row with its share of the indexes; compare pg_total_relation_size of your own tables.
EVENT_BYTES, MOMENT_BYTES, CUSTOMER_BYTES = 1_400, 520, 900
CUSTOMERS_AN_ACCOUNT = 2_000
MOMENTS_AN_EVENT = 0.25  # most events repeat what another said, or change nothing
AVERAGE = 0.1  # of the rate that is planned for, over the day: renewals come in waves
LONGEST_LAG = 2.0  # seconds; workers are added until the simulation stays below
HEADROOM = 0.5  # the share of what a process can do that is planned for
FORK_SECONDS = 0.02  # of a job, beside its work
DEFAULTS = {"webhook": 600.0, "drain": 2500.0}  # a second, assumed where nothing was measured yet
THREADS, PROCESSES = 8, 2


@dataclass(frozen=True)
class Plan:
    """How many of what. `lag` is seconds from event to register, 95 of 100, for one account in the simulated storm."""

    web_servers: int
    workers: int
    sync_workers: int
    connections: int
    gigabytes: float
    lag: float


def measured(benchmark: str, words: str) -> float:
    rows = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    found = [row["value"] for row in rows if row["benchmark"] == benchmark and words in row["name"]]
    return max(found[0], 1.0) if found else DEFAULTS[benchmark]


def plan(accounts: int, rate: float, days: int) -> Plan:
    acknowledged, drained = measured("webhook", "postgresql, acknowledged"), measured("drain", "postgresql, events of")
    web = max(2, up(rate / (acknowledged * HEADROOM)))
    workers = max(2, up(rate / (drained * HEADROOM)))
    while (lag := simulate(accounts, rate, workers, drained * HEADROOM)) > LONGEST_LAG:
        workers += max(1, workers // 4)
    syncs = max(1, up(accounts * CUSTOMERS_AN_ACCOUNT / 100 * 2 / 25 / 3600))  # pages of 100 of two lists, hourly
    rows = rate * AVERAGE * days * 86_400
    size = rows * EVENT_BYTES + rows * MOMENTS_AN_EVENT * MOMENT_BYTES
    size += accounts * CUSTOMERS_AN_ACCOUNT * CUSTOMER_BYTES
    connections = web * PROCESSES * THREADS + workers + syncs + 2
    return Plan(web, workers, syncs, connections, size / 1e9, lag)


def simulate(accounts: int, rate: float, workers: int, drained: float, seconds: float = 20.0) -> float:
    """Bells and turns: accounts of very different size, a queue of bells, workers that take one bell at a time."""
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
        done = now + FORK_SECONDS + len(served) / drained
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


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
