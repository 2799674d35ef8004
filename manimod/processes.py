"""Child processes on one machine: started in order, restarted when they die, stopped in reverse order."""

import contextlib
import ctypes
import itertools
import multiprocessing
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NoReturn

TICK_SECONDS = 0.1
DEATHS_ALLOWED, DEATHS_WINDOW_SECONDS = 5, 30
FIRST_BACKOFF_SECONDS, LONGEST_BACKOFF_SECONDS = 0.2, 5.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STDOUT, STDERR = 1, 2
PR_SET_PDEATHSIG, PR_SET_NAME = 1, 15  # prctl(2); a name has at most 15 bytes

_prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux only
_forking = multiprocessing.get_context("fork")


class AskedToStop(Exception):
    """SIGINT, SIGTERM or SIGHUP came."""


class KeepsDying(Exception):
    """A child dies again and again; restarting it helps nobody."""


def die_with_parent(signal_number: int, parent: int) -> None:
    """Ask the kernel for a signal when the parent is killed, so that nothing is left behind holding the port."""
    if _prctl:
        _prctl(PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:  # it died before the kernel was asked
            os.kill(os.getpid(), signal_number)


@dataclass
class Child:
    """One supervised process, which runs a function in a fork: what is imported already costs neither time nor memory.

    It has a session of its own, so that Ctrl-C reaches only the supervisor.
    """

    name: str
    run: Callable[[], None]
    log: Path
    grace: float
    process: BaseProcess | None = None
    restart_at: float | None = None
    deaths: deque[float] = field(default_factory=lambda: deque(maxlen=DEATHS_ALLOWED))

    def start(self) -> None:
        self.restart_at = None
        self.process = _forking.Process(target=self._live, args=(os.getpid(),))
        with _signals_held_back():
            self.process.start()

    def _live(self, supervisor: int) -> None:
        os.setsid()
        with self.log.open("ab") as log:
            os.dup2(log.fileno(), STDOUT)
            os.dup2(log.fileno(), STDERR)
        for number in STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
        die_with_parent(signal.SIGTERM, supervisor)
        if _prctl:
            _prctl(PR_SET_NAME, f"mani {self.name}".encode()[:15])
        self.run()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.is_alive()

    def bury(self) -> None:
        """It died by itself: plan the restart, a little later each time. Raises KeepsDying."""
        now = time.monotonic()
        self.deaths.append(now)
        recent = [at for at in self.deaths if now - at < DEATHS_WINDOW_SECONDS]
        if len(recent) == DEATHS_ALLOWED:
            often = f"{DEATHS_ALLOWED} times in {DEATHS_WINDOW_SECONDS} seconds"
            raise KeepsDying(f"The {self.name} died {often}; its last words are in {self.log}.")
        wait = min(FIRST_BACKOFF_SECONDS * 2 ** (len(recent) - 1), LONGEST_BACKOFF_SECONDS)
        self.restart_at = now + wait
        say(f"The {self.name} died ({_describe(self.process.exitcode)}); it starts again.")

    def send(self, signal_number: int) -> None:
        if self.is_running:
            os.kill(self.process.pid, signal_number)

    def kill(self) -> None:
        """With its whole group, so that a server's own children go too."""
        if self.is_running:
            os.killpg(self.process.pid, signal.SIGKILL)

    def has_ended(self, seconds: float) -> bool:
        self.process.join(max(seconds, 0))
        return not self.is_running


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """A child that is not itself yet must not take a signal for its parent."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def stop_together(children: list[Child]) -> None:
    """Ask, ask again when the grace is over (an RQ worker then drops its job), then kill."""
    for patience in (max(child.grace for child in children), 2.0):
        for child in children:
            child.send(signal.SIGTERM)
        deadline = time.monotonic() + patience
        if all([child.has_ended(deadline - time.monotonic()) for child in children]):
            return
    for child in children:
        child.kill()
        child.has_ended(2.0)


class Supervisor:
    """Keeps children running until somebody asks it to stop."""

    def __init__(self) -> None:
        self.groups: list[list[Child]] = []
        self.asked_to_stop = False
        for signal_number in STOP_SIGNALS:
            signal.signal(signal_number, self._ask_to_stop)

    def _ask_to_stop(self, *_signal: object) -> None:
        self.asked_to_stop = True

    def start(self, *children: Child) -> None:
        """Children that are started together are stopped together."""
        self.groups.append(list(children))
        for child in children:
            child.start()

    def wait_until(self, is_ready: Callable[[], bool], seconds: float) -> bool:
        """Tend the children until it is ready; False when the time is over. Raises AskedToStop and KeepsDying."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.asked_to_stop:
                raise AskedToStop
            self._tend()
            if is_ready():
                return True
            time.sleep(TICK_SECONDS)
        return False

    def watch(self, every_minute: Callable[[], None]) -> NoReturn:
        """Tend the children. Raises AskedToStop and KeepsDying."""
        while True:
            self.wait_until(lambda: False, seconds=60)
            every_minute()

    def stop(self) -> None:
        for children in reversed(self.groups):
            stop_together(children)

    def _tend(self) -> None:
        for child in itertools.chain(*self.groups):
            if child.restart_at is not None:
                if time.monotonic() >= child.restart_at:
                    child.start()
            elif not child.is_running:
                child.bury()


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


def _describe(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
