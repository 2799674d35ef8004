"""Ready moments become creatives: the moments of one audience share one creative set in the review queue.

Writing takes place outside any transaction; the result is published under the connection's lock, where it is looked
up once more whether a live set of the audience has appeared meanwhile.
"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic

import structlog
from flask import current_app
from sqlalchemy import Row, func, select, update

from manimod import jobs
from manimod.extensions import db
from manimod.flow import brands, register
from manimod.lifecycle import KINDS
from manimod.models import AudienceSize, Connection, Creative, Customer, Moment, Review, Subscription, Tier
from manimod.models.accounts import now
from manimod.studio import llm, picture, writer
from manimod.studio.brief import CreativeSet

log = structlog.get_logger()

BATCH = 5000  # moments; a backlog of 200 audiences then takes a few statements for each, not for each 500
TURN_SECONDS = 5  # after which other accounts get their turn
LONGEST_TURN_SECONDS = 60
REFRESH = timedelta(days=14)  # how long further moments join a live set before a new one is written
TIMELINES = select(Moment.id, Moment.kind, Moment.path, Moment.occurred_at, Moment.received_at, Moment.detected_at)
SEGMENT_BY_POSITION = {"entry": "low", "middle": "core", "single": "core", "top": "high"}


@dataclass(frozen=True)
class Audience:
    """Whom one creative set speaks to. `only` keeps a test-mode moment in a set of its own."""

    event: str
    tier: str | None
    tier_position: str | None
    segment: str | None
    is_test: bool
    product: str | None = None
    only: int | None = None


def generate(connection_id: int) -> bool:
    """Write the creatives of a connection's ready moments; True where there may be more.

    A language model takes its time: one worker is enough to wait for it, the others serve other accounts.
    """
    if current_app.extensions["settings"].llm is None:
        return _generate(connection_id)
    with jobs.alone("generate", connection_id, LONGEST_TURN_SECONDS) as is_alone:
        return is_alone and _generate(connection_id)


def _generate(connection_id: int) -> bool:
    connection = db.session.get(Connection, connection_id)
    if connection is None or not connection.is_connected:
        return False
    if register.has_settled(connection_id):
        with jobs.transaction():
            register.settle(connection_id)
    moments = _ready(connection_id)
    is_complete = len(moments) < BATCH
    turn_ends = monotonic() + TURN_SECONDS
    for audience, moment_ids in _by_audience(connection_id, moments).items():
        if monotonic() > turn_ends:
            return True
        is_complete &= _serve(connection, audience, moment_ids)
    return not is_complete


def _serve(connection: Connection, audience: Audience, moment_ids: list[int]) -> bool:
    """Give the moments their creative; False where they have to be looked at once more."""
    connection_id = connection.id
    try:
        content = None if _live_set(connection.account_id, audience) else _write(connection, audience)
    except writer.Unwritable as refusal:
        with jobs.transaction():
            _hold(connection_id, moment_ids, refusal)
        return True
    with jobs.transaction():
        return _publish(connection_id, audience, moment_ids, content)


def _hold(connection_id: int, moment_ids: list[int], refusal: writer.Unwritable) -> None:
    """Keep moments for which nothing lawful can be written, such as with a brand name that no ad may print."""
    reason = refusal.findings[0].message[:255]
    query = update(Moment).where(Moment.connection_id == connection_id, Moment.id.in_(moment_ids))
    db.session.execute(query.where(Moment.state == "ready").values(state="held", reason=reason))
    log.warning("moments_held", connection=connection_id, moments=moment_ids)


def release_held(connection: Connection) -> None:
    """Try again what was held, once the brand has changed."""
    query = update(Moment).where(Moment.connection_id == connection.id, Moment.state == "held")
    db.session.execute(query.values(state="ready", reason=None))
    jobs.enqueue("drain", connection.id)


def expire(account_id: int) -> None:
    """Take sets whose window is over out of the queue."""
    query = update(Creative).where(
        Creative.account_id == account_id, Creative.status == "waiting", Creative.run_until < now()
    )
    db.session.execute(query.values(status="expired"))


def _ready(connection_id: int) -> list[Row]:
    about = (Moment.id, Moment.kind, Moment.livemode, Moment.stripe_customer_id, Moment.stripe_subscription_id)
    query = select(*about).where(Moment.connection_id == connection_id, Moment.state == "ready")
    return list(db.session.execute(query.order_by(Moment.id).limit(BATCH)))


def _by_audience(connection_id: int, moments: list[Row]) -> dict[Audience, list[int]]:
    subscriptions = _subscriptions(connection_id, moments)
    products = {subscription.stripe_product_id for subscription in subscriptions.values()}
    tiers = _index(Tier, connection_id, Tier.stripe_product_id, products)
    customers = _index(Customer, connection_id, Customer.stripe_id, {moment.stripe_customer_id for moment in moments})
    audiences = defaultdict(list)
    for moment in moments:
        subscription = subscriptions.get(moment.id)
        tier = tiers.get(subscription.stripe_product_id) if subscription else None
        audience = _audience(moment, tier, customers.get(moment.stripe_customer_id))
        audiences[audience].append(moment.id)
    return audiences


def _audience(moment: Row, tier: Tier | None, customer: Customer | None) -> Audience:
    position = tier.position if tier else None
    return Audience(
        event=moment.kind,
        tier=tier.name if tier else None,
        tier_position=position,
        segment=_segment(moment, position, customer),
        is_test=not moment.livemode,
        product=tier.stripe_product_id if tier else None,
        only=None if moment.livemode else moment.id,
    )


def _segment(moment: Row, position: str | None, customer: Customer | None) -> str | None:
    """The customer's segment; before the sync has ranked a customer, the place of the tier stands in for it."""
    if customer and customer.segment:
        return customer.segment
    if moment.kind == "new_customer":
        return "new"
    return SEGMENT_BY_POSITION.get(position)


def _subscriptions(connection_id: int, moments: list[Row]) -> dict[int, Subscription]:
    """For each moment its subscription, or else the customer's: a running one before an ended one, then the newest."""
    of_id = _index(Subscription, connection_id, Subscription.stripe_id, {m.stripe_subscription_id for m in moments})
    customers = {moment.stripe_customer_id for moment in moments if moment.stripe_subscription_id not in of_id}
    query = select(Subscription).where(
        Subscription.connection_id == connection_id, Subscription.stripe_customer_id.in_(customers - {None})
    )
    of_customer = {}
    for row in sorted(db.session.scalars(query), key=lambda row: (row.ended_at is None, row.created_at)):
        of_customer[row.stripe_customer_id] = row
    found = {m.id: of_id.get(m.stripe_subscription_id) or of_customer.get(m.stripe_customer_id) for m in moments}
    return {moment_id: subscription for moment_id, subscription in found.items() if subscription}


def _index(model, connection_id: int, column, values: set) -> dict:
    query = select(model).where(model.connection_id == connection_id, column.in_(values - {None}))
    return {getattr(row, column.key): row for row in db.session.scalars(query)}


def _live_set(account_id: int, audience: Audience) -> Creative | None:
    """The set that further moments of the audience join."""
    if audience.is_test:
        return None
    live = [Creative.status.in_(("waiting", "approved")), Creative.generated_at > now() - REFRESH]
    query = select(Creative).where(*_speaks_to(account_id, audience), *live)
    return db.session.scalar(query.order_by(Creative.id.desc()).limit(1))


def _speaks_to(account_id: int, audience: Audience) -> list:
    return [
        Creative.account_id == account_id,
        Creative.event == audience.event,
        Creative.tier == audience.tier,
        Creative.segment == audience.segment,
        Creative.is_test.is_(False),
    ]


def _retire_older(creative: Creative, audience: Audience) -> None:
    """An audience has one set to review: what still waits from before gives way to the fresh one."""
    if audience.is_test:
        return
    stale = [Creative.status == "waiting", Creative.id < creative.id]
    query = update(Creative).where(*_speaks_to(creative.account_id, audience), *stale).values(status="expired")
    for older in list(db.session.scalars(query.returning(Creative.id))):
        db.session.add(Review(creative_id=older, action="expired", reason="a newer set took its place"))


def _write(connection: Connection, audience: Audience) -> CreativeSet:
    brief = brands.brief_of(
        connection.account,
        event=audience.event,
        tier=audience.tier,
        tier_position=audience.tier_position,
        segment=audience.segment,
    )
    brief = brands.with_names(connection.account, brief)
    model = current_app.extensions["settings"].llm
    db.session.commit()  # ends the read transaction: a model may take its time
    return llm.write(brief, model) if model else writer.write(brief)


def _publish(connection_id: int, audience: Audience, moment_ids: list[int], content: CreativeSet | None) -> bool:
    """Put the set into the queue with its moments, or let them join the one that is live.

    False where the live set, for whose sake nothing was written, has left the queue meanwhile.
    """
    connection = register.lock(connection_id)
    query = TIMELINES.where(Moment.id.in_(moment_ids), Moment.state == "ready").order_by(Moment.id)
    moments = list(db.session.execute(query)) if connection else []
    if not moments:
        return True
    creative = _live_set(connection.account_id, audience)
    if creative is None and content is None:
        return False
    if creative is None:
        creative = _new_creative(connection, audience, moments[0], content)
        db.session.add(creative)
        db.session.flush()
        _retire_older(creative, audience)
    creative.moments_count += len(moments)
    creative.run_until = max(creative.run_until, *(_window(moment)[1] for moment in moments))
    ready = update(Moment).where(Moment.id.in_([moment.id for moment in moments]))
    generated = ready.values(state="generated", creative_id=creative.id)
    db.session.execute(generated, execution_options={"synchronize_session": False})
    log.info(
        "creative_ready", creative=creative.id, connection=connection_id, kind=audience.event, moments=len(moments)
    )
    for moment in moments:
        log.info("moment_generated", moment=moment.id, creative=creative.id, connection=connection_id)
    return True


def _new_creative(connection: Connection, audience: Audience, moment: Row, content: CreativeSet) -> Creative:
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
        path=moment.path,
        moments_count=0,
        run_from=run_from,
        run_until=run_until,
        audience_size=_audience_size(connection.id, audience),
        occurred_at=moment.occurred_at,
        received_at=moment.received_at,
        detected_at=moment.detected_at,
        generated_at=now(),
    )


def _window(moment: Row) -> tuple[datetime, datetime]:
    first, last = KINDS[moment.kind].runs
    return moment.occurred_at + timedelta(days=first), moment.occurred_at + timedelta(days=last)


def _audience_size(connection_id: int, audience: Audience) -> int | None:
    query = select(func.sum(AudienceSize.customers)).where(
        AudienceSize.connection_id == connection_id,
        AudienceSize.stripe_product_id == audience.product,
        AudienceSize.segment == audience.segment,
    )
    return db.session.scalar(query)


def picture_of(creative: Creative, variant: int, canvas: str, little_text: bool = False) -> str:
    """The picture of one variant as SVG. Raises IndexError or KeyError for a variant or canvas that is not there."""
    content = CreativeSet.from_json(creative.content)
    return picture.draw(content.variants[variant], brands.brand_of(creative.account), canvas, little_text=little_text)


def png_of(creative: Creative, variant: int, canvas: str, little_text: bool = False) -> bytes:
    return picture.png(picture_of(creative, variant, canvas, little_text), canvas)
