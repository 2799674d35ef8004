"""One file with all that an embedded installation must not lose: `python -m manimod.local.backup save|restore FILE`.

The file is a tar of the SQLite database, copied whole while mani runs, and of the generated secrets that decrypt it.
Valkey is left out: the database is the truth.
"""

import shutil
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from manimod.local.data_directory import CannotRun, DataDirectory

DATABASE = "mani.db"
SECRETS = ("secrets/secret_key", "secrets/encryption_keys")


def save(directory: DataDirectory, file: Path) -> str:
    """What was written, in a sentence. An existing file is not overwritten."""
    if not directory.database.exists():
        raise CannotRun(f"There is no database in {directory.path}. On PostgreSQL, use pg_dump.")
    with tempfile.TemporaryDirectory(dir=directory.path) as draft:
        copy = Path(draft) / DATABASE
        try:
            with closing(sqlite3.connect(directory.database, timeout=15)) as running:
                running.execute("VACUUM INTO ?", [str(copy)])  # one state, however much is written meanwhile
            check_database(copy)
            file.parent.mkdir(parents=True, exist_ok=True)
            with tarfile.open(file, "x") as tar:
                tar.add(copy, DATABASE)
                for name in SECRETS:
                    if (directory.path / name).exists():
                        tar.add(directory.path / name, name)
        except (OSError, sqlite3.DatabaseError) as error:
            raise CannotRun(f"{file} cannot be written: {error}.") from None
    return f"Saved to {file}. It holds the encryption keys: keep it where they are safe."


def restore(directory: DataDirectory, file: Path) -> str:
    """What was done, in a sentence. What was there before is kept beside it."""
    directory.lock()
    with tempfile.TemporaryDirectory(dir=directory.path) as draft:
        new = Path(draft)
        try:
            with tarfile.open(file) as tar:
                for member in tar:
                    if member.isfile() and member.name in (DATABASE, *SECRETS):  # nothing else is unpacked
                        tar.extract(member, new, filter="data")
            check_database(new / DATABASE)
        except (OSError, tarfile.TarError, sqlite3.DatabaseError) as error:
            raise CannotRun(f"{file} is no backup of mani: {error}.") from None
        kept = directory.path / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        (kept / "secrets").mkdir(parents=True)
        for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", *SECRETS):
            if (directory.path / name).exists():
                (directory.path / name).replace(kept / name)
            if (new / name).exists():
                (new / name).replace(directory.path / name)
    shutil.rmtree(directory.valkey, ignore_errors=True)  # its jobs belong to the database that was replaced
    return f"Restored {file} into {directory.path}. What was there before is in {kept}."


def check_database(copy: Path) -> None:
    """Raises sqlite3.DatabaseError for one that is damaged, or has no accounts."""
    with closing(sqlite3.connect(copy)) as database:
        found = database.execute("PRAGMA integrity_check").fetchone()[0]
        database.execute("SELECT count(*) FROM account")
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def main(arguments: list[str]) -> int:
    """The exit status."""
    try:
        if len(arguments) != 2 or arguments[0] not in ("save", "restore"):
            raise CannotRun("Usage: python -m manimod.local.backup save|restore FILE")
        action = save if arguments[0] == "save" else restore
        print(action(DataDirectory.from_environment(), Path(arguments[1])))
    except CannotRun as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
