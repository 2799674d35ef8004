"""Transactions that write, and the jobs that they ask workers for once they have committed.

The database is the truth and Redis only the queue: a job that is lost is enqueued again by `tasks.reconcile`, so
nothing here raises when Redis is away.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from flask import current_app, g
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker, get_current_job
from rq.serializers import JSONSerializer
from rq.timeouts import UnixSignalDeathPenalty
from sqlalchemy import event
from sqlalchemy.orm import Session

from manimod.extensions import WRITES, db
from manimod.models import Creative
from manimod.models.accounts import is_future

log = structlog.get_logger()

FAST, SLOW = "mani", "mani-sync"  # queues: a sync that takes minutes must not hold up an event
WAITING_KEY = "mani:job:{}:{}"  # while a job waits: task, row
HEARTBEAT_KEY = "mani:scheduler"  # of the scheduler, in Unix seconds; RQ keeps those of the workers
HEARTBEAT_TTL_SECONDS = 15
MARK_KEY = "mani:mark:{}"  # account -> the mark of its creatives, until they change
MARK_SECONDS = 120


@dataclass(frozen=True)
class Job:
    """How a task of manimod.tasks is run. A job that never started is enqueued again after `retry_seconds`."""

    queue: str
    timeout_seconds: int
    retry_seconds: int


JOBS = {
    "process_events": Job(FAST, 120, 10),
    "sync_customers": Job(SLOW, 300, 30),
    "fetch_pictures": Job(SLOW, 300, 30),
    "make_export": Job(SLOW, 300, 30),
    "poll_events": Job(SLOW, 300, 30),
    "check_health": Job(SLOW, 60, 30),
    "prune": Job(SLOW, 60, 30),
    "overwrite_deleted": Job(SLOW, 300, 30),
}


@contextmanager
def transaction() -> Iterator[None]:
    """Commit what the block writes, then enqueue the jobs it asked for. On an error, roll back and enqueue none.

    The request's read transaction ends first, so that SQLite takes its write lock before the first read.
    """
    db.session.commit()
    db.session.connection(execution_options={WRITES: True})
    g.requested_jobs, g.changed_accounts = requested, changed = {}, set()
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        raise
    finally:
        g.requested_jobs = g.changed_accounts = None
    for account_id in changed:
        creatives_changed(account_id)
    for name, row_id in requested:
        enqueue(name, row_id)


def enqueue(name: str, row_id: int) -> None:
    """Run the task `name` for a row: in a transaction as soon as it has committed, otherwise now.

    Of each task and row, one job waits at most.
    """
    if g.get("requested_jobs") is not None:
        g.requested_jobs[name, row_id] = True
        return
    kind = JOBS[name]
    try:
        if begin_pause(WAITING_KEY.format(name, row_id), kind.retry_seconds):
            options = {"job_timeout": kind.timeout_seconds, "result_ttl": 0, "failure_ttl": 24 * 3600}
            job = queue(kind.queue).enqueue(f"manimod.tasks.{name}", row_id, **options)
            log.info("job_enqueued", enqueued_job=job.id, enqueued_task=name, row=row_id)
    except RedisError as error:
        log.warning("job_not_enqueued", enqueued_task=name, row=row_id, error=type(error).__name__)


def acknowledge(name: str, row_id: int) -> None:
    """Called by a job before it reads its rows: what is written later is for a new job. Its log lines carry its id."""
    job = get_current_job()
    structlog.contextvars.bind_contextvars(job_id=job.id if job else None, task=name)
    with suppress(RedisError):  # then the key expires by itself
        redis().delete(WAITING_KEY.format(name, row_id))


def get_mark(account_id: int) -> str:
    """A word for the account's creatives as they are now, for `is_unchanged`; empty while Redis is away."""
    key, new = MARK_KEY.format(account_id), f"{account_id}-{secrets.token_urlsafe(12)}"
    with suppress(RedisError):
        if redis().set(key, new, nx=True, ex=MARK_SECONDS):
            return new
        return (redis().get(key) or b"").decode()
    return ""


def is_unchanged(client: Redis, mark: str) -> bool:
    """Whether the account's creatives are as they were when `get_mark` gave the mark. Works without an application."""
    account_id = mark.partition("-")[0]
    with suppress(RedisError):
        return account_id.isdecimal() and client.get(MARK_KEY.format(account_id[:20])) == mark.encode()
    return False


def creatives_changed(account_id: int) -> None:
    """Open pages look anew: in a transaction as soon as it has committed, otherwise now."""
    if g.get("changed_accounts") is not None:
        g.changed_accounts.add(account_id)
        return
    with suppress(RedisError):  # then the mark expires by itself
        redis().delete(MARK_KEY.format(account_id))


@event.listens_for(Session, "after_flush")
def note_creatives(session: Session, _context: object) -> None:
    """Statements that change many rows are not seen here; whoever runs one calls `creatives_changed`."""
    for row in {*session.new, *session.dirty}:
        if isinstance(row, Creative):
            creatives_changed(row.account_id)


def begin_pause(key: str, seconds: int) -> bool:
    """Whether a pause begins now, and not an earlier one goes on. Raises RedisError.

    Redis counts by the machine's clock. One that has more than `seconds` left began while that clock was ahead.
    """
    has_begun = redis().set(key, 1, nx=True, ex=seconds)
    return bool(has_begun or (redis().ttl(key) > seconds and redis().set(key, 1, ex=seconds)))


def pause(key: str, seconds: int) -> None:
    """Whoever asks `is_paused` waits so long; not at all while Redis is away."""
    with suppress(RedisError):
        redis().set(key, 1, ex=seconds)


def is_paused(key: str, seconds: int) -> bool:
    """Whether a pause of so many seconds is under way."""
    with suppress(RedisError):
        return 0 <= redis().ttl(key) <= seconds
    return False


def time_limit(seconds: int) -> UnixSignalDeathPenalty:
    """For a block in the main thread, outside of jobs, which have limits of their own. Raises TimeoutError."""
    return UnixSignalDeathPenalty(seconds, TimeoutError)


def redis() -> Redis:
    return current_app.extensions["redis"]


def queue(name: str) -> Queue:
    return Queue(name, connection=redis(), serializer=JSONSerializer)


class Heartbeats:
    """Who is there to work, and what there is to do, by queue. While Redis is away, the dictionaries are empty."""

    def __init__(self) -> None:
        self.server = ""  # such as "Valkey 9.1.2"
        self.workers: dict[str, int] = {}
        self.waiting_jobs: dict[str, int] = {}
        self.failed_jobs: dict[str, int] = {}  # in the last 24 hours
        self.scheduler_at: datetime | None = None  # when a scheduler was last there
        self.has_scheduler = False
        with suppress(RedisError):
            about = redis().info("server")
            valkey = about.get("valkey_version")
            self.server = f"Valkey {valkey}" if valkey else f"Redis {about.get('redis_version')}"
            if beat := redis().get(HEARTBEAT_KEY):
                self.scheduler_at = datetime.fromtimestamp(int(beat), UTC)
                self.has_scheduler = not is_future(self.scheduler_at)
            for own in (queue(FAST), queue(SLOW)):
                self.waiting_jobs[own.name], self.failed_jobs[own.name] = own.count, own.failed_job_registry.count
                # RQ forgets a worker that has sent no heartbeat for its `worker_ttl` and a minute, by Redis's clock.
                self.workers[own.name] = 0
                for worker in Worker.all(queue=own, serializer=JSONSerializer):
                    if worker.last_heartbeat and not is_future(worker.last_heartbeat):
                        self.workers[own.name] += 1
