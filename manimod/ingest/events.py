"""The inbox: a signed event is stored once, then drained in batches into the register.

What was acknowledged is in the database. A batch is processed and marked done in one transaction that holds the
connection's row, so a worker that dies in between has done nothing and the next one starts over.
"""

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from time import monotonic

import structlog
from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import Row, and_, or_, select, update
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError

from manimod import jobs, logs
from manimod.customers import replica
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import OPEN_MOMENTS, Connection, Moment, StripeEvent
from manimod.models.accounts import now
from manimod.models.bulk import insert_new
from manimod.moments import interpret, record
from manimod.stripe import connections
from manimod.stripe.payloads import EventFacts, MinimisedEvent

log = structlog.get_logger()

# Failures of the database that no event can cause; a DataError or an IntegrityError may be one's doing.
DATABASE_ERRORS = (OperationalError, InterfaceError, InternalError, ProgrammingError)
BATCH_SIZE = 500
SINGLE_BATCH_SIZE = 200  # events at most, each in a transaction of its own, after a batch has failed
MAX_SECONDS = 1.0  # after which other accounts get their turn
MAX_ATTEMPTS = 5
STUCK_AFTER = timedelta(seconds=2)  # then the job that was enqueued counts as lost
# Plain rows: an object for each event would cost more than all that is done with it.
PENDING = select(
    StripeEvent.id,
    StripeEvent.stripe_id,
    StripeEvent.livemode,
    StripeEvent.source,
    StripeEvent.facts,
    StripeEvent.received_at,
).where(StripeEvent.state == "pending")

KEY = itemgetter("connection_id", "stripe_id")

Key = tuple[int, str]  # the connection's id, and Stripe's id of the event
Outcome = tuple[str, str | None]  # the state, and its reason


def store(
    arrived: list[tuple[int, MinimisedEvent]], source: str, database: DatabaseConnection | None = None
) -> list[Key]:
    """Insert events, each with its connection's id, and wake the workers; those that were not inserted come back.

    They were here before, or their account has disconnected. All writers insert in one order, so that no two wait for
    each other.
    """
    rows = sorted((_row(*one, source) for one in arrived), key=KEY)
    query = select(Connection.id).where(
        Connection.id.in_({connection_id for connection_id, _ in arrived}), Connection.status == "connected"
    )
    connected = set((database or db.session).scalars(query))
    stored = insert_new(
        StripeEvent,
        [row for row in rows if row["connection_id"] in connected],
        ("connection_id", "stripe_id"),
        database,
    )
    for connection_id in {connection_id for connection_id, _ in stored}:
        jobs.enqueue("process_events", connection_id)
    return list((Counter(map(KEY, rows)) - Counter(stored)).elements())


def log_stored(stored: list[tuple[int, MinimisedEvent, bool]], source: str, requests: list[str] | None = None) -> None:
    """A line of log for each: the connection's id, the event, whether it is new; of a webhook the request's id too."""
    lines = [
        {
            "event_id": event.facts.id,
            "type": event.facts.type,
            "connection": connection_id,
            "source": source,
            "new": is_new,
        }
        for connection_id, event, is_new in stored
    ]
    for line, request_id in zip(lines, requests or (), strict=False):
        line["request_id"] = request_id
    logs.tell_each("event_stored", lines)


def _row(connection_id: int, event: MinimisedEvent, source: str) -> dict:
    facts = event.facts
    return {
        "connection_id": connection_id,
        "stripe_id": facts.id,
        "type": facts.type,
        "livemode": facts.livemode,
        "source": source,
        "facts": facts.to_json(),
        "stripe_customer_id": facts.customer_id,
        "paid_invoice_id": interpret.paid_invoice(facts),
        "fields_read": event.fields_read,
        "fields_dropped": event.fields_dropped,
        "created_at": datetime.fromtimestamp(facts.created, UTC),
        "received_at": now(),
        "state": "pending",
        "attempts": 0,
        "repeats": 0,
    }


def due() -> set[int]:
    """The connections with work that no job has taken up: pending events, and moments that are ready."""
    late = now() - STUCK_AFTER
    events = select(StripeEvent.connection_id).where(StripeEvent.state == "pending", StripeEvent.received_at < late)
    is_ready = and_(Moment.state == "ready", Moment.detected_at < late)
    grace_is_over = and_(Moment.state == "waiting", Moment.ready_at <= now())
    moments = select(Moment.connection_id).where(OPEN_MOMENTS, or_(is_ready, grace_is_over))
    connected = select(Connection.id).where(Connection.status == "connected")
    waiting = {*db.session.scalars(events.distinct()), *db.session.scalars(moments.distinct())}
    return waiting.intersection(db.session.scalars(connected))


def process_pending(connection_id: int) -> bool:
    """Process a connection's pending events, batch by batch for one turn; True where there may be more."""
    turn_ends, may_be_more = monotonic() + MAX_SECONDS, True
    try:
        while may_be_more and monotonic() < turn_ends:
            with jobs.transaction():
                may_be_more = _process_batch(connection_id, BATCH_SIZE)
        return may_be_more
    except DATABASE_ERRORS as error:
        return _leave_pending(connection_id, error)
    except Exception:
        log.exception("batch_failed", connection=connection_id)
    return _process_one_by_one(connection_id)


def _leave_pending(connection_id: int, error: Exception) -> bool:
    """An outage is no event's fault and counts as no try: the rows stay pending and the sweep comes back to them."""
    log.warning("database_away", connection=connection_id, error=type(error).__name__)
    return False


def _process_batch(connection_id: int, limit: int) -> bool:
    connection = connections.lock(connection_id)
    events = _pending(connection_id, limit)
    if connection is None or not events:
        return False
    _process(connection, events)
    return len(events) == limit


def _pending(connection_id: int, limit: int) -> list[Row]:
    query = PENDING.where(StripeEvent.connection_id == connection_id).order_by(StripeEvent.id).limit(limit)
    return list(db.session.execute(query))


def _process(connection: Connection, events: list[Row]) -> None:
    """Mirror, finish and record a batch; what does not count for this connection is ignored with its reason."""
    outcomes = {event.id: ("ignored", why) for event in events if (why := _why_ignored(event, connection))}
    facts = {event.id: EventFacts.from_json(event.facts) for event in events if event.id not in outcomes}
    replica.apply_events(connection, list(facts.values()))
    news = {
        event.id: record.Observation(interpret.interpret(told), event.source, event.received_at, told.customer_id)
        for event in events
        if (told := facts.get(event.id))
    }
    outcomes |= {event_id: ("done", item.meaning.reason) for event_id, item in news.items()}
    _finish(outcomes)
    record.record(connection, list(news.values()))
    _log_processed(connection, events, outcomes, news)


def _why_ignored(event: Row, connection: Connection) -> str | None:
    if event.livemode != connection.livemode:
        modes = {True: "live", False: "test"}
        return f"a {modes[event.livemode]}-mode event, but the key is a {modes[connection.livemode]}-mode key"
    if not connection.account.may_connect_stripe:
        return f"the account's plan ({connection.account.plan}) doesn't include Stripe"
    return None


def _finish(outcomes: dict[int, Outcome]) -> None:
    """One statement for each outcome, of which a batch has few."""
    alike = defaultdict(list)
    for event_id, outcome in outcomes.items():
        alike[outcome].append(event_id)
    for (state, reason), ids in alike.items():
        query = update(StripeEvent).where(StripeEvent.id.in_(ids))
        db.session.execute(
            query.values(state=state, reason=reason, processed_at=now()),
            execution_options={"synchronize_session": False},
        )


def _log_processed(
    connection: Connection, events: list[Row], outcomes: dict[int, Outcome], news: dict[int, record.Observation]
) -> None:
    """The log line that leads from an event to its moments; from there generation leads on to the creatives."""
    keys = {moment.key for item in news.values() for moment in item.meaning.moments}
    query = select(Moment.key, Moment.id, Moment.kind, Moment.state).where(Moment.connection_id == connection.id)
    known = {key: about for key, *about in db.session.execute(query.where(Moment.key.in_(keys)))} if keys else {}
    lines = [
        {
            "event_id": event.stripe_id,
            "row": event.id,
            "connection": connection.id,
            "state": outcomes[event.id][0],
            "reason": outcomes[event.id][1],
            "moments": [
                dict(zip(("moment", "kind", "state"), known[moment.key], strict=True))
                for moment in (news[event.id].meaning.moments if event.id in news else ())
                if moment.key in known
            ],
        }
        for event in events
    ]
    logs.tell_each("event_processed", lines)


def _process_one_by_one(connection_id: int) -> bool:
    """After a batch failed: each event in a transaction of its own, so that one bad event holds up no other."""
    for event in _pending(connection_id, SINGLE_BATCH_SIZE):
        event_id = event.id
        try:
            with jobs.transaction():
                _process_single(connection_id, event_id)
        except DATABASE_ERRORS as error:
            return _leave_pending(connection_id, error)
        except Exception as error:
            log.exception("event_failed", connection=connection_id, row=event_id)
            with jobs.transaction():
                _count_failure(event_id, error)
    return False


def _process_single(connection_id: int, event_id: int) -> None:
    connection = connections.lock(connection_id)
    events = list(db.session.execute(PENDING.where(StripeEvent.id == event_id)))
    if connection is not None and events:
        _process(connection, events)


def _count_failure(event_id: int, error: Exception) -> None:
    event = db.session.get(StripeEvent, event_id)
    if event is None:
        return
    event.attempts += 1
    event.reason = f"mani could not process it ({type(error).__name__}), try {event.attempts} of {MAX_ATTEMPTS}"
    if event.attempts >= MAX_ATTEMPTS:
        event.state = "failed"


def replay(connection: Connection, event_id: int) -> None:
    """Process a stored event once more, such as one that was parked. Moments that exist are not made twice."""
    query = update(StripeEvent).where(StripeEvent.connection_id == connection.id, StripeEvent.id == event_id)
    changed = db.session.execute(query.values(state="pending", attempts=0, reason=None, processed_at=None))
    if not changed.rowcount:
        raise ManimodError("NOT_FOUND")
    jobs.enqueue("process_events", connection.id)
