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

EVENTS_LOOKED_AT = 300  # the latest of both paths; one that brought none of them has not been heard lately
MEASURED = 100
NEWS_THAT_COUNTS = 3  # a webhook works while it brings one of the latest three: the poll may win a race now and then
RECENT = timedelta(days=7)
OVERDUE = timedelta(minutes=3)


@dataclass(frozen=True)
class News:
    """Something that was heard: on which path, when it happened by Stripe's clock, and when it came in."""

    path: str
    happened_at: datetime
    heard_at: datetime


@dataclass(frozen=True)
class Path:
    """One way: `webhook`, `poll` or `sync`. `is_ready`: set up and permitted; the rest is measured."""

    name: str
    is_ready: bool
    works: bool
    heard_at: datetime | None
    median_delay_seconds: float | None


@dataclass(frozen=True)
class WorkingPath:
    """The quickest path that works now (None: Stripe cannot be read), all of them, and what would bring a better one.

    `next_steps` are out of `add_webhook`, `await_webhook`, `check_webhook` and `allow_events`.
    """

    name: str | None
    paths: tuple[Path, ...]
    next_steps: tuple[str, ...]


def working_path(connection: Connection) -> WorkingPath:
    """Measured over the latest events and moments; two queries, however many there are."""
    events, found = _latest_events(connection), _found_by_sync(connection)
    counting = sorted(events + found, key=lambda news: news.heard_at, reverse=True)[:NEWS_THAT_COUNTS]
    has_secret = connection.sealed_signing_secret is not None
    may_poll = bool(connection.permissions.get("events"))
    is_readable = connection.trouble is None
    paths = (
        _path("webhook", has_secret, has_secret and any(news.path == "webhook" for news in counting), events),
        _path("poll", may_poll, may_poll and is_readable and _is_polled(connection), events),
        _path("sync", True, is_readable, found),
    )
    name = next((path.name for path in paths if path.works), None)
    return WorkingPath(name, paths, tuple(_next_steps(name, has_secret, may_poll, bool(counting))))


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


def _latest_events(connection: Connection) -> list[News]:
    """The latest events, the newest first, without those that were ignored."""
    query = (
        select(StripeEvent.path, StripeEvent.created_at, StripeEvent.received_at, StripeEvent.state)
        .where(StripeEvent.connection_id == connection.id)
        .order_by(StripeEvent.received_at.desc())
        .limit(EVENTS_LOOKED_AT)
    )
    return [News(*row[:3]) for row in db.session.execute(query) if row.state != "ignored"]


def _found_by_sync(connection: Connection) -> list[News]:
    """The latest moments that nobody but the sync told, the newest first."""
    query = (
        select(Moment.occurred_at, Moment.detected_at)
        .where(Moment.connection_id == connection.id, Moment.path == _literal("sync"))
        .order_by(Moment.id.desc())
        .limit(MEASURED)
    )
    return [News("sync", occurred, detected) for occurred, detected in db.session.execute(query)]


def _literal(value: str):
    """Written into the statement, so that either database sees that its partial index fits."""
    return literal(value, literal_execute=True)


def _path(name: str, is_ready: bool, works: bool, news: Iterable[News]) -> Path:
    heard = [one for one in news if one.path == name][:MEASURED]
    delays = [(one.heard_at - one.happened_at).total_seconds() for one in heard]
    return Path(name, is_ready, works, heard[0].heard_at if heard else None, median(delays) if delays else None)


def _next_steps(working: str | None, has_secret: bool, may_poll: bool, was_heard: bool) -> Iterable[str]:
    if working == "webhook":
        return
    if not has_secret:
        yield "add_webhook"
    else:
        yield "check_webhook" if was_heard else "await_webhook"
    if not may_poll:
        yield "allow_events"
