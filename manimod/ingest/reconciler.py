"""The sweep: rings again for work that lies in the database: lost requests, settled moments, syncs that are due.

It writes nothing, so any number of schedulers may run it at once.
"""

from datetime import timedelta

from sqlalchemy import or_, select

from manimod import jobs
from manimod.diagnostics import alerts
from manimod.extensions import db
from manimod.ingest import polling, retention
from manimod.models import OPEN_MOMENTS, Connection, Moment, StripeEvent, SyncRun
from manimod.models.accounts import now

STUCK_AFTER = timedelta(seconds=2)  # how long a bell that was rung may take before it counts as lost


def reenqueue_stuck_work() -> None:
    for connection_id in _connections_with_open_work():
        jobs.enqueue_now("process_events", connection_id)
    for connection_id in _connections_with_due_sync():
        jobs.enqueue_now("sync_customers", connection_id)
    for connection_id in polling.due():
        jobs.enqueue_now("poll_events", connection_id)
    for account_id in alerts.due():
        jobs.enqueue_now("check_health", account_id)
    for connection_id in retention.due():
        jobs.enqueue_now("prune", connection_id)
    db.session.rollback()


def _connections_with_open_work() -> set[int]:
    late = now() - STUCK_AFTER
    events = select(StripeEvent.connection_id).where(StripeEvent.state == "pending", StripeEvent.received_at < late)
    moments = select(Moment.connection_id).where(
        OPEN_MOMENTS,
        or_(
            (Moment.state == "ready") & (Moment.detected_at < late),
            (Moment.state == "waiting") & (Moment.ready_at <= now()),
        ),
    )
    return {*db.session.scalars(events.distinct()), *db.session.scalars(moments.distinct())} & _connected_ids()


def _connected_ids() -> set[int]:
    return set(db.session.scalars(select(Connection.id).where(Connection.status == "connected")))


def _connections_with_due_sync() -> set[int]:
    due = select(Connection.id).where(Connection.status == "connected", Connection.next_sync_at <= now())
    stuck = select(SyncRun.connection_id).where(SyncRun.state == "running", SyncRun.lease_until < now())
    return {*db.session.scalars(due), *db.session.scalars(stuck)}
