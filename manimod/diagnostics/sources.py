"""Which sources of events work now, judged by what arrived lately.

The webhook takes seconds, polling a minute, the sync an hour.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter

from sqlalchemy import Row, select
from sqlalchemy.orm import defer

from manimod.config import settings
from manimod.diagnostics.metrics import constant
from manimod.extensions import db
from manimod.ingest import sync
from manimod.models import Connection, Moment, StripeEvent, SyncRun
from manimod.models.accounts import now
from manimod.models.states import EventState, Source, SyncState

MAX_EVENTS = 300  # the latest ones of webhook and poll
MIN_EVENTS = 3  # the webhook works while it brings one of the latest three: the poll may be first now and then
START = timedelta(minutes=5)  # after connecting, when nothing is late yet
POLL_OVERDUE = timedelta(minutes=5)
SYNC_OVERDUE = timedelta(minutes=10)  # beyond the interval


class SourceState(StrEnum):
    WORKS = "works"
    AWAITED = "awaited"  # set up, nothing has arrived yet
    FAILS = "fails"
    NOT_READY = "not_ready"  # not set up, or not permitted by the key


@dataclass(frozen=True)
class WorkingSource:
    """The state of each source, the fastest first, and what was looked at."""

    states: dict[Source, SourceState]
    last_received_at: dict[Source, datetime]  # of those from which something has arrived lately
    events: Sequence[StripeEvent]  # the latest ones, newest first, including those that were ignored
    other_mode_events: list[StripeEvent]  # of those, the ones whose mode is not the key's
    runs: list[SyncRun]  # the latest ones, newest first

    @property
    def name(self) -> Source | None:
        """The fastest source that works, None while Stripe cannot be read."""
        return next((source for source in self.states if self.works(source)), None)

    def works(self, source: Source) -> bool:
        return self.states[source] == SourceState.WORKS

    @property
    def delivered_at(self) -> datetime | None:
        """When the webhook last accepted a delivery."""
        delivered = filter(_was_delivered, self.events)
        return max((event.repeated_at or event.received_at for event in delivered), default=None)

    @property
    def next_steps(self) -> list[str]:
        """What keeps a faster one from working, such as `webhook_awaited` and `poll_not_ready`."""
        if self.works(Source.WEBHOOK):
            return []
        steps = [f"webhook_{self.states[Source.WEBHOOK]}"]
        return [*steps, "poll_not_ready"] if self.states[Source.POLL] == SourceState.NOT_READY else steps


def working_source(connection: Connection) -> WorkingSource:
    """Judged by the latest events, the latest moments that only the sync found, and the latest sync runs."""
    received = select(StripeEvent).where(StripeEvent.connection_id == connection.id)
    received = received.options(defer(StripeEvent.facts), defer(StripeEvent.fields_read))
    events = db.session.scalars(received.order_by(StripeEvent.received_at.desc()).limit(MAX_EVENTS)).all()
    only_sync = select(Moment.source, Moment.received_at).order_by(Moment.id.desc()).limit(MIN_EVENTS)
    only_sync = only_sync.where(Moment.connection_id == connection.id, Moment.source == constant(Source.SYNC))
    arrivals = [event for event in events if event.state != EventState.IGNORED]
    arrivals += db.session.execute(only_sync)
    arrivals.sort(key=attrgetter("received_at"))
    runs = sync.list_latest(connection)
    states = {
        Source.WEBHOOK: _webhook_state(connection, arrivals[-MIN_EVENTS:]),
        Source.POLL: _poll_state(connection),
        Source.SYNC: _sync_state(connection, runs),
    }
    received_at = {arrival.source: arrival.received_at for arrival in arrivals}
    other_mode_events = [event for event in events if event.livemode != connection.livemode]
    return WorkingSource(states, received_at, events, other_mode_events, runs)


def _webhook_state(connection: Connection, latest: Sequence[StripeEvent | Row]) -> SourceState:
    if connection.encrypted_signing_secret is None:
        return SourceState.NOT_READY
    if not latest:
        return SourceState.AWAITED
    return SourceState.WORKS if any(map(_was_delivered, latest)) else SourceState.FAILS


def _was_delivered(arrival: StripeEvent | Row) -> bool:
    """Also what the poll found first. `arrival` may be a moment that only the sync found."""
    return arrival.source == Source.WEBHOOK or bool(arrival.source == Source.POLL and arrival.repeated_at)


def _poll_state(connection: Connection) -> SourceState:
    if not connection.permissions.get("events"):
        return SourceState.NOT_READY
    can_read = connection.last_error in (None, "STRIPE_PERMISSION_MISSING")  # which is another permission
    at = connection.polled_at or connection.next_poll_at
    return SourceState.WORKS if can_read and at and now() - at < POLL_OVERDUE else SourceState.FAILS


def _sync_state(connection: Connection, runs: list[SyncRun]) -> SourceState:
    if connection.last_error:
        return SourceState.FAILS
    if now() - connection.connected_at < START:
        return SourceState.WORKS
    longest = timedelta(minutes=settings().sync_interval_minutes) + SYNC_OVERDUE
    for run in runs:
        is_running = run.state == SyncState.RUNNING and run.lease_until and run.lease_until > now()
        if is_running or (run.state == SyncState.DONE and now() - run.finished_at < longest):
            return SourceState.WORKS
    return SourceState.FAILS
