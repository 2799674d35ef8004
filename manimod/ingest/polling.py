"""The event poll: where the key may read events, creatives arrive within a minute even without any webhook.

It reads from a cursor with an overlap, because Stripe lists an event a moment after its creation time; what it
reads goes through the same inbox, which keeps each event once.
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
from manimod.stripe import connections
from manimod.stripe.payloads import EVENT_TYPES

log = structlog.get_logger()

INTERVAL = timedelta(minutes=1)
OVERLAP_SECONDS = 120
MAX_AGE = timedelta(days=29)  # Stripe lists events of the last 30 days


def due() -> list[int]:
    """The connections whose events should be read now."""
    query = select(Connection.id).where(Connection.status == "connected", Connection.next_poll_at <= now())
    return list(db.session.scalars(query))


def run(connection_id: int) -> None:
    """Read what has happened since the last poll. Does nothing where another worker has just done so."""
    with jobs.transaction():
        connection = db.session.get(Connection, connection_id)
        if not _claim(connection):
            return
        gateway, since = connections.open_gateway(connection), _since(connection)
    try:
        newest = _read(connection_id, gateway, since)
    except ManimodError as failure:
        log.warning("poll_failed", connection=connection_id, code=failure.code)
        with jobs.transaction():
            _note_failure(db.session.get(Connection, connection_id), failure)
        return
    with jobs.transaction():
        _remember(connection_id, newest)


def _claim(connection: Connection | None) -> bool:
    if connection is None or not connection.is_connected or not connection.permissions.get("events"):
        return False
    if connection.next_poll_at is None or connection.next_poll_at > now():
        return False
    connection.next_poll_at = now() + INTERVAL
    return True


def _since(connection: Connection) -> int:
    """Unix seconds from which to read: never what happened before the connection."""
    furthest = max(connection.connected_at, now() - MAX_AGE)
    return max((connection.polled_until or 0) - OVERLAP_SECONDS, int(furthest.timestamp()))


def _read(connection_id: int, gateway, since: int) -> int | None:
    """Store every event from `since` on; the creation time of the newest."""
    newest, cursor, is_first = None, None, True
    while is_first or cursor:
        page = gateway.events(EVENT_TYPES, since, cursor)
        with jobs.transaction():
            connection = db.session.get(Connection, connection_id)
            if not connection.is_connected:
                return None
            repeated = events.store([(connection_id, event) for event in reversed(page.rows)], "poll")
        known = {event_id for _, event_id in repeated}
        events.log_stored([(connection_id, event, event.facts.id not in known) for event in page.rows], "poll")
        newest = max([event.facts.created for event in page.rows], default=newest) if is_first else newest
        cursor, is_first = page.next_cursor, False
    return newest


def _note_failure(connection: Connection, failure: ManimodError) -> None:
    """Reading events is optional: without the permission the poll ends, until a sync finds that it is back."""
    if failure.code == "STRIPE_PERMISSION_MISSING":
        connection.permissions = connection.permissions | {"events": False}
        connection.next_poll_at = None
    else:
        connections.record_error(connection, failure)


def _remember(connection_id: int, newest: int | None) -> None:
    connection = db.session.get(Connection, connection_id)
    if newest is not None and connection.is_connected:
        connection.polled_until = max(newest, connection.polled_until or 0)
    connection.polled_at = now()
    connections.record_error(connection, None)
