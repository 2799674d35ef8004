"""Ready moments become creatives: the moments of one audience share one creative set in the review queue.

Writing takes place outside any transaction; the results are published together under the connection's lock, where it
is looked up once more whether a live set of an audience has appeared meanwhile.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, islice
from time import monotonic

import structlog
from sqlalchemy import Row, Select, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, load_only

from manimod import jobs
from manimod.config import settings
from manimod.creatives import briefs
from manimod.creatives.engine import llm
from manimod.creatives.engine.brief import Brief, CreativeSet
from manimod.creatives.engine.copy import copywriter
from manimod.extensions import db
from manimod.lifecycle import KINDS
from manimod.models import (
    OPEN_MOMENTS,
    Account,
    AudienceSize,
    Connection,
    Creative,
    Customer,
    Moment,
    Review,
    Subscription,
    Tier,
)
from manimod.models.accounts import now
from manimod.moments import record
from manimod.stripe import connections

log = structlog.get_logger()

BATCH_SIZE = 5000  # moments; a backlog of 200 audiences then takes a few statements for each, not for each 500
AUDIENCES_PER_TRANSACTION = (
    100  # audiences that share a transaction; a model takes its time for each, so that it publishes one by one
)
MAX_SECONDS = 5  # after which other accounts get their turn
MAX_MODEL_SECONDS = 60
REFRESH_AFTER = timedelta(days=14)  # how long further moments join a live set before a new one is written
TIMELINES = select(Moment.id, Moment.kind, Moment.source, Moment.occurred_at, Moment.received_at, Moment.detected_at)
OPEN_CREATIVE_COLUMNS = (Creative.event, Creative.tier, Creative.segment, Creative.moments_count, Creative.run_until)
SEGMENTS = select(Customer.stripe_id, Customer.segment)
SUBSCRIPTIONS = select(
    Subscription.stripe_id,
    Subscription.stripe_customer_id,
    Subscription.stripe_product_id,
    Subscription.ended_at,
    Subscription.created_at,
)
SEGMENT_BY_POSITION = {"entry": "low", "middle": "core", "single": "core", "top": "high"}

AudienceKey = tuple[str, str | None, str | None]  # event, tier, segment: what one live set is for
Audiences = dict["TargetAudience", list[int]]  # and the ids of their moments


@dataclass(frozen=True)
class TargetAudience:
    """Whom one creative set speaks to. `only` keeps a test-mode moment in a set of its own."""

    event: str
    tier: str | None
    tier_position: str | None
    segment: str | None
    is_test: bool
    product: str | None = None
    only: int | None = None

    @property
    def key(self) -> AudienceKey:
        return self.event, self.tier, self.segment


def generate(connection_id: int) -> bool:
    """Write the creatives of a connection's ready moments; True where there may be more.

    A language model takes its time: one worker is enough to wait for it, the others serve other accounts.
    """
    if settings().llm is None:
        return _generate(connection_id)
    with jobs.single_worker("generate", connection_id, MAX_MODEL_SECONDS) as is_alone:
        return is_alone and _generate(connection_id)


def _generate(connection_id: int) -> bool:
    connection = db.session.get(Connection, connection_id)
    if connection is None or not connection.is_connected:
        return False
    if record.has_overdue_grace_period(connection_id):
        with jobs.transaction():
            record.mark_ready(connection_id)
    moments = _ready(connection_id)
    is_complete = len(moments) < BATCH_SIZE
    turn_ends = monotonic() + MAX_SECONDS
    together = 1 if settings().llm else AUDIENCES_PER_TRANSACTION
    for some in _in_batches(_by_audience(connection_id, moments), together):
        if monotonic() > turn_ends:
            return True
        is_complete &= _process_audiences(connection, some)
    return not is_complete


def _in_batches(audiences: Audiences, together: int) -> Iterator[Audiences]:
    members = iter(audiences.items())
    while part := dict(islice(members, together)):
        yield part


def _process_audiences(connection: Connection, audiences: Audiences) -> bool:
    """Give the moments their creatives; False where they have to be looked at once more.

    Where that fails for one of several audiences, each gets a transaction of its own.
    """
    try:
        return _process_together(connection, audiences)
    except Exception:
        if len(audiences) == 1:
            raise
        log.exception("sets_failed", connection=connection.id)
    return all([_process_together(connection, part) for part in _in_batches(audiences, 1)])


def _process_together(connection: Connection, audiences: Audiences) -> bool:
    connection_id, live = connection.id, _open_creatives(connection.account_id, audiences)
    wanting = [audience for audience in audiences if audience.is_test or audience.key not in live]
    written, refused = {}, {}
    for audience, brief in zip(wanting, _briefs(connection.account, wanting), strict=True):
        try:
            written[audience] = _write(brief)
        except copywriter.NoLegalCopy as refusal:
            refused[audience] = refusal
    with jobs.transaction():
        for audience, refusal in refused.items():
            _block(connection_id, audiences[audience], refusal)
        return _publish(connection_id, {a: ids for a, ids in audiences.items() if a not in refused}, written)


def _block(connection_id: int, moment_ids: list[int], refusal: copywriter.NoLegalCopy) -> None:
    """Keep moments for which nothing lawful can be written, such as with a brand name that no ad may print."""
    reason = refusal.findings[0].message[:255]
    query = update(Moment).where(Moment.connection_id == connection_id, Moment.id.in_(moment_ids))
    db.session.execute(query.where(Moment.state == "ready").values(state="blocked", reason=reason))
    log.warning("moments_blocked", connection=connection_id, moments=moment_ids)


def _ready(connection_id: int) -> list[Row]:
    about = (Moment.id, Moment.kind, Moment.livemode, Moment.stripe_customer_id, Moment.stripe_subscription_id)
    query = select(*about).where(Moment.connection_id == connection_id, Moment.state == "ready", OPEN_MOMENTS)
    return list(db.session.execute(query.order_by(Moment.id).limit(BATCH_SIZE)))


def _by_audience(connection_id: int, moments: list[Row]) -> Audiences:
    products = _products(connection_id, moments)
    of_connection = select(Tier).where(Tier.connection_id == connection_id)
    named = of_connection.where(Tier.stripe_product_id.in_(set(products.values()) - {None}))
    tiers = {tier.stripe_product_id: tier for tier in db.session.scalars(named)}
    customers = {moment.stripe_customer_id for moment in moments}
    segments = dict(_find(SEGMENTS, Customer.stripe_id, customers, connection_id))
    audiences = defaultdict(list)
    for moment in moments:
        tier = tiers.get(products.get(moment.id))
        audiences[_audience(moment, tier, segments.get(moment.stripe_customer_id))].append(moment.id)
    return audiences


def _audience(moment: Row, tier: Tier | None, segment: str | None) -> TargetAudience:
    position = tier.position if tier else None
    return TargetAudience(
        event=moment.kind,
        tier=tier.name if tier else None,
        tier_position=position,
        segment=segment or _likely_segment(moment, position),
        is_test=not moment.livemode,
        product=tier.stripe_product_id if tier else None,
        only=None if moment.livemode else moment.id,
    )


def _likely_segment(moment: Row, position: str | None) -> str | None:
    """Before the sync has ranked a customer, the place of the tier stands in for the segment."""
    return "new" if moment.kind == "new_customer" else SEGMENT_BY_POSITION.get(position)


def _products(connection_id: int, moments: list[Row]) -> dict[int, str | None]:
    """For each moment the product of its subscription, or else of the customer's: of a running one before an ended one,
    then of the newest."""
    named = {moment.stripe_subscription_id for moment in moments}
    of_id = {row.stripe_id: row for row in _find(SUBSCRIPTIONS, Subscription.stripe_id, named, connection_id)}
    customers = {moment.stripe_customer_id for moment in moments if moment.stripe_subscription_id not in of_id}
    rows = _find(SUBSCRIPTIONS, Subscription.stripe_customer_id, customers, connection_id)
    by_rank = sorted(rows, key=lambda row: (row.ended_at is None, row.created_at))
    of_customer = {row.stripe_customer_id: row for row in by_rank}
    found = {m.id: of_id.get(m.stripe_subscription_id) or of_customer.get(m.stripe_customer_id) for m in moments}
    return {moment_id: subscription.stripe_product_id for moment_id, subscription in found.items() if subscription}


def _find(query: Select, column: InstrumentedAttribute, values: set, connection_id: int) -> list[Row]:
    """The query's rows of a connection whose column holds one of the values."""
    wanted = values - {None}
    found = query.where(column.class_.connection_id == connection_id, column.in_(wanted))
    return list(db.session.execute(found)) if wanted else []


def _open_creatives(account_id: int, audiences: Iterable[TargetAudience]) -> dict[AudienceKey, Creative]:
    """The sets that further moments of the audiences join. Nobody joins a set with a test-mode moment."""
    live = [Creative.status.in_(("waiting", "approved")), Creative.generated_at > now() - REFRESH_AFTER]
    query = (
        select(Creative).options(load_only(*OPEN_CREATIVE_COLUMNS)).where(*_for_audiences(account_id, audiences), *live)
    )
    return {_audience_key(row): row for row in db.session.scalars(query.order_by(Creative.id))}


def _for_audiences(account_id: int, audiences: Iterable[TargetAudience]) -> list:
    """Among others the sets of these audiences: what they share is enough to find them by the index."""
    tiers = {audience.tier for audience in audiences}
    known = Creative.tier.in_(tiers - {None})
    return [
        Creative.account_id == account_id,
        or_(known, Creative.tier.is_(None)) if None in tiers else known,
        Creative.event.in_({audience.event for audience in audiences}),
        Creative.is_test.is_(False),
    ]


def _audience_key(creative: Creative | Row) -> AudienceKey:
    return creative.event, creative.tier, creative.segment


def _supersede_older(account_id: int, fresh: dict[TargetAudience, Creative]) -> None:
    """An audience has one set to review: what still waits from before gives way to the fresh one."""
    successors = {audience.key: creative.id for audience, creative in fresh.items() if not audience.is_test}
    columns = (Creative.id, Creative.event, Creative.tier, Creative.segment)
    query = select(*columns).where(*_for_audiences(account_id, fresh), Creative.status == "waiting")
    for older in list(db.session.execute(query)) if successors else ():
        if older.id < successors.get(_audience_key(older), 0):
            db.session.execute(update(Creative).where(Creative.id == older.id).values(status="expired"))
            db.session.add(Review(creative_id=older.id, action="expired", reason="a newer set took its place"))


def _briefs(account: Account, audiences: list[TargetAudience]) -> list[Brief]:
    about = ("event", "tier", "tier_position", "segment")
    return [briefs.get_brief(account, **{name: getattr(each, name) for name in about}) for each in audiences]


def _write(brief: Brief) -> CreativeSet:
    model = settings().llm
    if model is None:
        return copywriter.write(brief)
    db.session.commit()  # ends the read transaction: a model may take its time
    return llm.write(brief, model)


def _publish(connection_id: int, audiences: Audiences, written: dict[TargetAudience, CreativeSet]) -> bool:
    """Put the sets into the queue with their moments, or let these join the ones that are live.

    False where a live set, for whose sake nothing was written, has left the queue meanwhile.
    """
    connection = connections.lock(connection_id)
    moments = _still_ready(audiences) if connection else {}
    if not moments:
        return True
    live = _open_creatives(connection.account_id, moments)
    sizes = _audience_sizes(connection_id)
    fresh, joined = {}, {}
    for audience, rows in moments.items():
        creative = None if audience.is_test else live.get(audience.key)
        if creative is None and audience in written:
            size = sizes.get((audience.product, audience.segment))
            creative = fresh[audience] = _new_creative(connection, audience, rows[0], written[audience], size)
            live[audience.key] = creative
        if creative:
            creative.moments_count += len(rows)
            creative.run_until = max(creative.run_until, *(_window(row)[1] for row in rows))
            joined[audience] = creative
    db.session.add_all(fresh.values())
    db.session.flush()
    _supersede_older(connection.account_id, fresh)
    _attach([(creative, moments[audience]) for audience, creative in joined.items()], connection_id)
    return len(joined) == len(moments)


def _still_ready(audiences: Audiences) -> dict[TargetAudience, list[Row]]:
    """The moments by audience, oldest first; without those that another worker has served or withdrawn meanwhile."""
    query = TIMELINES.where(Moment.id.in_(chain(*audiences.values())), Moment.state == "ready")
    ready = {row.id: row for row in db.session.execute(query)}
    found = {audience: [ready[i] for i in sorted(ids) if i in ready] for audience, ids in audiences.items()}
    return {audience: rows for audience, rows in found.items() if rows}


def _attach(joined: list[tuple[Creative, list[Row]]], connection_id: int) -> None:
    for creative, rows in joined:
        ids = [moment.id for moment in rows]
        attached = update(Moment).where(Moment.id.in_(ids)).values(state="generated", creative_id=creative.id)
        db.session.execute(attached, execution_options={"synchronize_session": False})
        log.info("creative_ready", creative=creative.id, connection=connection_id, kind=creative.event, moments=ids)


def _new_creative(
    connection: Connection, audience: TargetAudience, moment: Row, content: CreativeSet, size: int | None
) -> Creative:
    run_from, run_until = _window(moment)
    return Creative(
        account_id=connection.account_id,
        objective=content.objective,
        event=audience.event,
        tier=audience.tier,
        segment=audience.segment,
        is_generic=content.generic,
        is_test=audience.is_test,
        content=content.to_json(),
        source=moment.source,
        moments_count=0,
        run_from=run_from,
        run_until=run_until,
        audience_size=size,
        occurred_at=moment.occurred_at,
        received_at=moment.received_at,
        detected_at=moment.detected_at,
        generated_at=now(),
    )


def _window(moment: Row) -> tuple[datetime, datetime]:
    first, last = KINDS[moment.kind].runs
    return moment.occurred_at + timedelta(days=first), moment.occurred_at + timedelta(days=last)


def _audience_sizes(connection_id: int) -> dict[tuple[str | None, str | None], int]:
    """By product and segment."""
    kinds = (AudienceSize.stripe_product_id, AudienceSize.segment)
    query = select(*kinds, func.sum(AudienceSize.customers)).where(AudienceSize.connection_id == connection_id)
    return {(product, segment): size for product, segment, size in db.session.execute(query.group_by(*kinds))}
