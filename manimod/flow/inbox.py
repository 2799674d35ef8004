"""The inbox: a signed event is stored once, then drained in batches into the register.

What was acknowledged is in the database. A batch is processed and marked done in one transaction that holds the
connection's row, so a worker that dies in between has done nothing and the next one starts over.
"""

from collections import Counter
from datetime import UTC, datetime

import structlog
from sqlalchemy import select, update
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError

from manimod import jobs
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.flow import mirror, moments, register
from manimod.models import Connection, Moment, StripeEvent
from manimod.models.accounts import now
from manimod.models.upsert import insert_once
from manimod.stripe_facts import EventFacts, MinimisedEvent

log = structlog.get_logger()

# Failures of the database that no event can cause; a DataError or an IntegrityError may be one's doing.
DatabaseTrouble = (OperationalError, InterfaceError, InternalError, ProgrammingError)
BATCH = 200
TRIES = 5


def store(arrived: list[tuple[int, MinimisedEvent]], path: str) -> list[tuple[int, str]]:
    """Insert events, each with its connection's id, and wake the workers; those that were here before come back.

    They come back as (connection id, Stripe's id). All writers insert in one order, so that no two wait for each other.
    """
    rows = sorted((_row(*one, path) for one in arrived), key=lambda row: (row["connection_id"], row["stripe_id"]))
    keys = [(row["connection_id"], row["stripe_id"]) for row in rows]
    for connection_id in {connection_id for connection_id, _ in keys}:
        jobs.enqueue("drain", connection_id)
    new = Counter(insert_once(StripeEvent, rows, ("connection_id", "stripe_id")))
    return list((Counter(keys) - new).elements())


def tell_stored(connection_id: int, event: MinimisedEvent, path: str, is_new: bool) -> None:
    facts = event.facts
    log.info("event_stored", event_id=facts.id, type=facts.type, connection=connection_id, path=path, new=is_new)


def _row(connection_id: int, event: MinimisedEvent, path: str) -> dict:
    facts = event.facts
    return {
        "connection_id": connection_id,
        "stripe_id": facts.id,
        "type": facts.type,
        "livemode": facts.livemode,
        "path": path,
        "facts": facts.to_json(),
        "stripe_customer_id": facts.customer_id,
        "paid_invoice_id": moments.paid_invoice(facts),
        "fields_read": event.fields_read,
        "fields_dropped": event.fields_dropped,
        "created_at": datetime.fromtimestamp(facts.created, UTC),
        "received_at": now(),
        "state": "pending",
        "attempts": 0,
    }


def drain(connection_id: int) -> bool:
    """Process one batch of a connection's pending events; True where there may be more."""
    try:
        with jobs.transaction():
            return _drain_batch(connection_id, BATCH)
    except DatabaseTrouble as error:
        return _wait_for_the_database(connection_id, error)
    except Exception:
        log.exception("batch_failed", connection=connection_id)
    return _drain_one_by_one(connection_id)


def _wait_for_the_database(connection_id: int, error: Exception) -> bool:
    """An outage is no event's fault and counts as no try: the rows stay pending and the sweep comes back to them."""
    log.warning("database_away", connection=connection_id, error=type(error).__name__)
    return False


def _drain_batch(connection_id: int, limit: int) -> bool:
    connection = register.lock(connection_id)
    events = _pending(connection_id, limit)
    if connection is None or not events:
        return False
    accepted = [event for event in events if _accept(event, connection)]
    facts = [(event, EventFacts.from_json(event.facts)) for event in accepted]
    mirror.apply(connection, [event_facts for _, event_facts in facts])
    news = [_news(event, event_facts) for event, event_facts in facts]
    _finish(events)
    register.record(connection, news)
    _tell(connection, events, dict(zip([event.id for event in accepted], news, strict=True)))
    return len(events) == limit


def _pending(connection_id: int, limit: int) -> list[StripeEvent]:
    query = select(StripeEvent).where(StripeEvent.connection_id == connection_id, StripeEvent.state == "pending")
    return list(db.session.scalars(query.order_by(StripeEvent.id).limit(limit)))


def _accept(event: StripeEvent, connection: Connection) -> bool:
    """Whether the event counts for this connection; if not, it is ignored with its reason."""
    reason = _why_ignored(event, connection)
    if reason:
        event.state, event.reason = "ignored", reason
    return reason is None


def _why_ignored(event: StripeEvent, connection: Connection) -> str | None:
    if event.livemode != connection.livemode:
        modes = {True: "live", False: "test"}
        return f"a {modes[event.livemode]}-mode event, but the key is a {modes[connection.livemode]}-mode key"
    if not connection.account.may_connect_stripe:
        return f"the account's plan ({connection.account.plan}) doesn't include Stripe"
    return None


def _news(event: StripeEvent, facts: EventFacts) -> register.News:
    meaning = moments.interpret(facts)
    event.reason = meaning.reason
    return register.News(meaning, event.path, event.received_at)


def _finish(events: list[StripeEvent]) -> None:
    for event in events:
        event.processed_at = now()
        if event.state == "pending":
            event.state = "done"


def _tell(connection: Connection, events: list[StripeEvent], news: dict[int, register.News]) -> None:
    """The log lines that lead from an event to its moments; from there generation leads on to the creatives."""
    keys = {happening.key for item in news.values() for happening in item.meaning.happenings}
    query = select(Moment.key, Moment.id, Moment.state).where(Moment.connection_id == connection.id)
    known = {row.key: row for row in db.session.execute(query.where(Moment.key.in_(keys)))} if keys else {}
    for event in events:
        told = {"event_id": event.stripe_id, "row": event.id, "connection": connection.id}
        log.info("event_processed", **told, state=event.state, reason=event.reason)
        for happening in news[event.id].meaning.happenings if event.id in news else ():
            if moment := known.get(happening.key):
                log.info("moment_found", **told, moment=moment.id, kind=happening.kind, state=moment.state)


def _drain_one_by_one(connection_id: int) -> bool:
    """After a batch failed: each event in a transaction of its own, so that one bad event holds up no other."""
    for event in _pending(connection_id, BATCH):
        event_id = event.id
        try:
            with jobs.transaction():
                _drain_single(connection_id, event_id)
        except DatabaseTrouble as error:
            return _wait_for_the_database(connection_id, error)
        except Exception as error:
            log.exception("event_failed", connection=connection_id, row=event_id)
            with jobs.transaction():
                _count_failure(event_id, error)
    return False


def _drain_single(connection_id: int, event_id: int) -> None:
    connection = register.lock(connection_id)
    event = db.session.get(StripeEvent, event_id)
    if connection is None or event is None or event.state != "pending":
        return
    facts = [EventFacts.from_json(event.facts)] if _accept(event, connection) else []
    mirror.apply(connection, facts)
    news = [_news(event, event_facts) for event_facts in facts]
    _finish([event])
    register.record(connection, news)
    _tell(connection, [event], dict(zip([event.id], news, strict=False)))


def _count_failure(event_id: int, error: Exception) -> None:
    event = db.session.get(StripeEvent, event_id)
    if event is None:
        return
    event.attempts += 1
    event.reason = f"mani could not process it ({type(error).__name__}), try {event.attempts} of {TRIES}"
    if event.attempts >= TRIES:
        event.state = "parked"


def replay(connection: Connection, event_id: int) -> None:
    """Process a stored event once more, such as one that was parked. Moments that exist are not made twice."""
    query = update(StripeEvent).where(StripeEvent.connection_id == connection.id, StripeEvent.id == event_id)
    changed = db.session.execute(query.values(state="pending", attempts=0, reason=None, processed_at=None))
    if not changed.rowcount:
        raise ManimodError("NOT_FOUND")
    jobs.enqueue("drain", connection.id)
