"""The ways on which news from Stripe reaches mani, which of them work now, and how quick each really is.

A webhook takes seconds, the event poll a minute, the sync an hour. What arrived lately tells which of them work.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import func, literal, select

from manimod.extensions import db
from manimod.models import Connection, Moment, StripeEvent
from manimod.models.accounts import now

MAX_EVENTS = 300  # the latest of both sources; one that brought none of them has not been heard lately
MAX_DELAYS = 100
MIN_EVENTS = 3  # a webhook works while it brings one of the latest three: the poll may win a race now and then
RECENT = timedelta(days=7)
OVERDUE = timedelta(minutes=3)


@dataclass(frozen=True)
class ReceivedEvent:
    """Something that was heard: on which source, when it happened by Stripe's clock, and when it came in."""

    source: str
    happened_at: datetime
    heard_at: datetime


@dataclass(frozen=True)
class SourceStatus:
    """One way: `webhook`, `poll` or `sync`. `is_ready`: set up and permitted; the rest is measured."""

    name: str
    is_ready: bool
    works: bool
    heard_at: datetime | None
    median_delay_seconds: float | None


@dataclass(frozen=True)
class WorkingSource:
    """The quickest source that works now (None: Stripe cannot be read), all of them, and what would bring a better one.

    `next_steps` are out of `add_webhook`, `await_webhook`, `check_webhook` and `allow_events`.
    """

    name: str | None
    sources: tuple[SourceStatus, ...]
    next_steps: tuple[str, ...]


def working_source(connection: Connection) -> WorkingSource:
    """Measured over the latest events and moments; two queries, however many there are."""
    events, found = _latest_events(connection), _found_by_sync(connection)
    counting = sorted(events + found, key=lambda news: news.heard_at, reverse=True)[:MIN_EVENTS]
    has_secret = connection.encrypted_signing_secret is not None
    may_poll = bool(connection.permissions.get("events"))
    is_readable = connection.last_error is None
    sources = (
        _source("webhook", has_secret, has_secret and any(news.source == "webhook" for news in counting), events),
        _source("poll", may_poll, may_poll and is_readable and _is_polled(connection), events),
        _source("sync", True, is_readable, found),
    )
    name = next((source.name for source in sources if source.works), None)
    return WorkingSource(name, sources, tuple(_next_steps(name, has_secret, may_poll, bool(counting))))


def _is_polled(connection: Connection) -> bool:
    """Whether a poll has succeeded lately; until the first one, whether it is not overdue."""
    at = connection.polled_at or connection.next_poll_at
    return at is not None and at > now() - OVERDUE


def events_of_the_other_mode(connection: Connection) -> int:
    """How many events of the last 7 days were ignored because their mode is not the key's."""
    query = select(func.count()).where(
        StripeEvent.connection_id == connection.id,
        StripeEvent.state == _literal("ignored"),
        StripeEvent.received_at > now() - RECENT,
        StripeEvent.livemode != connection.livemode,
    )
    return db.session.scalar(query)


def _latest_events(connection: Connection) -> list[ReceivedEvent]:
    """The latest events, the newest first, without those that were ignored."""
    query = (
        select(StripeEvent.source, StripeEvent.created_at, StripeEvent.received_at, StripeEvent.state)
        .where(StripeEvent.connection_id == connection.id)
        .order_by(StripeEvent.received_at.desc())
        .limit(MAX_EVENTS)
    )
    return [ReceivedEvent(*row[:3]) for row in db.session.execute(query) if row.state != "ignored"]


def _found_by_sync(connection: Connection) -> list[ReceivedEvent]:
    """The latest moments that nobody but the sync told, the newest first."""
    query = (
        select(Moment.occurred_at, Moment.detected_at)
        .where(Moment.connection_id == connection.id, Moment.source == _literal("sync"))
        .order_by(Moment.id.desc())
        .limit(MAX_DELAYS)
    )
    return [ReceivedEvent("sync", occurred, detected) for occurred, detected in db.session.execute(query)]


def _literal(value: str):
    """Written into the statement, so that either database sees that its partial index fits."""
    return literal(value, literal_execute=True)


def _source(name: str, is_ready: bool, works: bool, news: Iterable[ReceivedEvent]) -> SourceStatus:
    heard = [one for one in news if one.source == name][:MAX_DELAYS]
    delays = [(one.heard_at - one.happened_at).total_seconds() for one in heard]
    return SourceStatus(name, is_ready, works, heard[0].heard_at if heard else None, median(delays) if delays else None)


def _next_steps(working: str | None, has_secret: bool, may_poll: bool, was_heard: bool) -> Iterable[str]:
    if working == "webhook":
        return
    if not has_secret:
        yield "add_webhook"
    else:
        yield "check_webhook" if was_heard else "await_webhook"
    if not may_poll:
        yield "allow_events"
