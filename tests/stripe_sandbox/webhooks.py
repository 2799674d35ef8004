"""Signed webhook deliveries: prompt, several at a time, tried again when they are not answered with 2xx.

Signature and retries: Stripe documentation, "Receive Stripe events in your webhook endpoint", checked 2026-11-22.
"""

import hashlib
import hmac
import http.client
import json
import threading
import time
from collections import deque
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

from . import errors, thin, versions
from .agenda import Agenda

HOST = "127.0.0.1"


@dataclass
class Delivery:
    """One attempt, as Stripe's dashboard shows it."""

    event: str
    type: str
    endpoint: str
    url: str
    attempt: int
    at: float
    status: int | None = None
    error: str | None = None
    seconds: float = 0.0

    @property
    def succeeded(self):
        return self.status is not None and 200 <= self.status < 300


@dataclass
class Destination:
    """What an endpoint wants: which payload, and whose events."""

    store: object
    payload: str = "snapshot"  # or thin
    connect: bool = False  # the events of connected accounts
    organisation: bool = False  # the same, as an organisation's destination names the account

    def wants(self, store) -> bool:
        if not (self.connect or self.organisation):
            return store is self.store
        return store.account.platform == self.store.account.id and store.livemode == self.store.livemode


@dataclass
class Job:
    store: object  # of the event; the endpoint's may be its platform's
    event_id: str
    endpoint_id: str
    attempt: int = 1


def sign(body: bytes, secrets, at=None) -> str:
    at = int(time.time()) if at is None else at
    signed = f"{at}.".encode() + body
    signatures = [hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={signature}" for signature in signatures)])


def check_url(url):
    """The sandbox sends to this machine alone, so that no test can reach a stranger."""
    parts = urlsplit(url)
    if (parts.scheme, parts.hostname) not in (("http", HOST), ("https", "localhost")):
        sentence = f"Invalid URL: the sandbox delivers to https://localhost and http://{HOST} only"
        raise errors.invalid("url", sentence, "url_invalid")


class Deliveries:
    def __init__(self, universe, workers=4):
        self.universe, self.workers = universe, workers
        self.agenda = Agenda()
        self._turn = threading.Lock()
        self.clear()

    def clear(self):
        self.backoff, self.timeout, self.duplicates = (0.2, 0.5, 1.0, 2.0), 10.0, 0
        self.one_by_one = False  # await each answer before the next: strictly in order
        self.log = deque(maxlen=200_000)
        self.destinations = {}  # endpoint id -> Destination
        self.thin_ids, self.snapshots = {}, {}  # snapshot's id -> thin event's id, and back
        self.secrets = {}  # endpoint id -> [[secret, end of its time or None]], newest first
        self._succeeded = set()
        self.agenda.clear()

    def start(self):
        self.agenda.open()
        for number in range(self.workers):
            threading.Thread(target=self._work, name=f"delivery-{number}", daemon=True).start()

    def stop(self):
        self.agenda.close()

    def open(self, store, endpoint_id, **wanted):
        """The signing secret of a new endpoint, which it shares with no other."""
        self.destinations[endpoint_id] = Destination(store, **wanted)
        return self.new_secret(endpoint_id)

    def listeners(self, store, kind):
        found, names = [], {"*", kind, thin.PREFIX + kind}
        for ident, destination in self.destinations.items():
            if destination.wants(store) and ident in destination.store.webhook_endpoints:
                endpoint = destination.store.webhook_endpoints.get(ident)
                if endpoint["status"] == "enabled" and names & set(endpoint["enabled_events"]):
                    found.append(endpoint)
        return found

    def payload(self, job, event, endpoint):
        destination = self.destinations[endpoint["id"]]
        if destination.connect:
            event["account"] = job.store.account.id
        elif destination.organisation:
            event["context"] = job.store.account.id
        if destination.payload == "snapshot":
            return versions.reshape(event, endpoint["api_version"])
        if event["id"] not in self.thin_ids:
            ident = job.store.new_id("evt")
            self.thin_ids[event["id"]], self.snapshots[ident] = ident, event["id"]
        return thin.notification(event, self.thin_ids[event["id"]])

    def send(self, store, event_id, endpoint_id):
        for _ in range(1 + self.duplicates):
            self.agenda.add(Job(store, event_id, endpoint_id))

    def new_secret(self, endpoint_id, overlap=0.0):
        """The old secrets sign beside the new one for `overlap` seconds."""
        secret, ends = self.universe.ids.new("whsec"), time.time() + overlap
        older = [[old, min(end, ends) if end else ends] for old, end in self.secrets.get(endpoint_id, [])]
        self.secrets[endpoint_id] = [[secret, None], *older]
        return secret

    def _work(self):
        while True:
            # Jobs are taken and sent in turn, and only the answers are awaited side by side: so they normally arrive
            # in order, and a slow receiver holds up nobody else.
            with self._turn:
                job = self.agenda.take()
                if job is None:
                    return
                delivery, connection = self._post(job)
                strictly = self.one_by_one
                if strictly:
                    self._await_answer(delivery, connection)
            if not strictly:
                self._await_answer(delivery, connection)
            self._finish(job, delivery)

    def _post(self, job):
        with self.universe.lock:
            if not self._still_wanted(job):
                return None, None
            endpoint = self.destinations[job.endpoint_id].store.webhook_endpoints.get(job.endpoint_id)
            event, now = job.store.events.get(job.event_id), time.time()
            payload = self.payload(job, event, endpoint)
            secrets = [secret for secret, end in self.secrets[endpoint["id"]] if end is None or end > now]
        delivery = Delivery(event["id"], payload["type"], endpoint["id"], endpoint["url"], job.attempt, now)
        body = json.dumps(payload, indent=2).encode()
        signature = sign(body, secrets)
        if not job.store.livemode:
            signature += f",v0={hashlib.sha256(body).hexdigest()}"  # in test mode Stripe adds one that is no proof
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature,
            "Connection": "close",
        }
        parts = urlsplit(endpoint["url"])
        secured = parts.scheme == "https"  # by a certificate of SSL_CERT_FILE
        kind = http.client.HTTPSConnection if secured else http.client.HTTPConnection
        connection = kind(parts.hostname, parts.port, timeout=self.timeout)
        try:
            connection.request("POST", parts.path + (f"?{parts.query}" if parts.query else "") or "/", body, headers)
        except (OSError, http.client.HTTPException) as error:
            delivery.error = f"{type(error).__name__}: {error}"
            return delivery, None
        return delivery, connection

    def _await_answer(self, delivery, connection):
        if connection is None:
            return
        try:
            response = connection.getresponse()
            response.read()
            delivery.status = response.status
        except (OSError, http.client.HTTPException) as error:
            delivery.error = f"{type(error).__name__}: {error}"
        finally:
            delivery.seconds = round(time.time() - delivery.at, 4)
            connection.close()

    def _finish(self, job, delivery):
        with self.universe.lock:
            if delivery is not None and self._still_wanted(job):
                self.log.append(delivery)
                if delivery.succeeded:
                    self._count_success(job)
                elif job.attempt <= len(self.backoff):
                    again = Job(job.store, job.event_id, job.endpoint_id, job.attempt + 1)
                    self.agenda.add(again, self.backoff[job.attempt - 1])
        self.agenda.done()

    def _still_wanted(self, job):
        """Not after a reset, nor when the endpoint has been deleted meanwhile."""
        destination = self.destinations.get(job.endpoint_id)
        return destination is not None and job.endpoint_id in destination.store.webhook_endpoints

    def _count_success(self, job):
        pair = job.event_id, job.endpoint_id
        if pair in self._succeeded:
            return
        self._succeeded.add(pair)
        event = job.store.events.get(job.event_id)
        event["pending_webhooks"] = max(0, event["pending_webhooks"] - 1)
        job.store.events.save(event)

    def attempts(self, **wanted):
        rows = [{**asdict(it), "succeeded": it.succeeded} for it in self.log]
        return [row for row in rows if all(row[name] == value for name, value in wanted.items() if value is not None)]
