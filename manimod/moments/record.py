"""Records moments: each is stored once, waits for what it needs, and is withdrawn when it no longer holds."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, exists, func, or_, select, update

from manimod import jobs
from manimod.config import settings
from manimod.customers import replica, statistics
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.lifecycle import KINDS, Objective
from manimod.models import (
    OPEN_MOMENTS,
    Account,
    Connection,
    Creative,
    Moment,
    Review,
    StripeEvent,
    Subscription,
    Trigger,
)
from manimod.models.accounts import now
from manimod.models.bulk import insert_new, upsert
from manimod.models.states import CreativeStatus, MomentState, ReviewAction
from manimod.moments.interpret import DetectedMoment, Interpretation, Withdrawal
from manimod.stripe.payloads import LIVE_STATUSES, to_datetime

log = structlog.get_logger()

CAN_BE_WITHDRAWN = (MomentState.WAITING, MomentState.READY, MomentState.GENERATED)
FAILURE = "payment_failed"
WIN_BACKS = [name for name, kind in KINDS.items() if kind.objective == Objective.WINBACK]
WITHDRAWAL_COLUMNS = {
    "key": Moment.key,
    "subscription": Moment.stripe_subscription_id,
    "customer": Moment.stripe_customer_id,
}


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
    for trigger in db.session.scalars(select(Trigger).where(Trigger.account_id == account.id)):
        enabled[trigger.kind] = trigger.enabled
    return enabled


def set_switch(account: Account, kind: str, enabled: bool) -> None:
    """Raises TRIGGER_UNKNOWN."""
    if kind not in KINDS:
        raise ManimodError("TRIGGER_UNKNOWN")
    upsert(Trigger, [{"account_id": account.id, "kind": kind, "enabled": enabled}], ("account_id", "kind"))


def record(connection: Connection, observations: list[Observation]) -> None:
    """Store the moments of a batch, withdraw those that it ends, erase the customers that it deletes."""
    enabled = switches(connection.account)
    rows: dict[str, dict[str, Any]] = {}
    withdrawals: list[Withdrawal] = []
    customers = set()
    for observation in observations:
        customers.add(observation.customer)
        for moment in observation.meaning.moments:
            rows.setdefault(moment.key, _moment_row(connection, moment, observation, enabled[moment.kind]))
            customers.add(moment.customer)
        for withdrawal in observation.meaning.withdrawals:
            withdrawals.append(withdrawal)
            customers.add(withdrawal.customer)
    customers.discard(None)
    new = insert_new(Moment, list(rows.values()), ("connection_id", "key"))
    statistics.count_moments(connection, [rows[key] for _, key in new])
    _apply_withdrawals(connection, withdrawals)
    failed = [key for key, row in rows.items() if row["kind"] == FAILURE]
    if failed:  # events arrive in any order: a failure may arrive after the payment of its invoice
        is_paid = exists().where(
            StripeEvent.connection_id == connection.id,
            StripeEvent.paid_invoice_id == func.substr(Moment.key, len(f"{FAILURE}:") + 1),
        )
        _withdraw(connection, and_(Moment.key.in_(failed), is_paid), KINDS[FAILURE].withdrawal_reason)
    for observation in observations:
        customer_id = observation.meaning.erases
        if customer_id:
            is_theirs = Moment.stripe_customer_id == customer_id
            _withdraw(connection, is_theirs, "the customer was deleted in Stripe")
            replica.erase_customer(connection.id, customer_id)
    # A customer with another subscription has not left, even if that one started before the cancellation arrived.
    # Only customers in this batch are checked: a backlog may hold thousands of moments that are ready.
    has_another = exists().where(
        Subscription.connection_id == connection.id,
        Subscription.stripe_customer_id == Moment.stripe_customer_id,
        Subscription.stripe_id != Moment.stripe_subscription_id,
        Subscription.status.in_(LIVE_STATUSES),
    )
    is_ready_win_back = and_(Moment.kind.in_(WIN_BACKS), Moment.state == MomentState.READY)
    is_active = and_(Moment.stripe_customer_id.in_(customers), is_ready_win_back, has_another)
    _withdraw(connection, is_active, "the customer has another subscription")
    if connection.livemode:  # a tester wants to see what each event makes
        _keep_highest_priority_moment(connection, customers)
    mark_ready(connection.id)


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


def _apply_withdrawals(connection: Connection, withdrawals: list[Withdrawal]) -> None:
    """End the open moments that the withdrawals name, unless they happened later."""
    for field, column in WITHDRAWAL_COLUMNS.items():
        until: dict[str, dict[str, int]] = defaultdict(dict)  # value of the column -> kind -> Unix seconds
        for withdrawal in withdrawals:
            kinds = until[getattr(withdrawal, field)]
            kinds[withdrawal.kind] = max(withdrawal.until, kinds.get(withdrawal.kind, 0))
        until.pop(None, None)
        if not until:
            continue
        query = select(Moment.id, Moment.kind, Moment.occurred_at, column.label("value")).where(
            Moment.connection_id == connection.id, Moment.state.in_(CAN_BE_WITHDRAWN), column.in_(until)
        )
        ended = defaultdict(list)
        for moment in db.session.execute(query):
            end = until[moment.value].get(moment.kind)
            if end is not None and (field == "key" or moment.occurred_at <= to_datetime(end)):
                ended[moment.kind].append(moment.id)
        for kind, ids in ended.items():
            _withdraw(connection, Moment.id.in_(ids), KINDS[kind].withdrawal_reason)


def _keep_highest_priority_moment(connection: Connection, customers: set[str]) -> None:
    """Withdraw a customer's open moments of weaker kinds than the strongest one whose ads may still run.

    The order of KINDS is the order of strength, whatever order the moments arrived in.
    """
    strength = {kind: place for place, kind in enumerate(KINDS)}
    query = select(Moment.id, Moment.stripe_customer_id, Moment.kind, Moment.occurred_at).where(
        Moment.connection_id == connection.id,
        Moment.stripe_customer_id.in_(customers),
        Moment.state.in_(CAN_BE_WITHDRAWN),
    )
    moments = db.session.execute(query).all()
    strongest: dict[str, str] = {}  # by customer
    for moment in sorted(moments, key=lambda moment: strength[moment.kind]):
        if moment.occurred_at + timedelta(days=KINDS[moment.kind].runs[1]) > now():
            strongest[moment.stripe_customer_id] = moment.kind
    weaker = defaultdict(list)
    for moment in moments:
        kind = strongest.get(moment.stripe_customer_id, moment.kind)
        if strength[moment.kind] < strength[kind]:
            weaker[kind].append(moment.id)
    for kind, ids in weaker.items():
        _withdraw(connection, Moment.id.in_(ids), f"{KINDS[kind].noun} goes before it")


def _withdraw(connection: Connection, which: ColumnElement[bool], reason: str) -> None:
    """Withdraw moments, and take a creative whose moments have all been withdrawn out of the queue."""
    query = update(Moment).where(Moment.connection_id == connection.id, Moment.state.in_(CAN_BE_WITHDRAWN), which)
    ended = query.values(state=MomentState.WITHDRAWN, reason=reason).returning(Moment.id, Moment.creative_id)
    rows = db.session.execute(ended, execution_options={"synchronize_session": False}).all()
    if not rows:
        return
    log.info("moments_withdrawn", connection=connection.id, moments=[row.id for row in rows], reason=reason)
    has_moments = exists().where(Moment.creative_id == Creative.id, Moment.state == MomentState.GENERATED)
    is_empty = and_(Creative.id.in_({row.creative_id for row in rows}), ~has_moments)
    is_open = Creative.status.in_((CreativeStatus.WAITING, CreativeStatus.APPROVED))
    for creative in db.session.scalars(select(Creative).where(is_empty, is_open)):
        creative.status = CreativeStatus.WITHDRAWN
        db.session.add(Review(creative_id=creative.id, action=ReviewAction.WITHDRAWN, reason=reason))


def mark_ready(connection_id: int) -> None:
    """A moment without a subscription is ready once the customer has one, or when its grace period is over."""
    has_subscription = exists().where(
        Subscription.connection_id == connection_id, Subscription.stripe_customer_id == Moment.stripe_customer_id
    )
    is_waiting = and_(Moment.connection_id == connection_id, Moment.state == MomentState.WAITING, OPEN_MOMENTS)
    query = update(Moment).where(is_waiting, or_(has_subscription, Moment.ready_at <= now()))
    db.session.execute(query.values(state=MomentState.READY), execution_options={"synchronize_session": False})


def release_blocked(connection: Connection) -> None:
    """Try blocked moments again after the brand kit has changed."""
    query = update(Moment).where(Moment.connection_id == connection.id, Moment.state == MomentState.BLOCKED)
    db.session.execute(query.values(state=MomentState.READY, reason=None))
    jobs.enqueue("process_events", connection.id)
