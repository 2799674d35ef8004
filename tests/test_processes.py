"""The supervisor: what dies comes back, what keeps dying ends it, and everything stops in the reverse order."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from manimod.processes import DEATHS_ALLOWED, AskedToStop, Child, KeepsDying, Supervisor

SLEEPS = "import time; time.sleep(60)"
POLITE = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit(print({0!r})))
print("up", flush=True)
signal.pause()
"""
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('ready', flush=True); time.sleep(60)"


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    supervisor = Supervisor()
    yield supervisor
    supervisor.stop()
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def python(folder: Path, program: str, grace: float = 5) -> Child:
    return Child("part", [sys.executable, "-c", program], dict(os.environ), cwd=folder, log=folder / "log", grace=grace)


def test_a_child_that_dies_starts_again(supervisor: Supervisor, folder: Path, capsys: pytest.CaptureFixture) -> None:
    child = python(folder, SLEEPS)
    supervisor.start(child)
    first = child.process.pid
    child.process.kill()
    assert supervisor.wait_until(lambda: child.is_running and child.process.pid != first, seconds=5)
    assert capsys.readouterr().err == "The part died (signal SIGKILL); it starts again.\n"


def test_a_child_that_keeps_dying_ends_it(supervisor: Supervisor, folder: Path, capsys: pytest.CaptureFixture) -> None:
    supervisor.start(python(folder, "raise SystemExit(3)"))
    with pytest.raises(KeepsDying, match="The part died 5 times in 30 seconds"):
        supervisor.wait_until(lambda: False, seconds=20)
    assert capsys.readouterr().err.count("The part died (status 3)") == DEATHS_ALLOWED - 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_wait(supervisor: Supervisor, number: int) -> None:
    os.kill(os.getpid(), number)
    with pytest.raises(AskedToStop):
        supervisor.wait_until(lambda: False, seconds=5)


def test_a_child_that_does_not_listen_is_killed(supervisor: Supervisor, folder: Path) -> None:
    child = python(folder, DEAF, grace=0.2)
    supervisor.start(child)
    assert supervisor.wait_until(lambda: child.log.read_text() == "ready\n", seconds=5)
    began = time.monotonic()
    supervisor.stop()
    assert child.process.returncode == -signal.SIGKILL
    assert time.monotonic() - began < 5


def test_what_was_started_last_stops_first(supervisor: Supervisor, folder: Path) -> None:
    for name in ("first", "second"):
        child = python(folder, POLITE.format(name))
        child.log = folder / name
        supervisor.start(child)
        assert supervisor.wait_until(lambda child=child: child.log.read_text() == "up\n", seconds=5)
    supervisor.stop()
    assert (folder / "second").stat().st_mtime_ns <= (folder / "first").stat().st_mtime_ns
    assert (folder / "first").read_text() == "up\nfirst\n"
