"""Writing transactions, and the bell that tells workers of new rows once a transaction has committed.

The database is the truth and Redis only the bell: a bell that is lost is rung again by the sweep (`flow.sweep`),
so nothing here raises when Redis is away.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from flask import current_app, g
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker, get_current_job
from rq.serializers import JSONSerializer

from manimod.extensions import WRITES, db

log = structlog.get_logger()

JobRequest = tuple[str, int]  # the name of a task, and the id of its row

FAST, SLOW = "mani", "mani-sync"  # a sync that takes minutes must not stand before an event
HEARTBEAT_KEY = "mani:scheduler"  # the scheduler's sign of life, Unix seconds; a worker's is RQ's own
HEARTBEAT_TTL_SECONDS = 15
WORKER_TIMEOUT = timedelta(seconds=90)  # an idle worker of ours speaks up every 45 seconds
COUNTER_TTL_SECONDS = 12 * 60


@dataclass(frozen=True)
class Job:
    """How a task of manimod.tasks is run. A bell that was never answered may be rung again after `quiet_seconds`."""

    queue: str
    timeout_seconds: int
    quiet_seconds: int


JOBS = {
    "process_events": Job(FAST, 120, 10),
    "sync_customers": Job(SLOW, 300, 30),
    "poll_events": Job(SLOW, 300, 30),
    "check_health": Job(SLOW, 60, 30),
    "prune": Job(SLOW, 60, 30),
}


@contextmanager
def transaction() -> Iterator[None]:
    """Commit what the block writes, then ring the requests it asked for; on an error roll back and ring none.

    The read transaction of the request ends first, so that SQLite takes its write lock before the first read.
    """
    db.session.commit()
    db.session.connection(execution_options={WRITES: True})
    g.job_requests = []
    try:
        yield
        db.session.commit()
    except BaseException:
        db.session.rollback()
        g.job_requests = None
        raise
    requests, g.job_requests = g.job_requests, None
    for name, row_id in requests:
        enqueue_now(name, row_id)


@contextmanager
def collect_requests(requests: list[JobRequest]) -> Iterator[None]:
    """What the block asks for is added to `requests`, for its caller to ring once it has been committed."""
    g.job_requests = requests
    try:
        yield
    finally:
        g.job_requests = None


def enqueue(name: str, row_id: int) -> None:
    """Run the task `name` for a row as soon as the surrounding transaction has committed."""
    requests = g.get("job_requests")
    if requests is None:
        enqueue_now(name, row_id)
    elif (name, row_id) not in requests:
        requests.append((name, row_id))


def enqueue_now(name: str, row_id: int) -> None:
    """At most one waiting job a task and row: the bell stays silent until the job that waits has started."""
    try:
        job = JOBS[name]
        if redis().set(_request_key(name, row_id), 1, nx=True, ex=job.quiet_seconds):
            rung = queue(job.queue).enqueue(
                f"manimod.tasks.{name}",
                row_id,
                job_timeout=job.timeout_seconds,
                result_ttl=0,
                failure_ttl=24 * 3600,
            )
            log.info("job_enqueued", wakes=rung.id, for_task=name, row=row_id)
    except RedisError as error:
        log.warning("job_not_enqueued", task=name, row=row_id, error=type(error).__name__)


def acknowledge(name: str, row_id: int) -> None:
    """Said by a job before it reads its rows: whatever is written from now on rings a new bell.

    From here on its log lines carry its id, and it counts for the throughput of its queue.
    """
    job = get_current_job()
    structlog.contextvars.bind_contextvars(job_id=job.id if job else None, task=name)
    try:
        counter = _counter(JOBS[name].queue, int(time.time()) // 60)
        redis().pipeline().delete(_request_key(name, row_id)).incr(counter).expire(
            counter, COUNTER_TTL_SECONDS
        ).execute()
    except RedisError as error:
        log.warning("job_not_acknowledged", task=name, row=row_id, error=type(error).__name__)


@contextmanager
def single_worker(name: str, row_id: int, seconds: int) -> Iterator[bool]:
    """True for one worker at a time. It saves work and protects nothing: with Redis away, everybody is alone."""
    key = f"mani:alone:{name}:{row_id}"
    is_alone, is_held = True, False
    with suppress(RedisError):
        is_alone = is_held = bool(redis().set(key, 1, nx=True, ex=seconds))
    try:
        yield is_alone
    finally:
        if is_held:
            with suppress(RedisError):
                redis().delete(key)


@dataclass(frozen=True)
class Heartbeats:
    """Who is there to work. `workers`: queue -> how many were heard of lately; `scheduler_at` is None without one."""

    redis_answers: bool
    workers: dict[str, int]
    scheduler_at: datetime | None


def record_scheduler_heartbeat() -> None:
    redis().set(HEARTBEAT_KEY, int(time.time()), ex=HEARTBEAT_TTL_SECONDS)


def heartbeats() -> Heartbeats:
    nobody = {FAST: 0, SLOW: 0}
    try:
        beat = redis().get(HEARTBEAT_KEY)
        workers = [worker for worker in Worker.all(connection=redis(), serializer=JSONSerializer) if _is_alive(worker)]
    except RedisError:
        return Heartbeats(False, nobody, None)
    counts = {name: sum(name in worker.queue_names() for worker in workers) for name in nobody}
    return Heartbeats(True, counts, datetime.fromtimestamp(int(beat), UTC) if beat else None)


def _is_alive(worker: Worker) -> bool:
    return bool(worker.last_heartbeat) and datetime.now(UTC) - worker.last_heartbeat < WORKER_TIMEOUT


def once_per(name: str, seconds: int) -> bool:
    """True for the first who asks in so many seconds, of all processes; False while Redis is away."""
    with suppress(RedisError):
        return bool(redis().set(f"mani:first:{name}", 1, nx=True, ex=seconds))
    return False


def redis() -> Redis:
    return current_app.extensions["redis"]


def queue(name: str) -> Queue:
    return Queue(name, connection=redis(), serializer=JSONSerializer)


def started_jobs(queue_name: str, minutes: int) -> int:
    """How many jobs of a queue have started in the last whole minutes, at most 10."""
    this_minute = int(time.time()) // 60
    counts = redis().mget([_counter(queue_name, this_minute - number) for number in range(1, minutes + 1)])
    return sum(int(count or 0) for count in counts)


def _counter(queue_name: str, minute: int) -> str:
    return f"mani:answered:{queue_name}:{minute}"


def _request_key(name: str, row_id: int) -> str:
    return f"mani:job:{name}:{row_id}"
