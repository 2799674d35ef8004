"""One file with all that an embedded installation must not lose: `python -m manimod.backup save|restore FILE`.

The file is a tar of the SQLite database, copied whole and consistent while mani runs, and of the generated secrets that
open it. Valkey is left out: the database is the truth.
"""

import io
import os
import shutil
import sqlite3
import sys
import tarfile
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from manimod.folder import Folder, FolderUnusable

DATABASE = "mani.db"
SECRETS = ("secrets/secret_key", "secrets/encryption_keys")
OF_SQLITE = ("-wal", "-shm")
USAGE = "Usage: python -m manimod.backup save [FILE] | restore FILE"


class BackupFailed(Exception):
    """One clear line about what is in the way."""


def main(words: list[str]) -> int:
    before = os.umask(0o077)
    try:
        match words:
            case ["save", *file] if len(file) < 2:
                print(save(Folder.of_environment(), Path(file[0]) if file else default_file()))
            case ["restore", file]:
                print(restore(Folder.of_environment(), Path(file)))
            case _:
                raise BackupFailed(USAGE)
    except (BackupFailed, FolderUnusable) as error:
        print(error, file=sys.stderr)
        return 2
    finally:
        os.umask(before)
    return 0


def default_file() -> Path:
    return Path("backups") / f"mani-{datetime.now(UTC):%Y%m%d-%H%M%S}.tar"


def save(folder: Folder, file: Path) -> str:
    """What was written, in a sentence. An existing file is not overwritten."""
    if not folder.database.exists():
        raise BackupFailed(f"There is no database in {folder.path}. On PostgreSQL, use pg_dump.")
    with tempfile.TemporaryDirectory(dir=folder.path) as draft:
        copy = Path(draft) / DATABASE
        copy_database(folder.database, copy)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("xb") as out, tarfile.open(fileobj=out, mode="w") as packed:
                packed.add(copy, DATABASE)
                for name in SECRETS:
                    if (folder.path / name).exists():
                        packed.add(folder.path / name, name)
        except OSError as error:
            raise BackupFailed(f"{file} cannot be written: {error.strerror}.") from None
    return (
        f"Saved to {file} ({file.stat().st_size:,} bytes). It holds the encryption keys: keep it where they are safe."
    )


def copy_database(source: Path, target: Path) -> None:
    """By SQLite's own backup, which sees one moment of the database however much is written meanwhile."""
    with closing(sqlite3.connect(source, timeout=15)) as running, closing(sqlite3.connect(target)) as copy:
        running.backup(copy)
    check(target)


def check(database: Path) -> None:
    try:
        with closing(sqlite3.connect(database)) as copy:
            copy.execute("PRAGMA journal_mode=DELETE")
            found = copy.execute("PRAGMA integrity_check").fetchone()[0]
            copy.execute("SELECT count(*) FROM account")
    except sqlite3.DatabaseError as error:
        found = str(error)
    if found != "ok":
        raise BackupFailed(f"The database in the backup is damaged: {found}.")


def restore(folder: Folder, file: Path) -> str:
    """What was done, in a sentence. What was there before is kept beside it."""
    folder.lock()
    files = unpack(file)
    with tempfile.TemporaryDirectory(dir=folder.path) as draft:
        copy = Path(draft) / DATABASE
        copy.write_bytes(files.pop(DATABASE))
        check(copy)
        kept = set_aside(folder)
        copy.replace(folder.database)
    for name, content in files.items():
        folder.write(folder.path / name, content.decode())
    shutil.rmtree(folder.valkey, ignore_errors=True)  # its jobs are of another time
    return f"Restored {file} into {folder.path}." + (f" What was there before is in {kept}." if kept else "")


def unpack(file: Path) -> dict[str, bytes]:
    """The known members by name; whatever else is in the file is left in it."""
    try:
        with tarfile.open(file) as packed:
            members = {name: packed.extractfile(name) for name in packed.getnames() if name in (DATABASE, *SECRETS)}
            found = {name: (member or io.BytesIO()).read() for name, member in members.items()}
    except (OSError, tarfile.TarError) as error:
        raise BackupFailed(f"{file} cannot be read: {error}.") from None
    if DATABASE not in found:
        raise BackupFailed(f"{file} is no backup of mani: there is no {DATABASE} in it.")
    return found


def set_aside(folder: Folder) -> Path | None:
    old = [folder.path / (DATABASE + ending) for ending in ("", *OF_SQLITE)] + [folder.path / name for name in SECRETS]
    old = [path for path in old if path.exists()]
    if not old:
        return None
    kept = folder.path / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    kept.mkdir()
    for path in old:
        path.replace(kept / path.name)
    return kept


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
