"""What is left of `make run` once mani runs: python -IS wait_for_stop.py SUPERVISORD FOLDER [SQLITE_FILE]

What has prepared the start becomes this program, because it has loaded all of mani, and 90 MB for waiting is too much.
"""

import contextlib
import os
import shutil
import signal
import sqlite3
import sys
import threading
from pathlib import Path

MAX_LOG_BYTES = 20_000_000
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)  # blocked until now


def main(supervisord: int, folder: Path, databases: list[str]) -> int:
    """Until somebody asks to stop, or supervisord has ended. Returns the exit status."""
    stop = threading.Event()
    for number in STOP_SIGNALS:
        signal.signal(number, lambda *_signal: stop.set())
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
    log, status = folder / "mani.log", 0
    while not stop.wait(1.0):
        rotate(log)
        if os.waitpid(supervisord, os.WNOHANG)[0]:
            say(f"supervisord has ended unexpectedly; see {log}.")
            status = 2
            break
    else:
        say("\nStopping ...")
        os.kill(supervisord, signal.SIGTERM)
        os.waitpid(supervisord, 0)
    for database in databases:
        empty_wal(database)
    if status == 0:
        say(f"Stopped. Everything is kept in {folder}")
    return status


def rotate(log: Path) -> None:
    """Several processes append to the one file, so it is copied away and then emptied in place."""
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        with contextlib.suppress(OSError):  # on a full disk, the old lines go without a copy
            shutil.copyfile(log, log.with_name("mani.log.1"))
        os.truncate(log, 0)


def empty_wal(database: str) -> None:
    """Parts that are stopped leave SQLite's write-ahead log behind, with what was deleted since."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
