"""Deletes what is older than RETENTION_DAYS: processed events, invoices, and moments that nothing can report again.

Stripe lists and resends events for 30 days, so an older one never comes back. The sync compares a subscription's
present period and latest invoice only: of its renewals and failures the newest stays, those before may go. What happens
once in a life (new customer, cancelled) stays. See docs/decisions/0012.
"""

from datetime import timedelta

import structlog
from sqlalchemy import delete, exists, select
from sqlalchemy.orm import aliased

from manimod import jobs
from manimod.config import settings
from manimod.extensions import db
from manimod.lifecycle import KINDS
from manimod.models import Connection, Invoice, Moment, StripeEvent, SyncRun
from manimod.models.accounts import now
from manimod.models.states import EventState, MomentState

log = structlog.get_logger()

BATCH_SIZE = 1000  # rows in one transaction: some milliseconds of locks
INTERVAL_SECONDS = 3600
MAX_SINCE_SYNC = timedelta(days=2)  # the slowest takes a day
REPEATING = [kind for kind, about in KINDS.items() if about.repeats]
DECIDED = (MomentState.GENERATED, MomentState.WITHDRAWN, MomentState.SKIPPED)


def due() -> list[int]:
    """Every connection, once an hour."""
    if not jobs.begin_pause("mani:pruned", INTERVAL_SECONDS):
        return []
    return list(db.session.scalars(select(Connection.id)))


def prune(connection_id: int) -> bool:
    """Delete one batch of each table; True where there may be more."""
    # A clock that is far ahead deletes little too early: Stripe's, at the latest sync, is the limit.
    listed = select(SyncRun.listed_at).join(Connection).where(Connection.id == connection_id, Connection.may_be_read())
    latest = listed.where(SyncRun.listed_at.is_not(None)).order_by(SyncRun.id.desc()).limit(1)
    limit = (db.session.scalar(latest) or now()) + MAX_SINCE_SYNC
    oldest = min(now(), limit) - timedelta(days=settings().retention_days)
    events = select(StripeEvent.id).where(
        StripeEvent.connection_id == connection_id,
        StripeEvent.received_at < oldest,
        StripeEvent.state != EventState.PENDING,
    )
    invoices = select(Invoice.id).where(Invoice.connection_id == connection_id, Invoice.observed_at < oldest)
    later = aliased(Moment)
    has_later = exists().where(
        later.connection_id == Moment.connection_id,
        later.stripe_customer_id == Moment.stripe_customer_id,
        later.stripe_subscription_id == Moment.stripe_subscription_id,
        later.kind.in_(REPEATING),
        later.occurred_at > Moment.occurred_at,
    )
    moments = select(Moment.id).where(
        Moment.connection_id == connection_id,
        Moment.occurred_at < oldest,
        Moment.detected_at < oldest,
        Moment.kind.in_(REPEATING),
        Moment.state.in_(DECIDED),
        has_later,
    )
    deleted = 0
    with jobs.transaction():
        for model, old in ((StripeEvent, events), (Invoice, invoices), (Moment, moments)):
            query = delete(model).where(model.id.in_(old.limit(BATCH_SIZE)))
            deleted += db.session.execute(query, execution_options={"synchronize_session": False}).rowcount
    if deleted:
        log.info("pruned", connection=connection_id, rows=deleted)
    return deleted > 0
