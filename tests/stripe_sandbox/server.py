"""The sandbox over HTTP: the standard library's threaded server, with keep-alive, on 127.0.0.1 or a given host."""

import json
import socket
import sys
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from . import control_api, routes
from .control import SandboxControl, stripe_client
from .state import Universe

HOST = "127.0.0.1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "StripeSandbox", ""
    # Head and body leave as one write and at once; otherwise a kept-alive connection waits 40 ms for each page.
    disable_nagle_algorithm = True
    wbufsize = -1

    def respond(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        address = urlsplit(self.path)
        if address.path.startswith(control_api.PREFIX):
            self.control(address.path.removeprefix(control_api.PREFIX), body)
        else:
            self.stripe(address.path, address.query, body)

    do_GET = do_POST = do_DELETE = respond

    def control(self, name, body):
        status, result = control_api.perform(self.server.universe, name, json.loads(body or "{}"))
        self.reply(status, json.dumps(result).encode(), {})

    def stripe(self, path, query, body):
        universe = self.server.universe
        with universe.lock:
            fault, latency = universe.faults.take(self.command, path), universe.faults.latency
        if delay := latency + (fault.delay if fault else 0):
            time.sleep(delay)
        entry = {"at": time.time(), "method": self.command, "path": path, "query": query}
        with universe.lock:
            error = fault and fault.error()
            if error or (fault and fault.drop):
                answer = routes.Answer(error.status, fault.body(error), fault.headers(error)) if error else None
                caller = {"status": answer and answer.status}
            else:
                answer, caller = routes.answer(universe, self.command, path, query, self.headers, body)
            universe.faults.log.append({"account": None, "livemode": None, "key_kind": None, **entry, **caller})
        if answer is None:
            self.break_off()
        else:
            how = {"half": fault.half, "drip": fault.drip} if fault else {}
            self.reply(answer.status, answer.body, answer.headers, **how)

    def reply(self, status, body, headers, half=False, drip=False):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if drip:
            self.send_slowly(body)
            return
        self.wfile.write(body[: len(body) // 2] if half else body)
        if half:
            self.wfile.flush()
            self.break_off()

    def send_slowly(self, body):
        with suppress(OSError):  # until the client hangs up
            for byte in body:
                self.wfile.write(bytes([byte]))
                time.sleep(0.2)

    def break_off(self):
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, *args):
        """Quiet: the request log answers what was asked."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address, universe):
        self.universe = universe
        self._open = set()
        super().__init__(address, Handler)

    def process_request(self, request, client_address):
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request):
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request, client_address):
        """A client that hangs up is nothing to report; anything else is."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def hang_up(self):
        """Kept-alive connections would go on being served after the server has stopped."""
        for request in list(self._open):
            with suppress(OSError):
                request.shutdown(socket.SHUT_RDWR)


class Sandbox:
    """`with Sandbox() as sandbox:` runs it inside this process; `sandbox.control` drives it."""

    def __init__(self, port=0, seed=None, host=HOST):
        self.universe = Universe(seed)
        self._server = Server((host, port), self.universe)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="stripe-sandbox", daemon=True
        )
        self.url = f"http://{host}:{self._server.server_address[1]}"
        self.control = SandboxControl(self.url)

    def client(self, secret, retries=0):
        return stripe_client(self.url, secret, retries)

    def start(self):
        self.universe.start()
        self._thread.start()
        return self

    def stop(self):
        self._server.shutdown()
        self._server.server_close()
        self._server.hang_up()
        self.universe.stop()
        self.control.close()

    def __enter__(self):
        return self.start()

    def __exit__(self, *exc_info):
        self.stop()
