"""What was deleted is gone from the files, not only from the tables."""

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from manimod import extensions, tasks
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.local.data_directory import DataDirectory
from manimod.models import Connection, Customer
from manimod.models.accounts import now
from manimod.moments import record
from tests.journeys.stack import ROOT

NAMES = [f"Hazelnut-{number:03}" for number in range(300)]


@pytest.fixture
def customers(connection: Connection) -> list[Customer]:
    """With names that a search of the files finds."""
    with transaction():
        for number, name in enumerate(NAMES):
            ids = {"connection_id": connection.id, "stripe_id": f"cus_{number}"}
            db.session.add(Customer(**ids, name=name, created_at=now()))
    return list(db.session.scalars(db.select(Customer)))


def on_disk() -> set[str]:
    """The names that stand in the database's files."""
    db.session.rollback()
    if db.engine.dialect.name == "sqlite":
        path = Path(db.engine.url.database)
        content = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    else:
        with db.engine.connect() as connection:
            connection.execute(text("CHECKPOINT"))
            content = connection.scalar(text("SELECT pg_read_binary_file(pg_relation_filepath('customer'))"))
    return {name for name in NAMES if name.encode() in bytes(content)}


@pytest.mark.both_databases
def test_no_name_is_left_after_a_disconnect(customers: list[Customer], as_owner, drain: Callable[[], None]) -> None:
    assert on_disk() == set(NAMES), "the search has found too little to prove anything"
    assert as_owner.post("/settings/integrations/stripe/disconnect").status_code == 303
    drain()
    assert on_disk() == set()


def test_no_name_of_an_erased_customer_is_left_after_the_schedulers_next_look(
    customers: list[Customer], connection: Connection
) -> None:
    with transaction():
        record.erase(connection, "cus_7")
    assert NAMES[7] in on_disk()
    tasks.watch()
    assert on_disk() == set(NAMES) - {NAMES[7]}


def test_who_reads_meanwhile_is_not_disturbed_and_the_next_look_succeeds(
    customers: list[Customer], connection: Connection
) -> None:
    with db.engine.connect() as reader:
        assert reader.scalar(text("SELECT count(*) FROM customer")) == len(NAMES)
        with transaction():
            record.erase(connection, "cus_7")
        db.session.rollback()
        extensions.overwrite_deleted()
        assert reader.scalar(text("SELECT count(*) FROM customer")) == len(NAMES)
    extensions.overwrite_deleted()
    assert NAMES[7] not in on_disk()


def test_where_nothing_was_deleted_the_files_are_left_alone_and_the_disk_may_sleep(
    customers: list[Customer], connection: Connection
) -> None:
    folder = Path(db.engine.url.database).parent
    tasks.watch()
    before = {file.name: file.stat().st_mtime_ns for file in folder.iterdir()}
    tasks.watch()
    tasks.reconcile()
    assert {file.name: file.stat().st_mtime_ns for file in folder.iterdir()} == before


@pytest.mark.both_databases
def test_on_postgresql_the_tables_are_vacuumed_once_an_hour(app: Flask, valkey) -> None:
    expected = [] if db.engine.dialect.name == "sqlite" else [0]
    assert [tasks.overwriting_due(), tasks.overwriting_due()] == [expected, []]


# --- whose files they are --------------------------------------------------------------------------------------------


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}


def test_a_command_makes_a_database_that_nobody_else_can_read(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    settings = {"DATABASE_URL": f"sqlite:///{tmp_path / 'mani.db'}", "REDIS_URL": "redis://127.0.0.1:1/0"}
    keys = {"SECRET_KEY": "s" * 64, "ENCRYPTION_KEYS": f"k1:{'A' * 43}="}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "db", "upgrade"]
    subprocess.run(command, cwd=ROOT, env=os.environ | settings | keys, check=True, capture_output=True, umask=0o022)
    assert modes(tmp_path)
    assert {mode & 0o077 for mode in modes(tmp_path).values()} == {0}


def test_files_that_everybody_could_read_are_hidden_at_the_start(tmp_path: Path) -> None:
    before = DataDirectory(tmp_path)
    before.environment()
    for name in ("mani.db", "mani.db-wal", "mani.log", "mani.log.1", "valkey/appendonly.aof"):
        (tmp_path / name).touch()
    for file in tmp_path.rglob("*"):
        file.chmod(0o755 if file.is_dir() else 0o644)
    DataDirectory(tmp_path)
    found = modes(tmp_path)
    assert {name for name, mode in found.items() if mode & 0o077} <= {"lock"}
    assert len(found) > 5
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
