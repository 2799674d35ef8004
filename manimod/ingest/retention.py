"""Deletes what is older than RETENTION_DAYS: processed events, invoices, and moments that nothing can report again.
Files of exports go after a day, the pictures that were drawn for them after a week without an export.

Stripe lists and resends events for 30 days, so an older one never comes back. The sync compares a subscription's
present period and latest invoice only: of its renewals and failures the newest stays, those before may go. What happens
once in a life (new customer, cancelled) stays. See docs/decisions/0012.
"""

from datetime import timedelta

import structlog
from sqlalchemy import delete, exists, select, tuple_
from sqlalchemy.orm import aliased

from manimod import jobs
from manimod.config import settings
from manimod.extensions import db
from manimod.lifecycle import KINDS
from manimod.models import (
    Connection,
    Creative,
    DrawnPictures,
    Export,
    Invoice,
    Moment,
    StripeEvent,
    SyncRun,
)
from manimod.models.accounts import now
from manimod.models.states import EventState, MomentState

log = structlog.get_logger()

BATCH_SIZE = 1000  # rows in one transaction: some milliseconds of locks
INTERVAL_SECONDS = 3600
MAX_SINCE_SYNC = timedelta(days=2)  # the slowest takes a day
EXPORTS_LAST = timedelta(days=1)
PICTURES_LAST = timedelta(days=7)  # since the last export that used them
PICTURES_BATCH = 20  # creatives, with a megabyte or two each
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
        deleted += _delete_exports(connection_id)
    if deleted:
        log.info("pruned", connection=connection_id, rows=deleted)
    return deleted > 0


def _delete_exports(connection_id: int) -> int:
    account = select(Connection.account_id).where(Connection.id == connection_id).scalar_subquery()
    is_old = Export.created_at < now() - EXPORTS_LAST, Export.account_id == account
    theirs = select(Creative.id).where(Creative.account_id == account)
    unused = select(DrawnPictures.creative_id, DrawnPictures.version).where(
        DrawnPictures.used_at < now() - PICTURES_LAST, DrawnPictures.creative_id.in_(theirs)
    )
    drawn = tuple_(DrawnPictures.creative_id, DrawnPictures.version).in_(unused.limit(PICTURES_BATCH))
    queries = delete(Export).where(*is_old), delete(DrawnPictures).where(drawn)
    return sum(
        db.session.execute(query, execution_options={"synchronize_session": False}).rowcount for query in queries
    )
