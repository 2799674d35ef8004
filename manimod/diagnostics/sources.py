"""Which sources of events work now, judged by what arrived lately, and how fast they are.

The webhook takes seconds, polling a minute, the sync an hour.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from statistics import median

from sqlalchemy import Row, func, null, select

from manimod.config import settings
from manimod.diagnostics.metrics import constant
from manimod.extensions import db
from manimod.ingest import sync
from manimod.models import Connection, Moment, StripeEvent, SyncRun
from manimod.models.accounts import now
from manimod.models.states import EventState, Source, SyncState

MAX_EVENTS = 300  # the latest ones of both sources
MAX_DELAYS = 100
MIN_EVENTS = 3  # the webhook works while it brings one of the latest three: the poll may be first now and then
START = timedelta(minutes=5)  # after connecting, when nothing is late yet
POLL_OVERDUE = timedelta(minutes=5)
SYNC_OVERDUE = timedelta(minutes=10)  # beyond the interval
RECENT = timedelta(days=7)


class SourceState(StrEnum):
    WORKS = "works"
    AWAITED = "awaited"  # set up, nothing has arrived yet
    FAILS = "fails"
    NOT_READY = "not_ready"  # not set up, or not permitted by the key


@dataclass(frozen=True)
class SourceStatus:
    name: Source
    state: SourceState
    last_received_at: datetime | None
    median_delay_seconds: float | None

    @property
    def works(self) -> bool:
        return self.state == SourceState.WORKS

    @property
    def is_ready(self) -> bool:
        return self.state != SourceState.NOT_READY


@dataclass(frozen=True)
class WorkingSource:
    """The state of each source, and what it was judged by."""

    webhook: SourceStatus
    poll: SourceStatus
    sync: SourceStatus
    events: list[Row]  # the latest ones, newest first, including those that were ignored
    runs: list[SyncRun]  # the latest ones, newest first

    @property
    def sources(self) -> tuple[SourceStatus, ...]:
        return self.webhook, self.poll, self.sync

    @property
    def name(self) -> Source | None:
        """The fastest source that works, None while Stripe cannot be read."""
        return next((source.name for source in self.sources if source.works), None)

    @property
    def next_steps(self) -> tuple[str, ...]:
        """What would bring a faster one: of `add_webhook`, `await_webhook`, `check_webhook` and `allow_events`."""
        steps = {
            SourceState.NOT_READY: ("add_webhook",),
            SourceState.AWAITED: ("await_webhook",),
            SourceState.FAILS: ("check_webhook",),
            SourceState.WORKS: (),
        }[self.webhook.state]
        return steps if self.webhook.works or self.poll.is_ready else (*steps, "allow_events")


def working_source(connection: Connection) -> WorkingSource:
    events, found, runs = _latest_events(connection), _found_by_sync(connection), sync.list_latest(connection)
    arrived = [event for event in events if event.state != EventState.IGNORED]
    latest = sorted(arrived + found, key=lambda row: row.received_at, reverse=True)[:MIN_EVENTS]
    return WorkingSource(
        webhook=_status(Source.WEBHOOK, _webhook_state(connection, latest), arrived),
        poll=_status(Source.POLL, _poll_state(connection), arrived),
        sync=_status(Source.SYNC, _sync_state(connection, runs), found),
        events=events,
        runs=runs,
    )


def _latest_events(connection: Connection) -> list[Row]:
    columns = (
        StripeEvent.source,
        StripeEvent.livemode,
        StripeEvent.state,
        StripeEvent.created_at,
        StripeEvent.received_at,
        StripeEvent.repeats,
        StripeEvent.repeated_at,
    )
    query = select(*columns).where(StripeEvent.connection_id == connection.id)
    return list(db.session.execute(query.order_by(StripeEvent.received_at.desc()).limit(MAX_EVENTS)))


def events_of_the_other_mode(connection: Connection) -> int:
    """How many events of the last 7 days were ignored because their mode is not the key's."""
    query = select(func.count()).where(
        StripeEvent.connection_id == connection.id,
        StripeEvent.state == constant(EventState.IGNORED),
        StripeEvent.received_at > now() - RECENT,
        StripeEvent.livemode != connection.livemode,
    )
    return db.session.scalar(query)


def _found_by_sync(connection: Connection) -> list[Row]:
    """The latest moments that only the sync found, in the columns of events."""
    query = select(
        Moment.source,
        Moment.occurred_at.label("created_at"),
        Moment.detected_at.label("received_at"),
        null().label("repeated_at"),
    ).where(Moment.connection_id == connection.id, Moment.source == constant(Source.SYNC))
    return list(db.session.execute(query.order_by(Moment.id.desc()).limit(MAX_DELAYS)))


def _webhook_state(connection: Connection, latest: list[Row]) -> SourceState:
    if connection.encrypted_signing_secret is None:
        return SourceState.NOT_READY
    if not latest:
        return SourceState.AWAITED
    was_delivered = any(row.source == Source.WEBHOOK or row.repeated_at for row in latest)
    return SourceState.WORKS if was_delivered else SourceState.FAILS


def _poll_state(connection: Connection) -> SourceState:
    if not connection.permissions.get("events"):
        return SourceState.NOT_READY
    can_read = connection.last_error in (None, "STRIPE_PERMISSION_MISSING")  # which is another permission
    at = connection.polled_at or connection.next_poll_at
    is_in_time = at is not None and now() - at < POLL_OVERDUE
    return SourceState.WORKS if can_read and is_in_time else SourceState.FAILS


def _sync_state(connection: Connection, runs: list[SyncRun]) -> SourceState:
    if connection.last_error:
        return SourceState.FAILS
    if now() - connection.connected_at < START:
        return SourceState.WORKS
    interval = timedelta(minutes=settings().sync_interval_minutes)
    for run in runs:
        is_running = run.state == SyncState.RUNNING and run.lease_until and run.lease_until > now()
        is_recent = run.state == SyncState.DONE and now() - run.finished_at < interval + SYNC_OVERDUE
        if is_running or is_recent:
            return SourceState.WORKS
    return SourceState.FAILS


def _status(name: Source, state: SourceState, arrivals: list[Row]) -> SourceStatus:
    own = [row for row in arrivals if row.source == name][:MAX_DELAYS]
    if not own:
        return SourceStatus(name, state, None, None)
    delay = median((row.received_at - row.created_at).total_seconds() for row in own)
    return SourceStatus(name, state, own[0].received_at, delay)
