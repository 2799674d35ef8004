"""Several web servers, workers and schedulers as forks of one process, which ends when it is asked to.

python -m tests.journeys.crowd LOG WORKERS PORT...
"""

import sys
from contextlib import suppress
from pathlib import Path

from manimod import create_app, workers
from manimod.jobs import FAST
from manimod.local import WebServer
from manimod.processes import AskedToStop, Child, Supervisor

SCHEDULERS = 2


def main(log: str, number: str, *ports: str) -> None:
    app = create_app()
    parts = [("web server", WebServer(app, int(port)).run) for port in ports]
    parts += [("worker", lambda: workers.work(app, [FAST]))] * int(number)
    parts += [("scheduler", lambda: workers.schedule(app))] * SCHEDULERS
    supervisor = Supervisor()
    try:
        supervisor.start(*(Child(name, run, Path(log), grace=10.0) for name, run in parts))
        with suppress(AskedToStop):
            supervisor.watch(every_minute=lambda: None)
    finally:
        supervisor.stop()


if __name__ == "__main__":
    main(*sys.argv[1:])
