"""The register of moments: each is written once, waits for what it needs, and is withdrawn when it no longer holds."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import and_, exists, or_, select, update

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
    Moment,
    Review,
    StripeEvent,
    Subscription,
    Trigger,
)
from manimod.models.accounts import now
from manimod.models.bulk import insert_new, upsert
from manimod.moments.interpret import DetectedMoment, Interpretation, Withdrawal
from manimod.stripe import payloads
from manimod.stripe.payloads import LIVE_STATUSES


def switches(account: Account) -> dict[str, bool]:
    """Which kinds of moments make creatives; all do until the owner switches one off."""
    rows = db.session.scalars(select(Trigger).where(Trigger.account_id == account.id))
    chosen = {row.kind: row.enabled for row in rows}
    return {kind: chosen.get(kind, True) for kind in KINDS}


def set_switch(account: Account, kind: str, enabled: bool) -> None:
    if kind not in KINDS:
        raise ManimodError("TRIGGER_UNKNOWN")
    upsert(Trigger, [{"account_id": account.id, "kind": kind, "enabled": enabled}], ("account_id", "kind"))


def release_blocked(connection: Connection) -> None:
    """Try again what was held, once the brand has changed."""
    query = update(Moment).where(Moment.connection_id == connection.id, Moment.state == "blocked")
    db.session.execute(query.values(state="ready", reason=None))
    jobs.enqueue("process_events", connection.id)


log = structlog.get_logger()

OPEN = ("waiting", "ready", "generated")
WINBACK = [kind for kind, about in KINDS.items() if about.objective == "winback"]


@dataclass(frozen=True)
class Observation:
    """What was learnt at once, and how: the source (webhook, poll, sync) and when it came in."""

    meaning: Interpretation
    source: str
    received_at: datetime
    customer: str | None = None  # whom it is about, also where it makes no moment


def record(connection: Connection, news: list[Observation]) -> None:
    """Write the moments of a batch, withdraw what it ends, erase whom it deletes."""
    enabled = switches(connection.account)
    rows = [_row(connection, moment, item, enabled) for item in news for moment in item.meaning.moments]
    _insert(connection, rows)
    _withdraw(connection, [withdrawal for item in news for withdrawal in item.meaning.withdrawals])
    _withdraw_paid_failures(connection, [row["key"] for row in rows if row["kind"] == "payment_failed"])
    for customer_id in filter(None, (item.meaning.erases for item in news)):
        _withdraw_all_of(connection, customer_id)
        replica.erase_customer(connection.id, customer_id)
    _withdraw_win_backs_of_active_customers(connection, news)
    if connection.livemode:  # whoever tests wants to see what each event makes
        _keep_highest_priority_moment(connection, {row["stripe_customer_id"] for row in rows} - {None})
    mark_ready(connection.id)


def _row(connection: Connection, moment: DetectedMoment, news: Observation, switches: dict[str, bool]) -> dict:
    waits = moment.subscription is None
    grace = timedelta(seconds=settings().grace_period_seconds)
    state = "waiting" if waits else "ready"
    return {
        "connection_id": connection.id,
        "key": moment.key,
        "kind": moment.kind,
        "stripe_customer_id": moment.customer,
        "stripe_subscription_id": moment.subscription,
        "livemode": connection.livemode,
        "source": news.source,
        "occurred_at": payloads.to_datetime(moment.occurred),
        "received_at": news.received_at,
        "detected_at": now(),
        "state": state if switches[moment.kind] else "skipped",
        "ready_at": now() + grace if waits else None,
        "reason": None if switches[moment.kind] else "this event was switched off",
    }


def _insert(connection: Connection, rows: list[dict]) -> None:
    """Those that are new, in the register and in the days of the trend."""
    new = {key for _, key in insert_new(Moment, rows, ("connection_id", "key"))}
    first = {row["key"]: row for row in reversed(rows) if row["key"] in new}
    statistics.count_moments(connection, list(first.values()))


def _withdraw(connection: Connection, withdrawals: list[Withdrawal]) -> None:
    """End the open moments that the withdrawals name, unless they happened after it."""
    for field, column in _WITHDRAWAL_COLUMNS.items():
        named = [withdrawal for withdrawal in withdrawals if getattr(withdrawal, field)]
        if not named:
            continue
        until = {
            (w.kind, getattr(w, field)): payloads.to_datetime(w.until) for w in sorted(named, key=lambda w: w.until)
        }
        values = {value for _, value in until}
        query = select(Moment.id, Moment.kind, column, Moment.occurred_at).where(
            Moment.connection_id == connection.id, Moment.state.in_(OPEN), column.in_(values)
        )
        for kind in {withdrawal.kind for withdrawal in named}:
            over = [
                row.id
                for row in db.session.execute(query.where(Moment.kind == kind))
                if (kind, row[2]) in until and (field == "key" or row.occurred_at <= until[kind, row[2]])
            ]
            if over:
                _withdraw_where(connection, Moment.id.in_(over), KINDS[kind].withdrawal_reason)


_WITHDRAWAL_COLUMNS = {
    "key": Moment.key,
    "subscription": Moment.stripe_subscription_id,
    "customer": Moment.stripe_customer_id,
}


def _withdraw_paid_failures(connection: Connection, keys: list[str]) -> None:
    """A failure that is told after its invoice was paid, because events arrive in any order, is no news."""
    invoices = [key.removeprefix("payment_failed:") for key in keys]
    if not invoices:
        return
    query = select(StripeEvent.paid_invoice_id).where(
        StripeEvent.connection_id == connection.id, StripeEvent.paid_invoice_id.in_(invoices)
    )
    paid = [f"payment_failed:{invoice}" for invoice in db.session.scalars(query)]
    if paid:
        _withdraw_where(connection, Moment.key.in_(paid), KINDS["payment_failed"].withdrawal_reason)


def _withdraw_all_of(connection: Connection, customer_id: str) -> None:
    _withdraw_where(connection, Moment.stripe_customer_id == customer_id, "the customer was deleted in Stripe")


def _withdraw_win_backs_of_active_customers(connection: Connection, news: list[Observation]) -> None:
    """Whoever has another subscription has not left; it also settles a return that was told before the leaving.

    Only those are looked at whom the news are about: a backlog may hold thousands of moments that are ready.
    """
    told = {item.customer for item in news}
    told |= {about.customer for item in news for about in (*item.meaning.moments, *item.meaning.withdrawals)}
    stays = exists().where(
        Subscription.connection_id == connection.id,
        Subscription.stripe_customer_id == Moment.stripe_customer_id,
        Subscription.stripe_id != Moment.stripe_subscription_id,
        Subscription.status.in_(LIVE_STATUSES),
    )
    _withdraw_where(
        connection,
        and_(Moment.stripe_customer_id.in_(told - {None}), Moment.kind.in_(WINBACK), Moment.state == "ready", stays),
        "the customer has another subscription",
    )


def _keep_highest_priority_moment(connection: Connection, customers: set[str]) -> None:
    """Of a customer's open moments the one that goes before the others stays, whatever order they were told in, as long
    as its ads may run."""
    query = select(Moment.stripe_customer_id, Moment.kind, Moment.occurred_at).where(
        Moment.connection_id == connection.id, Moment.stripe_customer_id.in_(customers), Moment.state.in_(OPEN)
    )
    open_moments = db.session.execute(query).all()
    times = Counter(moment.stripe_customer_id for moment in open_moments)
    stronger = {kind: set() for kind in reversed(KINDS)}
    for customer, kind, occurred_at in open_moments:
        if times[customer] > 1 and occurred_at + timedelta(days=KINDS[kind].runs[1]) > now():
            stronger[kind].add(customer)
    for place, (kind, beaten) in enumerate(stronger.items(), 1):
        if beaten:
            which = and_(Moment.stripe_customer_id.in_(beaten), Moment.kind.in_(list(stronger)[place:]))
            _withdraw_where(connection, which, f"{KINDS[kind].noun} goes before it")


def _withdraw_where(connection: Connection, which, reason: str) -> None:
    query = update(Moment).where(Moment.connection_id == connection.id, Moment.state.in_(OPEN), which)
    ended = query.values(state="withdrawn", reason=reason).returning(Moment.id, Moment.creative_id)
    rows = db.session.execute(ended, execution_options={"synchronize_session": False}).all()
    if rows:
        log.info("moments_withdrawn", connection=connection.id, moments=[row.id for row in rows], reason=reason)
        _withdraw_empty_creatives({row.creative_id for row in rows} - {None}, reason)


def _withdraw_empty_creatives(creatives: set[int], reason: str) -> None:
    """A creative whose moments have all been withdrawn leaves the queue."""
    still_open = exists().where(Moment.creative_id == Creative.id, Moment.state == "generated")
    empty = select(Creative).where(
        Creative.id.in_(creatives), Creative.status.in_(("waiting", "approved")), ~still_open
    )
    for creative in db.session.scalars(empty) if creatives else ():
        creative.status = "withdrawn"
        db.session.add(Review(creative_id=creative.id, action="withdrawn", reason=reason))


def mark_ready(connection_id: int) -> None:
    """A moment without a subscription is ready once the customer's is known, or when it has waited long enough."""
    has_subscription = exists().where(
        Subscription.connection_id == connection_id, Subscription.stripe_customer_id == Moment.stripe_customer_id
    )
    query = update(Moment).where(
        Moment.connection_id == connection_id,
        Moment.state == "waiting",
        OPEN_MOMENTS,
        or_(has_subscription, Moment.ready_at <= now()),
    )
    db.session.execute(query.values(state="ready"), execution_options={"synchronize_session": False})


def has_overdue_grace_period(connection_id: int) -> bool:
    """Whether a moment has waited long enough for a subscription."""
    due = select(Moment.id).where(
        Moment.connection_id == connection_id, Moment.state == "waiting", OPEN_MOMENTS, Moment.ready_at <= now()
    )
    return db.session.scalar(due.limit(1)) is not None
