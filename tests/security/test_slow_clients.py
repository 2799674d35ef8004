"""Who sends, reads or hangs up slowly holds nobody else up: real sockets against the web server as it is deployed."""

import os
import re
import secrets
import shutil
import socket
import statistics
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

import pytest
import requests
from flask import Flask

from manimod import create_app
from manimod.extensions import db
from manimod.web import assets
from manimod.web.server import BufferingWorker, IncomingRequest
from tests import factories
from tests.conftest import create_tables, wait_for
from tests.journeys.crowd import WebServer
from tests.journeys.stack import ROOT, free_port
from tests.serving import answers, serve

SLOW_CLIENTS = 40  # of each kind; the web server has 2 x 8 threads
HALF_A_BODY = b"POST /webhooks/stripe/x HTTP/1.1\r\nHost: mani\r\nContent-Length: 100000\r\n\r\n"
HALF_A_HEAD = b"GET /healthz HTTP/1.1\r\nHost: mani\r\nX-Header: "


@dataclass(frozen=True)
class Server:
    """mani's web server, or a proxy in front of it."""

    port: int
    webhook: str

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def deliver(self, **options: object) -> int:
        event = {"id": f"evt_{secrets.token_hex(12)}", "object": "event", "type": "customer.created", "created": 1}
        event |= {"livemode": False, "data": {"object": {"id": "cus_1", "object": "customer"}}}
        sent = factories.signed(event)
        body = options.pop("body", lambda data: data)(sent["data"])
        headers = sent["headers"] | options.pop("headers", {})
        return requests.post(self.address + self.webhook, data=body, headers=headers, timeout=10).status_code


class ImpatientWorker(BufferingWorker):
    """Its deadline is a second, so that nobody has to wait for it."""

    client_timeout = 1.0


class ImpatientServer(WebServer):
    def load_config(self) -> None:
        super().load_config()
        self.cfg.set("worker_class", ImpatientWorker)


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, valkey_url: str) -> tuple[Flask, str]:
    """The application, and the address of a webhook."""
    url = f"sqlite:///{tmp_path_factory.mktemp('slow') / 'mani.db'}"
    create_tables(url)
    app = create_app(factories.make_settings(url, valkey_url))
    with app.app_context():
        webhook = f"/webhooks/stripe/{factories.make_connection().webhook_token}"
        db.engine.dispose()
    return app, webhook


@pytest.fixture(scope="module")
def direct(installation: tuple[Flask, str]) -> Iterator[Server]:
    app, webhook = installation
    with serve(app) as port:
        yield Server(port, webhook)


@pytest.fixture(scope="module")
def through_caddy(direct: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Debian's Caddy with the Caddyfile of compose.yaml."""
    if not shutil.which("caddy"):
        pytest.skip("There is no Caddy here: apt-get install caddy")
    folder, port = tmp_path_factory.mktemp("caddy"), free_port()
    text = (ROOT / "Caddyfile").read_text().replace("web:8000", f"127.0.0.1:{direct.port}")
    version = subprocess.run(["caddy", "version"], capture_output=True, text=True).stdout
    if tuple(map(int, re.findall(r"\d+", version)[:3])) < (2, 6, 3):
        text = re.sub(r"request_buffers \S+", "buffer_requests", text)
    (folder / "Caddyfile").write_text("{\n\tadmin off\n" + text[text.index("{") + 1 :])
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), "MANI_HOST": f"http://127.0.0.1:{port}"}
    process = subprocess.Popen(
        ["caddy", "run", "--config", folder / "Caddyfile"], env=environment, stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: answers(port), seconds=30)
        yield Server(port, direct.webhook)
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture(params=["direct", "through_caddy"])
def server(request: pytest.FixtureRequest) -> Server:
    return request.getfixturevalue(request.param)


# --- slow clients ----------------------------------------------------------------------------------------------------


@contextmanager
def slow_clients(server: Server, begin: bytes, drip: bytes = b"", receive_buffer: int = 0) -> Iterator[None]:
    """Each begins a request and sends `drip` now and then; none of them reads or hangs up."""
    stop = threading.Event()
    with ExitStack() as stack:
        sockets = []
        for _ in range(SLOW_CLIENTS):
            client = stack.enter_context(socket.socket())
            if receive_buffer:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
            client.settimeout(10)
            client.connect(("127.0.0.1", server.port))
            client.sendall(begin)
            sockets.append(client)

        def send_slowly() -> None:
            while not stop.wait(0.3):
                for client in sockets:
                    with suppress(OSError):
                        client.sendall(drip)

        thread = threading.Thread(target=send_slowly)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()


def others_are_served(server: Server) -> bool:
    """Health checks and signed deliveries, one after the other; half of them within a second each."""
    took = []
    for _ in range(5):
        began = time.monotonic()
        assert requests.get(f"{server.address}/healthz", timeout=5).text == "ok\n"
        assert server.deliver() == 200
        took.append(time.monotonic() - began)
        time.sleep(0.2)
    return statistics.median(took) < 1


def test_slow_heads_and_slow_bodies(server: Server) -> None:
    with slow_clients(server, HALF_A_HEAD, b"a"), slow_clients(server, HALF_A_BODY, b"a"):
        assert others_are_served(server)


def test_bodies_that_stop_after_a_good_start(server: Server) -> None:
    with slow_clients(server, HALF_A_BODY + b"a" * 40_000, b"a"):
        assert others_are_served(server)


def test_chunks_that_come_slowly(server: Server) -> None:
    head = b"POST /sign-in HTTP/1.1\r\nHost: mani\r\nTransfer-Encoding: chunked\r\n\r\n"
    with slow_clients(server, head, b"1\r\na\r\n"):
        assert others_are_served(server)


def test_clients_who_do_not_read(server: Server) -> None:
    digest = assets.load("inter.ttf")[1]
    request = f"GET /assets/{digest}/inter.ttf HTTP/1.1\r\nHost: mani\r\n\r\n".encode()
    with slow_clients(server, request * 20, receive_buffer=4096):
        assert others_are_served(server)


def test_clients_who_do_not_hang_up(server: Server) -> None:
    with slow_clients(server, b"GET /healthz HTTP/1.1\r\nHost: mani\r\nConnection: close\r\n\r\n"):
        assert others_are_served(server)


def test_bodies_that_are_too_large_and_never_come(server: Server) -> None:
    head = HALF_A_BODY.replace(b"100000", b"100000000")
    with slow_clients(server, head, b"a" * 1000):
        assert others_are_served(server)


def test_clients_who_vanish(direct: Server) -> None:
    too_large = HALF_A_BODY.replace(b"100000", b"100000000")
    for begin in (HALF_A_HEAD, HALF_A_BODY, too_large, b"GET /healthz HTTP/1.1\r\nHost: mani\r\n\r\n") * 10:
        with direct.connect() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # a reset, not an end
            client.sendall(begin)
    assert others_are_served(direct)


@pytest.fixture(scope="module")
def impatient(installation: tuple[Flask, str]) -> Iterator[Server]:
    app, webhook = installation
    with serve(app, ImpatientServer) as port:
        yield Server(port, webhook)


@pytest.mark.parametrize("begin", [b"", HALF_A_HEAD, HALF_A_BODY], ids=["nothing", "head", "body"])
def test_a_whole_request_has_a_deadline_however_steadily_it_drips(impatient: Server, begin: bytes) -> None:
    with impatient.connect() as client:
        client.sendall(begin or b"G")
        client.settimeout(0.1)
        wait_for(lambda: is_closed_after(client, b"a"))


def is_closed_after(client: socket.socket, drip: bytes) -> bool:
    try:
        client.sendall(drip)
        return client.recv(1) == b""
    except TimeoutError:
        return False
    except OSError:
        return True


# --- what is sent in pieces, or in an unusual way, arrives whole -----------------------------------------------------


def test_a_body_in_chunks_arrives_whole(server: Server) -> None:
    assert server.deliver(body=lambda data: iter([data[:10], data[10:11], data[11:]])) == 200


def test_a_client_that_waits_to_be_asked_for_the_body_is_asked(direct: Server) -> None:
    with direct.connect() as client:
        client.sendall(HALF_A_BODY.replace(b"100000\r\n", b"2\r\nConnection: close\r\nExpect: 100-continue\r\n"))
        assert client.recv(1000).startswith(b"HTTP/1.1 100 Continue")
        client.sendall(b"{}")
        assert b"HTTP/1.1 404 " in read_all(client)


def test_a_body_that_is_too_large_is_refused_before_it_is_sent(direct: Server) -> None:
    with direct.connect() as client:
        client.sendall(HALF_A_BODY.replace(b"100000", b"100000000") + b"a" * 100_000)
        response = read_all(client)
    assert response.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in response


def test_requests_that_are_sent_together_are_answered_in_turn(direct: Server) -> None:
    with direct.connect() as client:
        last = b"GET /nowhere HTTP/1.1\r\nHost: mani\r\nConnection: close\r\n\r\n"
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: mani\r\n\r\n" * 2 + last)
        statuses = re.findall(rb"HTTP/1.1 (\d+) ", read_all(client))
    assert statuses == [b"200", b"200", b"404"]


def test_a_malformed_request_is_refused(direct: Server) -> None:
    for malformed in (b"nonsense\r\n\r\n", HALF_A_BODY.replace(b"100000", b"many"), HALF_A_HEAD * 3000 + b"\r\n\r\n"):
        with direct.connect() as client:
            client.sendall(malformed)
            assert re.match(rb"HTTP/1.1 4\d\d ", read_all(client))


def read_all(client: socket.socket) -> bytes:
    received = b""
    with suppress(ConnectionResetError):
        while more := client.recv(65_536):
            received += more
    return received


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"GET / HTTP/1.1\r\nHost: mani\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\n\r\n\r\n!",
        b"POST / HTTP/1.1\r\ncontent-length:\t0\r\nHost: mani\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n0\r\n\r\r\n07;name=x\r\n0\r\n\r\n0\r\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTrailer: x\r\n\r\n",
    ],
)
def test_a_request_is_complete_with_its_last_byte_wherever_it_is_cut(request_bytes: bytes) -> None:
    by_bytes = IncomingRequest()
    for number, byte in enumerate(request_bytes, 1):
        by_bytes.add(bytes([byte]))
        assert by_bytes.is_complete == (number == len(request_bytes))
    for cut in range(1, len(request_bytes)):
        in_two = IncomingRequest()
        in_two.add(request_bytes[:cut])
        in_two.add(request_bytes[cut:])
        assert in_two.is_complete
