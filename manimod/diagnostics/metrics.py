"""The installation in figures, for monitoring. Each query is bounded however many rows there are, and names nobody."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, literal, select, text

from manimod.creatives import review
from manimod.extensions import UtcDateTime, db
from manimod.models import Account, Connection, Creative, Health, Moment, StripeEvent, SyncRun
from manimod.models.accounts import now

MAX_COUNTED = 100_000  # a backlog is counted up to here
LATEST_MOMENTS, LATEST_CREATIVES, LATEST_RUNS = 10_000, 1_000, 200


@dataclass(frozen=True)
class Backlog:
    """Events that are stored and not yet processed: how many, at most COUNTED, and when the first came in."""

    depth: int
    oldest_at: datetime | None


def backlog() -> Backlog:
    is_pending = StripeEvent.state == _literal("pending")
    some = select(literal(1)).select_from(StripeEvent).where(is_pending).limit(MAX_COUNTED).subquery()
    # The first of each connection: a step into the index for each, instead of a walk through all rows.
    first = select(StripeEvent.received_at).where(is_pending, StripeEvent.connection_id == Connection.id)
    first = first.order_by(StripeEvent.id).limit(1).correlate(Connection).scalar_subquery()
    oldest = select(func.min(first, type_=UtcDateTime)).select_from(Connection)
    return Backlog(db.session.scalar(select(func.count()).select_from(some)), db.session.scalar(oldest))


def failed_events() -> int:
    """Events that failed five times and wait for a replay."""
    query = select(func.count()).select_from(StripeEvent)
    return db.session.scalar(query.where(StripeEvent.state == _literal("failed")))


def open_moments() -> dict[str, int]:
    """Moments that are still to become creatives, by state. The conditions are those of the partial indexes."""
    found = dict.fromkeys(("waiting", "ready", "blocked"), 0)
    for condition in ("state IN ('waiting', 'ready')", "state = 'blocked'"):
        found |= dict(
            db.session.execute(select(Moment.state, func.count()).where(text(condition)).group_by(Moment.state)).all()
        )
    return found


def latest_moments() -> dict[str, int]:
    """The latest 10,000 moments by state: what becomes of them."""
    newest = db.session.scalar(select(func.max(Moment.id))) or 0
    query = select(Moment.state, func.count()).where(Moment.id > newest - LATEST_MOMENTS).group_by(Moment.state)
    return dict(db.session.execute(query).all())


def creatives_waiting() -> int:
    """In all review queues, each counted as far as its owner sees it counted."""
    waiting = select(literal(1)).where(Creative.account_id == Account.id, Creative.status == "waiting")
    some = waiting.correlate(Account).limit(review.MAX_COUNTED).subquery()
    of_each = select(func.count()).select_from(some).scalar_subquery()
    return db.session.scalar(select(func.sum(of_each)).select_from(Account)) or 0


def slowest_event_to_queue() -> float | None:
    """Seconds from Stripe's event to the queue, the most of a day; None where no creative was made."""
    query = select(Creative.occurred_at, Creative.generated_at).order_by(Creative.id.desc()).limit(LATEST_CREATIVES)
    since = now() - timedelta(days=1)
    delays = [(made - happened).total_seconds() for happened, made in db.session.execute(query) if made > since]
    return max(delays, default=None)


def connection_counts() -> dict[tuple[str, str], int]:
    """Connections by status and trouble ("" without)."""
    trouble = func.coalesce(Connection.last_error, "")
    query = select(Connection.status, trouble, func.count()).group_by(Connection.status, trouble)
    return {(status, code): count for status, code, count in db.session.execute(query)}


def accounts_by_health() -> dict[str, int]:
    return dict(db.session.execute(select(Health.outcome, func.count()).group_by(Health.outcome)).all())


def last_sync_at() -> datetime | None:
    """When a sync was completed last, whosever it was."""
    query = select(SyncRun.state, SyncRun.finished_at).order_by(SyncRun.id.desc()).limit(LATEST_RUNS)
    return max((finished for state, finished in db.session.execute(query) if state == "done"), default=None)


def _literal(value: str):
    """Written into the statement, so that either database sees that its partial index fits."""
    return literal(value, literal_execute=True)
