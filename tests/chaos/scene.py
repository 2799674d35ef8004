"""The scene: mani as `make run` starts it, on one of the two databases, and a Stripe sandbox with two accounts.

large   a live-mode connection that hears of events by webhook, by poll and by sync
small   a test-mode connection whose key may not read events: the sync alone finds what no webhook tells
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from redis import Redis
from sqlalchemy import select, update

from manimod import create_app
from manimod.config import Settings
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.local.data_directory import DataDirectory
from manimod.models import Connection, SyncRun
from manimod.models.accounts import now
from manimod.stripe.connections import webhook_address
from tests import factories
from tests.conftest import wait_for
from tests.journeys.stack import Stack, children_of, command_line, is_alive
from tests.stripe_sandbox import SandboxControl

LARGE, SMALL = "large", "small"
READS = ["customer", "subscription", "product", "plan"]
TMPFS_MEGABYTES = 512


@dataclass(frozen=True)
class Business:
    """A connected Stripe account: the sandbox's secret key, its prices by tier, and mani's side of it."""

    name: str
    secret: str
    prices: dict[str, str]
    connection_id: int
    webhook: str


class Scene:
    def __init__(self, folder: Path, control: SandboxControl, database_url: str = "", server: Path | None = None):
        """`server` is the data folder of a PostgreSQL that may be stopped; without an address it is SQLite."""
        self.control = control
        self.database = "postgresql" if database_url else "sqlite"
        self.server = server
        self.folder = folder
        given = {"DATABASE_URL": database_url} if database_url else {}
        self.stack = Stack(folder, control.url, STRIPE_REQUESTS_PER_SECOND="500", **given)
        self.app: Flask | None = None
        self.hurried_at = now()
        self.businesses: list[Business] = []

    def __enter__(self) -> "Scene":
        self.stack.start(seconds=120)
        settings = DataDirectory(self.folder).environment() | self.stack.environment
        self.app = create_app(Settings(settings))
        with self.app.app_context():
            self.businesses = [self._connect(LARGE, livemode=True), self._connect(SMALL, livemode=False)]
            wait_for(self._have_synced, seconds=60, every=0.1)
        return self

    def _have_synced(self) -> bool:
        """The first sync makes no moments: the lives begin after it."""
        db.session.rollback()
        return list(db.session.scalars(select(SyncRun.state))) == ["done"] * len(self.businesses)

    def __exit__(self, *_error: object) -> None:
        with self.app.app_context():
            db.engine.dispose()
        self.kill_everything()

    def _connect(self, name: str, livemode: bool) -> Business:
        reads = [*READS, "event"] if name == LARGE else READS
        account = self.control.create_account(name, permissions=[f"rak_{what}_read" for what in reads])
        prices = self.control.catalogue(account["id"], livemode)
        mode = "live" if livemode else "test"
        connection = factories.connect(factories.make_account(), account, mode)
        return Business(
            name=name,
            secret=account["keys"][mode]["secret"],
            prices={tier: intervals["month"] for tier, intervals in prices.items()},
            connection_id=connection.id,
            webhook=webhook_address(connection),
        )

    def hurry(self, sync: bool = True) -> None:
        """Let the poll and the sync be due now: the three paths shall run at once, and not once an hour."""
        self.hurried_at = now()
        with self.app.app_context(), transaction():
            if sync:
                db.session.execute(update(Connection).values(next_sync_at=now()))
            db.session.execute(
                update(Connection).where(Connection.next_poll_at.is_not(None)).values(next_poll_at=now())
            )

    def redis(self) -> Redis:
        """The embedded Valkey has a new address after each start."""
        return Redis.from_url(DataDirectory(self.folder).redis_url.read_text(), socket_timeout=5)

    # --- its processes ---

    def pid_of(self, part: str) -> int | None:
        """The process id of a part (see stack.COMMANDS), or of a web process."""
        try:
            if part == "web process":
                return next(iter(children_of(self.stack.children()["web"])), None)
            return self.stack.children().get(part)
        except (OSError, KeyError):  # it has just died
            return None

    def processes(self) -> list[int]:
        """Every living process of this installation, whoever its parent is now; Valkey overwrites its environment."""
        mark = f"DATA_DIR={self.folder}\0".encode()
        return [
            pid
            for pid in map(int, filter(str.isdigit, os.listdir("/proc")))
            if (mark in _environment(pid) or _works_in(pid).startswith(str(self.folder))) and is_alive(pid)
        ]

    def kill_everything(self) -> None:
        """As when the power goes."""
        while found := self.processes():
            for pid in found:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.stack.process.poll()
            time.sleep(0.02)
        self.stack.process.wait()

    def wait_until_nothing_lives(self, seconds: float = 20) -> list[int]:
        """The process ids that are still there after that time."""
        deadline = time.monotonic() + seconds
        while (found := self.processes()) and time.monotonic() < deadline:
            self.stack.process.poll()
            time.sleep(0.05)
        return found


def describe(pids: list[int]) -> str:
    return ", ".join(command_line(pid) for pid in pids)


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes() + b"\0"
    except OSError:
        return b""


def _works_in(pid: int) -> str:
    try:
        return os.readlink(f"/proc/{pid}/cwd")
    except OSError:
        return ""


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    """A folder for DATA_DIR: where this user may mount one, on a small file system of its own that can be full."""
    folder = Path(tempfile.mkdtemp(prefix="mani-chaos-"))
    is_mounted = resize(folder, TMPFS_MEGABYTES * 1024, options="mode=700")
    try:
        yield folder / "data"
    finally:
        if is_mounted:
            subprocess.run(["umount", "--lazy", folder], check=True)
        shutil.rmtree(folder, ignore_errors=True)


def resize(folder: Path, kilobytes: int, options: str = "remount") -> bool:
    """Mount a tmpfs there, or change its size; False where that is refused."""
    command = ["mount", "-t", "tmpfs", "-o", f"{options},size={kilobytes}k", "mani-chaos", str(folder)]
    return shutil.which("mount") is not None and subprocess.run(command, capture_output=True).returncode == 0


@contextlib.contextmanager
def sandbox_process() -> Iterator[SandboxControl]:
    command = [sys.executable, "-m", "tests.stripe_sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield SandboxControl(process.stdout.readline().split()[-1], timeout=60)
        finally:
            process.terminate()
