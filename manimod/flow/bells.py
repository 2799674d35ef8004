"""The sweep: rings again for work that lies in the database: lost bells, settled moments, syncs that are due.

It writes nothing, so any number of schedulers may run it at once.
"""

from datetime import timedelta

from sqlalchemy import or_, select

from manimod import jobs
from manimod.extensions import db
from manimod.flow import alerts, poll, retention
from manimod.models import OPEN_MOMENTS, Connection, Moment, StripeEvent, SyncRun
from manimod.models.accounts import now

PATIENCE = timedelta(seconds=2)  # how long a bell that was rung may take before it counts as lost


def ring_again() -> None:
    for connection_id in _with_open_work():
        jobs.ring("drain", connection_id)
    for connection_id in _with_sync_due():
        jobs.ring("sync_customers", connection_id)
    for connection_id in poll.due():
        jobs.ring("poll_events", connection_id)
    for account_id in alerts.due():
        jobs.ring("check_health", account_id)
    for connection_id in retention.due():
        jobs.ring("prune", connection_id)
    db.session.rollback()


def _with_open_work() -> set[int]:
    late = now() - PATIENCE
    events = select(StripeEvent.connection_id).where(StripeEvent.state == "pending", StripeEvent.received_at < late)
    moments = select(Moment.connection_id).where(
        OPEN_MOMENTS,
        or_(
            (Moment.state == "ready") & (Moment.detected_at < late),
            (Moment.state == "waiting") & (Moment.settle_by <= now()),
        ),
    )
    return {*db.session.scalars(events.distinct()), *db.session.scalars(moments.distinct())} & _connected()


def _connected() -> set[int]:
    return set(db.session.scalars(select(Connection.id).where(Connection.status == "connected")))


def _with_sync_due() -> set[int]:
    due = select(Connection.id).where(Connection.status == "connected", Connection.next_sync_at <= now())
    stuck = select(SyncRun.connection_id).where(SyncRun.state == "running", SyncRun.lease_until < now())
    return {*db.session.scalars(due), *db.session.scalars(stuck)}
