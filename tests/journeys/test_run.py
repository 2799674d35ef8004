"""`make run`: one command starts everything. One run looked at from all sides, and what keeps another from starting."""

import json
import multiprocessing
import os
import re
import runpy
import socket
import sqlite3
import stat
import sys
from pathlib import Path

import pytest

from tests.journeys.stack import COMMANDS, ROOT, Stack


def test_all_parts_run(stack: Stack) -> None:
    assert set(stack.children()) == set(COMMANDS)


def test_the_owner_who_was_printed_can_sign_in(stack: Stack) -> None:
    assert stack.sign_in().get("/").ok


def test_no_secret_is_readable_by_others_or_in_the_arguments(stack: Stack) -> None:
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in stack.folder.rglob("*") if path.is_file()}
    assert {mode & 0o077 for mode in modes.values()} == {0}, modes
    assert stat.S_IMODE(stack.folder.stat().st_mode) == 0o700
    secrets = "".join(path.read_text() for path in (stack.folder / "secrets").iterdir())
    words = [word for word in re.findall(r"[\w+/=-]{24,}", secrets) if "/" not in word]
    shown = (
        stack.said()
        + stack.log()
        + "".join(Path(f"/proc/{pid}/cmdline").read_text() for pid in stack.children().values())
    )
    assert words
    assert [word for word in words if word in shown] == []


def test_the_password_is_kept_nowhere(stack: Stack) -> None:
    files = [path.read_bytes() for path in stack.folder.rglob("*") if path.is_file()]
    assert not any(stack.password.encode() in content for content in files)


def test_flask_commands_use_the_same_data(stack: Stack) -> None:
    done = stack.flask("set-plan", "1", "scale", "--json")
    assert json.loads(done.stdout) == {"account": 1, "plan": "scale"}, done.stderr


# --- what is in the way is said in one line --------------------------------------------------------------------------


def refusal(environment: dict[str, str], output: Path) -> str:
    """What `python -m manimod.local` says before it ends with status 2."""
    status, said = run(["manimod/local/__main__.py"], environment, output)
    assert (status, said.count("\n")) == (2, 1), said
    return said


def run(command: list[str], environment: dict[str, str], output: Path) -> tuple[int, str]:
    """The exit status of a program, and what it says. A fork spares the imports."""
    process = multiprocessing.get_context("fork").Process(target=_run, args=(command, environment, output))
    process.start()
    process.join(30)
    return process.exitcode, output.read_text()


def _run(command: list[str], environment: dict[str, str], output: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = command
    sys.stderr = output.open("w")
    runpy.run_path(str(ROOT / command[0]), run_name="__main__")


def test_a_second_start_on_the_same_folder_is_refused_in_one_line(stack: Stack, tmp_path: Path) -> None:
    said = refusal(stack.environment, tmp_path / "said")
    assert said == f"mani already runs on {stack.folder}. Stop it first, or set another DATA_DIR.\n"


@pytest.fixture
def fresh(tmp_path: Path) -> Stack:
    """A stack that is not started."""
    return Stack(tmp_path / "data")


def test_a_taken_port(fresh: Stack, tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", fresh.port))
        other.listen()
        assert refusal(fresh.environment, tmp_path / "said").startswith(
            f"Port {fresh.port} cannot be used: Address already in use."
        )


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("PORT", "eighty", "PORT must be a whole number"),
        ("SECRET_KEY", "short", "SECRET_KEY is not usable"),
        ("ENCRYPTION_KEYS", "k1:notbase64", "ENCRYPTION_KEYS is not usable"),
        ("DATABASE_URL", "mysql://nope", "DATABASE_URL must start with"),
        ("SYNC_INTERVAL_MINUTES", "0", "SYNC_INTERVAL_MINUTES must be"),
        ("STRIPE_API_BASE", "stripe.com", "STRIPE_API_BASE must start with http"),
        ("SECRET_KEY_FILE", "/nowhere/key", "SECRET_KEY_FILE points to /nowhere/key"),
        ("DATA_DIR", "/dev/null/data", "DATA_DIR /dev/null/data cannot be used"),
        ("DATABASE_URL", "sqlite:////nowhere/at/all.db", "The database at DATABASE_URL cannot be prepared"),
        ("REDIS_URL", "ftp://127.0.0.1", "REDIS_URL must start with"),
    ],
)
def test_a_bad_setting(fresh: Stack, tmp_path: Path, name: str, value: str, sentence: str) -> None:
    assert refusal(fresh.environment | {name: value}, tmp_path / "said").startswith(sentence)


def test_a_database_of_a_newer_release(fresh: Stack, tmp_path: Path) -> None:
    fresh.folder.mkdir()
    with sqlite3.connect(fresh.folder / "mani.db") as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        database.execute("INSERT INTO alembic_version VALUES ('9999')")
    said = refusal(fresh.environment, tmp_path / "said")
    assert said.startswith("The database is from a newer release of mani (its revision is 9999).")


@pytest.mark.parametrize("command", [["worker.py", "work"], ["worker.py", "schedule"], ["wsgi.py"]])
def test_a_missing_setting_ends_every_process_with_one_line(command: list[str], tmp_path: Path) -> None:
    status, said = run(command, {}, tmp_path / "said")
    assert status == 1
    assert said.startswith("DATABASE_URL is not set.")
    assert said.count("\n") == 1
