"""The real Stripe CLI, pinned, in a folder of its own outside the repository; for tests only."""

import fcntl
import os
import shutil
import subprocess
from pathlib import Path

VERSION = "1.52.0"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mani-tests" / f"stripe-cli-{VERSION}"


class NoStripeCli(Exception):
    """Why it cannot be had here."""


def install() -> Path:
    """Its program; installed once, and never by two test processes at a time. Raises NoStripeCli."""
    npm = shutil.which("npm")
    if npm is None:
        raise NoStripeCli("The Stripe CLI is not tested: there is no npm here.")
    program = CACHE / "node_modules" / ".bin" / "stripe"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if program.exists():
            return program
        options = ["--prefix", str(CACHE), "--ignore-scripts", "--no-audit", "--no-fund", "--no-save"]
        done = subprocess.run([npm, "install", *options, f"@stripe/cli@{VERSION}"], capture_output=True, timeout=120)
    if done.returncode or not program.exists():
        raise NoStripeCli("The Stripe CLI is not tested: npm cannot install it here (offline?).")
    return program


class StripeCli:
    """`home` keeps the CLI's settings; it talks to `api_base` and to nobody else."""

    def __init__(self, program: Path, home: Path, api_base: str, key: str) -> None:
        self.command = [str(program)]
        self.options = ["--api-base", api_base, "--api-key", key]
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(home), "STRIPE_CLI_TELEMETRY_OPTOUT": "true"}

    def trigger(self, event: str) -> None:
        words = [*self.command, "trigger", event, *self.options]
        done = subprocess.run(words, env=self.environment, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
