"""Something that webhooks can be delivered to: keeps what arrives and answers as it is told."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import stripe


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.arrivals.append(SimpleNamespace(body=body, headers=dict(self.headers), path=self.path))
        with self.server.counting:
            self.server.busy += 1
            self.server.most_at_once = max(self.server.most_at_once, self.server.busy)
        time.sleep(self.server.delay)
        with self.server.counting:
            self.server.busy -= 1
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args):
        """Quiet."""


class Receiver:
    """`answers` are the statuses of the next deliveries; after them it answers 200."""

    def __init__(self, answers=(), delay=0.0):
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.arrivals, self._server.answers, self._server.delay = [], list(answers), delay
        self._server.counting, self._server.busy, self._server.most_at_once = threading.Lock(), 0, 0
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    @property
    def arrivals(self):
        return self._server.arrivals

    @property
    def most_at_once(self):
        return self._server.most_at_once

    def events(self, secret):
        """What arrived, each signature verified by stripe-python."""
        verify = stripe.Webhook.construct_event
        return [verify(each.body, each.headers["Stripe-Signature"], secret) for each in self.arrivals]

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc_info):
        self._server.shutdown()
        self._server.server_close()
