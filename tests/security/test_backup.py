"""A backup is one file, taken while mani works, that brings everything back; a bad one changes nothing."""

import sqlite3
import stat
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from manimod.local import backup
from manimod.local.data_directory import CannotRun, DataDirectory


@pytest.fixture
def directory(tmp_path: Path) -> DataDirectory:
    """A data directory with a database of one account and generated secrets."""
    made = DataDirectory(tmp_path / "data")
    made.environment()
    with closing(sqlite3.connect(made.database)) as database:
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT)")
        database.execute("CREATE TABLE pair (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER)")
        database.execute("INSERT INTO account (name) VALUES ('Brightside Studio')")
        database.commit()
    return made


def names(directory: DataDirectory) -> list[str]:
    with closing(sqlite3.connect(directory.database)) as database:
        return [row[0] for row in database.execute("SELECT name FROM account")]


def test_everything_comes_back_into_an_empty_directory(directory, tmp_path):
    backup.save(directory, tmp_path / "a.tar")
    elsewhere = DataDirectory(tmp_path / "elsewhere")
    backup.restore(elsewhere, tmp_path / "a.tar")
    assert names(elsewhere) == ["Brightside Studio"]
    for generated in ("secret_key", "encryption_keys"):
        assert (elsewhere.secrets / generated).read_text() == (directory.secrets / generated).read_text()


def test_a_backup_while_mani_writes_is_of_one_moment(directory, tmp_path):
    """Each pair is written in one transaction; a copy of the file alone would tear some apart."""
    written, stop = threading.Event(), threading.Event()

    def write() -> None:
        with closing(sqlite3.connect(directory.database, timeout=15)) as database:
            number = 0
            while not stop.is_set():
                number += 1
                database.execute("INSERT INTO pair (a) VALUES (?)", (number,))
                database.execute("UPDATE pair SET b = a WHERE a = ?", (number,))
                database.commit()
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert written.wait(15)
        for number in range(5):
            backup.save(directory, tmp_path / f"{number}.tar")
    finally:
        stop.set()
        writer.join()
    restored = DataDirectory(tmp_path / "restored")
    backup.restore(restored, tmp_path / "4.tar")
    with closing(sqlite3.connect(restored.database)) as database:
        assert database.execute("SELECT count(*) FROM pair").fetchone()[0] > 0
        assert database.execute("SELECT count(*) FROM pair WHERE b IS NOT a").fetchone()[0] == 0


def test_what_was_there_before_is_kept_beside_it(directory, tmp_path):
    backup.save(directory, tmp_path / "a.tar")
    with closing(sqlite3.connect(directory.database)) as database:
        database.execute("UPDATE account SET name = 'Newer'")
        database.commit()
    said = backup.restore(directory, tmp_path / "a.tar")
    assert names(directory) == ["Brightside Studio"]
    kept = Path(said.rpartition(" is in ")[2].rstrip("."))
    with closing(sqlite3.connect(kept / "mani.db")) as database:
        assert database.execute("SELECT name FROM account").fetchone() == ("Newer",)
    assert (kept / "secrets" / "encryption_keys").exists()


def test_either_way_is_one_command_and_nobody_else_may_read_the_file(directory, tmp_path, monkeypatch):
    file = tmp_path / "new" / "a.tar"
    monkeypatch.setenv("DATA_DIR", str(directory.path))
    assert backup.main(["save", str(file)]) == 0
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    directory.database.unlink()
    assert backup.main(["restore", str(file)]) == 0
    assert names(directory) == ["Brightside Studio"]
    assert stat.S_IMODE(directory.database.stat().st_mode) == 0o600


def test_an_older_backup_is_not_overwritten(directory, tmp_path):
    (tmp_path / "a.tar").write_text("precious")
    with pytest.raises(CannotRun, match="File exists"):
        backup.save(directory, tmp_path / "a.tar")
    assert (tmp_path / "a.tar").read_text() == "precious"


def test_while_mani_runs_nothing_is_restored(directory, tmp_path):
    backup.save(directory, tmp_path / "a.tar")
    directory.lock()
    with pytest.raises(CannotRun, match="already runs"):
        backup.restore(DataDirectory(directory.path), tmp_path / "a.tar")


def make_tar(path: Path, **files: bytes) -> Path:
    with tarfile.open(path, "w") as packed:
        for name, content in files.items():
            written = path.with_name("member")
            written.write_bytes(content)
            packed.add(written, name.replace("__", "/").replace("_db", ".db"))
    return path


@pytest.mark.parametrize("content", [b"", b"no tar at all", None], ids=["empty", "no tar", "not there"])
def test_a_file_that_is_no_backup_changes_nothing(directory, tmp_path, content):
    file = tmp_path / "bad.tar"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CannotRun):
        backup.restore(directory, file)
    assert names(directory) == ["Brightside Studio"]


@pytest.mark.parametrize("files", [{"other": b"x"}, {"mani_db": b"no database"}, {"mani_db": b""}], ids=str)
def test_a_backup_without_a_whole_database_changes_nothing(directory, tmp_path, files):
    with pytest.raises(CannotRun):
        backup.restore(directory, make_tar(tmp_path / "bad.tar", **files))
    assert names(directory) == ["Brightside Studio"]


def test_a_member_with_another_name_goes_nowhere(directory, tmp_path):
    backup.save(directory, tmp_path / "a.tar")
    with tarfile.open(tmp_path / "a.tar", "a") as packed:
        (tmp_path / "evil").write_text("evil")
        packed.add(tmp_path / "evil", "../escaped")
        packed.add(tmp_path / "evil", "secrets/valkey.conf")
    backup.restore(directory, tmp_path / "a.tar")
    assert not (directory.path.parent / "escaped").exists()
    assert not directory.valkey_settings.exists()


def test_without_a_database_there_is_nothing_to_save(tmp_path):
    with pytest.raises(CannotRun, match="pg_dump"):
        backup.save(DataDirectory(tmp_path / "new"), tmp_path / "a.tar")
