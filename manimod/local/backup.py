"""One file with all that an embedded installation must not lose: `python -m manimod.local.backup save|restore FILE`.

The file is a tar of the SQLite database, copied whole while mani runs, and of the generated secrets that decrypt it.
Valkey is left out: the database is the truth.
"""

import os
import shutil
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from manimod.local.data_directory import DataDirectory, DataDirectoryError

DATABASE = "mani.db"
SECRETS = ("secrets/secret_key", "secrets/encryption_keys")


class BackupFailed(Exception):
    """One clear line about what is in the way."""


def save(directory: DataDirectory, file: Path) -> str:
    """What was written, in a sentence. An existing file is not overwritten."""
    if not directory.database.exists():
        raise BackupFailed(f"There is no database in {directory.path}. On PostgreSQL, use pg_dump.")
    with tempfile.TemporaryDirectory(dir=directory.path) as draft:
        copy = Path(draft) / DATABASE
        with closing(sqlite3.connect(directory.database, timeout=15)) as running, closing(sqlite3.connect(copy)) as new:
            running.backup(new)  # one state of the database, however much is written meanwhile
        _check(copy)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with open(file, "xb", opener=_open_private) as out, tarfile.open(fileobj=out, mode="w") as tar:
                tar.add(copy, DATABASE)
                for name in SECRETS:
                    if (directory.path / name).exists():
                        tar.add(directory.path / name, name)
        except OSError as error:
            raise BackupFailed(f"{file} cannot be written: {error.strerror}.") from None
    return (
        f"Saved to {file} ({file.stat().st_size:,} bytes). It holds the encryption keys: keep it where they are safe."
    )


def restore(directory: DataDirectory, file: Path) -> str:
    """What was done, in a sentence. What was there before is kept beside it."""
    directory.lock()
    with tempfile.TemporaryDirectory(dir=directory.path) as draft:
        new = Path(draft)
        (new / "secrets").mkdir()
        try:
            with tarfile.open(file) as tar:
                for member in tar:
                    if member.isfile() and member.name in (DATABASE, *SECRETS):  # nothing else is unpacked
                        with open(new / member.name, "wb", opener=_open_private) as out:
                            shutil.copyfileobj(tar.extractfile(member), out)
        except (OSError, tarfile.TarError) as error:
            raise BackupFailed(f"{file} cannot be read: {error}.") from None
        if not (new / DATABASE).exists():
            raise BackupFailed(f"{file} is no backup of mani: there is no {DATABASE} in it.")
        _check(new / DATABASE)
        kept = directory.path / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}"
        (kept / "secrets").mkdir(parents=True, mode=0o700)
        for name in (DATABASE, f"{DATABASE}-wal", f"{DATABASE}-shm", *SECRETS):
            if (directory.path / name).exists():
                (directory.path / name).replace(kept / name)
            if (new / name).exists():
                (new / name).replace(directory.path / name)
    shutil.rmtree(directory.valkey, ignore_errors=True)  # its jobs belong to the database that was replaced
    return f"Restored {file} into {directory.path}. What was there before is in {kept}."


def _open_private(path: str, flags: int) -> int:
    """For `open`: nobody else may read the file."""
    return os.open(path, flags, 0o600)


def _check(database: Path) -> None:
    try:
        with closing(sqlite3.connect(database)) as copy:
            copy.execute("PRAGMA journal_mode=DELETE")
            found = copy.execute("PRAGMA integrity_check").fetchone()[0]
            copy.execute("SELECT count(*) FROM account")
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise BackupFailed(f"The database in the backup is damaged: {found}.")


def main(arguments: list[str]) -> int:
    """The exit status."""
    try:
        match arguments:
            case ["save"]:
                print(
                    save(DataDirectory.from_environment(), Path(f"backups/mani-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar"))
                )
            case ["save", file]:
                print(save(DataDirectory.from_environment(), Path(file)))
            case ["restore", file]:
                print(restore(DataDirectory.from_environment(), Path(file)))
            case _:
                raise BackupFailed("Usage: python -m manimod.local.backup save [FILE] | restore FILE")
    except (BackupFailed, DataDirectoryError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
