"""How the jobs are doing: what waits in the queues, since when, how many run a minute, and what has failed."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime

from redis.exceptions import RedisError

from manimod import jobs

MINUTES = 5  # over which the throughput is measured
FAILURES_LOOKED_AT = 100


@dataclass(frozen=True)
class QueueState:
    """One queue of jobs. `oldest_seconds`: how long the first has waited, 0.0 where none does."""

    name: str
    depth: int
    oldest_seconds: float
    failed: int  # in the last 24 hours
    per_minute: float


@dataclass(frozen=True)
class FailedJob:
    """A job that ended with an error: its type and the place in the code, never its words."""

    id: str
    task: str
    row_id: int
    failed_at: datetime | None
    error: str
    place: str


def queue_states() -> list[QueueState]:
    """The state of each queue; none while Redis is away."""
    try:
        return [_state(name) for name in (jobs.FAST, jobs.SLOW)]
    except RedisError:
        return []


def _state(name: str) -> QueueState:
    queue = jobs.queue(name)
    first = queue.get_jobs(0, 1)
    waited = (datetime.now(UTC) - first[0].enqueued_at).total_seconds() if first and first[0].enqueued_at else 0.0
    failed = queue.failed_job_registry.count
    return QueueState(name, queue.count, max(0.0, waited), failed, jobs.started_jobs(name, MINUTES) / MINUTES)


def failed_jobs(row_id: int) -> list[FailedJob]:
    """The latest failed jobs of a connection, the newest first; none while Redis is away."""
    try:
        found = [job for name in (jobs.FAST, jobs.SLOW) for job in _failed(name) if list(job.args) == [row_id]]
    except RedisError:
        return []
    return sorted((_failure(job) for job in found), key=lambda job: str(job.failed_at), reverse=True)


def _failed(name: str) -> list:
    queue = jobs.queue(name)
    ids = queue.failed_job_registry.get_job_ids(end=FAILURES_LOOKED_AT - 1, desc=True, cleanup=False)
    return [job for job in map(queue.fetch_job, ids) if job]


def _failure(job) -> FailedJob:
    result = job.latest_result()
    error, place = _type_and_place((result and result.exc_string) or "")
    task = job.func_name.removeprefix("manimod.tasks.")
    return FailedJob(job.id, task, job.args[0], job.ended_at or job.created_at, error, place)


def _type_and_place(trace: str) -> tuple[str, str]:
    """Out of a traceback; an error's own text may quote what a person sent."""
    frames = list(re.finditer(r'^ +File "(?:.*/)?([\w.-]+)", line (\d+), in (\S+)$', trace, re.M))
    rest = trace[frames[-1].end() :] if frames else trace
    error = re.search(r"^(?:\w+\.)*(\w+)(?::|$)", rest.lstrip("\n"), re.M)
    ours = [frame for frame in frames if "/manimod/" in frame[0]] or frames
    place = "{}:{} {}".format(*ours[-1].groups()) if ours else "unknown"
    return error[1] if error else "unknown", place
