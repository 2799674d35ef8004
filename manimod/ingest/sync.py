"""The customer sync: reads every customer and subscription, updates the replica, and finds moments that no event
reported.

The lists are read side by side. Each page is written together with its cursor, so a killed run goes on where it was.
A lease keeps a second worker away from a run that is under way.
"""

import time
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta
from functools import partial

import structlog
from sqlalchemy import func, not_, or_, select, update

from manimod import jobs
from manimod.customers import pace, replica, segments, statistics, tiers
from manimod.errors import PASSING, ManimodError
from manimod.extensions import db
from manimod.models import Connection, Customer, SyncRun
from manimod.models.accounts import is_ahead, is_recent, now
from manimod.models.states import SyncState
from manimod.moments import listed, record
from manimod.stripe import connections, paginator
from manimod.stripe.gateway import Page, PermissionRefused, StripeGateway, refuses_key

log = structlog.get_logger()

LEASE = timedelta(minutes=3)  # longer than the reading of one page may take with all its tries
RETRY_DELAY = timedelta(minutes=5)  # when to try again after a failure that passes
MAX_RUNS_SHOWN = 6
REQUIRED_LISTS = ("customers", "subscriptions")
PERMISSIONS_CHECKED_FOR = timedelta(days=1)
SLICE_SECONDS = 20  # then the worker is free for others, and the run goes on from its cursors


class Interrupted(Exception):
    """The run is no longer this worker's: disconnected, or taken over after the lease ran out."""


def request_sync(connection: Connection) -> None:
    """Sync as soon as a worker is free, and look again what the key may read ("Sync now")."""
    if not connection.is_connected:
        raise ManimodError("STRIPE_NOT_CONNECTED")
    connections.require_plan(connection.account)
    connection.permissions_checked_at = None
    pace.plan(connection, next_sync_at=now())
    jobs.enqueue("sync_customers", connection.id)


def get_latest(connection: Connection) -> SyncRun | None:
    return next(iter(list_latest(connection, limit=1)), None)


def list_latest(connection: Connection, limit: int = MAX_RUNS_SHOWN) -> list[SyncRun]:
    """The latest runs, newest first."""
    query = select(SyncRun).where(SyncRun.connection_id == connection.id).order_by(SyncRun.id.desc())
    return list(db.session.scalars(query.limit(limit)))


def interval(connection: Connection, latest: SyncRun | None) -> timedelta:
    """From one sync to the next, by the size of the latest run."""
    return pace.get_pace(connection).sync(latest.customers + latest.subscriptions if latest else 0)


def due() -> set[int]:
    """The connections whose sync should start now, or whose run was left by its worker."""
    waiting = select(Connection.id).where(pace.is_due(Connection.next_sync_at))
    is_held = is_ahead(SyncRun.lease_until, LEASE)
    abandoned = select(SyncRun.connection_id).where(SyncRun.state == SyncState.RUNNING, not_(is_held))
    due = {*db.session.scalars(waiting), *db.session.scalars(abandoned)}
    return due and due.intersection(db.session.scalars(select(Connection.id).where(Connection.may_be_read())))


def run(connection_id: int) -> bool:
    """One time slice of the run that is due or under way; True where it has to go on.

    Does nothing where another worker is at it.
    """
    with jobs.transaction():
        run_id = _claim(connection_id)
    if run_id is None:
        return False
    is_complete, failure = False, None
    try:
        try:
            is_complete = _read_slice(connection_id, run_id)
        except ManimodError as error:
            failure = error
            if isinstance(error, PermissionRefused):
                failure = _name_permissions(connection_id, error)
        with jobs.transaction():
            connection, sync_run = _lock_run(connection_id, run_id)
            if is_complete or failure:
                _finish(connection, sync_run, failure)
            sync_run.lease_until = now()  # of a run that goes on: any worker may take the next slice
    except Interrupted:
        log.info("sync_interrupted", connection=connection_id, run=run_id)
        return False
    return not is_complete and failure is None


def _claim(connection_id: int) -> int | None:
    """The id of the run that this worker may go on with, or of a new one if it is due."""
    connection = connections.lock(connection_id)
    if connection is None or not connection.account.may_connect_stripe:
        return None
    sync_run = get_latest(connection)
    if sync_run is None or sync_run.state != SyncState.RUNNING:
        if connection_id not in due():
            return None
        pace.plan(connection, next_sync_at=now() + interval(connection, sync_run))
        done = select(SyncRun.id).where(SyncRun.connection_id == connection_id, SyncRun.state == SyncState.DONE)
        is_first = db.session.scalar(done.limit(1)) is None
        sync_run = SyncRun(connection_id=connection_id, cursors={}, is_first=is_first)
        db.session.add(sync_run)
    elif is_ahead(sync_run.lease_until, LEASE):
        return None
    sync_run.lease_until = now() + LEASE
    db.session.flush()
    return sync_run.id


def _read_slice(connection_id: int, run_id: int) -> bool:
    """Read and write pages until all lists are complete (True) or the slice is over."""
    until = time.monotonic() + SLICE_SECONDS
    sync_run = db.session.get(SyncRun, run_id)
    cursors, checkpoints, is_first = dict(sync_run.cursors), deepcopy(sync_run.checkpoints), sync_run.is_first
    gateway = connections.open_gateway(db.session.get(Connection, connection_id))
    db.session.commit()  # no transaction stays open while Stripe is read
    if not cursors:
        _check_permissions(connection_id)
        cursors = dict.fromkeys(REQUIRED_LISTS, "")
    permissions = db.session.get(Connection, connection_id).permissions
    db.session.commit()
    # The list of prices brings the products along, if the key may read both.
    if permissions.get("prices") or permissions.get("products"):
        cursors.setdefault("prices" if permissions.get("prices") else "products", "")
    lists = {
        "customers": gateway.customers,
        "subscriptions": gateway.subscriptions,
        "prices": partial(_read_optional, partial(gateway.prices, with_products=bool(permissions.get("products")))),
        "products": partial(_read_optional, gateway.products),
    }
    for pages in paginator.read_lists(lists, cursors, checkpoints, until, optional=("prices", "products")):
        invoices = {}
        if permissions.get("invoices") and "subscriptions" in pages and not is_first:
            invoices = listed.ask_invoices(gateway, connection_id, pages["subscriptions"])
        with jobs.transaction():
            connection, sync_run = _lock_run(connection_id, run_id)
            _write_price_list(connection_id, pages)
            if "customers" in pages:
                listed.write_customers(connection, pages["customers"], sync_run)
            if "subscriptions" in pages:
                listed.write_subscriptions(connection, pages["subscriptions"], sync_run, invoices)
            cursors |= {name: page.next_cursor for name, page in pages.items()}
            sync_run.cursors, sync_run.checkpoints = dict(cursors), deepcopy(checkpoints)
            sync_run.lease_until = now() + LEASE
    if any(cursor is not None for cursor in cursors.values()):
        return False
    return _erase_unlisted(connection_id, run_id, gateway, until)


def _write_price_list(connection_id: int, pages: dict[str, Page]) -> None:
    if "prices" in pages:
        replica.upsert_prices(connection_id, [price for price, _ in pages["prices"].rows])
        replica.update_tiers(connection_id, [product for _, product in pages["prices"].rows if product])
    if "products" in pages:
        replica.update_tiers(connection_id, pages["products"].rows)
    if "prices" in pages or "products" in pages:
        tiers.take_over_words(connection_id)


def _check_permissions(connection_id: int) -> None:
    """Once a day, at the owner's wish, and while Stripe can't be read. Raises ManimodError."""
    connection = db.session.get(Connection, connection_id)
    checked_at, has_failed = connection.permissions_checked_at, connection.last_error is not None
    db.session.commit()
    if has_failed or checked_at is None or not is_recent(checked_at, PERMISSIONS_CHECKED_FOR):
        connections.refresh_permissions(connection_id)


def _name_permissions(connection_id: int, failure: ManimodError) -> ManimodError:
    """A permission was taken away since it was last looked at: which ones the key still has is asked at once."""
    try:
        connections.refresh_permissions(connection_id)
    except ManimodError as error:
        return error
    return failure


def _read_optional(fetch: Callable[[str | None], Page], cursor: str | None) -> Page:
    """A page of prices or products. Where Stripe doesn't give them now, what is known stays, and the next sync asks
    again."""
    try:
        return fetch(cursor)
    except ManimodError as failure:
        if refuses_key(failure):
            raise
        log.warning("price_list_not_read", code=failure.code)
        return Page([], None, now())


def _lock_run(connection_id: int, run_id: int) -> tuple[Connection, SyncRun]:
    """Both for this transaction, as long as the run is under way."""
    connection, sync_run = connections.lock(connection_id), db.session.get(SyncRun, run_id)
    if connection is None or sync_run is None or sync_run.state != SyncState.RUNNING:
        raise Interrupted
    return connection, sync_run


def _erase_unlisted(connection_id: int, run_id: int, gateway: StripeGateway, until: float) -> bool:
    """Erase the customers that this run has not seen, but for those that came meanwhile. True once all were checked.

    Stripe's lists omit customers on a test clock: in test mode, each is fetched and erased only if it is gone.
    """
    connection, sync_run = db.session.get(Connection, connection_id), db.session.get(SyncRun, run_id)
    livemode = connection.livemode
    was_there = Customer.created_at < (sync_run.listed_at or sync_run.started_at)
    query = select(Customer.stripe_id).where(
        Customer.connection_id == connection_id,
        or_(was_there, Customer.seen_in_run.is_not(None)),
        func.coalesce(Customer.seen_in_run, 0) != run_id,
    )
    unlisted = list(db.session.scalars(query))
    db.session.commit()
    kept, gone = [], []
    for customer_id in unlisted:
        exists = not livemode and gateway.has_customer(customer_id)
        (kept if exists else gone).append(customer_id)
        if time.monotonic() > until:
            break
    with jobs.transaction():
        connection, sync_run = _lock_run(connection_id, run_id)
        seen = update(Customer).where(Customer.connection_id == connection_id, Customer.stripe_id.in_(kept))
        db.session.execute(seen.values(seen_in_run=run_id))
        for customer_id in gone:
            record.erase(connection, customer_id)
        sync_run.gone += len(gone)
    return len(kept) + len(gone) == len(unlisted)


def _finish(connection: Connection, sync_run: SyncRun, failure: ManimodError | None) -> None:
    connections.record_error(connection, failure)
    sync_run.finished_at = now()
    if failure is None:
        segments.recompute(connection.id)
        statistics.count_audiences(connection.id)
        connection.monthly_payments = pace.estimate_payments(connection.id)
        if connection.next_sync_at and connection.next_sync_at > now():  # nobody has asked for another one meanwhile
            started_at = min(sync_run.started_at, now())
            pace.plan(connection, next_sync_at=started_at + interval(connection, sync_run))
        sync_run.state = SyncState.DONE
        log.info("sync_done", run=sync_run.id, customers=sync_run.customers, gone=sync_run.gone)
        return
    if failure.code in PASSING:
        pace.plan(connection, next_sync_at=min(connection.next_sync_at or now() + RETRY_DELAY, now() + RETRY_DELAY))
    sync_run.state = SyncState.FAILED
    sync_run.error_code = failure.code
    log.warning("sync_failed", run=sync_run.id, code=failure.code)
