"""A worker forks for its jobs, so that one that hangs takes nothing with it; quick jobs that wait share a fork."""

import contextvars

import pytest

from manimod import jobs
from manimod.extensions import db
from manimod.jobs import FAST, SLOW
from manimod.workers import MomentWorker
from tests import factories


class CountingWorker(MomentWorker):
    forks = 0

    def fork_work_horse(self, job, queue):
        self.forks += 1
        super().fork_work_horse(job, queue)


@pytest.fixture
def work(app, valkey):
    """Work off what waits, as a worker of these queues does; how many processes it took."""

    def run(*queues):
        db.session.commit()
        worker = CountingWorker(app, list(queues))
        contextvars.Context().run(worker.work, burst=True, logging_level="WARNING")
        return worker.forks

    return run


def rung(task):
    """Three jobs that wait, each with nothing to do: their accounts have disconnected."""
    for _ in range(3):
        connection = factories.make_connection()
        connection.status = "disconnected"
        jobs.enqueue_now(task, connection.id)


def test_quick_jobs_that_wait_share_a_process(work, valkey):
    rung("process_events")
    assert work(FAST) == 1
    assert jobs.queue(FAST).count == 0


def test_long_jobs_have_a_process_each(work):
    rung("poll_events")
    assert work(SLOW) == 3


def test_so_have_all_jobs_of_a_worker_for_both(work):
    rung("process_events")
    assert work(FAST, SLOW) == 3
