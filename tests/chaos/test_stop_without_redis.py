"""A worker that is asked to stop ends, even where Redis has gone in the same moment and cannot be told goodbye."""

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from redis import Redis

from tests.conftest import wait_for
from tests.journeys.stack import ROOT
from tests.neighbours import valkey_process


@pytest.fixture
def own_valkey(tmp_path: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """One that may be killed."""
    with valkey_process(tmp_path) as valkey:
        yield valkey


@pytest.fixture
def worker(own_valkey: tuple[subprocess.Popen, str], tmp_path: Path) -> Iterator[subprocess.Popen]:
    """It waits for jobs."""
    _, url = own_valkey
    newest = max(path.name.partition("_")[0] for path in (ROOT / "migrations" / "versions").glob("*.py"))
    with closing(sqlite3.connect(tmp_path / "unused.db", isolation_level=None)) as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES (?)", [newest])
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": f"sqlite:///{tmp_path / 'unused.db'}",
        "REDIS_URL": url,
        "SECRET_KEY": "s" * 64,
        "ENCRYPTION_KEYS": "k1:" + "A" * 43 + "=",
    }
    process = subprocess.Popen([sys.executable, "worker.py", "work"], cwd=ROOT, env=environment)
    try:
        with Redis.from_url(url) as redis:
            wait_for(lambda: any(redis.hget(key, "state") == b"idle" for key in redis.smembers("rq:workers")), 30)
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_worker_ends_that_is_asked_to_stop_just_when_redis_dies(
    worker: subprocess.Popen, own_valkey: tuple[subprocess.Popen, str]
) -> None:
    os.kill(worker.pid, signal.SIGSTOP)  # so that it wakes up to both at once
    own_valkey[0].kill()
    own_valkey[0].wait()
    os.kill(worker.pid, signal.SIGTERM)
    os.kill(worker.pid, signal.SIGCONT)
    assert worker.wait(10) == 0
