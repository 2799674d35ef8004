"""Records moments: each is stored once, waits for what it needs, and is withdrawn when it no longer holds."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, Row, and_, exists, func, not_, or_, select, update

from manimod import jobs
from manimod.config import settings
from manimod.customers import replica, statistics
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.lifecycle import KINDS
from manimod.models import (
    OPEN_MOMENTS,
    Account,
    Connection,
    Creative,
    Invoice,
    Moment,
    Review,
    Subscription,
    Trigger,
)
from manimod.models.accounts import is_ahead, now
from manimod.models.bulk import insert_new, upsert
from manimod.models.states import CreativeStatus, MomentState, ReviewAction
from manimod.moments import validity
from manimod.moments.interpret import DetectedMoment, Interpretation
from manimod.moments.validity import KnownCustomer
from manimod.stripe.payloads import to_datetime

log = structlog.get_logger()

WELCOME = "new_customer"
CAN_BE_WITHDRAWN = (MomentState.WAITING, MomentState.READY, MomentState.GENERATED)
CAN_BE_JUDGED = (*CAN_BE_WITHDRAWN, MomentState.WITHDRAWN)


@dataclass(frozen=True)
class Observation:
    """What an event or a comparison of the sync means, how it arrived (a Source) and when."""

    meaning: Interpretation
    source: str
    received_at: datetime
    customer: str | None = None  # whom it is about, even if it makes no moment


def switches(account: Account) -> dict[str, bool]:
    """Which kinds of moments make creatives; all do until the owner switches one off."""
    enabled = dict.fromkeys(KINDS, True)
    query = select(Trigger.kind, Trigger.enabled).where(Trigger.account_id == account.id)
    return enabled | {kind: is_on for kind, is_on in db.session.execute(query)}


def set_switch(account: Account, kind: str, enabled: bool) -> None:
    """Raises TRIGGER_UNKNOWN."""
    if kind not in KINDS:
        raise ManimodError("TRIGGER_UNKNOWN")
    upsert(Trigger, [{"account_id": account.id, "kind": kind, "enabled": enabled}], ("account_id", "kind"))


def record(
    connection: Connection, observations: list[Observation], customers: set[str] | None = None
) -> dict[str, str]:
    """Store the moments of a batch, erase the customers that it deletes, and judge what is open of everybody in it.

    `customers` are judged too. Returns by key why a moment is none.
    """
    affected = {observation.customer for observation in observations} | (customers or set())
    found: list[tuple[DetectedMoment, Observation]] = []
    for observation in observations:
        if observation.meaning.erases:
            erase(connection, observation.meaning.erases)
        for moment in (*observation.meaning.moments, observation.meaning.welcome):
            if moment:
                found.append((moment, observation))
    affected = _find_with_moments(connection.id, affected) | {moment.customer for moment, _ in found}
    if not affected:
        return {}
    known = _load_known(connection.id, affected)
    enabled = switches(connection.account)
    rows: dict[str, dict[str, Any]] = {}
    accepted: list[DetectedMoment] = []
    refused: dict[str, str] = {}
    for moment, observation in found:
        reason = validity.why_never(moment, known[moment.customer])
        if reason:
            refused[moment.key] = reason
        else:
            accepted.append(moment)
            rows.setdefault(moment.key, _moment_row(connection, moment, observation, enabled[moment.kind]))
    new = {key for _, key in insert_new(Moment, list(rows.values()), ("connection_id", "key"))}
    statistics.count_moments(connection, [rows[key] for key in new])
    for moment in accepted:
        if moment.key not in new:
            _see_again(connection, moment, known[moment.customer])
    _judge(connection, affected, known)
    mark_ready(connection.id)
    return refused


def _find_with_moments(connection_id: int, customers: set[str | None]) -> set[str | None]:
    """Those of the customers who have moments that may be withdrawn or opened again."""
    query = select(Moment.stripe_customer_id).where(
        Moment.connection_id == connection_id,
        Moment.stripe_customer_id.in_(customers),
        Moment.state.in_(CAN_BE_JUDGED),
    )
    return set(db.session.scalars(query.distinct()))


def _load_known(connection_id: int, customers: set[str]) -> dict[str | None, KnownCustomer]:
    """What is known of these customers; nothing of one without an id."""
    known: dict[str | None, KnownCustomer] = defaultdict(KnownCustomer)
    for model, name in ((Subscription, "subscriptions"), (Invoice, "invoices")):
        query = select(model.__table__).filter_by(connection_id=connection_id)
        for row in db.session.execute(query.where(model.stripe_customer_id.in_(customers))):
            getattr(known[row.stripe_customer_id], name)[row.stripe_id] = row
    return known


def _moment_row(
    connection: Connection, moment: DetectedMoment, observation: Observation, is_enabled: bool
) -> dict[str, Any]:
    waits = moment.subscription is None
    state = MomentState.WAITING if waits else MomentState.READY
    return {
        "connection_id": connection.id,
        "key": moment.key,
        "kind": moment.kind,
        "stripe_customer_id": moment.customer,
        "stripe_subscription_id": moment.subscription,
        "livemode": connection.livemode,
        "source": observation.source,
        "occurred_at": to_datetime(moment.occurred),
        "received_at": observation.received_at,
        "detected_at": now(),
        "state": state if is_enabled else MomentState.SKIPPED,
        "ready_at": now() + timedelta(seconds=settings().grace_period_seconds) if waits else None,
        "reason": None if is_enabled else "this event was switched off",
    }


def _see_again(connection: Connection, seen: DetectedMoment, customer: KnownCustomer) -> None:
    """Bring a stored moment up to what is seen now; whether it holds is judged later.

    What was withdrawn and is seen again happened then: a renewal that failed first, and is paid now. A welcome whose
    ads are over is made again when the customer subscribes for the first time, and one without a tier that still waits
    for review is replaced.
    """
    moment = db.session.scalar(select(Moment).filter_by(connection_id=connection.id, key=seen.key))
    stored = _detected(moment)
    if validity.why_never(stored, customer):  # such as the welcome of what turned out to be a later subscription
        moment.stripe_subscription_id, moment.occurred_at = seen.subscription, to_datetime(seen.occurred)
    elif moment.state == MomentState.WITHDRAWN:
        moment.occurred_at = max(moment.occurred_at, to_datetime(seen.occurred))
    elif moment.state in CAN_BE_WITHDRAWN and seen.kind == WELCOME and seen.subscription:
        is_over = not validity.may_run(stored.kind, stored.occurred, to_datetime(seen.occurred))
        creative = moment.creative_id and db.session.get(Creative, moment.creative_id)
        has_no_tier = creative and creative.tier is None and creative.status == CreativeStatus.WAITING
        if is_over or has_no_tier:
            moment.state, moment.stripe_subscription_id = MomentState.READY, seen.subscription
            moment.occurred_at = to_datetime(seen.occurred) if is_over else moment.occurred_at
            db.session.flush()
            _detach([moment.id])
            _withdraw_empty({creative and creative.id: "the customer has a tier now: a set for it follows"})
    db.session.flush()


def _detach(moment_ids: list[int]) -> None:
    """Take moments out of their creatives, so that they get another one."""
    query = select(Moment.creative_id, func.count()).where(Moment.id.in_(moment_ids), Moment.creative_id.is_not(None))
    for creative_id, count in db.session.execute(query.group_by(Moment.creative_id)).all():
        counted = update(Creative).where(Creative.id == creative_id)
        db.session.execute(counted.values(moments_count=Creative.moments_count - count))
    db.session.execute(update(Moment).where(Moment.id.in_(moment_ids)).values(creative_id=None))


def _judge(connection: Connection, customers: set[str], known: dict[str | None, KnownCustomer]) -> None:
    """Withdraw the open moments of these customers that do not hold, and open those again that do.

    What is older than RETENTION_DAYS stays withdrawn: the facts about it may be forgotten.
    """
    columns = (Moment.id, Moment.key, Moment.kind, Moment.state, Moment.occurred_at)
    query = select(*columns, Moment.stripe_customer_id, Moment.stripe_subscription_id).where(
        Moment.connection_id == connection.id,
        Moment.stripe_customer_id.in_(customers),
        Moment.state.in_(CAN_BE_JUDGED),
    )
    by_customer = defaultdict(list)
    for row in db.session.execute(query):
        by_customer[row.stripe_customer_id].append(row)
    oldest = now() - timedelta(days=settings().retention_days)
    withdrawn, reopened = defaultdict(list), []
    for customer, rows in by_customer.items():
        detected = {row.key: _detected(row) for row in rows}
        # A tester wants to see what each event makes.
        reasons = validity.find_reasons(detected.values(), known[customer], now(), one_at_a_time=connection.livemode)
        for row in rows:
            reason, is_withdrawn = reasons[row.key], row.state == MomentState.WITHDRAWN
            if reason and not is_withdrawn:
                withdrawn[reason].append(row.id)
            elif is_withdrawn and not reason and row.occurred_at > oldest:
                reopened.append(row.id)
    _withdraw(connection, withdrawn)
    if reopened:
        _detach(reopened)
        query = update(Moment).where(Moment.id.in_(reopened))
        db.session.execute(query.values(state=MomentState.READY, reason=None))
        jobs.enqueue("process_events", connection.id)
        log.info("moments_reopened", connection=connection.id, moments=reopened)


def _detected(moment: Row) -> DetectedMoment:
    """A stored moment as it was detected."""
    return DetectedMoment(
        moment.kind,
        moment.key.removeprefix(f"{moment.kind}:"),
        moment.stripe_customer_id,
        moment.stripe_subscription_id,
        int(moment.occurred_at.timestamp()),
    )


def erase(connection: Connection, customer_id: str) -> None:
    """Withdraw what is open of a customer who was deleted in Stripe, and forget them."""
    theirs = select(Moment.id).filter_by(connection_id=connection.id, stripe_customer_id=customer_id)
    ids = list(db.session.scalars(theirs.where(Moment.state.in_(CAN_BE_WITHDRAWN))))
    if ids:
        _withdraw(connection, {"the customer was deleted in Stripe": ids})
    replica.erase_customer(connection.id, customer_id)


def _withdraw(connection: Connection, moment_ids: dict[str, list[int]]) -> None:
    """Withdraw moments, and creatives all of whose moments have been withdrawn. `moment_ids`: by the reason."""
    creatives = {}
    for reason, ids in moment_ids.items():
        query = update(Moment).where(Moment.id.in_(ids)).values(state=MomentState.WITHDRAWN, reason=reason)
        rows = db.session.execute(query.returning(Moment.creative_id), execution_options={"synchronize_session": False})
        creatives |= dict.fromkeys(rows.scalars(), reason)
        log.info("moments_withdrawn", connection=connection.id, moments=ids, reason=reason)
    _withdraw_empty(creatives)


def _withdraw_empty(reasons: dict[int | None, str]) -> None:
    """Take creatives that have no moments left out of the queue. `reasons`: by creative."""
    reasons.pop(None, None)
    if not reasons:
        return
    has_moments = exists().where(Moment.creative_id == Creative.id, Moment.state == MomentState.GENERATED)
    is_open = Creative.status.in_((CreativeStatus.WAITING, CreativeStatus.APPROVED))
    for creative in db.session.scalars(select(Creative).where(Creative.id.in_(reasons), ~has_moments, is_open)):
        creative.status = CreativeStatus.WITHDRAWN
        db.session.add(Review(creative_id=creative.id, action=ReviewAction.WITHDRAWN, reason=reasons[creative.id]))


def mark_ready(connection_id: int) -> None:
    """A moment without a subscription is ready once the customer has one, or when its grace period is over."""
    has_subscription = exists().where(
        Subscription.connection_id == connection_id, Subscription.stripe_customer_id == Moment.stripe_customer_id
    )
    is_waiting = and_(Moment.connection_id == connection_id, Moment.state == MomentState.WAITING, OPEN_MOMENTS)
    query = update(Moment).where(is_waiting, or_(has_subscription, is_grace_over()))
    db.session.execute(query.values(state=MomentState.READY), execution_options={"synchronize_session": False})


def is_grace_over() -> ColumnElement[bool]:
    return not_(is_ahead(Moment.ready_at, timedelta(seconds=settings().grace_period_seconds)))


def release_blocked(connection: Connection) -> None:
    """Try blocked moments again after the brand kit has changed."""
    query = update(Moment).where(Moment.connection_id == connection.id, Moment.state == MomentState.BLOCKED)
    db.session.execute(query.values(state=MomentState.READY, reason=None))
    jobs.enqueue("process_events", connection.id)
