"""Which sources of events work now, judged by what arrived lately.

The webhook takes seconds; customers/pace.py says how often mani asks for events, for what its lists have, and syncs.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from operator import attrgetter

from sqlalchemy import Row, select
from sqlalchemy.orm import defer

from manimod.config import settings
from manimod.extensions import db
from manimod.ingest import sync
from manimod.models import FOUND_IN_LISTS, Connection, Moment, StripeEvent, SyncRun
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


class WorkingSource:
    """The state of each source, judged by the latest events, moments that only the sync found, and sync runs."""

    def __init__(self, connection: Connection) -> None:
        received = select(StripeEvent).where(StripeEvent.connection_id == connection.id)
        received = received.options(defer(StripeEvent.facts), defer(StripeEvent.fields_read))
        received = received.order_by(StripeEvent.received_at.desc()).limit(MAX_EVENTS)
        self.events = db.session.scalars(received).all()  # newest first, including those that were ignored
        self.other_mode_events = [event for event in self.events if event.livemode != connection.livemode]
        only_sync = select(Moment.source, Moment.received_at).order_by(Moment.id.desc()).limit(MIN_EVENTS)
        only_sync = only_sync.where(Moment.connection_id == connection.id, FOUND_IN_LISTS)
        arrivals = [event for event in self.events if event.state != EventState.IGNORED]
        arrivals += db.session.execute(only_sync)
        arrivals.sort(key=attrgetter("received_at"))
        self.last_received_at = {arrival.source: arrival.received_at for arrival in arrivals}
        self.runs = sync.list_latest(connection)  # newest first
        self.states = {  # the fastest first
            Source.WEBHOOK: _webhook_state(connection, arrivals[-MIN_EVENTS:]),
            Source.POLL: _poll_state(connection),
            Source.SYNC: _sync_state(connection, self.runs),
        }

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
    def payload_style(self) -> str | None:
        """Thin or snapshot, as the newest event of the webhook came; None before the first."""
        newest = next((event for event in self.events if event.source == Source.WEBHOOK), None)
        return newest and ("thin" if newest.is_thin else "snapshot")


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
