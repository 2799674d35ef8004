"""What goes after RETENTION_DAYS: events that were processed, and moments that nothing can tell again.

Stripe lists and resends events for 30 days, so an older one is never met again. The sync tells a subscription's present
period and its latest invoice only: of its renewals and failures the newest stays, the ones before may go. What happens
once in a life (new customer, cancelled) stays as long as the mirror. See docs/decisions/0012.
"""

from datetime import datetime, timedelta
from time import monotonic

import structlog
from sqlalchemy import delete, exists, or_, select
from sqlalchemy.orm import aliased

from manimod import jobs
from manimod.config import settings
from manimod.extensions import db
from manimod.lifecycle import KINDS
from manimod.models import Connection, Moment, StripeEvent
from manimod.models.accounts import now

log = structlog.get_logger()

BATCH_SIZE = 1000  # rows of a transaction: some milliseconds of locks
MAX_SECONDS = 10
EVERY_SECONDS = 3600
REPEATING = [kind for kind, about in KINDS.items() if about.repeats]
DECIDED = ("generated", "withdrawn", "skipped")


def due() -> list[int]:
    """The connections to look through, once an hour. Redis remembers when; if it forgets, one hour has two looks."""
    if not jobs.once_per("prune", EVERY_SECONDS):
        return []
    old = exists().where(StripeEvent.connection_id == Connection.id, StripeEvent.received_at < _oldest_kept())
    renewed = exists().where(Moment.connection_id == Connection.id, Moment.occurred_at < _oldest_kept())
    return list(db.session.scalars(select(Connection.id).where(or_(old, renewed))))


def prune(connection_id: int) -> bool:
    """Delete what is over, in small transactions, for one turn; True where there may be more."""
    turn_ends, deleted, may_be_more = monotonic() + MAX_SECONDS, 0, True
    while may_be_more and monotonic() < turn_ends:
        with jobs.transaction():
            gone = _delete(StripeEvent, _old_events(connection_id)) + _delete(Moment, _old_moments(connection_id))
        deleted += gone
        may_be_more = gone > 0
    if deleted:
        log.info("pruned", connection=connection_id, rows=deleted)
    return may_be_more


def _oldest_kept() -> datetime:
    return now() - timedelta(days=settings().retention_days)


def _old_events(connection_id: int):
    """Everything but what still waits to be processed."""
    return (
        select(StripeEvent.id)
        .where(
            StripeEvent.connection_id == connection_id,
            StripeEvent.received_at < _oldest_kept(),
            StripeEvent.state != "pending",
        )
        .limit(BATCH_SIZE)
    )


def _old_moments(connection_id: int):
    later = aliased(Moment)
    has_later = exists().where(
        later.connection_id == Moment.connection_id,
        later.stripe_customer_id == Moment.stripe_customer_id,
        later.stripe_subscription_id == Moment.stripe_subscription_id,
        later.kind.in_(REPEATING),
        later.occurred_at > Moment.occurred_at,
    )
    return (
        select(Moment.id)
        .where(
            Moment.connection_id == connection_id,
            Moment.occurred_at < _oldest_kept(),
            Moment.detected_at < _oldest_kept(),
            Moment.kind.in_(REPEATING),
            Moment.state.in_(DECIDED),
            has_later,
        )
        .limit(BATCH_SIZE)
    )


def _delete(model: type, which) -> int:
    ids = list(db.session.scalars(which))
    if ids:
        db.session.execute(delete(model).where(model.id.in_(ids)), execution_options={"synchronize_session": False})
    return len(ids)
