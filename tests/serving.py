"""mani's web server as it is deployed, for tests that need real sockets."""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import requests
from flask import Flask

from tests.conftest import wait_for
from tests.journeys.crowd import WebServer
from tests.journeys.stack import free_port


@contextmanager
def serve(app: Flask, kind: type[WebServer] = WebServer) -> Iterator[int]:
    """The port of a fork, which spares the imports. The application must not be connected to a database yet."""
    port = free_port()
    process = multiprocessing.get_context("fork").Process(target=kind(app, port).run)
    process.start()
    try:
        wait_for(lambda: answers(port), seconds=30)
        yield port
    finally:
        process.terminate()
        process.join(20)


def answers(port: int) -> bool:
    with suppress(OSError):
        return requests.get(f"http://127.0.0.1:{port}/healthz", timeout=2).ok
    return False
