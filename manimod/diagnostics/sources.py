"""Which sources of events work now, judged by what arrived lately.

The webhook takes seconds; customers/pace.py says how often mani asks for events, for what its lists have, and syncs.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter

from sqlalchemy import Row, not_, select
from sqlalchemy.orm import defer

from manimod.customers.pace import get_pace
from manimod.extensions import db
from manimod.ingest import sync
from manimod.models import FOUND_IN_LISTS, Connection, Moment, StripeEvent
from manimod.models.accounts import is_ahead, is_future, is_recent, now
from manimod.models.states import EventState, Source, SyncState

MAX_EVENTS = 300  # the latest ones of webhook and poll
MIN_EVENTS = 3  # the webhook works while it brings one of the latest three: the poll may be first now and then
START = timedelta(minutes=5)  # after connecting, when nothing is late yet
POLL_OVERDUE, SYNC_OVERDUE = timedelta(minutes=5), timedelta(minutes=10)  # beyond the interval


class SourceState(StrEnum):
    WORKS = "works"
    AWAITED = "awaited"  # set up, nothing has arrived yet
    FAILS = "fails"
    NOT_READY = "not_ready"  # not set up, or not permitted by the key


class WorkingSource:
    """The state of each source, judged by the latest events, moments that only the sync found, and sync runs."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        # What a clock stored that was ahead would count as the latest for days.
        received = select(StripeEvent).where(StripeEvent.connection_id == connection.id)
        received = received.where(not_(is_future(StripeEvent.received_at)))
        received = received.options(defer(StripeEvent.facts), defer(StripeEvent.fields_read))
        received = received.order_by(StripeEvent.received_at.desc()).limit(MAX_EVENTS)
        self.events = db.session.scalars(received).all()  # newest first, including those that were ignored
        self.other_mode_events = [event for event in self.events if event.livemode != connection.livemode]
        only_sync = select(Moment.source, Moment.received_at).order_by(Moment.id.desc()).limit(MIN_EVENTS)
        only_sync = only_sync.where(Moment.connection_id == connection.id, FOUND_IN_LISTS)
        only_sync = only_sync.where(not_(is_future(Moment.received_at)))
        arrivals = [event for event in self.events if event.state != EventState.IGNORED]
        arrivals += db.session.execute(only_sync)
        arrivals.sort(key=attrgetter("received_at"))
        self.last_received_at = {arrival.source: arrival.received_at for arrival in arrivals}
        self.runs = sync.list_latest(connection)  # newest first
        self.pace = get_pace(connection)
        self.sync_interval = sync.interval(connection, next(iter(self.runs), None))
        self.states = {  # the fastest first
            Source.WEBHOOK: _webhook_state(connection, arrivals[-MIN_EVENTS:]),
            Source.POLL: SourceState.NOT_READY,
        }
        if connection.permissions.get("events"):
            self.states[Source.POLL] = self._poll_state(connection)
        elif not self.works(Source.WEBHOOK):
            self.states[Source.RECENT] = self._poll_state(connection)
        self.states[Source.SYNC] = self._sync_state(connection)

    @property
    def name(self) -> Source | None:
        """The fastest source that works, None while Stripe cannot be read."""
        return next((source for source in self.states if self.works(source)), None)

    def works(self, source: Source) -> bool:
        return self.states[source] == SourceState.WORKS

    @property
    def cancellations_every(self) -> timedelta:
        """How often the quick check or the sync looks for cancellations."""
        paused_until = self.connection.poll_progress.get("cancellations", {}).get("paused_until", 0)
        is_paused = paused_until > now().timestamp()
        if is_paused or self.pace.cancellations is None:
            return self.sync_interval
        return max(self.pace.cancellations, self.pace.poll())

    def _poll_state(self, connection: Connection) -> SourceState:
        # Another permission may be missing where events are read.
        optional = "STRIPE_PERMISSION_MISSING" if connection.permissions.get("events") else None
        at, longest = connection.polled_at, self.pace.poll() + POLL_OVERDUE
        if at is None and connection.next_poll_at:  # the first one, which may be still to come
            at = min(connection.next_poll_at, now())
        if connection.last_error in (None, optional) and at and is_recent(at, longest):
            return SourceState.WORKS
        return SourceState.FAILS

    def _sync_state(self, connection: Connection) -> SourceState:
        if connection.last_error:
            return SourceState.FAILS
        if is_recent(connection.connected_at, START):
            return SourceState.WORKS
        longest = self.sync_interval + SYNC_OVERDUE
        for run in self.runs:
            is_running = run.state == SyncState.RUNNING and run.lease_until and is_ahead(run.lease_until, sync.LEASE)
            if is_running or (run.state == SyncState.DONE and is_recent(run.finished_at, longest)):
                return SourceState.WORKS
        return SourceState.FAILS

    @property
    def delivered_at(self) -> datetime | None:
        """When the webhook last accepted a delivery."""
        times = [event.repeated_at or event.received_at for event in self.events if _was_delivered(event)]
        return max(times, default=None)

    @property
    def payload_style(self) -> str | None:
        """Thin or snapshot, as the newest event of the webhook came; None before the first."""
        for event in self.events:
            if event.source == Source.WEBHOOK:
                return "thin" if event.is_thin else "snapshot"
        return None


def _webhook_state(connection: Connection, latest: Sequence[StripeEvent | Row]) -> SourceState:
    if connection.encrypted_signing_secret is None:
        return SourceState.NOT_READY
    if any(map(_was_delivered, latest)):
        return SourceState.WORKS
    since = connection.signing_secret_set_at
    if since and not is_future(since):
        latest = [arrival for arrival in latest if arrival.received_at > since]
    return SourceState.FAILS if latest else SourceState.AWAITED


def _was_delivered(arrival: StripeEvent | Row) -> bool:
    """Also what the poll found first. `arrival` may be a moment that only the sync found."""
    return arrival.source == Source.WEBHOOK or bool(arrival.source == Source.POLL and arrival.repeated_at)
