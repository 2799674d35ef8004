"""The event poll: where the key may read events, creatives arrive within a minute even without a webhook.

Each poll reads from a cursor with an overlap, because Stripe lists an event a moment after its creation time. Events
go through the same inbox as the webhook's, which keeps each of them once.
"""

from datetime import timedelta

import structlog
from sqlalchemy import select

from manimod import jobs
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.ingest import events
from manimod.models import Connection
from manimod.models.accounts import now
from manimod.models.states import Source
from manimod.stripe import connections
from manimod.stripe.gateway import StripeGateway
from manimod.stripe.payloads import EVENT_TYPES

log = structlog.get_logger()

INTERVAL = timedelta(minutes=1)
OVERLAP_SECONDS = 120
MAX_AGE = timedelta(days=29)  # Stripe lists events of the last 30 days


def due() -> list[int]:
    """The connections whose events should be read now."""
    return list(db.session.scalars(select(Connection.id).where(Connection.next_poll_at <= now())))


def run(connection_id: int) -> None:
    """Read what has happened since the last poll. Does nothing where another worker has just done so."""
    with jobs.transaction():
        connection = connections.lock(connection_id)
        if connection is None or connection.next_poll_at is None or connection.next_poll_at > now():
            return
        connection.next_poll_at = now() + INTERVAL
        gateway = connections.open_gateway(connection)
        # Never what happened before the connection.
        furthest = max(connection.connected_at, now() - MAX_AGE)
        since = max((connection.polled_until or 0) - OVERLAP_SECONDS, int(furthest.timestamp()))
    newest, failure = since, None
    try:
        newest = _read(connection_id, gateway, since)
    except ManimodError as error:
        failure = error
        log.warning("poll_failed", connection=connection_id, code=failure.code)
    with jobs.transaction():
        connection = connections.lock(connection_id)
        if connection is None:
            return
        if failure is None:
            connection.polled_until = max(newest, connection.polled_until or 0)
            connection.polled_at = now()
        if failure and failure.code == "STRIPE_PERMISSION_MISSING":
            # Reading events is optional: the poll ends, until a sync finds that the permission is back.
            connection.permissions = connection.permissions | {"events": False}
            connection.next_poll_at = None
        else:
            connections.record_error(connection, failure)


def _read(connection_id: int, gateway: StripeGateway, since: int) -> int:
    """Store every event from `since` on. Returns the creation time of the newest, Unix seconds."""
    newest, cursor = since, ""
    while cursor is not None:
        page = gateway.events(EVENT_TYPES, since, cursor or None)
        arrived = [(connection_id, event) for event in reversed(page.rows)]
        with jobs.transaction():
            if connections.lock(connection_id) is None:
                break
            are_new = events.store(arrived, Source.POLL)
        for (_, event), is_new in zip(arrived, are_new, strict=True):
            events.log_stored(connection_id, event, Source.POLL, is_new)
            newest = max(newest, event.facts.created)
        cursor = page.next_cursor
    return newest
