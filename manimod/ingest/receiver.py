"""Where Stripe delivers. An answer of 200 means that the event is in the database."""

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from time import monotonic
from typing import NoReturn

from flask import Blueprint, Flask, request
from limits import parse
from redis.exceptions import RedisError
from werkzeug.wsgi import get_input_stream

from manimod import jobs, logs
from manimod.errors import ManimodError
from manimod.extensions import connect_for_single_statements, csrf, limiter
from manimod.ingest import deliveries, events
from manimod.ingest.deliveries import CheckedDelivery, Delivery

PATH = "/webhooks/stripe/"
OUTCOME = "mani.outcome"  # of a delivery, in the environment of its request: Checked, or an exception
OK = b"ok\n"
ACKNOWLEDGED = [
    ("Content-Type", "text/plain; charset=utf-8"),
    ("Content-Length", str(len(OK))),
    ("X-Content-Type-Options", "nosniff"),
]
MAX_BODY_BYTES = 1024 * 1024
MAX_BATCH_SIZE = 50
MAX_ENQUEUE_DELAY_SECONDS = 0.05  # of the requests, while somebody waits at the desk
REJECTIONS_PER_ADDRESS = parse("1200 per minute")

blueprint = Blueprint("webhooks", __name__)


def register(app: Flask) -> None:
    app.extensions["desk"] = GroupCommit(app)
    app.wsgi_app = WebhookMiddleware(app.wsgi_app, app.extensions["desk"])


class WebhookMiddleware:
    """Before Flask stands the door for deliveries: what is stored is answered here, without anything that is for
    people. What is not goes on to Flask with what came of it, and everything else as it came.
    """

    def __init__(self, inside: Callable, desk: "GroupCommit") -> None:
        self._inside, self._desk = inside, desk

    def __call__(self, environ: dict, start_response: Callable) -> Iterable[bytes]:
        token = environ["PATH_INFO"].removeprefix(PATH)
        if environ["REQUEST_METHOD"] != "POST" or PATH + token != environ["PATH_INFO"] or "/" in token:
            return self._inside(environ, start_response)
        request_id = logs.begin()
        try:
            body = get_input_stream(environ, max_content_length=MAX_BODY_BYTES).read()
            signature = environ.get("HTTP_STRIPE_SIGNATURE")
            environ[OUTCOME] = checked = self._desk.submit(Delivery(token, body, signature), request_id)
        except Exception as error:
            environ[OUTCOME] = error
        else:
            if not checked.failure:
                start_response("200 OK", [*ACKNOWLEDGED, (logs.REQUEST_ID, request_id)])
                return [OK]
        return self._inside(environ, start_response)


@blueprint.post(f"{PATH}<token>")
@csrf.exempt
def stripe(token: str) -> NoReturn:
    """What the door did not answer."""
    outcome = request.environ[OUTCOME]
    raise outcome if isinstance(outcome, Exception) else _reject(token, outcome)


def _reject(token: str, checked: CheckedDelivery) -> ManimodError:
    """Noted so many times a minute at most: the address alone shall not keep the database writing.

    Only refusals are counted. What Stripe signed is never held up, whoever else knows the address.
    """
    if not checked.connection_id:
        return checked.failure
    if not _may_count(token):
        return ManimodError("TOO_MANY")
    with jobs.transaction():
        deliveries.count_rejected(checked.connection_id, checked.failure)
    return checked.failure


def _may_count(token: str) -> bool:
    try:
        return limiter.limiter.hit(REJECTIONS_PER_ADDRESS, "webhook", token)
    except RedisError:
        return True


@dataclass(eq=False)
class PendingDelivery:
    """A delivery at the desk, and what came of it."""

    delivery: Delivery
    request_id: str
    checked: CheckedDelivery | None = None
    error: Exception | None = None
    is_done: bool = False
    is_called: threading.Event = field(default_factory=threading.Event)


class GroupCommit:
    """Deliveries of one moment share a commit: the thread whose turn it is stores all that wait, its own among them.

    A delivery that comes alone is stored alone. Under load a commit takes as long for eight as for one. Jobs are
    enqueued less often too: while other deliveries wait, it is left to them.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._waiting: deque[PendingDelivery] = deque()
        self._is_busy = False
        self._bells: list[jobs.JobRequest] = []
        self._rung_at = 0.0

    def submit(self, delivery: Delivery, request_id: str) -> CheckedDelivery:
        """Returns once the delivery is committed or refused. Raises what the database raised."""
        mine = PendingDelivery(delivery, request_id)
        with self._lock:
            self._waiting.append(mine)
            must_wait, self._is_busy = self._is_busy, True
        if must_wait:
            mine.is_called.wait()
        if not mine.is_done:
            with self._app.app_context():
                self._store_those_who_wait()
        if mine.error:
            raise mine.error
        return mine.checked

    def _store_those_who_wait(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MAX_BATCH_SIZE))]
        try:
            with jobs.collect_requests(self._bells):
                _store_together(batch)
            _log_stored(batch)
        finally:
            self._call(batch)

    def _call(self, done: list[PendingDelivery]) -> None:
        """Those whose deliveries are done, and the one who is next at the desk."""
        for one in done:
            one.is_done = True
            one.is_called.set()
        try:
            self._ring()
        finally:
            with self._lock:
                self._is_busy = bool(self._waiting)
                if self._is_busy:
                    self._waiting[0].is_called.set()

    def _ring(self) -> None:
        if not self._waiting or monotonic() - self._rung_at > MAX_ENQUEUE_DELAY_SECONDS:
            requests, self._bells, self._rung_at = self._bells, [], monotonic()
            for bell in dict.fromkeys(requests):
                jobs.enqueue_now(*bell)


def _store_together(batch: list[PendingDelivery]) -> None:
    try:
        _store(batch)
    except Exception:
        for one in batch:  # so that nobody fails through another's delivery
            _store_alone(one)


def _store(batch: list[PendingDelivery]) -> None:
    with connect_for_single_statements() as database:
        checked = deliveries.receive(database, [one.delivery for one in batch])
    for one, result in zip(batch, checked, strict=True):
        one.checked = result


def _store_alone(one: PendingDelivery) -> None:
    try:
        _store([one])
    except Exception as error:
        one.error = error


def _log_stored(batch: list[PendingDelivery]) -> None:
    accepted = [one for one in batch if one.checked and not one.checked.failure]
    stored = [(one.checked.connection_id, one.checked.event, one.checked.is_new) for one in accepted]
    events.log_stored(stored, "webhook", [one.request_id for one in accepted])
