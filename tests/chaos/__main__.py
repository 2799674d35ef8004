"""`make chaos`: the long form. A run can be repeated with its seed, though the machine's timing stays its own."""

import argparse
import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests import postgres
from tests.chaos.run import Plan, run
from tests.chaos.scene import Scene, data_folder, sandbox_process
from tests.stripe_sandbox import SandboxControl

DATABASES = ("sqlite", "postgresql")


def main() -> int:
    parser = argparse.ArgumentParser(prog="chaos", description="A storm of events while parts of mani are killed")
    parser.add_argument("--events", type=int, default=20_000, help="different events; each is delivered three times")
    parser.add_argument("--kills", type=int, default=50, help="and half as many other faults")
    parser.add_argument("--hangs", type=int, default=20, help="a part, the database, Valkey or Stripe stands still")
    parser.add_argument("--seed", type=int, default=secrets.randbelow(10**6))
    parser.add_argument("--database", choices=DATABASES, action="append", help="one of them instead of both")
    parser.add_argument("--patience", type=float, default=300, help="seconds that mani may take to come to rest")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_signal: sys.exit(143))  # so that nothing is left behind
    plan = Plan(options.seed, options.events, options.kills, options.hangs, options.patience)
    has_failed = False
    for name in options.database or DATABASES:
        print(f"chaos on {name}: {plan} ...", flush=True)
        with scene_on(name) as scene:
            report = run(scene, plan, tell)
        print(report, flush=True)
        has_failed |= bool(report.findings)
    return int(has_failed)


def tell(line: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')}  {line}", flush=True)


@contextlib.contextmanager
def scene_on(name: str, server: str | None = None, control: SandboxControl | None = None) -> Iterator[Scene]:
    """`server` is the address of a PostgreSQL, and `control` that of a sandbox, that is there already."""
    with contextlib.ExitStack() as stack:
        url = folder = None
        if name == "postgresql":
            address = server or stack.enter_context(postgres.server())
            url = stack.enter_context(postgres.database(address))
            folder = prepare_for_crashes(address, url)
        control = control or stack.enter_context(sandbox_process())
        yield stack.enter_context(Scene(stack.enter_context(data_folder()), control, url or "", folder))


def prepare_for_crashes(address: str, url: str) -> Path | None:
    """The tests' server answers before its log is written; here a commit has to outlive the server's death.

    Its data folder, where it is a server of our own that may be stopped.
    """
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = on")
        folder = Path(connection.execute("SHOW data_directory").fetchone()[0])
    return None if os.environ.get("TEST_DATABASE_URL") else folder


if __name__ == "__main__":
    sys.exit(main())
