"""The hourly sync: reads every customer and subscription, mends the mirror, and finds the moments nobody told.

Customers and subscriptions are read side by side, page by page; each page is written with its cursor in one
transaction, so a killed run goes on where it was. A lease keeps a second worker away from a run that is under way.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Select, func, select, update

from manimod import jobs
from manimod.config import settings
from manimod.customers import replica, segments, statistics
from manimod.errors import PASSING, ManimodError
from manimod.extensions import db
from manimod.ingest import paginator
from manimod.models import Connection, Customer, Subscription, SyncRun
from manimod.models.accounts import now
from manimod.models.bulk import upsert
from manimod.moments import interpret, record
from manimod.stripe import connections
from manimod.stripe.gateway import StripeGateway
from manimod.stripe.payloads import CustomerFacts, PriceFacts, SubscriptionFacts

log = structlog.get_logger()

LEASE = timedelta(minutes=3)  # longer than the reading of one page may take with all its tries
RETRY_DELAY = timedelta(minutes=5)  # when to try again after a failure that passes
MAX_RUNS_SHOWN = 6
LISTS = ("customers", "subscriptions")
SLICE_SECONDS = 20  # then the worker is free for others, and the run goes on from its cursors


@dataclass(frozen=True)
class SyncProgress:
    """How far a run is, in rows of Stripe's lists; `total` is what the last complete run read, None before one."""

    read: int
    total: int | None
    per_second: float


class Interrupted(Exception):
    """The run is no longer this worker's: disconnected, or taken over after the lease ran out."""


def request_sync(connection: Connection) -> None:
    """Sync as soon as a worker is free ("Sync now")."""
    if not connection.is_connected:
        raise ManimodError("STRIPE_NOT_CONNECTED")
    connection.next_sync_at = now()
    jobs.enqueue("sync_customers", connection.id)


def get_latest(connection: Connection) -> SyncRun | None:
    return next(iter(list_latest(connection, limit=1)), None)


def list_latest(connection: Connection, limit: int = MAX_RUNS_SHOWN) -> list[SyncRun]:
    """The latest runs, newest first."""
    query = select(SyncRun).where(SyncRun.connection_id == connection.id).order_by(SyncRun.id.desc())
    return list(db.session.scalars(query.limit(limit)))


def progress(runs: list[SyncRun]) -> SyncProgress | None:
    """The progress of the run that is under way, out of the latest runs; None where none is."""
    if not runs or runs[0].state != "running":
        return None
    read = _rows(runs[0])
    before = next((_rows(run) for run in runs if run.state == "done"), None)
    seconds = max((now() - runs[0].started_at).total_seconds(), 1.0)
    return SyncProgress(read, before and max(before, read), read / seconds)


def _rows(run: SyncRun) -> int:
    return run.customers + run.subscriptions


def due() -> set[int]:
    """The connections whose sync should start now, or whose run was left by its worker."""
    waiting = select(Connection.id).where(Connection.status == "connected", Connection.next_sync_at <= now())
    abandoned = select(SyncRun.connection_id).where(SyncRun.state == "running", SyncRun.lease_until < now())
    return {*db.session.scalars(waiting), *db.session.scalars(abandoned)}


def run(connection_id: int) -> bool:
    """One slice of the run that is due or under way; True where it has to go on.

    Does nothing where another worker is at it.
    """
    with jobs.transaction():
        sync_run = _claim(connection_id)
    if sync_run is None:
        return False
    run_id = sync_run.id
    try:
        is_complete = _read_slice(connection_id, run_id)
        with jobs.transaction():
            _finish(connection_id, run_id) if is_complete else _pause(run_id)
        return not is_complete
    except Interrupted:
        log.info("sync_interrupted", connection=connection_id, run=run_id)
    except ManimodError as failure:
        with jobs.transaction():
            _fail(connection_id, run_id, failure)
    return False


def _claim(connection_id: int) -> SyncRun | None:
    connection = connections.lock(connection_id)
    if connection is None:
        return None
    sync_run = get_latest(connection)
    if sync_run is None or sync_run.state != "running":
        sync_run = _start(connection)
    elif sync_run.lease_until > now():
        return None
    if sync_run:
        sync_run.lease_until = now() + LEASE
    return sync_run


def _start(connection: Connection) -> SyncRun | None:
    if connection.next_sync_at is None or connection.next_sync_at > now():
        return None
    minutes = settings().sync_interval_minutes
    connection.next_sync_at = now() + timedelta(minutes=minutes)
    done = select(SyncRun.id).where(SyncRun.connection_id == connection.id, SyncRun.state == "done").limit(1)
    sync_run = SyncRun(
        connection_id=connection.id, cursors=dict.fromkeys(LISTS, ""), is_first=db.session.scalar(done) is None
    )
    db.session.add(sync_run)
    db.session.flush()
    return sync_run


def _read_slice(connection_id: int, run_id: int) -> bool:
    """Read and write pages until both lists are complete (True) or the slice is over."""
    until = time.monotonic() + SLICE_SECONDS
    cursors = dict(db.session.get(SyncRun, run_id).cursors)
    gateway = _open_and_read_prices(connection_id, run_id, cursors)
    prices: set[PriceFacts] = set()
    for pages in paginator.pages_of(gateway, cursors, until):
        with jobs.transaction():
            _write_pages(connection_id, run_id, pages, prices)
        cursors |= {fetched.name: fetched.page.next_cursor for fetched in pages}
    is_read = not any(cursor is not None for cursor in cursors.values())
    return is_read and _ask_for_unlisted(connection_id, run_id, gateway, until)


def _open_and_read_prices(connection_id: int, run_id: int, cursors: dict[str, str | None]) -> StripeGateway:
    """At the start of a run: what the key may read now, and the price list. No transaction stays open meanwhile."""
    db.session.commit()
    if any(cursors.values()) or None in cursors.values():
        return connections.open_gateway(db.session.get(Connection, connection_id))
    gateway = connections.refresh_permissions(connection_id)
    _read_prices(connection_id, run_id, gateway)
    return gateway


def _read_prices(connection_id: int, run_id: int, gateway: StripeGateway) -> None:
    """List prices and tier names, as far as the key may read them."""
    permissions = db.session.get(Connection, connection_id).permissions
    db.session.commit()
    if not permissions.get("prices"):
        return
    with_products = bool(permissions.get("products"))
    fetch = paginator.Paginator(lambda cursor: gateway.prices(cursor, with_products=with_products))
    for page in fetch.pages(""):
        with jobs.transaction():
            sync_run = db.session.get(SyncRun, run_id)
            if connections.lock(connection_id) is None or sync_run is None:
                raise Interrupted
            sync_run.lease_until = now() + LEASE
            replica.upsert_prices(connection_id, page.rows)


def _lock_run(connection_id: int, run_id: int) -> tuple[Connection, SyncRun]:
    """Both for this transaction, as long as the run is under way."""
    connection, sync_run = connections.lock(connection_id), db.session.get(SyncRun, run_id)
    if connection is None or sync_run is None or sync_run.state != "running":
        raise Interrupted
    return connection, sync_run


def _write_pages(connection_id: int, run_id: int, pages: list[paginator.FetchedPage], prices: set[PriceFacts]) -> None:
    """Some pages, their moments and their cursors, together. `prices` are those that this slice has written."""
    connection, sync_run = _lock_run(connection_id, run_id)
    customers = [row for fetched in pages if fetched.name == "customers" for row in fetched.page.rows]
    subscriptions = [row for fetched in pages if fetched.name == "subscriptions" for row in fetched.page.rows]
    if customers:
        _write_customers(connection, sync_run, customers)
    if subscriptions:
        told = dict.fromkeys(facts.price for facts in subscriptions if facts.price)
        replica.upsert_prices(connection.id, [price for price in told if price not in prices])
        prices.update(told)
        _write_subscriptions(connection, sync_run, subscriptions, min(fetched.asked_at for fetched in pages))
    sync_run.cursors = sync_run.cursors | {fetched.name: fetched.page.next_cursor for fetched in pages}
    sync_run.lease_until = now() + LEASE


def _write_customers(connection: Connection, sync_run: SyncRun, customers: list[CustomerFacts]) -> None:
    sync_run.customers += len(customers)
    if sync_run.is_first:
        sync_run.new += len(customers)
        replica.upsert_customers(connection.id, customers, sync_run.id)
        return
    query = select(Customer.stripe_id, Customer.name, Customer.seen_in_run).where(
        Customer.connection_id == connection.id, Customer.stripe_id.in_([customer.id for customer in customers])
    )
    known = {row.stripe_id: row for row in db.session.execute(query)}
    replica.upsert_customers(connection.id, customers, sync_run.id)
    sync_run.new += sum(customer.id not in known for customer in customers)
    sync_run.changed += sum(customer.id in known and known[customer.id].name != customer.name for customer in customers)
    since = int(connection.connected_at.timestamp())
    synced = {stripe_id for stripe_id, row in known.items() if row.seen_in_run}
    found = [customer for customer in customers if customer.id not in synced and (customer.created or 0) >= since]
    _record(connection, [interpret.found_customer(customer) for customer in found])


def _write_subscriptions(
    connection: Connection, sync_run: SyncRun, subscriptions: list[SubscriptionFacts], asked_at: datetime
) -> None:
    subscriptions = [facts for facts in subscriptions if facts.customer]
    before = {} if sync_run.is_first else _baselines(connection.id, subscriptions)
    upsert(
        Subscription,
        [_synced_row(connection.id, sync_run.id, facts, asked_at) for facts in subscriptions],
        ("connection_id", "stripe_id"),
        newer=replica.is_newer,
    )
    sync_run.subscriptions += len(subscriptions)
    if sync_run.is_first:
        return
    since, read = int(connection.connected_at.timestamp()), int(asked_at.timestamp())
    _record(
        connection,
        [interpret.compare(before.get(facts.id, interpret.Baseline()), facts, since, read) for facts in subscriptions],
    )


def _baselines(connection_id: int, subscriptions: list[SubscriptionFacts]) -> dict[str, interpret.Baseline]:
    query = select(
        Subscription.stripe_id,
        Subscription.synced_status,
        Subscription.synced_period_start,
        Subscription.synced_billing_anchor,
    ).where(
        Subscription.connection_id == connection_id, Subscription.stripe_id.in_([facts.id for facts in subscriptions])
    )
    return {row[0]: interpret.Baseline(*row[1:]) for row in db.session.execute(query)}


def _synced_row(connection_id: int, run_id: int, facts: SubscriptionFacts, asked_at: datetime) -> dict:
    return {
        **replica.subscription_row(connection_id, facts, asked_at.replace(microsecond=0)),
        "synced_status": facts.status,
        "synced_period_start": facts.period_start,
        "synced_billing_anchor": facts.billing_anchor,
        "seen_in_run": run_id,
    }


def _record(connection: Connection, meanings: list[interpret.Interpretation]) -> None:
    news = [
        record.Observation(meaning, "sync", now()) for meaning in meanings if meaning.moments or meaning.withdrawals
    ]
    if news:
        record.record(connection, news)
        jobs.enqueue("process_events", connection.id)


def _finish(connection_id: int, run_id: int) -> None:
    connection, sync_run = _lock_run(connection_id, run_id)
    if connection.livemode:
        _erase(sync_run, db.session.scalars(_unlisted(sync_run)).all())
    segments.recompute(connection.id)
    statistics.count_audiences(connection.id)
    connections.record_error(connection, None)
    sync_run.state = "done"
    sync_run.finished_at = now()
    sync_run.lease_until = None
    log.info("sync_done", connection=connection_id, run=run_id, customers=sync_run.customers, gone=sync_run.gone)


def _ask_for_unlisted(connection_id: int, run_id: int, gateway: StripeGateway, until: float) -> bool:
    """Stripe's lists leave out customers on a test clock, of whom events tell: in test mode it is asked for each.

    Erases those that are gone. True once it was asked for all; nobody goes of whom it was not.
    """
    if db.session.get(Connection, connection_id).livemode:
        return True
    unlisted = list(db.session.scalars(_unlisted(db.session.get(SyncRun, run_id))))
    db.session.commit()
    is_there = {}
    for customer_id in unlisted:
        is_there[customer_id] = gateway.has_customer(customer_id)
        if time.monotonic() > until:
            break
    with jobs.transaction():
        _settle_unlisted(connection_id, run_id, is_there)
    return len(is_there) == len(unlisted)


def _settle_unlisted(connection_id: int, run_id: int, is_there: dict[str, bool]) -> None:
    _, sync_run = _lock_run(connection_id, run_id)
    kept = [customer_id for customer_id, there in is_there.items() if there]
    seen = update(Customer).where(Customer.connection_id == connection_id, Customer.stripe_id.in_(kept))
    db.session.execute(seen.values(seen_in_run=run_id))
    _erase(sync_run, is_there.keys() - set(kept))


def _unlisted(sync_run: SyncRun) -> Select:
    """Those that came while the run was under way are not missing."""
    return select(Customer.stripe_id).where(
        Customer.connection_id == sync_run.connection_id,
        Customer.created_at < sync_run.started_at,
        func.coalesce(Customer.seen_in_run, 0) != sync_run.id,
    )


def _erase(sync_run: SyncRun, gone: Collection[str]) -> None:
    """The customers that Stripe no longer has."""
    for customer_id in gone:
        replica.erase_customer(sync_run.connection_id, customer_id)
    sync_run.gone += len(gone)


def _pause(run_id: int) -> None:
    sync_run = db.session.get(SyncRun, run_id)
    if sync_run is not None:
        sync_run.lease_until = now()


def _fail(connection_id: int, run_id: int, failure: ManimodError) -> None:
    connection, sync_run = connections.lock(connection_id), db.session.get(SyncRun, run_id)
    if connection is None or sync_run is None:
        return
    connections.record_error(connection, failure)
    if failure.code in PASSING:
        connection.next_sync_at = min(connection.next_sync_at or now() + RETRY_DELAY, now() + RETRY_DELAY)
    sync_run.state = "failed"
    sync_run.error_code = failure.code
    sync_run.finished_at = now()
    sync_run.lease_until = None
    log.warning("sync_failed", run=run_id, code=failure.code)
