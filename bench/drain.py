"""Draining: stored events of many audiences to moments and creatives, by one worker, and what an event costs in a table
that is small or large. Processor time beside the clock, since a machine that others use has slow minutes."""

import json
import os
import statistics
import time
from collections.abc import Iterator

from flask import Flask, g

from bench import stage
from bench.figures import Figure
from bench.stage import Stage

EVENTS = int(os.environ.get("BENCH_EVENTS", "20000"))
LARGE, SMALL = int(os.environ.get("BENCH_ROWS", "1000000")), 1_000  # events; half as many moments
TIERS = 50
KINDS = ("customer.created", "invoice.paid", "invoice.payment_failed", "customer.subscription.deleted")
AUDIENCES = TIERS * len(KINDS)
GOALS = {"sqlite": 1500, "postgresql": 1000}
A_MONTH = 30 * 86_400  # seconds
PACE, PACES, ROUNDS = 400, 3, 5  # events at once, how often in a turn, turns: of measuring what an event costs


def measure() -> list[Figure]:
    with Stage() as on:
        return [figure for kind in stage.KINDS for figure in (*throughput(on, kind), growth(on, kind))]


def throughput(on: Stage, kind: str) -> Iterator[Figure]:
    """The time of a real worker, from its first batch to the last event and the last creative."""
    with on.database(kind) as url, on.app(url).app_context():
        [(connection, _)] = stage.connections(1)
        use(connection)
        put(connection, EVENTS, spread=True)
        stage.tables().session.commit()
        speed = stage.yardstick()
        with on.workers(url) as (worker, _scheduler):
            stage.wait_for(lambda: left() < EVENTS, 60, every=0.01)
            done, begun = EVENTS - left(), time.monotonic()
            used = [stage.processor_seconds(worker), stage.database_seconds()]
            stage.wait_for(lambda: left() == 0 and waiting() == 0, 300, every=0.1)
            rate = (EVENTS - done) / (time.monotonic() - begun)
            stage.wait_for(lambda: stage.processor_seconds(worker) > used[0], 10)  # its forked job is waited for
            time.sleep(1)
            used = [stage.processor_seconds(worker) - used[0], stage.database_seconds() - used[1]]
        goal = GOALS[kind]
        name = f"{kind}, events of {creatives()} sets to the queue"
        yield Figure("drain", name, rate, "events/s", goal=f">= {goal:,}/s", is_met=rate >= goal)
        for what, seconds in zip(("the worker's", "the database's"), used, strict=True):
            if seconds:
                yield Figure("drain", f"{kind}, {what} processor", seconds * 1000 / (EVENTS - done), "ms an event")
        yield Figure("drain", f"{kind}, 30 million additions meanwhile", (speed + stage.yardstick()) / 2, "s")


def use(connection: int) -> None:
    """A database that is in use: a few events of one tier are through, and PostgreSQL knows how large its tables are,
    as it does of itself within a minute. Without, it plans each batch for empty tables and reads them whole.
    """
    from manimod.creatives import generate
    from manimod.ingest import events

    name_tiers(connection)
    put(connection, 2_000, spread=False)
    stage.tables().session.commit()
    while events.process_pending(connection) or generate.generate(connection):
        pass
    stage.tables().session.commit()
    look_at_tables()


def name_tiers(connection: int) -> None:
    """As the sync does; without a name, tiers have sets in common."""
    from manimod.models import Tier

    for number in range(TIERS):
        named = {"stripe_product_id": f"prod_{number}", "product_name": f"Tier {number}"}
        stage.tables().session.add(Tier(connection_id=connection, **named))


def growth(on: Stage, kind: str) -> Figure:
    """What an event costs with a million rows in the tables, the floor with a thousand, in turns."""
    with on.database(kind) as small, on.database(kind) as large:
        tables = [fill(on, small, SMALL), fill(on, large, LARGE)]
        rounds = [[cost(*table) for table in tables] for _ in range(ROUNDS + 1)]
        floor, value = (statistics.median(costs) for costs in zip(*rounds[1:], strict=True))  # the first fills caches
    return Figure(
        "drain", f"{kind}, an event among {LARGE:,} rows", value, "ms", floor, "<= 1.2 x", value <= 1.2 * floor
    )


def cost(app: Flask, connection: int) -> float:
    """Milliseconds of the processor, ours and the database's, of an event from the inbox to the register."""
    from manimod.ingest import events

    used = 0.0
    with app.app_context():
        for _ in range(PACES):
            put(connection, PACE, spread=False)
            stage.tables().session.commit()
            begun = time.process_time() + stage.database_seconds()
            while events.process_pending(connection):
                pass
            used += time.process_time() + stage.database_seconds() - begun
        stage.tables().engine.dispose()
    return used * 1000 / (PACE * PACES)


def put(connection: int, number: int, spread: bool, silently: bool = True) -> None:
    """Store events as the webhook does: a subscription that names the tier, then what happens. `silently`: no job is
    enqueued for them.
    """
    from manimod.ingest import events
    from manimod.jobs import transaction
    from manimod.models.states import Source
    from manimod.stripe.payloads import minimise

    made = []
    for count in range(number // 2):
        product = f"prod_{count // len(KINDS) % TIERS if spread else 1}"
        customer = f"cus_{next(stage._ids)}"
        for kind, ago in (("customer.subscription.created", A_MONTH), (KINDS[count % len(KINDS)], 0)):
            made.append((connection, minimise(stage.event(kind, customer, product, ago=ago))))
    for start in range(0, number, 500):
        with transaction():
            events.store(made[start : start + 500], Source.WEBHOOK)
            if silently:
                g.requested_jobs.clear()


def left() -> int:
    return count("stripe_event WHERE state = 'pending'")


def waiting() -> int:
    return count("moment WHERE state IN ('waiting', 'ready')")


def creatives() -> int:
    return count("creative")


def count(what: str) -> int:
    session = stage.tables().session
    session.rollback()
    return session.scalar(stage.tables().text(f"SELECT count(*) FROM {what}"))


def fill(on: Stage, url: str, rows: int) -> tuple[Flask, int]:
    """An application whose tables hold so many rows, and its connection."""
    app = on.app(url)
    with app.app_context():
        [(connection, _)] = stage.connections(1)
        remember(connection, rows)
        stage.tables().engine.dispose()
    return app, connection


def remember(connection: int, rows: int) -> None:
    """Processed events and half as many generated moments of long ago, by the database itself; their indexes after."""
    from manimod.extensions import db
    from manimod.models import Moment, StripeEvent

    indexes = [*StripeEvent.__table__.indexes, *Moment.__table__.indexes]

    def numbers(most: int) -> str:
        return f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {most})"

    at = "'2026-01-01 00:00:00'"
    events = f"""INSERT INTO stripe_event (connection_id, stripe_id, type, livemode, source, stripe_customer_id, facts,
        fields_read, fields_dropped, created_at, received_at, processed_at, state, attempts, repeats) {numbers(rows)}
        SELECT {connection}, 'evt_old{rows}_' || i, 'invoice.paid', true, 'webhook', 'cus_old' || i, '{json.dumps({})}',
        '[]', 30, {at}, {at}, {at}, 'done', 0, 0 FROM n"""
    moments = f"""INSERT INTO moment (connection_id, key, kind, stripe_customer_id, livemode, source, occurred_at,
        received_at, detected_at, state) {numbers(rows // 2)} SELECT {connection}, 'renewed:old{rows}:' || i, 'renewed',
        'cus_old' || i, true, 'webhook', {at}, {at}, {at}, 'generated' FROM n"""
    for index in indexes:
        index.drop(db.session.connection())
    for statement in (events, moments):
        db.session.execute(db.text(statement))
    for index in indexes:
        index.create(db.session.connection())
    db.session.commit()
    look_at_tables()


def look_at_tables() -> None:
    engine = stage.tables().engine
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connected:
            connected.execute(stage.tables().text("VACUUM ANALYZE"))
