"""The poll: mani asks Stripe what is new where no webhook says so, at the pace of the account (customers/pace.py).

Where the key may read events, it reads them from a cursor with an overlap, because Stripe lists an event a moment after
its creation time. They go through the same inbox as the webhook's, which keeps each of them once. With any other key it
asks Stripe's lists, see recent.py.
"""

import random
from datetime import timedelta

import structlog
from sqlalchemy import and_, or_, select

from manimod import jobs
from manimod.customers import pace
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.ingest import events, recent
from manimod.models import Connection
from manimod.models.accounts import now
from manimod.models.states import Source
from manimod.stripe import connections, paginator
from manimod.stripe.gateway import StripeGateway
from manimod.stripe.payloads import EVENT_TYPES

log = structlog.get_logger()

OVERLAP_SECONDS = 120
MAX_AGE = timedelta(days=29)  # Stripe lists events of the last 30 days
MAX_PAUSE = timedelta(hours=1)  # after Stripe has said that it is asked too often


def due() -> set[int]:
    """The connections that should be polled now."""
    earlier = pace.MINUTE - pace.WATCHED_POLL[False]
    is_watched = and_(
        Connection.id.in_(pace.watched_connections()),
        Connection.livemode.is_(False),
        Connection.next_poll_at <= now() + earlier,
    )
    is_due = or_(pace.is_due(Connection.next_poll_at), is_watched)
    return set(db.session.scalars(select(Connection.id).where(is_due, Connection.may_be_read())))


def run(connection_id: int) -> None:
    """Read what has happened since the last poll. Does nothing where another worker has just done so."""
    with jobs.transaction():
        connection = connections.lock(connection_id)
        if connection is None or connection_id not in due():
            return
        is_watched = connection.livemode and connection_id in pace.watched_connections()
        interval = pace.get_pace(connection).poll(is_watched)
        pace.plan(connection, next_poll_at=now() + interval)
        reads_events = bool(connection.permissions.get("events"))
        if not reads_events and not recent.is_needed(connection):
            return
        gateway = connections.open_gateway(connection)
        # Never what happened before the connection.
        furthest = max(connection.connected_at, now() - MAX_AGE)
        since = max((connection.polled_until or 0) - OVERLAP_SECONDS, int(furthest.timestamp()))
    newest, progress, failure = 0, None, None
    try:
        if reads_events:
            newest = _read(connection_id, gateway, since)
        else:
            progress = recent.look(connection_id, gateway)
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
            connection.poll_progress = progress or {}
        elif failure.code in ("STRIPE_RATE_LIMITED", "STRIPE_LIST_ENDLESS"):
            # The pause doubles until Stripe answers well, and differs between accounts: they don't come together.
            pause = 2 * max(connection.poll_progress.get("pause", 0), interval.total_seconds())
            pause = min(pause, MAX_PAUSE.total_seconds())
            connection.poll_progress = connection.poll_progress | {"pause": pause}
            pause *= random.uniform(1, 1.25)  # noqa: S311
            pace.plan(connection, next_poll_at=now() + timedelta(seconds=pause))
        if failure and reads_events and failure.code == "STRIPE_PERMISSION_MISSING":
            # Reading events is optional: the next poll asks the lists, until the permission is back.
            connection.permissions = connection.permissions | {"events": False}
        elif reads_events:
            connections.record_event_poll(connection, failure)
        else:
            connections.record_error(connection, failure)


def _read(connection_id: int, gateway: StripeGateway, since: int) -> int:
    """Store every event from `since` on. Returns the creation time of the newest, Unix seconds; 0 without any."""
    newest, cursor, checkpoint = 0, "", {}
    while cursor is not None:
        page = gateway.events(EVENT_TYPES, since, cursor or None)
        arrived = [(connection_id, event) for event in reversed(page.rows)]
        with jobs.transaction():
            if connections.lock(connection_id) is None:
                break
            are_new = events.store(arrived, Source.POLL)
        for (_, event), is_new in zip(arrived, are_new, strict=True):
            events.log_stored(connection_id, event, Source.POLL, is_new)
            newest = max(newest, min(event.facts.created, int(page.asked_at.timestamp())))
        cursor = page.next_cursor
        if paginator.goes_round(checkpoint, cursor):
            raise ManimodError("STRIPE_LIST_ENDLESS")
    return newest
