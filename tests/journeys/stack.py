"""The whole of mani as a user runs it: `python -m manimod.local` as a real process on a free port."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import requests

ROOT = Path(__file__).resolve().parent.parent.parent
READY = "Stop       Ctrl-C"
CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"|"X-CSRFToken":\s*"([^"]+)"')


class Stack:
    """Started by `start()` or by entering it, stopped by `stop()` or by leaving it."""

    program = "manimod.local"

    def __init__(self, folder: Path, stripe_api_base: str = "http://127.0.0.1:1", **environment: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.email = self.password = None
        self.environment = {
            "PATH": os.environ["PATH"],
            "DATA_DIR": str(folder),
            "PORT": str(self.port),
            "STRIPE_API_BASE": stripe_api_base,
            "GRACE_PERIOD_SECONDS": "1",
            **environment,
        }
        self.process: subprocess.Popen | None = None
        self.output = folder.parent / f"{folder.name}.output"

    def __enter__(self) -> "Stack":
        return self.start()

    def __exit__(self, *_error: object) -> None:
        self.stop()

    def launch(self) -> "Stack":
        """Start the process without waiting for it."""
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.program],
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        return self

    def start(self, seconds: float = 60) -> "Stack":
        self.launch()
        deadline = time.monotonic() + seconds
        while READY not in self.said():
            assert self.process.poll() is None, f"it ended with {self.process.returncode}: {self.said()}"
            assert time.monotonic() < deadline, f"it is not ready: {self.said()}"
            time.sleep(0.1)
        if shown := re.search(r"Sign in +(\S+)\n +Password +(\S+)", self.said()):
            self.email, self.password = shown.groups()
        return self

    def stop(self, signal_number: int = signal.SIGTERM, seconds: float = 30) -> int:
        """The exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        return self.process.wait(seconds)

    def said(self) -> str:
        """What the person at the terminal has read since the last start."""
        return self.output.read_text()

    def log(self) -> str:
        return (self.folder / "mani.log").read_text()

    def children(self) -> dict[str, int]:
        """The process ids by what runs there: valkey, jobs, worker, sync worker, scheduler, web."""
        found = {}
        for pid in descendants_of(self.supervisord()):
            with suppress(OSError):  # it has just gone
                shown = f"{Path(f'/proc/{pid}/comm').read_text().strip()}: {command_line(pid)}"
                found = {part: pid for part, words in COMMANDS.items() if re.search(words, shown)} | found
        return found

    def supervisord(self) -> int:
        return next(pid for pid in children_of(self.process.pid) if "supervisord" in command_line(pid))

    def sign_in(self) -> "Visitor":
        assert self.password, "only the first start of a folder tells the password"
        return Visitor(self.address).sign_in(self.email, self.password)

    def flask(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess:
        """A flask command with this stack's settings."""
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", "wsgi", *words],
            cwd=ROOT,
            env=self.environment,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
        )


COMMANDS = {  # what names and command lines of the parts hold, once they have passed die_with_parent.py
    "valkey": r": \S*valkey-server ",
    "jobs": r"^python\S*: \S+ worker.py together $",
    "worker": "^mani-worker: ",
    "sync worker": "^mani-sync: ",
    "scheduler": "^mani-scheduler: ",
    "web": r": \S+ -m gunicorn ",
}


class Visitor(requests.Session):
    """A person with a browser: addresses are paths, and forms carry the page's CSRF token."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address

    def request(self, method: str, url: str, **kwargs: object) -> requests.Response:
        return super().request(method, self.address + url, timeout=kwargs.pop("timeout", 20), **kwargs)

    def sign_in(self, email: str, password: str) -> "Visitor":
        answer = self.submit("/sign-in", {"email": email, "password": password})
        assert answer.ok, answer.text
        assert "/sign-in" not in answer.url, "the sign-in was refused"
        return self

    def submit(self, path: str, fields: dict | None = None, page: str | None = None) -> requests.Response:
        """Post a form to `path`, with the token of the page it stands on (the same path unless told)."""
        token = next(filter(None, CSRF.search(self.get(page or path).text).groups()))
        return self.post(path, data={**(fields or {}), "csrf_token": token}, headers={"Referer": self.address})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def children_of(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def descendants_of(pid: int) -> list[int]:
    return [each for child in children_of(pid) for each in (child, *descendants_of(child))]


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def is_alive(pid: int) -> bool:
    try:
        return "State:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has just gone
        return False
