"""`make run`: one command starts everything, one signal stops it, and nothing is lost or left behind."""

import contextlib
import json
import multiprocessing
import os
import pty
import re
import select
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from manimod.local.__main__ import main
from tests.conftest import wait_for
from tests.journeys.stack import COMMANDS, READY, ROOT, Stack, is_alive


@pytest.fixture
def fresh(tmp_path: Path) -> Stack:
    """A stack that is not started; what a test leaves running is stopped."""
    stack = Stack(tmp_path / "data")
    yield stack
    if stack.process:
        stack.stop()


def is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))
        return True
    return False


# --- one run, looked at from all sides -------------------------------------------------------------------------------


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


def test_a_second_start_on_the_same_folder_is_refused_in_one_line(stack: Stack, tmp_path: Path) -> None:
    said = refusal(stack.environment, tmp_path / "said")
    assert said == f"mani already runs on {stack.folder}. Stop it first, or set another DATA_DIR.\n"


# --- starting and stopping -------------------------------------------------------------------------------------------


def test_the_web_stops_first_and_valkey_last_and_the_next_start_finds_everything(fresh: Stack) -> None:
    fresh.start()
    password = fresh.password
    glances = stops_in_order(fresh, signal.SIGINT)
    assert "web" in glances[0]
    assert "valkey" in glances[-1]
    assert "valkey" not in glances[0]
    assert sum(map(len, glances)) == 5
    assert fresh.process.wait(10) == 0
    assert is_free(fresh.port)
    assert fresh.said().endswith(f"Stopping ...\nStopped. Everything is kept in {fresh.folder}\n")

    fresh.start()
    assert "Password" not in fresh.said()
    fresh.password = password
    assert fresh.sign_in().get("/").ok
    leaves_no_orphans_when_killed(fresh)


def stops_in_order(stack: Stack, signal_number: int) -> list[set[str]]:
    """Who is gone at each glance; the last two may go between the same two."""
    running = {pid: name for name, pid in stack.children().items()}
    stack.process.send_signal(signal_number)
    glances = []
    while running:
        if gone := [pid for pid in running if not is_alive(pid)]:
            glances.append({running.pop(pid) for pid in gone})
        time.sleep(0.005)
    return glances


def leaves_no_orphans_when_killed(stack: Stack) -> None:
    children = stack.children() | {"supervisord": stack.supervisord()}
    stack.process.kill()
    stack.process.wait()
    wait_for(lambda: is_free(stack.port) and not any(is_alive(pid) for pid in children.values()), seconds=20)


def test_nothing_is_left_behind_when_supervisord_is_killed_whatever_the_name_of_the_directory(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "100% of (my) data; #1", DATA_OWNER="50%")
    with stack:
        children = stack.children()
        assert set(children) == set(COMMANDS)
        os.kill(stack.supervisord(), signal.SIGKILL)
        assert stack.process.wait(20) == 2
        assert "supervisord has ended unexpectedly" in stack.said()
        wait_for(lambda: is_free(stack.port) and not any(map(is_alive, children.values())), seconds=20)


def test_a_stop_while_it_starts(fresh: Stack) -> None:
    fresh.launch()
    wait_for(lambda: (fresh.folder / "secrets" / "valkey.conf").exists())
    assert fresh.stop(signal.SIGTERM) == 0


def test_ctrl_c_in_a_terminal_stops_everything_under_make(fresh: Stack) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(ROOT)
        os.execvpe("make", ["make", "run"], {**os.environ, **fresh.environment})
    said = read_until(terminal, READY, seconds=60)
    os.write(terminal, b"\x03")
    said += read_until(terminal, "Everything is kept", seconds=30)
    os.waitpid(pid, 0)
    assert is_free(fresh.port)


def read_until(terminal: int, words: str, seconds: float) -> str:
    said, deadline = "", time.monotonic() + seconds
    while words not in said and time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.5)[0]:
            said += os.read(terminal, 4096).decode()
    assert words in said, said
    return said


# --- what is in the way is said in one line --------------------------------------------------------------------------


def refusal(environment: dict[str, str], output: Path) -> str:
    """What `python -m manimod.local` says before it ends with status 2. A fork spares the imports."""
    process = multiprocessing.get_context("fork").Process(target=_main, args=(environment, output))
    process.start()
    process.join(30)
    said = output.read_text()
    assert (process.exitcode, said.count("\n")) == (2, 1), said
    return said


def _main(environment: dict[str, str], output: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    sys.stderr = output.open("w")
    os._exit(main())


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


# --- flask commands --------------------------------------------------------------------------------------------------


def test_flask_commands_use_the_same_data(stack: Stack) -> None:
    done = stack.flask("set-plan", "1", "scale", "--json")
    assert json.loads(done.stdout) == {"account": 1, "plan": "scale"}, done.stderr


# --- worker.py and wsgi.py alone -------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [["worker.py", "work"], ["worker.py", "schedule"], ["-c", "import wsgi"]])
def test_a_missing_setting_ends_every_process_with_one_line(command: list[str]) -> None:
    done = subprocess.run([sys.executable, *command], cwd=ROOT, env={}, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("DATABASE_URL is not set.")
    assert done.stderr.count("\n") == 1
