"""The installation in numbers, for /metrics and for support. They name nobody."""

from datetime import datetime

from prometheus_client import CollectorRegistry, Gauge
from sqlalchemy import ColumnElement, func, literal, select

from manimod import jobs
from manimod.extensions import db
from manimod.models import OPEN_MOMENTS, Connection, Moment, StripeEvent, SyncRun
from manimod.models.accounts import now
from manimod.models.states import EventState, MomentState, SyncState


def constant(value: str) -> ColumnElement[str]:
    """A value in the text of the statement, because databases match a partial index by it."""
    return literal(str(value), literal_execute=True)


def count_events(state: EventState, connection: Connection | None = None) -> int:
    query = select(func.count(StripeEvent.id)).where(StripeEvent.state == constant(state))
    if connection:
        query = query.where(StripeEvent.connection_id == connection.id)
    return db.session.scalar(query)


def oldest_waiting_at(connection: Connection | None = None) -> datetime | None:
    """Since when the oldest event or moment waits for a worker, of a connection or of all."""
    events = select(func.min(StripeEvent.received_at)).where(StripeEvent.state == constant(EventState.PENDING))
    moments = select(func.min(Moment.detected_at)).where(Moment.state == constant(MomentState.READY), OPEN_MOMENTS)
    found = []
    for model, query in ((StripeEvent, events), (Moment, moments)):
        if connection:
            query = query.where(model.connection_id == connection.id)
        # Grouped, because databases else look for the minimum in the index of all events.
        found += db.session.scalars(query.group_by(model.connection_id))
    return min(found, default=None)


def read_gauges() -> CollectorRegistry:
    """Every gauge of /metrics, read now."""
    registry = CollectorRegistry()

    def gauge(name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"mani_{name}", about, labels, registry=registry)

    heartbeats = jobs.Heartbeats()
    gauge("redis_up", "Whether Redis answers").set(bool(heartbeats.workers))
    gauge("scheduler_up", "Whether the scheduler runs").set(heartbeats.has_scheduler)
    workers = gauge("workers", "Workers that are running; none of it while Redis is away", "queue")
    waiting = gauge("jobs_waiting", "Jobs that wait; none of it while Redis is away", "queue")
    for queue, count in heartbeats.workers.items():
        workers.labels(queue).set(count)
        waiting.labels(queue).set(heartbeats.waiting_jobs[queue])
    gauge("events_failed", "Events given up").set(count_events(EventState.FAILED))
    age = gauge("oldest_waiting_seconds", "Age of the oldest event or moment that waits for a worker, 0 if none does")
    since = oldest_waiting_at()
    age.set(abs(now() - since).total_seconds() if since else 0)  # of a clock that was ahead, too
    error = func.coalesce(Connection.last_error, "")
    by_error = select(Connection.status, error, func.count()).group_by(Connection.status, error)
    connections = gauge("connections", "Connections to Stripe", "status", "error")
    for *labels, count in db.session.execute(by_error):
        connections.labels(*labels).set(count)
    last_sync = select(SyncRun.finished_at).where(SyncRun.state == SyncState.DONE).order_by(SyncRun.id.desc())
    synced_at = db.session.scalar(last_sync.limit(1))
    age = gauge("last_sync_age_seconds", "Since a sync was completed; not a number before the first")
    age.set(abs(now() - synced_at).total_seconds() if synced_at else float("nan"))
    return registry
