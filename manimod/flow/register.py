"""The register of moments: each is written once, waits for what it needs, and is withdrawn when it no longer holds."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from flask import current_app
from sqlalchemy import and_, exists, or_, select, update

from manimod.extensions import db
from manimod.flow import connections, history, mirror
from manimod.flow.moments import LIVE, Happening, Interpretation, Withdrawal
from manimod.lifecycle import KINDS
from manimod.models import OPEN_MOMENTS, Connection, Creative, Moment, Review, StripeEvent, Subscription
from manimod.models.accounts import now
from manimod.models.rows import among, insert_once

log = structlog.get_logger()

OPEN = ("waiting", "ready", "generated")
WINBACK = [kind for kind, about in KINDS.items() if about.objective == "winback"]


@dataclass(frozen=True)
class News:
    """What was learnt at once, and how: the path (webhook, poll, sync) and when it came in."""

    meaning: Interpretation
    path: str
    received_at: datetime
    customer: str | None = None  # whom it is about, also where it makes no moment


def lock(connection_id: int) -> Connection | None:
    """Hold a connection for this transaction, so that one worker at a time writes its moments and creatives.

    None where it is not connected any more. New events may still be stored meanwhile.
    """
    query = select(Connection).where(Connection.id == connection_id, Connection.status == "connected")
    return db.session.scalar(query.with_for_update(key_share=True))


def record(connection: Connection, news: list[News]) -> None:
    """Write the moments of a batch, withdraw what it ends, erase whom it deletes."""
    switches = connections.switches(connection.account)
    rows = [_row(connection, happening, item, switches) for item in news for happening in item.meaning.happenings]
    _write(connection, rows)
    _withdraw(connection, [withdrawal for item in news for withdrawal in item.meaning.withdrawals])
    _withdraw_paid_failures(connection, [row["key"] for row in rows if row["kind"] == "payment_failed"])
    for customer_id in filter(None, (item.meaning.erases for item in news)):
        _withdraw_all_of(connection, customer_id)
        mirror.erase_customer(connection.id, customer_id)
    _win_nobody_back_who_stays(connection, news)
    if connection.livemode:  # whoever tests wants to see what each event makes
        _let_one_moment_speak(connection, {row["stripe_customer_id"] for row in rows} - {None})
    settle(connection.id)


def _row(connection: Connection, happening: Happening, news: News, switches: dict[str, bool]) -> dict:
    waits = happening.subscription is None
    patience = timedelta(seconds=current_app.extensions["settings"].grace_period_seconds)
    state = "waiting" if waits else "ready"
    return {
        "connection_id": connection.id,
        "key": happening.key,
        "kind": happening.kind,
        "stripe_customer_id": happening.customer,
        "stripe_subscription_id": happening.subscription,
        "livemode": connection.livemode,
        "path": news.path,
        "occurred_at": mirror.at(happening.occurred),
        "received_at": news.received_at,
        "detected_at": now(),
        "state": state if switches[happening.kind] else "skipped",
        "settle_by": now() + patience if waits else None,
        "reason": None if switches[happening.kind] else "this event was switched off",
    }


def _write(connection: Connection, rows: list[dict]) -> None:
    """Those that are new, in the register and in the days of the trend."""
    new = {key for _, key in insert_once(Moment, rows, ("connection_id", "key"))}
    first = {row["key"]: row for row in reversed(rows) if row["key"] in new}
    history.count(connection, list(first.values()))


def _withdraw(connection: Connection, withdrawals: list[Withdrawal]) -> None:
    """End the open moments that the withdrawals name, unless they happened after it."""
    for field, column in _NAMED_BY.items():
        named = [withdrawal for withdrawal in withdrawals if getattr(withdrawal, field)]
        if not named:
            continue
        until = {(w.kind, getattr(w, field)): mirror.at(w.until) for w in sorted(named, key=lambda w: w.until)}
        values = {value for _, value in until}
        query = select(Moment.id, Moment.kind, column, Moment.occurred_at).where(
            Moment.connection_id == connection.id, Moment.state.in_(OPEN), among(column, values)
        )
        for kind in {withdrawal.kind for withdrawal in named}:
            over = [
                row.id
                for row in db.session.execute(query.where(Moment.kind == kind))
                if (kind, row[2]) in until and (field == "key" or row.occurred_at <= until[kind, row[2]])
            ]
            if over:
                _end(connection, among(Moment.id, over), KINDS[kind].taken_back)


_NAMED_BY = {
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
        StripeEvent.connection_id == connection.id, among(StripeEvent.paid_invoice_id, invoices)
    )
    paid = [f"payment_failed:{invoice}" for invoice in db.session.scalars(query)]
    if paid:
        _end(connection, among(Moment.key, paid), KINDS["payment_failed"].taken_back)


def _withdraw_all_of(connection: Connection, customer_id: str) -> None:
    _end(connection, Moment.stripe_customer_id == customer_id, "the customer was deleted in Stripe")


def _win_nobody_back_who_stays(connection: Connection, news: list[News]) -> None:
    """Whoever has another subscription has not left; it also settles a return that was told before the leaving.

    Only those are looked at whom the news are about: a backlog may hold thousands of moments that are ready.
    """
    told = {item.customer for item in news}
    told |= {about.customer for item in news for about in (*item.meaning.happenings, *item.meaning.withdrawals)}
    stays = exists().where(
        Subscription.connection_id == connection.id,
        Subscription.stripe_customer_id == Moment.stripe_customer_id,
        Subscription.stripe_id != Moment.stripe_subscription_id,
        Subscription.status.in_(LIVE),
    )
    _end(
        connection,
        and_(among(Moment.stripe_customer_id, told - {None}), Moment.kind.in_(WINBACK), Moment.state == "ready", stays),
        "the customer has another subscription",
    )


def _let_one_moment_speak(connection: Connection, customers: set[str]) -> None:
    """Of a customer's open moments the one that goes before the others stays, whatever order they were told in, as long
    as its ads may run."""
    query = select(Moment.stripe_customer_id, Moment.kind, Moment.occurred_at).where(
        Moment.connection_id == connection.id, among(Moment.stripe_customer_id, customers), Moment.state.in_(OPEN)
    )
    open_moments = db.session.execute(query).all()
    times = Counter(moment.stripe_customer_id for moment in open_moments)
    stronger = {kind: set() for kind in reversed(KINDS)}
    for customer, kind, occurred_at in open_moments:
        if times[customer] > 1 and occurred_at + timedelta(days=KINDS[kind].runs[1]) > now():
            stronger[kind].add(customer)
    for place, (kind, beaten) in enumerate(stronger.items(), 1):
        if beaten:
            which = and_(among(Moment.stripe_customer_id, beaten), Moment.kind.in_(list(stronger)[place:]))
            _end(connection, which, f"{KINDS[kind].spoken} goes before it")


def _end(connection: Connection, which, reason: str) -> None:
    query = update(Moment).where(Moment.connection_id == connection.id, Moment.state.in_(OPEN), which)
    ended = query.values(state="withdrawn", reason=reason).returning(Moment.id, Moment.creative_id)
    rows = db.session.execute(ended, execution_options={"synchronize_session": False}).all()
    if rows:
        log.info("moments_withdrawn", connection=connection.id, moments=[row.id for row in rows], reason=reason)
        _withdraw_if_empty({row.creative_id for row in rows} - {None}, reason)


def _withdraw_if_empty(creatives: set[int], reason: str) -> None:
    """A creative whose moments have all been withdrawn leaves the queue."""
    still_open = exists().where(Moment.creative_id == Creative.id, Moment.state == "generated")
    empty = select(Creative).where(
        Creative.id.in_(creatives), Creative.status.in_(("waiting", "approved")), ~still_open
    )
    for creative in db.session.scalars(empty) if creatives else ():
        creative.status = "withdrawn"
        db.session.add(Review(creative_id=creative.id, action="withdrawn", reason=reason))


def settle(connection_id: int) -> None:
    """A moment without a subscription is ready once the customer's is known, or when it has waited long enough."""
    has_subscription = exists().where(
        Subscription.connection_id == connection_id, Subscription.stripe_customer_id == Moment.stripe_customer_id
    )
    query = update(Moment).where(
        Moment.connection_id == connection_id,
        Moment.state == "waiting",
        OPEN_MOMENTS,
        or_(has_subscription, Moment.settle_by <= now()),
    )
    db.session.execute(query.values(state="ready"), execution_options={"synchronize_session": False})


def has_settled(connection_id: int) -> bool:
    """Whether a moment has waited long enough for a subscription."""
    due = select(Moment.id).where(
        Moment.connection_id == connection_id, Moment.state == "waiting", OPEN_MOMENTS, Moment.settle_by <= now()
    )
    return db.session.scalar(due.limit(1)) is not None
