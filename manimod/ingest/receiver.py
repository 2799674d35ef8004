"""The webhook: a small Flask app of its own, where Stripe delivers. 200 means that the event is in the database."""

import re
import traceback
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import structlog
from flask import Flask, Response, g, request
from flask.typing import ResponseReturnValue
from limits import parse
from redis.exceptions import RedisError
from sqlalchemy import Row, bindparam, select
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from manimod import jobs
from manimod.errors import ManimodError
from manimod.extensions import begin_request, db, limiter
from manimod.ingest import events
from manimod.ingest.events import DATABASE_ERRORS
from manimod.ingest.group_commit import GroupCommit
from manimod.models import Connection, RejectedDelivery
from manimod.models.accounts import now
from manimod.models.bulk import upsert
from manimod.models.states import ConnectionStatus, Source
from manimod.stripe import connections
from manimod.stripe.gateway import verify
from manimod.stripe.payloads import MinimisedEvent

log = structlog.get_logger()

MAX_BODY_BYTES = 1024 * 1024
MAX_SKEW_SECONDS = 2**31 - 1  # as the column holds it; a signature without a time is off by decades
CHECKED_AGAIN_AFTER = 30  # seconds, where deliveries are rejected
REJECTIONS_PER_ADDRESS = parse("1200 per minute")
# Built once: every event passes here. The lock makes a disconnect wait until the events are committed.
RECIPIENTS = (
    select(
        Connection.id,
        Connection.webhook_token,
        Connection.status,
        Connection.encrypted_signing_secret,
        Connection.encrypted_old_signing_secret,
    )
    .where(Connection.webhook_token.in_(bindparam("tokens", expanding=True)))
    .with_for_update(read=True, key_share=True)
)
# As owners paste it: with a slash too many, or in another case. The token has its own case.
ADDRESS = re.compile(r"/+webhooks/+stripe/+([^/]+)/*", re.IGNORECASE)
HTTP_ERRORS = {404: "NOT_FOUND", 405: "METHOD", 413: "TOO_LARGE"}


def mount_receiver(app: Flask) -> WSGIApplication:
    """The application with its webhook. No delivery is lost to a slip in the pasted address."""
    dispatcher = DispatcherMiddleware(app.wsgi_app, {"/webhooks": create_receiver(app)})

    def route(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if found := ADDRESS.fullmatch(environ.get("PATH_INFO", "")):
            environ["PATH_INFO"] = f"/webhooks/stripe/{found[1]}"
        return dispatcher(environ, start_response)

    return route


def create_receiver(app: Flask) -> Flask:
    """To mount at /webhooks: no sessions, CSRF, limiter, or headers for people. It uses `app`'s database."""
    receiver = Flask(__name__, static_folder=None)
    receiver.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    receiver.before_request(begin_request)
    receiver.after_request(_finish_response)
    receiver.register_error_handler(ManimodError, _respond)
    receiver.register_error_handler(HTTPException, _on_http_error)
    for error in DATABASE_ERRORS:
        receiver.register_error_handler(error, _on_database_error)
    receiver.register_error_handler(Exception, _on_unexpected_error)

    def store(deliveries: list[Delivery]) -> None:
        with app.app_context():
            receive(deliveries)

    group_commit = GroupCommit(store)

    @receiver.post("/stripe/<token>")
    def stripe(token: str) -> ResponseReturnValue:
        delivery = Delivery(token, request.get_data(), request.headers.get("Stripe-Signature"))
        group_commit.submit(delivery)
        if delivery.failure:
            with app.app_context():
                _count_rejected(delivery)
            raise delivery.failure
        events.log_stored(delivery.connection_id, delivery.event, Source.WEBHOOK, delivery.is_new)
        return "ok\n", {"Content-Type": "text/plain; charset=utf-8"}

    return receiver


@dataclass
class Delivery:
    """A request to the webhook, and what became of it: its event is stored, or `failure` says why it is rejected.

    `connection_id` is None where the token is nobody's, or the account has disconnected.
    """

    token: str
    body: bytes
    signature: str | None
    connection_id: int | None = None
    event: MinimisedEvent | None = None
    is_new: bool = False
    failure: ManimodError | None = None


def receive(deliveries: list[Delivery]) -> None:
    """Check deliveries and store their events, in one transaction."""
    tokens = list({delivery.token for delivery in deliveries})
    with jobs.transaction():
        found = db.session.connection().execute(RECIPIENTS, {"tokens": tokens})
        recipients = {row.webhook_token: row for row in found}
        accepted = []
        for delivery in deliveries:
            try:
                _verify(delivery, recipients.get(delivery.token))
                accepted.append(delivery)
            except ManimodError as failure:
                delivery.failure = failure
        are_new = events.store([(delivery.connection_id, delivery.event) for delivery in accepted], Source.WEBHOOK)
        for delivery, delivery.is_new in zip(accepted, are_new, strict=True):
            if not delivery.is_new:
                events.count_repeat(delivery.connection_id, delivery.event.facts)


def _verify(delivery: Delivery, recipient: Row | None) -> None:
    if recipient is None:
        raise ManimodError("WEBHOOK_UNKNOWN")
    if recipient.status != ConnectionStatus.CONNECTED:
        raise ManimodError("WEBHOOK_DISCONNECTED")
    delivery.connection_id = recipient.id
    delivery.event = verify(delivery.body, delivery.signature, connections.signing_secrets(recipient))


def _count_rejected(delivery: Delivery) -> None:
    """Rate-limited, so that knowing the address is not enough to fill the database. Raises TOO_MANY.

    What Stripe signed is never held up, whoever else knows the address.
    """
    if delivery.connection_id is None:
        return
    try:
        may_count = limiter.limiter.hit(REJECTIONS_PER_ADDRESS, "webhook", delivery.token)
    except RedisError:
        may_count = True
    if not may_count:
        raise ManimodError("TOO_MANY")
    with jobs.transaction():
        count_rejected(delivery.connection_id, delivery.failure)
        with suppress(RedisError):  # support and the owner see it at once, whatever a flood brings
            if jobs.begin_pause(f"mani:rejected:{delivery.connection_id}", CHECKED_AGAIN_AFTER):
                account = select(Connection.account_id).where(Connection.id == delivery.connection_id)
                jobs.enqueue("check_health", db.session.scalar(account))


def count_rejected(connection_id: int, failure: ManimodError) -> None:
    """For troubleshooting: one row per hour and reason, however many deliveries were rejected."""
    skew = failure.slots.get("skew")
    row = {
        "connection_id": connection_id,
        "code": failure.code,
        "hour": now().replace(minute=0, second=0, microsecond=0),
        "count": 1,
        "last_at": now(),
        "clock_skew_seconds": None if skew is None else max(-MAX_SKEW_SECONDS, min(skew, MAX_SKEW_SECONDS)),
    }
    upsert(RejectedDelivery, [row], ("connection_id", "hour", "code"), add=("count",))


def _on_http_error(error: HTTPException) -> Response:
    response = _respond(ManimodError(HTTP_ERRORS.get(error.code, "MALFORMED")))
    response.status_code = error.code
    for name, value in error.get_headers(request.environ):
        if name == "Allow":
            response.headers[name] = value
    return response


def _on_database_error(_error: Exception) -> Response:
    return _respond(ManimodError("WEBHOOK_NOT_STORED"))


def _on_unexpected_error(error: Exception) -> Response:
    """The log gets the place, never the error's own text, which may quote what was sent."""
    frames = traceback.extract_tb(error.__traceback__)
    place = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
    log.error("unexpected_error", error=type(error).__name__, endpoint=request.endpoint, place=place)
    return _respond(ManimodError("INTERNAL"))


def _respond(failure: ManimodError) -> Response:
    return Response(f"{failure}\n", failure.status, {"X-Error-Code": failure.code}, mimetype="text/plain")


def _finish_response(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.request_id
    response.headers["X-Content-Type-Options"] = "nosniff"
    if response.status_code != 200:  # an accepted delivery has its line, event_stored
        log.info("request", method=request.method, endpoint=request.endpoint, status=response.status_code)
    return response
