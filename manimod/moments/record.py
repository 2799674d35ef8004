"""Records moments: each is stored once, waits for what it needs, and is withdrawn when it no longer holds."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import ColumnElement, and_, exists, or_, select, update

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
    rows, withdrawals = [], []
    for observation in observations:
        rows += [_moment_row(connection, moment, observation, enabled) for moment in observation.meaning.moments]
        withdrawals += observation.meaning.withdrawals
    _insert(connection, rows)
    _withdraw(connection, withdrawals)
    _withdraw_paid_failures(connection, [row["key"] for row in rows if row["kind"] == "payment_failed"])
    for observation in observations:
        customer_id = observation.meaning.erases
        if customer_id:
            is_theirs = Moment.stripe_customer_id == customer_id
            _withdraw_where(connection, is_theirs, "the customer was deleted in Stripe")
            replica.erase_customer(connection.id, customer_id)
    _withdraw_win_backs_of_active_customers(connection, observations)
    if connection.livemode:  # a tester wants to see what each event makes
        _keep_highest_priority_moment(connection, {row["stripe_customer_id"] for row in rows} - {None})
    mark_ready(connection.id)


def _moment_row(
    connection: Connection, moment: DetectedMoment, observation: Observation, enabled: dict[str, bool]
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
        "state": state if enabled[moment.kind] else MomentState.SKIPPED,
        "ready_at": now() + timedelta(seconds=settings().grace_period_seconds) if waits else None,
        "reason": None if enabled[moment.kind] else "this event was switched off",
    }


def _insert(connection: Connection, rows: list[dict[str, Any]]) -> None:
    """Store those that are new and count them for the trend."""
    by_key: dict[str, dict[str, Any]] = {}
    for row in rows:
        by_key.setdefault(row["key"], row)
    new = insert_new(Moment, list(by_key.values()), ("connection_id", "key"))
    statistics.count_moments(connection, [by_key[key] for _, key in new])


def _withdraw(connection: Connection, withdrawals: list[Withdrawal]) -> None:
    """End the open moments that the withdrawals name, unless they happened later."""
    for field, column in WITHDRAWAL_COLUMNS.items():
        until: dict[tuple[str, str], int] = {}
        for withdrawal in withdrawals:
            name = (withdrawal.kind, getattr(withdrawal, field))
            until[name] = max(withdrawal.until, until.get(name, 0))
        values = {value for _, value in until if value}
        if not values:
            continue
        query = select(Moment.id, Moment.kind, Moment.occurred_at, column.label("value")).where(
            Moment.connection_id == connection.id, Moment.state.in_(CAN_BE_WITHDRAWN), column.in_(values)
        )
        ended = defaultdict(list)
        for moment in db.session.execute(query):
            end = until.get((moment.kind, moment.value))
            if end is not None and (field == "key" or moment.occurred_at <= to_datetime(end)):
                ended[moment.kind].append(moment.id)
        for kind, ids in ended.items():
            _withdraw_where(connection, Moment.id.in_(ids), KINDS[kind].withdrawal_reason)


def _withdraw_paid_failures(connection: Connection, keys: list[str]) -> None:
    """Events arrive in any order: a failure may arrive after the payment of its invoice."""
    if not keys:
        return
    invoices = [key.removeprefix("payment_failed:") for key in keys]
    query = select(StripeEvent.paid_invoice_id).where(
        StripeEvent.connection_id == connection.id, StripeEvent.paid_invoice_id.in_(invoices)
    )
    paid = [f"payment_failed:{invoice}" for invoice in db.session.scalars(query)]
    if paid:
        _withdraw_where(connection, Moment.key.in_(paid), KINDS["payment_failed"].withdrawal_reason)


def _withdraw_win_backs_of_active_customers(connection: Connection, observations: list[Observation]) -> None:
    """A customer with another subscription has not left, even if that one started before the cancellation arrived.

    Only customers in this batch are checked: a backlog may hold thousands of moments that are ready.
    """
    customers = set()
    for observation in observations:
        customers.add(observation.customer)
        customers.update(moment.customer for moment in observation.meaning.moments)
        customers.update(withdrawal.customer for withdrawal in observation.meaning.withdrawals)
    has_another = exists().where(
        Subscription.connection_id == connection.id,
        Subscription.stripe_customer_id == Moment.stripe_customer_id,
        Subscription.stripe_id != Moment.stripe_subscription_id,
        Subscription.status.in_(LIVE_STATUSES),
    )
    is_win_back = and_(
        Moment.stripe_customer_id.in_(customers - {None}),
        Moment.kind.in_(WIN_BACKS),
        Moment.state == MomentState.READY,
    )
    _withdraw_where(connection, and_(is_win_back, has_another), "the customer has another subscription")


def _keep_highest_priority_moment(connection: Connection, customers: set[str]) -> None:
    """Withdraw a customer's open moments of weaker kinds than the strongest one whose ads may still run.

    The order of KINDS is the order of strength, whatever order the moments arrived in.
    """
    query = select(Moment.id, Moment.stripe_customer_id, Moment.kind, Moment.occurred_at).where(
        Moment.connection_id == connection.id,
        Moment.stripe_customer_id.in_(customers),
        Moment.state.in_(CAN_BE_WITHDRAWN),
    )
    moments = db.session.execute(query).all()
    kinds = list(KINDS)
    strongest: dict[str, int] = defaultdict(int)
    for moment in moments:
        if moment.occurred_at + timedelta(days=KINDS[moment.kind].runs[1]) > now():
            customer_id = moment.stripe_customer_id
            strongest[customer_id] = max(strongest[customer_id], kinds.index(moment.kind))
    for place, kind in enumerate(kinds):
        weaker = []
        for moment in moments:
            if strongest[moment.stripe_customer_id] == place and moment.kind in kinds[:place]:
                weaker.append(moment.id)
        if weaker:
            _withdraw_where(connection, Moment.id.in_(weaker), f"{KINDS[kind].noun} goes before it")


def _withdraw_where(connection: Connection, which: ColumnElement[bool], reason: str) -> None:
    query = update(Moment).where(Moment.connection_id == connection.id, Moment.state.in_(CAN_BE_WITHDRAWN), which)
    ended = query.values(state=MomentState.WITHDRAWN, reason=reason).returning(Moment.id, Moment.creative_id)
    rows = db.session.execute(ended, execution_options={"synchronize_session": False}).all()
    if rows:
        log.info("moments_withdrawn", connection=connection.id, moments=[row.id for row in rows], reason=reason)
        _withdraw_empty_creatives({row.creative_id for row in rows} - {None}, reason)


def _withdraw_empty_creatives(creative_ids: set[int], reason: str) -> None:
    """A creative whose moments have all been withdrawn leaves the queue."""
    if not creative_ids:
        return
    has_moments = exists().where(Moment.creative_id == Creative.id, Moment.state == MomentState.GENERATED)
    is_open = Creative.status.in_((CreativeStatus.WAITING, CreativeStatus.APPROVED))
    for creative in db.session.scalars(select(Creative).where(Creative.id.in_(creative_ids), is_open, ~has_moments)):
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


def has_overdue_grace_period(connection_id: int) -> bool:
    is_waiting = and_(Moment.connection_id == connection_id, Moment.state == MomentState.WAITING, OPEN_MOMENTS)
    return db.session.scalar(select(Moment.id).where(is_waiting, Moment.ready_at <= now()).limit(1)) is not None


def release_blocked(connection: Connection) -> None:
    """Try blocked moments again after the brand kit has changed."""
    query = update(Moment).where(Moment.connection_id == connection.id, Moment.state == MomentState.BLOCKED)
    db.session.execute(query.values(state=MomentState.READY, reason=None))
    jobs.enqueue("process_events", connection.id)
