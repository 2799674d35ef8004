"""The installation in numbers, for /metrics and for support. They name nobody."""

from dataclasses import dataclass
from datetime import datetime

from redis.exceptions import RedisError
from sqlalchemy import ColumnElement, func, literal, select

from manimod import jobs
from manimod.extensions import db
from manimod.models import OPEN_MOMENTS, Connection, Creative, Moment, StripeEvent, SyncRun
from manimod.models.states import CreativeStatus, EventState, MomentState, SyncState

MAX_FAILED_JOBS = 100


@dataclass(frozen=True)
class QueueState:
    name: str
    waiting: int
    failed: int  # in the last 24 hours


@dataclass(frozen=True)
class FailedJob:
    id: str
    task: str
    failed_at: datetime


def constant(value: str) -> ColumnElement[str]:
    """A value in the text of the statement, because databases match a partial index by it."""
    return literal(str(value), literal_execute=True)


def count_events(state: EventState) -> int:
    return db.session.scalar(select(func.count(StripeEvent.id)).where(StripeEvent.state == constant(state)))


def oldest_waiting_at(connection: Connection | None = None) -> datetime | None:
    """Since when the oldest event or moment waits for a worker, of a connection or of all."""
    events = select(func.min(StripeEvent.received_at)).where(StripeEvent.state == constant(EventState.PENDING))
    moments = select(func.min(Moment.detected_at)).where(Moment.state == constant(MomentState.READY), OPEN_MOMENTS)
    if connection:
        events = events.where(StripeEvent.connection_id == connection.id)
        moments = moments.where(Moment.connection_id == connection.id)
    # Grouped, because databases else look for the minimum in the index of all events.
    oldest = [
        *db.session.scalars(events.group_by(StripeEvent.connection_id)),
        *db.session.scalars(moments.group_by(Moment.connection_id)),
    ]
    return min(oldest, default=None)


def connection_counts() -> dict[tuple[str, str], int]:
    """Connections by status and error ("" without)."""
    error = func.coalesce(Connection.last_error, "")
    query = select(Connection.status, error, func.count()).group_by(Connection.status, error)
    return {(status, code): count for status, code, count in db.session.execute(query)}


def creatives_waiting() -> int:
    query = select(func.count()).select_from(Creative)
    return db.session.scalar(query.where(Creative.status == CreativeStatus.WAITING))


def last_sync_at() -> datetime | None:
    """When a sync of any account was last completed."""
    query = select(SyncRun.finished_at).where(SyncRun.state == SyncState.DONE)
    return db.session.scalar(query.order_by(SyncRun.id.desc()).limit(1))


def queue_states() -> list[QueueState]:
    """None while Redis is away."""
    queues = [jobs.queue(name) for name in (jobs.FAST, jobs.SLOW)]
    try:
        return [QueueState(queue.name, queue.count, queue.failed_job_registry.count) for queue in queues]
    except RedisError:
        return []


def failed_jobs(row_id: int) -> list[FailedJob]:
    """The latest failed jobs of a row, newest first; none while Redis is away. Why one failed is in the log."""
    found = []
    try:
        for queue in (jobs.queue(jobs.FAST), jobs.queue(jobs.SLOW)):
            ids = queue.failed_job_registry.get_job_ids(end=MAX_FAILED_JOBS - 1, desc=True, cleanup=False)
            for job in filter(None, map(queue.fetch_job, ids)):
                if list(job.args) == [row_id]:
                    task = job.func_name.removeprefix("manimod.tasks.")
                    found.append(FailedJob(job.id, task, job.ended_at or job.created_at))
    except RedisError:
        return []
    return sorted(found, key=lambda job: job.failed_at, reverse=True)
