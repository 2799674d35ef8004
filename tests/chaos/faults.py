"""What goes wrong, as a table: `strike` does it, and returns what undoes it or None where it could not."""

import contextlib
import os
import shutil
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from resource import RLIM_INFINITY, RLIMIT_FSIZE, prlimit

from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from manimod.extensions import db
from tests.chaos.scene import TMPFS_MEGABYTES, Scene, resize
from tests.journeys.stack import children_of
from tests.postgres import find_programs, run_as_postgres

Undo = Callable[[], None]
Strike = Callable[[Scene, Random], Undo | None]

REQUESTS = 12  # of mani's to Stripe that a fault spoils
HANG_SECONDS = 6.0  # on average


@dataclass(frozen=True)
class Fault:
    """`part` is what dies, and `lasts` how many seconds pass before it is undone. A hang lives, and does nothing."""

    name: str
    strike: Strike
    is_kill: bool = False
    is_hang: bool = False
    part: str | None = None
    lasts: float = 0.0
    database: str | None = None  # only with this one
    needs_server: bool = False  # a PostgreSQL server of our own


def nothing() -> None:
    """A killed process is started again by mani itself."""


# --- processes are killed --------------------------------------------------------------------------------------------


def kill(part: str) -> Strike:
    def strike(scene: Scene, _draw: Random) -> Undo | None:
        pid = scene.pid_of(part)
        return nothing if pid and _kill(pid) else None

    return strike


def cut_the_power(scene: Scene, _draw: Random) -> Undo:
    """All of mani at once; somebody starts it again."""
    scene.kill_everything()
    scene.stack.start(seconds=180)
    return nothing


def kill_supervisor(scene: Scene, _draw: Random) -> Undo:
    """Its children must not stay behind; somebody starts it again."""
    _kill(scene.stack.process.pid)
    scene.stack.process.wait()
    if left := scene.wait_until_nothing_lives():
        raise AssertionError(f"processes outlived their supervisor: {left}")
    scene.stack.start(seconds=180)
    return nothing


def stand_still(part: str) -> Strike:
    def strike(scene: Scene, _draw: Random) -> Undo | None:
        pid = scene.pid_of(part)
        if pid is None:
            return None
        _signal([pid], signal.SIGSTOP)
        return lambda: _signal([pid], signal.SIGCONT)

    return strike


def _kill(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
        return True
    return False


# --- Valkey and the disk ---------------------------------------------------------------------------------------------


def flush_valkey(scene: Scene, _draw: Random) -> Undo | None:
    """Every job, bell and lock is gone."""
    with contextlib.suppress(RedisError), scene.redis() as redis:
        redis.flushall()
        return nothing
    return None


def fill_disk(scene: Scene, _draw: Random) -> Undo | None:
    """No byte more fits into DATA_DIR: the tmpfs shrinks to what it holds. Where mounting is not allowed, the kernel
    refuses instead that any of mani's files grows."""
    volume = scene.folder.parent
    if os.path.ismount(volume):
        used = shutil.disk_usage(volume).used // 1024
        if any(resize(volume, used + slack) for slack in (4, 64, 256)):  # it may grow while we look
            return lambda: _must(resize(volume, TMPFS_MEGABYTES * 1024))
        return None
    _limit_files(scene, 4096)
    return lambda: _limit_files(scene, RLIM_INFINITY)


def _limit_files(scene: Scene, size: int) -> None:
    for pid in scene.processes():
        with contextlib.suppress(ProcessLookupError):
            prlimit(pid, RLIMIT_FSIZE, (size, RLIM_INFINITY))


def _must(done: bool) -> None:
    assert done, "the disk could not be given back"


def lock_sqlite(scene: Scene, _draw: Random) -> Undo | None:
    """By a transaction that writes and doesn't end, until it is undone."""
    other = sqlite3.connect(scene.folder / "mani.db", isolation_level=None)
    with contextlib.suppress(sqlite3.OperationalError):
        other.execute("BEGIN IMMEDIATE")
        return other.close
    other.close()
    return None


# --- PostgreSQL ------------------------------------------------------------------------------------------------------


def pause_postgres(scene: Scene, _draw: Random) -> Undo:
    """It stands still and answers nobody; connections stay open."""
    pids = _postgres_processes(scene.server)
    _signal(pids, signal.SIGSTOP)
    return lambda: _signal(pids, signal.SIGCONT)


def restart_postgres(scene: Scene, _draw: Random) -> Undo:
    """At once and without a goodbye: it recovers from its log, as after a crash."""
    log = scene.server.parent / "log"  # a server that kept our pipe would keep us waiting
    how = ["--mode", "immediate", "--log", log, "--wait", "restart"]
    run_as_postgres(find_programs() / "pg_ctl", "--pgdata", scene.server, *how)
    return nothing


def kill_postgres_backend(scene: Scene, draw: Random) -> Undo | None:
    """PostgreSQL then ends every other connection too, and recovers."""
    backends = _postgres_processes(scene.server)[1:]
    return nothing if backends and _kill(draw.choice(backends)) else None


def cut_connections(scene: Scene, _draw: Random) -> Undo | None:
    """None where PostgreSQL recovers from another fault, and has cut them itself."""
    others = "datname = current_database() AND pid <> pg_backend_pid()"
    with scene.app.app_context(), contextlib.suppress(OperationalError), db.engine.connect() as connection:
        connection.execute(text(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {others}"))
        return nothing
    return None


def _postgres_processes(server: Path) -> list[int]:
    """The postmaster first."""
    postmaster = int((server / "postmaster.pid").read_text().split()[0])
    return [postmaster, *children_of(postmaster)]


def _signal(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


# --- Stripe ----------------------------------------------------------------------------------------------------------


def stripe_answers(**how: object) -> Strike:
    """To mani's next requests: only reading fails, because the lives at Stripe have to go on."""

    def strike(scene: Scene, _draw: Random) -> Undo:
        scene.control.fault(path="/v1/", method="GET", times=REQUESTS, **how)
        return scene.control.clear_faults

    return strike


FAULTS = (
    Fault("worker killed", kill("worker"), is_kill=True, part="worker"),
    Fault("sync worker killed", kill("sync worker"), is_kill=True, part="sync worker"),
    Fault("scheduler killed", kill("scheduler"), is_kill=True, part="scheduler"),
    Fault("all job processes killed", kill("jobs"), is_kill=True, part="jobs"),
    Fault("web server killed", kill("web"), is_kill=True, part="web"),
    Fault("web process killed", kill("web process"), is_kill=True),
    Fault("Valkey killed", kill("valkey"), is_kill=True, part="valkey"),
    Fault("supervisor killed", kill_supervisor, is_kill=True, part="everything"),
    Fault("power cut", cut_the_power, is_kill=True, part="everything"),
    Fault("Valkey flushed", flush_valkey),
    Fault("disk full", fill_disk, lasts=3.0),
    Fault("PostgreSQL restarted", restart_postgres, database="postgresql", needs_server=True),
    Fault("PostgreSQL backend killed", kill_postgres_backend, database="postgresql", needs_server=True),
    Fault("PostgreSQL connections cut", cut_connections, database="postgresql"),
    Fault("Stripe answers 429", stripe_answers(status=429), lasts=3.0),
    Fault("Stripe answers 500", stripe_answers(status=500), lasts=3.0),
    Fault("Stripe sends half a body", stripe_answers(half=True), lasts=3.0),
    Fault("Stripe hangs up", stripe_answers(drop=True), lasts=3.0),
    Fault("worker stands still", stand_still("worker"), is_hang=True, lasts=HANG_SECONDS),
    Fault("sync worker stands still", stand_still("sync worker"), is_hang=True, lasts=HANG_SECONDS),
    Fault("scheduler stands still", stand_still("scheduler"), is_hang=True, lasts=HANG_SECONDS),
    Fault("web server stands still", stand_still("web"), is_hang=True, lasts=HANG_SECONDS),
    Fault("web process stands still", stand_still("web process"), is_hang=True, lasts=HANG_SECONDS),
    Fault("Valkey stands still", stand_still("valkey"), is_hang=True, lasts=HANG_SECONDS),
    Fault("SQLite locked", lock_sqlite, is_hang=True, lasts=HANG_SECONDS, database="sqlite"),
    Fault(
        "PostgreSQL stands still",
        pause_postgres,
        is_hang=True,
        lasts=HANG_SECONDS,
        database="postgresql",
        needs_server=True,
    ),
    Fault("Stripe sends a byte at a time", stripe_answers(drip=True), is_hang=True, lasts=HANG_SECONDS),
)


def possible(scene: Scene) -> list[Fault]:
    return [
        fault
        for fault in FAULTS
        if fault.database in (None, scene.database) and (scene.server or not fault.needs_server)
    ]
