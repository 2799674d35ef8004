"""The processes beside the web server, one per command. Any number of each may run: rows are claimed in the database.

python worker.py work [QUEUE ...]   runs the jobs of these queues, or of all
python worker.py schedule           enqueues what is due
python worker.py together           on one machine: a worker for each queue and the scheduler, in a third of the memory
"""

import ctypes
import itertools
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from functools import partial
from multiprocessing import Process, get_context
from multiprocessing.connection import wait
from pathlib import Path
from types import TracebackType

import structlog
from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import InvalidJobOperation, StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy import inspect, text
from sqlalchemy.exc import SQLAlchemyError

from manimod import create_app, tasks
from manimod.config import JOB_DATABASE_TIMEOUT, ConfigError
from manimod.extensions import database_timeout, db
from manimod.jobs import FAST, SLOW

log = structlog.get_logger()

MIGRATIONS = Path(__file__).parent / "migrations" / "versions"
RETRY_DELAY, MAX_RETRY_DELAY = 1.0, 10.0  # seconds
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15  # prctl(2), Linux only; at most 15 characters of a name
SCHEDULE_INTERVAL, WATCH_INTERVAL = 3, 15  # seconds; what is urgent is looked for every second


class AppWorker(SimpleWorker):
    """Runs jobs in this process, each in an application context of its own. RQ's time limit ends one that hangs."""

    max_connection_wait_time = 5.0

    def __init__(self, app: Flask, queues: list[str]) -> None:
        self.app = app
        self.is_stopping = False
        # Not the application's connection: RQ waits for jobs with a longer timeout than a request may wait for Redis.
        connection = Redis.from_url(app.extensions["settings"].redis_url)
        handlers = [log_failure]
        super().__init__(
            queues, connection=connection, serializer=JSONSerializer, worker_ttl=30, exception_handlers=handlers
        )

    def subscribe(self) -> None:
        """Nobody sends this worker commands through Redis, so it needs no thread that listens for them."""

    def request_stop(self, signum: int, frame: object) -> None:
        self.is_stopping = True
        super().request_stop(signum, frame)

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        structlog.contextvars.clear_contextvars()
        with self.app.app_context():
            return super().perform_job(job, queue, execution)


def log_failure(job: Job, kind: type[BaseException], _error: BaseException, trace: TracebackType) -> None:
    """The type and the place only: an error's own text may quote what a person sent."""
    if kind is InvalidJobOperation:  # RQ finds no record of a job that has just ended: Redis was emptied meanwhile
        log.warning("job_record_lost", job_id=job.id, task=job.func_name)
        return
    frames = traceback.extract_tb(trace)
    own_frames = [frame for frame in frames if "/manimod/" in frame.filename]
    frame = (own_frames or frames)[-1]
    place = f"{frame.filename}:{frame.lineno} {frame.name}"
    log.error("job_failed", job_id=job.id, task=job.func_name, error=kind.__name__, place=place)


def work(app: Flask, queues: list[str]) -> None:
    """RQ gives up where Redis is away, so begin again until somebody asks to stop."""
    while True:
        worker = None
        try:
            worker = AppWorker(app, queues)
            worker.work(logging_level="WARNING")
        except StopRequested:
            return
        except RedisError as error:
            log.warning("redis_unavailable", error=type(error).__name__)
        if worker and worker.is_stopping:
            return
        for number in (signal.SIGTERM, signal.SIGINT):  # no job is running, so a signal may simply end the process
            signal.signal(number, signal.SIG_DFL)
        time.sleep(RETRY_DELAY)


def schedule(app: Flask) -> None:
    """Until it is asked to stop. While the database or Redis is away, rows wait in the database and nothing is lost."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_signal: stop.set())
    delay = RETRY_DELAY
    for second in itertools.count():
        try:
            with app.app_context():
                if second % WATCH_INTERVAL == 0:
                    tasks.watch()
                tasks.reconcile(urgent_only=second % SCHEDULE_INTERVAL != 0)
            delay = RETRY_DELAY
        except (SQLAlchemyError, RedisError) as error:
            log.warning("schedule_failed", error=type(error).__name__)
            delay = min(delay * 2, MAX_RETRY_DELAY)
        if stop.wait(delay):
            return


def run_together(app: Flask) -> None:
    """The parts as forks of this process, which share what it has loaded. One that ends is forked again."""
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit())
    running: dict[str, Process] = {}
    try:
        while True:
            for name in PARTS:
                if name not in running or not running[name].is_alive():
                    if name in running:
                        log.error("part_ended", part=name, status=running[name].exitcode)
                        time.sleep(RETRY_DELAY)
                    running[name] = get_context("fork").Process(target=run_part, args=(app, name))
                    running[name].start()
            wait([part.sentinel for part in running.values()])
    finally:
        for part in running.values():
            part.terminate()
        for part in running.values():
            part.join()


def run_part(app: Flask, name: str) -> None:
    """In a fork, which is called `name` in lists of processes, and is asked to stop when the other process dies."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if prctl := getattr(ctypes.CDLL(None), "prctl", None):
        prctl(PR_SET_NAME, name.encode())
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    PARTS[name](app)


PARTS: dict[str, Callable[[Flask], None]] = {
    "mani-worker": partial(work, queues=[FAST]),
    "mani-sync": partial(work, queues=[SLOW]),
    "mani-scheduler": schedule,
}


def wait_for_tables(app: Flask) -> None:
    """Until the database is one of this release. A newer one ends the process with a sentence.

    Without alembic, which would stay in memory.
    """
    known = sorted(path.name.partition("_")[0] for path in MIGRATIONS.glob("*.py"))
    delay = RETRY_DELAY
    while True:
        try:
            revision = None
            with app.app_context(), db.engine.connect() as connection:
                if inspect(connection).has_table("alembic_version"):
                    revision = connection.scalar(text("SELECT version_num FROM alembic_version"))
            if revision == known[-1]:
                return
            if revision and revision not in known:
                sys.exit("The database is from a newer release of mani. Install that release, or restore a backup.")
            log.warning("waits_for_upgrade", database="of an older release", run="flask --app wsgi db upgrade")
        except SQLAlchemyError as error:
            log.warning("database_unavailable", error=type(error).__name__)
        time.sleep(delay)
        delay = min(delay * 2, MAX_RETRY_DELAY)


def main(arguments: list[str]) -> None:
    os.umask(0o077)
    try:
        app = create_app()
    except ConfigError as error:
        sys.exit(str(error))
    database_timeout.set(JOB_DATABASE_TIMEOUT)
    match arguments:
        case ["work", *queues] if set(queues) <= {FAST, SLOW}:
            wait_for_tables(app)
            work(app, queues or [FAST, SLOW])
        case ["schedule"]:
            wait_for_tables(app)
            schedule(app)
        case ["together"]:
            run_together(app)
        case _:
            sys.exit(f"Usage: python worker.py together | schedule | work [{FAST}] [{SLOW}]")


if __name__ == "__main__":
    main(sys.argv[1:])
