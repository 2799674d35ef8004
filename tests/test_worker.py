"""The worker: jobs run in an application context, one that fails or hangs ends alone, and a stop waits for the job."""

import contextvars
import os
import signal
import time

import pytest

import worker
from manimod import jobs
from manimod.extensions import db
from manimod.jobs import FAST, SLOW
from tests import factories


def count_accounts():
    """A job that needs the application."""
    jobs.redis().set("accounts", db.session.query(db.metadata.tables["account"]).count())


def hang():
    time.sleep(60)


def ask_to_stop():
    """As when SIGTERM comes in the middle of a job."""
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(0.1)
    jobs.redis().set("finished", 1)


def empty_redis():
    """As when Redis restarts without its data in the middle of a job."""
    jobs.redis().flushdb()


@pytest.fixture
def work(app, valkey):
    """Run the jobs that wait, as a worker of these queues does."""

    def run(*queues):
        db.session.commit()
        handlers = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
        try:
            contextvars.Context().run(worker.AppWorker(app, list(queues)).work, burst=True, logging_level="WARNING")
        finally:
            for number, handler in zip((signal.SIGTERM, signal.SIGINT), handlers, strict=True):
                signal.signal(number, handler)

    return run


def add(task, queue=FAST, **options):
    return jobs.queue(queue).enqueue(f"tests.test_worker.{task.__name__}", **options)


def test_a_job_can_use_the_application(work, valkey):
    factories.make_account()
    add(count_accounts)
    work(FAST)
    assert valkey.get("accounts") == b"1"


def test_a_worker_takes_jobs_of_its_own_queues_only(work):
    add(count_accounts, FAST)
    add(count_accounts, SLOW)
    work(FAST)
    assert (jobs.queue(FAST).count, jobs.queue(SLOW).count) == (0, 1)


def test_a_job_that_fails_is_logged_without_its_words_and_the_next_one_runs(work, valkey, capfd):
    jobs.queue(FAST).enqueue("builtins.int", "no number, but a name")
    add(count_accounts)
    work(FAST)
    assert valkey.get("accounts") is not None
    assert '"error":"ValueError"' in capfd.readouterr().err


def test_a_job_that_redis_has_forgotten_meanwhile_has_not_failed(work, capfd):
    add(empty_redis, result_ttl=0)  # as in jobs.enqueue
    work(FAST)
    said = capfd.readouterr().err
    assert "job_record_lost" in said
    assert "job_failed" not in said


def test_a_job_that_hangs_is_ended_at_its_time_limit(work, valkey):
    hanging = add(hang, job_timeout=1)
    add(count_accounts)
    began = time.monotonic()
    work(FAST)
    assert time.monotonic() - began < 10
    assert hanging.get_status() == "failed"
    assert valkey.get("accounts") is not None


def test_a_worker_that_is_asked_to_stop_finishes_its_job_first(work, valkey):
    add(ask_to_stop)
    add(count_accounts)
    work(FAST)
    assert valkey.get("finished") == b"1"
    assert valkey.get("accounts") is None, "the next job is left to others"
