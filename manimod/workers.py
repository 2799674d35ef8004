"""The processes beside the web server. Any number of each may run: rows are claimed in the database.

work       runs jobs as the bell rings
schedule   rings again for rows that wait, and watches
"""

import gc
import itertools
import logging
import os
import signal
import threading
import time
from contextlib import suppress
from datetime import date

import structlog
from flask import Flask
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import configure_mappers

from manimod import tasks
from manimod.creatives.engine import llm, samples
from manimod.extensions import db
from manimod.jobs import FAST, HEARTBEAT_KEY
from manimod.mail import MailNotSent
from manimod.processes import die_with_parent

log = structlog.get_logger()

HEARTBEAT_SECONDS = 15
RECONCILE_SECONDS = 1.0
RECONCILES_PER_WATCH = 15
LONGEST_BACKOFF_SECONDS = 10.0
BURST_SECONDS = 2.0  # how long a forked process goes on with jobs that wait: most take less than to fork one


class MomentWorker(Worker):
    """RQ's forking worker with the application at hand, which outlives Redis."""

    max_connection_wait_time = 5.0

    def __init__(self, app: Flask, queues: list[str]) -> None:
        self.app = app
        self.is_stopping = False
        # A connection of its own: RQ raises its time limit, and the jobs shall keep theirs.
        connection = Redis.from_url(app.extensions["settings"].redis_url)
        super().__init__(queues, connection=connection, serializer=JSONSerializer, worker_ttl=60)

    def subscribe(self) -> None:
        """Nobody sends this worker commands through Redis, so it needs no thread that listens for them."""

    def request_stop(self, signum: int, frame: object) -> None:
        self.is_stopping = True
        super().request_stop(signum, frame)

    def fork_work_horse(self, job: Job, queue: Queue) -> None:
        self.parent_of_horse = os.getpid()
        super().fork_work_horse(job, queue)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        die_with_parent(signal.SIGKILL, self.parent_of_horse)
        with self.app.app_context():
            db.engine.dispose(close=False)  # a connection that came over the fork belongs to the parent
        super().main_work_horse(job, queue)

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """This job, then those that wait behind it, where all are quick: a slow one has a process for itself."""
        takes_on_until = time.monotonic() + (BURST_SECONDS if self.queue_names() == [FAST] else 0)
        is_done = self._perform(job, queue, execution)
        while time.monotonic() < takes_on_until and (waiting := self._take()):
            self._perform(waiting, queue, self.prepare_execution(waiting))
        return is_done

    def _perform(self, job: Job, queue: Queue, execution: Execution) -> bool:
        structlog.contextvars.clear_contextvars()
        with self.app.app_context():
            return super().perform_job(job, queue, execution)

    def _take(self) -> Job | None:
        known = {"connection": self.connection, "job_class": self.job_class, "serializer": self.serializer}
        taken = self.queue_class.dequeue_any(self.queues, None, **known, death_penalty_class=self.death_penalty_class)
        return taken and taken[0]


def work(app: Flask, queues: list[str]) -> None:
    """RQ gives up on some failures of Redis: begin again until somebody asks to stop."""
    logging.getLogger("rq").addHandler(RqLog())
    warm_up(app)
    outage = Outage("worker")
    worker = None
    while True:
        try:
            worker = MomentWorker(app, queues)
            outage.is_over()
            worker.work(logging_level="WARNING")
        except StopRequested:
            return
        except RedisError as error:
            outage.goes_on(error)
        if worker and worker.is_stopping:  # also where Redis went first and RQ could not say goodbye to it
            return
        pause(outage.seconds or 1.0)


def warm_up(app: Flask) -> None:
    """What every forked job would otherwise do anew, for longer than most jobs take: map tables, read phrases."""
    if app.extensions["settings"].llm:
        llm.is_installed()
    configure_mappers()
    list(samples.sample_sets(date.today()))
    with suppress(SQLAlchemyError), app.app_context():
        db.engine.connect().close()  # what SQLAlchemy asks a database once
        db.engine.dispose()
    gc.freeze()


def pause(seconds: float) -> None:
    """No job is in hand here: a signal may simply end the process."""
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, signal.SIG_DFL)
    time.sleep(seconds)


def schedule(app: Flask) -> None:
    """Sweep every second; outages of the database or of Redis pass, and the rows wait for their end."""
    stop = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_signal: stop.set())
    outage = Outage("scheduler")
    watches = itertools.cycle([True] + [False] * (RECONCILES_PER_WATCH - 1))
    while not stop.wait(outage.seconds or RECONCILE_SECONDS):
        try:
            with app.app_context():
                if next(watches) or outage.seconds:
                    watch()
                tasks.reconcile()
                app.extensions["redis"].set(HEARTBEAT_KEY, int(time.time()), ex=HEARTBEAT_SECONDS)
            outage.is_over()
        except (SQLAlchemyError, RedisError) as error:
            outage.goes_on(error)


def watch() -> None:
    try:
        tasks.watch()
    except MailNotSent as error:
        log.warning("mail_not_sent", error=str(error))


class Outage:
    """How long to wait for the database or Redis; one log line when it begins and one when it ends."""

    def __init__(self, process: str) -> None:
        self.process = process
        self.seconds = 0.0

    def goes_on(self, error: Exception) -> None:
        if not self.seconds:
            log.warning("outage_began", process=self.process, error=type(error).__name__)
        self.seconds = min(max(1.0, self.seconds * 2), LONGEST_BACKOFF_SECONDS)

    def is_over(self) -> None:
        if self.seconds:
            log.warning("outage_ended", process=self.process)
        self.seconds = 0.0


class RqLog(logging.Handler):
    """RQ's warnings as structured lines; what it repeats while Redis is away is said once."""

    last = None

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno >= logging.WARNING and record.msg != self.last:
            self.last = record.msg
            log.warning("rq", message=record.getMessage())
