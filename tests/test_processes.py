"""The supervisor: what dies comes back, what keeps dying ends it, and everything stops in the reverse order."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from manimod.processes import DEATHS_ALLOWED, AskedToStop, Child, KeepsDying, Supervisor


def say(word: str) -> None:
    os.write(1, f"{word}\n".encode())


def has_said(child: Child, word: str) -> bool:
    return child.log.exists() and child.log.read_text() == f"{word}\n"


def sleep() -> None:
    time.sleep(60)


def polite(last_word: str) -> Callable[[], None]:
    def run() -> None:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(say(last_word)))
        say("up")
        signal.pause()

    return run


def deaf() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    say("ready")
    time.sleep(60)


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


def part(folder: Path, run: Callable[[], None], grace: float = 5) -> Child:
    return Child("part", run, log=folder / "log", grace=grace)


def test_a_child_that_dies_starts_again(supervisor: Supervisor, folder: Path, capsys: pytest.CaptureFixture) -> None:
    child = part(folder, sleep)
    supervisor.start(child)
    first = child.process.pid
    child.process.kill()
    assert supervisor.wait_until(lambda: child.is_running and child.process.pid != first, seconds=5)
    assert capsys.readouterr().err == "The part died (signal SIGKILL); it starts again.\n"


def test_a_child_that_keeps_dying_ends_it(supervisor: Supervisor, folder: Path, capsys: pytest.CaptureFixture) -> None:
    supervisor.start(part(folder, lambda: sys.exit(3)))
    with pytest.raises(KeepsDying, match="The part died 5 times in 30 seconds"):
        supervisor.wait_until(lambda: False, seconds=20)
    assert capsys.readouterr().err.count("The part died (status 3)") == DEATHS_ALLOWED - 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_wait(supervisor: Supervisor, number: int) -> None:
    os.kill(os.getpid(), number)
    with pytest.raises(AskedToStop):
        supervisor.wait_until(lambda: False, seconds=5)


def test_a_child_that_does_not_listen_is_killed(supervisor: Supervisor, folder: Path) -> None:
    child = part(folder, deaf, grace=0.2)
    supervisor.start(child)
    assert supervisor.wait_until(lambda: has_said(child, "ready"), seconds=5)
    began = time.monotonic()
    supervisor.stop()
    assert child.process.exitcode == -signal.SIGKILL
    assert time.monotonic() - began < 5


def test_what_was_started_last_stops_first(supervisor: Supervisor, folder: Path) -> None:
    for name in ("first", "second"):
        child = part(folder, polite(name))
        child.log = folder / name
        supervisor.start(child)
        assert supervisor.wait_until(lambda child=child: has_said(child, "up"), seconds=5)
    supervisor.stop()
    assert (folder / "second").stat().st_mtime_ns <= (folder / "first").stat().st_mtime_ns
    assert (folder / "first").read_text() == "up\nfirst\n"
