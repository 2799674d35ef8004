"""The inbox of events: each signed event is stored once, then processed into moments.

What was acknowledged is in the database. A batch is processed and marked done in one transaction that locks the
connection's row, so a worker that dies in between has done nothing and the next one starts over.
"""

from collections import defaultdict
from datetime import timedelta
from operator import itemgetter
from time import monotonic
from typing import Any

import structlog
from sqlalchemy import and_, not_, or_, select, update
from sqlalchemy.exc import InterfaceError, InternalError, OperationalError, ProgrammingError

from manimod import jobs
from manimod.customers import replica
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import OPEN_MOMENTS, Connection, Moment, StripeEvent
from manimod.models.accounts import is_recent, now
from manimod.models.bulk import insert_new
from manimod.models.states import ConnectionStatus, EventState, MomentState, Source
from manimod.moments import interpret, record
from manimod.stripe import connections
from manimod.stripe.gateway import StripeGateway, fetch_object, why_not_fetched
from manimod.stripe.payloads import EventFacts, MinimisedEvent, to_datetime

log = structlog.get_logger()

# Failures of the database that no event can cause; a DataError or an IntegrityError may be one's doing.
DATABASE_ERRORS = (OperationalError, InterfaceError, InternalError, ProgrammingError)
BATCH_SIZE = 200  # events in one transaction: on SQLite the webhook waits for it
MAX_SECONDS = 1.0  # then other accounts get their turn
MAX_ATTEMPTS = 5
EVENT_KEY = ("connection_id", "stripe_id", "type", "created_at")  # Stripe's test sends repeat one id
THIN_PAUSE_KEY = "mani:thin:{}"  # after Stripe could not be asked for an object; of a connection
THIN_PAUSE_SECONDS = 15
STUCK_AFTER = timedelta(seconds=2)  # then the job that was enqueued counts as lost


def store(arrived: list[tuple[int, MinimisedEvent]], source: Source) -> list[bool]:
    """Insert events, each with its connection's id, and enqueue their processing. Returns for each whether it is new.

    The caller has locked the connections' rows, so that no account disconnects meanwhile: then nothing may be kept.
    """
    rows = [_row(connection_id, event, source) for connection_id, event in arrived]
    rows.sort(key=itemgetter(*EVENT_KEY))  # one order, so that no two writers deadlock
    inserted = set(insert_new(StripeEvent, rows, EVENT_KEY))
    for connection_id in {connection_id for connection_id, *_ in inserted}:
        jobs.enqueue("process_events", connection_id)
    are_new = []
    for connection_id, event in arrived:
        key = (connection_id, event.facts.id, event.facts.type, to_datetime(event.facts.created))
        are_new.append(key in inserted)
        inserted.discard(key)  # of two alike in one call, the second is a repeat
    return are_new


def _row(connection_id: int, event: MinimisedEvent, source: Source) -> dict:
    facts = event.facts
    return {
        "connection_id": connection_id,
        "stripe_id": facts.id,
        "type": facts.type,
        "livemode": facts.livemode,
        "source": source,
        "is_thin": facts.is_thin,
        "facts": facts.to_json(),
        "stripe_customer_id": facts.customer_id,
        "fields_read": event.fields_read,
        "fields_dropped": event.fields_dropped,
        "created_at": to_datetime(facts.created),
        "received_at": now(),
        "state": EventState.THIN if facts.is_thin else EventState.PENDING,
        "attempts": 0,
        "repeats": 0,
    }


def count_repeat(connection_id: int, event: EventFacts) -> None:
    """Count a redelivery, or the delivery of what the poll had found first."""
    query = update(StripeEvent).filter_by(connection_id=connection_id, stripe_id=event.id, type=event.type)
    query = query.where(StripeEvent.created_at == to_datetime(event.created))
    db.session.execute(query.values(repeats=StripeEvent.repeats + 1, repeated_at=now()))


def log_stored(connection_id: int, event: MinimisedEvent, source: Source, is_new: bool) -> None:
    facts = event.facts
    log.info("event_stored", event_id=facts.id, type=facts.type, connection=connection_id, source=source, new=is_new)


def due() -> set[int]:
    """The connections with work that no job has taken up: pending events, and moments that are ready."""
    is_open = StripeEvent.state.in_((EventState.PENDING, EventState.THIN))
    events = select(StripeEvent.connection_id, StripeEvent.state)
    events = events.where(is_open, not_(is_recent(StripeEvent.received_at, STUCK_AFTER)))
    is_ready = and_(Moment.state == MomentState.READY, not_(is_recent(Moment.detected_at, STUCK_AFTER)))
    grace_is_over = and_(Moment.state == MomentState.WAITING, record.is_grace_over())
    moments = select(Moment.connection_id).where(OPEN_MOMENTS, or_(is_ready, grace_is_over))
    with_events = set()
    for connection_id, state in db.session.execute(events.distinct()):
        if state == EventState.PENDING or not _is_paused(connection_id):
            with_events.add(connection_id)
    with_moments = set(db.session.scalars(moments.distinct()))
    if with_events:
        connected = select(Connection.id).where(Connection.status == ConnectionStatus.CONNECTED)
        with_events.intersection_update(db.session.scalars(connected))
    if with_moments:
        may_be_read = select(Connection.id).where(Connection.may_be_read())
        with_moments.intersection_update(db.session.scalars(may_be_read))
    return with_events | with_moments


def fetch_thin(connection_id: int) -> None:
    """Ask Stripe for the objects that thin events name. Those that Stripe can't give now are asked for again later."""
    thin = select(StripeEvent.id, StripeEvent.facts).filter_by(connection_id=connection_id, state=EventState.THIN)
    rows = db.session.execute(thin.order_by(StripeEvent.id).limit(BATCH_SIZE)).all()
    connection = db.session.get(Connection, connection_id)
    if not rows or not connection.is_connected or _is_paused(connection_id):
        return
    changes, to_fetch, ends = [], [], monotonic() + MAX_SECONDS
    for row in rows:
        event = EventFacts.from_json(row.facts)
        if _why_ignored(event, connection, set()):
            changes.append({"id": row.id} | _columns(event))
        else:
            to_fetch.append((row.id, event))
    try:
        gateway = connections.open_gateway(connection)
        db.session.commit()  # no transaction stays open while Stripe is read
        for row_id, event in to_fetch:
            changes.append({"id": row_id} | _fetch(gateway, event))
            if monotonic() > ends:
                break
    except ManimodError as failure:
        log.warning("thin_events_not_fetched", connection=connection_id, code=failure.code)
        jobs.pause(THIN_PAUSE_KEY.format(connection_id), THIN_PAUSE_SECONDS)
    with jobs.transaction():
        if changes and connections.lock(connection_id):
            db.session.execute(update(StripeEvent), changes)


def _is_paused(connection_id: int) -> bool:
    return jobs.is_paused(THIN_PAUSE_KEY.format(connection_id), THIN_PAUSE_SECONDS)


def _fetch(gateway: StripeGateway, event: EventFacts) -> dict[str, Any]:
    """The columns of a thin event that has been fetched. Raises ManimodError for a failure that passes."""
    try:
        return _columns(fetch_object(gateway, event))
    except ManimodError as failure:
        reason = why_not_fetched(event, failure)
        if reason is None:
            raise
        return _columns(event) | {"state": EventState.IGNORED, "reason": reason, "processed_at": now()}


def _columns(event: EventFacts) -> dict[str, Any]:
    columns = {"facts": event.to_json(), "stripe_customer_id": event.customer_id}
    return columns | {"state": EventState.PENDING, "reason": None, "processed_at": None}


def process_pending(connection_id: int) -> bool:
    """Process a connection's pending events in batches, for MAX_SECONDS at most; True where there may be more."""
    pending = select(StripeEvent.id).where(
        StripeEvent.connection_id == connection_id, StripeEvent.state == EventState.PENDING
    )
    ends = monotonic() + MAX_SECONDS
    while monotonic() < ends:
        try:
            ids = list(db.session.scalars(pending.order_by(StripeEvent.id).limit(BATCH_SIZE)))
            if not ids or not _process(connection_id, ids) or len(ids) < BATCH_SIZE:
                return False
        except DATABASE_ERRORS as error:
            # An outage is no event's fault and counts as no attempt: the rows stay pending, and are due again.
            log.warning("database_away", connection=connection_id, error=type(error).__name__)
            return False
    return True


def _process(connection_id: int, ids: list[int]) -> bool:
    """Process events in one transaction; where that fails, each in its own, so that one bad event holds up no other.

    Returns whether it succeeded. Raises DATABASE_ERRORS.
    """
    try:
        with jobs.transaction():
            lines = _process_together(connection_id, ids)
    except DATABASE_ERRORS:
        raise
    except Exception as error:
        log.exception("processing_failed", connection=connection_id, rows=ids)
        if len(ids) == 1:
            with jobs.transaction():
                _count_failure(ids[0], error)
        else:
            for event_id in ids:
                _process(connection_id, [event_id])
        return False
    for line in lines:
        log.info("event_processed", **line)
    return True


def _process_together(connection_id: int, ids: list[int]) -> list[dict]:
    """Update the replica, mark the events done and record their moments. Returns the log line of each event."""
    connection = connections.lock(connection_id)
    if connection is None:
        return []
    # Plain columns: an object per event would cost more than all that is done with it.
    columns = StripeEvent.id, StripeEvent.stripe_id, StripeEvent.livemode, StripeEvent.source, StripeEvent.received_at
    query = select(*columns, StripeEvent.facts).where(StripeEvent.id.in_(ids), StripeEvent.state == EventState.PENDING)
    rows = db.session.execute(query.order_by(StripeEvent.id)).all()
    if not rows:
        return []
    events = {row.id: EventFacts.from_json(row.facts) for row in rows}
    gone = _find_gone(connection_id, list(events.values()))
    outcomes: dict[int, tuple[EventState, str | None]] = {}
    observations: dict[int, record.Observation] = {}
    facts, forgotten = [], []
    for row in rows:
        event = events[row.id]
        if _is_foreign(event, connection) or event.customer_id in gone:
            forgotten.append(row.id)
        reason = _why_ignored(event, connection, gone)
        if reason:
            outcomes[row.id] = (EventState.IGNORED, reason)
            continue
        facts.append(event)
        meaning = interpret.interpret(event)
        observations[row.id] = record.Observation(meaning, row.source, row.received_at, event.customer_id)
    replica.apply_events(connection, facts)
    refused = record.record(connection, list(observations.values()))
    for event_id, observation in observations.items():
        reason = observation.meaning.reason
        for moment in observation.meaning.moments:
            reason = refused.get(moment.key, reason)
        outcomes[event_id] = (EventState.DONE, reason)
    _write_outcomes(outcomes)
    if forgotten:
        theirs = update(StripeEvent).where(StripeEvent.id.in_(forgotten))
        db.session.execute(theirs.values(facts={}, stripe_customer_id=None))
    moments = _logged_moments(connection, observations)
    lines = []
    for row in rows:
        state, reason = outcomes[row.id]
        line = {"event_id": row.stripe_id, "row": row.id, "connection": connection_id, "state": state}
        lines.append(line | {"reason": reason, "moments": moments[row.id]})
    return lines


def _write_outcomes(outcomes: dict[int, tuple[EventState, str | None]]) -> None:
    """Mark events as processed, in one statement for those that are alike."""
    alike = defaultdict(list)
    for event_id, outcome in outcomes.items():
        alike[outcome].append(event_id)
    for (state, reason), event_ids in alike.items():
        query = update(StripeEvent).where(StripeEvent.id.in_(event_ids))
        db.session.execute(query.values(state=state, reason=reason, processed_at=now()))


def _find_gone(connection_id: int, events: list[EventFacts]) -> set[str]:
    """The customers of a batch who were deleted in Stripe, before or with it."""
    customers, deleted = set(), set()
    for event in events:
        customers.add(event.customer_id)
        if event.deletes_customer:
            deleted.add(event.customer_id)
    customers.discard(None)
    deleted.discard(None)
    return deleted | replica.find_erased(connection_id, customers)


def _is_foreign(event: EventFacts, connection: Connection) -> bool:
    """Whether another Stripe account is meant, such as a connected one or another of the organisation."""
    return event.account is not None and event.account != connection.stripe_account_id


def _why_ignored(event: EventFacts, connection: Connection, gone: set[str]) -> str | None:
    if _is_foreign(event, connection):
        return f"the event is about another Stripe account than the key's: {event.account[:40]}"
    if event.wrong_object:
        return f"the event is about another object than its type says: {event.wrong_object[:40]}"
    if event.livemode != connection.livemode:
        modes = {True: "live", False: "test"}
        return f"a {modes[event.livemode]}-mode event, but the key is a {modes[connection.livemode]}-mode key"
    if not connection.account.may_connect_stripe:
        return f"the account's plan ({connection.account.plan}) doesn't include Stripe"
    if event.customer_id in gone and not event.deletes_customer:
        return "the customer was deleted in Stripe"
    return None


def _logged_moments(connection: Connection, observations: dict[int, record.Observation]) -> dict[int, list[dict]]:
    """The moments of each event as its log line has them; their ids lead on to the creatives."""
    events = {}
    for event_id, observation in observations.items():
        for moment in (*observation.meaning.moments, observation.meaning.welcome):
            if moment:
                events.setdefault(moment.key, []).append(event_id)
    query = select(Moment.key, Moment.id, Moment.kind, Moment.state).where(
        Moment.connection_id == connection.id, Moment.key.in_(events)
    )
    logged = defaultdict(list)
    for row in db.session.execute(query):
        for event_id in events[row.key]:
            logged[event_id].append({"moment": row.id, "kind": row.kind, "state": row.state})
    return logged


def _count_failure(event_id: int, error: Exception) -> None:
    event = db.session.get(StripeEvent, event_id)
    if event is None:
        return
    event.attempts += 1
    event.reason = f"mani could not process it ({type(error).__name__}), try {event.attempts} of {MAX_ATTEMPTS}"
    if event.attempts >= MAX_ATTEMPTS:
        event.state = EventState.FAILED


def replay(connection: Connection, event_id: int) -> None:
    """Process a stored event once more, such as one that failed. Moments that exist are not made twice."""
    query = update(StripeEvent).where(StripeEvent.connection_id == connection.id, StripeEvent.id == event_id)
    changed = db.session.execute(query.values(state=EventState.PENDING, attempts=0, reason=None, processed_at=None))
    if not changed.rowcount:
        raise ManimodError("NOT_FOUND")
    jobs.enqueue("process_events", connection.id)
