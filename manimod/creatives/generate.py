"""Ready moments become creatives: the moments of one target audience share one creative in the review queue.

Most moments are attached to the open creative of their audience, all in one transaction. Each new creative has a
transaction of its own. Writing takes place before it, because a language model takes its time; the transaction holds
the connection's lock and looks once more whether the moments are still ready and an open creative has appeared.
"""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

import structlog
from redis.exceptions import LockError
from redis.lock import Lock
from sqlalchemy import Row, bindparam, func, select, update

from manimod import jobs
from manimod.config import settings
from manimod.creatives import briefs
from manimod.creatives.engine import llm
from manimod.creatives.engine.brief import Brief, CreativeSet
from manimod.creatives.engine.copy import copywriter
from manimod.customers import tiers
from manimod.extensions import db
from manimod.lifecycle import KINDS, Segment, TierPosition
from manimod.models import (
    OPEN_MOMENTS,
    Connection,
    Creative,
    Customer,
    Moment,
    Review,
    Subscription,
    SyncRun,
    Tier,
)
from manimod.models.accounts import now
from manimod.models.states import CreativeStatus, GenericReason, MomentState, ReviewAction, SyncState
from manimod.moments import record
from manimod.stripe import connections

log = structlog.get_logger()

BATCH_SIZE = 2000  # moments that are sorted into audiences at once
MAX_SECONDS = 5  # after which other accounts get their turn
MODEL_LOCK_TIMEOUT = 60  # seconds; longer than MAX_SECONDS and the slowest answer of a model
REFRESH_AFTER = timedelta(days=14)  # how long further moments are attached to a creative before a new one is written
# Before the sync has ranked a customer, the position of their tier stands in for the segment.
SEGMENT_BY_POSITION = {
    TierPosition.ENTRY: Segment.LOW,
    TierPosition.MIDDLE: Segment.CORE,
    TierPosition.SINGLE: Segment.CORE,
    TierPosition.TOP: Segment.HIGH,
}


@dataclass(frozen=True)
class TargetAudience:
    """Whom one creative addresses."""

    event: str
    tier: str | None
    segment: str | None
    is_test: bool
    product: str | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """What its creatives have in common."""
        return {"event": self.event, "tier": self.tier, "segment": self.segment, "is_test": self.is_test}


def generate(connection_id: int) -> bool:
    """Write the creatives of a connection's ready moments; True if there may be more."""
    with suppress(LockError), model_lock(connection_id) if settings().llm else nullcontext():
        turn_ends = monotonic() + MAX_SECONDS
        with jobs.transaction():
            connection = connections.lock(connection_id)
            if connection is None or not connection.account.may_connect_stripe:
                return False
            record.mark_ready(connection_id)
            audiences = _group_by_audience(connection)
            without_creative = _attach_to_open(connection, audiences)
            # Read once a turn: it takes all open sets. Each new set adds its own phrases.
            history = {}
            if without_creative:
                history = briefs.get_history(connection.account, is_test=not connection.livemode)
        failed = False
        for audience, moments in without_creative.items():
            if monotonic() > turn_ends:
                return True
            try:
                _write(connection_id, audience, moments, history)
            except Exception:  # the moments stay ready; the audiences behind must not wait until this one is mended
                db.session.rollback()
                ids = [moment.id for moment in moments]
                log.exception("audience_failed", connection=connection_id, kind=audience.event, moments=ids)
                failed = True
        return not failed and sum(map(len, audiences.values())) == BATCH_SIZE
    return False


def model_lock(connection_id: int) -> Lock:
    """With a language model, one worker is enough to wait for it; the others serve other accounts.

    Entering it raises LockError where another worker has it.
    """
    return jobs.redis().lock(f"mani:generate:{connection_id}", timeout=MODEL_LOCK_TIMEOUT, blocking=False)


def _group_by_audience(connection: Connection) -> dict[TargetAudience, list[Row]]:
    """The ready moments by their audience, oldest first."""
    products = select(Subscription.stripe_product_id).where(Subscription.connection_id == connection.id)
    own = products.where(Subscription.stripe_id == Moment.stripe_subscription_id)
    customers = products.where(Subscription.stripe_customer_id == Moment.stripe_customer_id)
    customers = customers.order_by(tiers.NAMED_FIRST).limit(1)
    product = func.coalesce(own.scalar_subquery(), customers.scalar_subquery()).label("product")
    # Subqueries rather than joins: PostgreSQL would read all customers for a join with a large batch.
    ranked = select(Customer.segment).where(Customer.connection_id == connection.id)
    segment = ranked.where(Customer.stripe_id == Moment.stripe_customer_id).scalar_subquery().label("segment")
    times = (Moment.occurred_at, Moment.received_at, Moment.detected_at)
    query = select(Moment.id, Moment.kind, Moment.livemode, Moment.source, *times, product, segment)
    query = query.where(Moment.connection_id == connection.id, Moment.state == MomentState.READY, OPEN_MOMENTS)
    tier_of, audiences, stored = defaultdict(Tier), defaultdict(list), briefs.StoredFacts(connection.account)
    is_test = not connection.livemode
    for tier in tiers.get_for_connection(connection):
        tier_of[tier.stripe_product_id] = tier
    for moment in db.session.execute(query.order_by(Moment.id).limit(BATCH_SIZE)):
        tier = tier_of[moment.product]
        likely_segment = Segment.NEW if moment.kind == "new_customer" else SEGMENT_BY_POSITION.get(tier.position)
        audience = TargetAudience(
            event=moment.kind,
            tier=tier.name,
            segment=stored.shared_segments(moment.kind, is_test, moment.product).get(moment.segment or likely_segment),
            is_test=is_test,
            product=moment.product,
        )
        audiences[audience].append(moment)
    return audiences


def _attach_to_open(
    connection: Connection, audiences: dict[TargetAudience, list[Row]]
) -> dict[TargetAudience, list[Row]]:
    """Attach moments to the open creatives of their audiences; returns those whose audience has none."""
    open_creatives = {}
    for creative in _find_open(connection.account_id):
        open_creatives[creative.event, creative.tier, creative.segment, creative.is_test] = creative
    left, attached = {}, []
    for audience, moments in audiences.items():
        creative = open_creatives.get(tuple(audience.columns.values()))
        if creative is None:
            left[audience] = moments
        else:
            attached.append((creative, audience, moments))
    if attached:
        _attach(connection.id, connection.account_id, attached)
    return left


def _find_open(account_id: int, **audience: Any) -> Sequence[Row]:
    """The creatives that further moments may join, oldest first; of all audiences unless one is given."""
    columns = (Creative.id, Creative.event, Creative.tier, Creative.segment, Creative.is_test, Creative.run_until)
    query = (
        select(*columns)
        .filter_by(account_id=account_id, **audience)
        .where(Creative.status.in_(briefs.OPEN_STATUSES), Creative.generated_at > now() - REFRESH_AFTER)
    )
    return db.session.execute(query.order_by(Creative.id)).all()


def _attach(
    connection_id: int, account_id: int, attached: list[tuple[Row | Creative, TargetAudience, list[Row]]]
) -> None:
    """Attach moments to the creative of their audience, which comes to the top of the queue."""
    jobs.creatives_changed(account_id)
    creative_rows, moment_rows = [], []
    for creative, audience, moments in attached:
        last_day = max(moment.occurred_at for moment in moments) + timedelta(days=KINDS[audience.event].runs[1])
        run_until = max(creative.run_until, last_day)
        creative_rows.append({"creative": creative.id, "more": len(moments), "run_until": run_until, "at": now()})
        ids = [moment.id for moment in moments]
        moment_rows += [{"moment": moment_id, "creative": creative.id} for moment_id in ids]
        log.info("creative_ready", creative=creative.id, connection=connection_id, kind=audience.event, moments=ids)
    connection = db.session.connection()  # many rows through its driver, without the session's work for each
    count = Creative.moments_count + bindparam("more")
    joined = {"moments_count": count, "run_until": bindparam("run_until"), "joined_at": bindparam("at")}
    connection.execute(update(Creative).where(Creative.id == bindparam("creative")).values(joined), creative_rows)
    generated = update(Moment).where(Moment.id == bindparam("moment")).values(state=MomentState.GENERATED)
    connection.execute(generated.values(creative_id=bindparam("creative")), moment_rows)


def _write(connection_id: int, audience: TargetAudience, moments: list[Row], history: dict[str, Any]) -> None:
    """Write a creative for an audience that has none, and attach its moments."""
    connection = db.session.get_one(Connection, connection_id)
    account, is_test = connection.account, not connection.livemode
    tiers_named = briefs.get_tiers(account, audience.product, tiers=briefs.load_tiers(account.id, is_test))
    brief = briefs.get_brief(account, audience.event, history, is_test, segment=audience.segment, **tiers_named)
    model, moment_ids = settings().llm, [moment.id for moment in moments]
    if model:
        db.session.commit()  # ends the read transaction while the model works
    try:
        content = llm.write(brief, model) if model else copywriter.write(brief)
    except copywriter.NoLegalCopy as refusal:  # for example of a brand name that no ad may print
        log.warning("moments_blocked", connection=connection_id, moments=moment_ids)
        with jobs.transaction():
            blocked = update(Moment).where(Moment.id.in_(moment_ids), Moment.state == MomentState.READY)
            reason = refusal.findings[0].message[:255]
            db.session.execute(blocked.values(state=MomentState.BLOCKED, reason=reason))
        return
    with jobs.transaction():
        connection = connections.lock(connection_id)
        ready = select(Moment.id).where(Moment.id.in_(moment_ids), Moment.state == MomentState.READY)
        still_ready = set(db.session.scalars(ready))
        moments = [moment for moment in moments if moment.id in still_ready]
        if connection is None or not moments:
            return
        found = _find_open(connection.account_id, **audience.columns)
        if found:
            creative = found[-1]
        else:
            creative = _create(connection, audience, moments[0], brief, content)
            for ad in content.variants:
                history["used_phrases"].update(ad.phrases)
        _attach(connection_id, connection.account_id, [(creative, audience, moments)])


def _create(
    connection: Connection, audience: TargetAudience, moment: Row, brief: Brief, content: CreativeSet
) -> Creative:
    """A new creative for the audience, which supersedes those that still wait for review."""
    of_audience = audience.columns | {"account_id": connection.account_id}
    older = update(Creative).filter_by(**of_audience, status=CreativeStatus.WAITING)
    expired = older.values(status=CreativeStatus.EXPIRED).returning(Creative.id)
    for older_id in db.session.scalars(expired).all():
        reason = "a newer set took its place"
        db.session.add(Review(creative_id=older_id, action=ReviewAction.EXPIRED, reason=reason))
    first_day, last_day = KINDS[audience.event].runs
    creative = Creative(
        **of_audience,
        stripe_product_id=audience.product,
        objective=content.objective,
        is_generic=content.generic,
        generic_reason=_why_generic(connection, audience, brief, content) if content.generic else None,
        content=content.to_json(),
        source=moment.source,
        moments_count=0,
        run_from=moment.occurred_at + timedelta(days=first_day),
        run_until=moment.occurred_at + timedelta(days=last_day),
        occurred_at=moment.occurred_at,
        received_at=moment.received_at,
        detected_at=moment.detected_at,
        generated_at=now(),
    )
    db.session.add(creative)
    db.session.flush()
    return creative


def _why_generic(connection: Connection, audience: TargetAudience, brief: Brief, content: CreativeSet) -> GenericReason:
    if audience.product and content.tier:
        return GenericReason.NOT_SYNCED
    if audience.product:
        return briefs.why_unnamed(brief)
    synced = select(SyncRun.id).filter_by(connection_id=connection.id, state=SyncState.DONE).limit(1)
    return GenericReason.NO_SUBSCRIPTION if db.session.scalar(synced) else GenericReason.NOT_SYNCED
