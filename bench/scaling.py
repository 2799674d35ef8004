"""Draining by more workers: stored events of many accounts, one bell an account, by 1, 2 and 4 workers on PostgreSQL.

The floor is one worker. By the clock it can grow as far as there are cores, which the database works on too; what an
event costs the workers' processor says whether they are in each other's way, and holds beside neighbours. The figures
below it are what bench.plan plans with.
"""

import os
import statistics
import time

from bench import drain, stage
from bench.figures import Figure
from bench.stage import Stage

ACCOUNTS, EVENTS = int(os.environ.get("BENCH_ACCOUNTS", "150")), 40  # events of each account
WORKERS, ROUNDS = (1, 2, 4), 3


def measure() -> list[Figure]:
    """The medians of some rounds in turns."""
    with Stage() as on:
        rounds = [{number: drained(on, number) for number in WORKERS} for _ in range(ROUNDS)]
    rate, cost, job, event, moment = (
        {number: statistics.median(each[number][what] for each in rounds) for number in WORKERS} for what in range(5)
    )
    most = max(WORKERS)
    return [
        *(figure for number in WORKERS for figure in figures(number, rate, cost)),
        Figure("scaling", "a job with nothing to do, its processor", job[1], "ms"),
        Figure("scaling", "an event's row with its indexes", event[most], "bytes"),
        Figure("scaling", "a moment's row with its indexes", moment[most], "bytes"),
    ]


def figures(number: int, rate: dict[int, float], cost: dict[int, float]) -> list[Figure]:
    clock, processor = f"workers: {number}, {ACCOUNTS} accounts", f"workers: {number}, their processor"
    if number == 1:
        return [Figure("scaling", clock, rate[1], "events/s"), Figure("scaling", processor, cost[1], "ms/event")]
    least = 0.8 * min(number, os.cpu_count())
    is_quicker = rate[number] >= least * rate[1]
    return [
        Figure("scaling", clock, rate[number], "events/s", rate[1], f">= {least:g} x", is_quicker),
        Figure("scaling", processor, cost[number], "ms/event", cost[1], "<= 1.2 x", cost[number] <= 1.2 * cost[1]),
    ]


def drained(on: Stage, workers: int) -> tuple[float, float, float, float, float]:
    """Events a second from the first to the last creative; milliseconds of the workers' processor for one, and for a
    job that finds nothing to do; bytes of an event and of a moment in their tables."""
    events = ACCOUNTS * EVENTS
    with on.database("postgresql") as url, on.app(url).app_context():
        made = [connection for connection, _ in stage.connections(ACCOUNTS)]
        for connection in made:
            drain.put(connection, EVENTS, spread=False)
        stage.tables().session.commit()
        with on.workers(url, workers):
            stage.wait_for(lambda: drain.left() < events, 60, every=0.01)
            begun, before = time.monotonic(), stage.processor(on.redis_url)
            stage.wait_for(lambda: drain.left() == 0 and drain.waiting() == 0, 600, every=0.05)
            seconds, work = time.monotonic() - begun, stage.processor(on.redis_url) - before
            job = idle_job(on, made)
        sizes = [size(table) for table in ("stripe_event", "moment")]
        stage.tables().session.remove()
        stage.tables().engine.dispose()
    return events / seconds, work * 1000 / events, job, *sizes


def idle_job(on: Stage, connections: list[int]) -> float:
    """Milliseconds of the workers' processor for a job whose connection has no open work."""
    from manimod import jobs

    stage.wait_for(lambda: is_idle(jobs), 60)
    before = stage.processor(on.redis_url)
    for connection in connections:
        jobs.queue(jobs.FAST).enqueue("manimod.tasks.drain", connection, result_ttl=0)
    stage.wait_for(lambda: is_idle(jobs), 120)
    return (stage.processor(on.redis_url) - before) * 1000 / len(connections)


def is_idle(jobs) -> bool:
    waiting = jobs.queue(jobs.FAST)
    return not waiting.count and not waiting.started_job_registry.count


def size(table: str) -> float:
    return stage.tables().session.scalar(
        stage.tables().text(f"SELECT pg_total_relation_size('{table}')::float / count(*) FROM {table}")
    )
