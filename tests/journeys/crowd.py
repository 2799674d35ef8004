"""Several web servers, workers and schedulers as forks of one process, which ends when it is asked to.

python -m tests.journeys.crowd WORKERS PORT...
"""

import multiprocessing
import signal
import sys

from flask import Flask
from gunicorn.app.base import Application

import worker
from manimod import create_app
from manimod.jobs import FAST
from tests.journeys.stack import ROOT

SCHEDULERS = 2


class WebServer(Application):
    """Gunicorn as it is deployed, but with the application at hand."""

    def __init__(self, app: Flask, port: int) -> None:
        self.app, self.port = app, port
        super().__init__()

    def load_config(self) -> None:
        self.load_config_from_file(str(ROOT / "gunicorn.conf.py"))
        self.cfg.set("bind", f"127.0.0.1:{self.port}")
        self.cfg.set("loglevel", "warning")
        self.cfg.set("control_socket_disable", True)

    def load(self) -> Flask:
        return self.app


def main(workers: str, *ports: str) -> None:
    app = create_app()
    fork = multiprocessing.get_context("fork").Process
    parts = [fork(target=WebServer(app, int(port)).run) for port in ports]
    parts += [fork(target=worker.work, args=(app, [FAST])) for _ in range(int(workers))]
    parts += [fork(target=worker.schedule, args=(app,)) for _ in range(SCHEDULERS)]
    for part in parts:
        part.start()
    signal.signal(signal.SIGTERM, lambda *_signal: [part.terminate() for part in parts])
    for part in parts:
        part.join()


if __name__ == "__main__":
    main(*sys.argv[1:])
