"""The guide's steps as a checklist that ticks itself, and the test run that follows an event to the queue."""

import tomllib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from sqlalchemy import select

from manimod.extensions import db
from manimod.models import Account, Connection, Creative, Moment, StripeEvent
from manimod.models.accounts import now
from manimod.models.states import EventState, MomentState
from manimod.moments import record

PROMISE = timedelta(minutes=5)  # from the event to the queue, as the guide says
SLOW_AFTER = timedelta(seconds=75)  # longer than the event check's minute
WATCH_TIMEOUT = timedelta(minutes=15)  # then the page stops asking
CLOCK_TOLERANCE = timedelta(seconds=2)  # Stripe's times are whole seconds, and its clock is not ours
STAGES = ("Waiting for the event", "Received", "Detected", "Generated", "In the queue")
OBSTACLES = (MomentState.SKIPPED, MomentState.BLOCKED, MomentState.WITHDRAWN)
STEPS = tomllib.loads(Path(__file__).with_name("setup.toml").read_text(encoding="utf-8"))["step"]


@dataclass(frozen=True)
class Step:
    """One step of the setup: texts and place from setup.toml, and whether it is done."""

    name: str
    title: str
    what_good_looks_like: str
    common_error: str
    action: str
    endpoint: str
    done: bool
    anchor: str | None = None


def steps(
    account: Account, connection: Connection | None, has_customers: bool, has_event: bool, has_creative: bool
) -> list[Step]:
    """`connection` is None while the account is not connected."""
    done = {
        "plan": account.may_connect_stripe,
        "connect": connection is not None,
        "customers": has_customers,
        "events": connection is not None and any(record.switches(account).values()),
        "webhook": has_event,
        "creative": has_creative,
    }
    return [Step(**row, done=done[row["name"]]) for row in STEPS]


class TestState(StrEnum):
    """What the page of a test run says."""

    WAITING = "waiting"  # for the event
    NO_MOMENT = "no_moment"  # the event creates no ads; another one may
    UNDER_WAY = "under_way"
    STOPPED = "stopped"
    IN_QUEUE = "in_queue"


@dataclass(frozen=True)
class Stage:
    """One stage of a test run. `state`: `done`, `next` or `later`."""

    name: str
    at: datetime | None
    state: str


@dataclass(frozen=True)
class TestRun:
    """The progress of a test that began at `since`. What has not happened yet is None."""

    since: datetime
    checked_at: datetime
    event: StripeEvent | None = None
    moment: Moment | None = None
    creative: Creative | None = None

    @property
    def state(self) -> TestState:
        if self.creative:
            return TestState.IN_QUEUE
        if self.is_over:
            return TestState.STOPPED
        if self.obstacle == TestState.NO_MOMENT:
            return TestState.NO_MOMENT
        return TestState.UNDER_WAY if self.stage else TestState.WAITING

    @property
    def obstacle(self) -> str | None:
        """Why no ads come of it: the moment's state, or `no_moment` where the event makes none."""
        if self.moment:
            return self.moment.state if self.moment.state in OBSTACLES else None
        is_processed = self.event is not None and self.event.state != EventState.PENDING
        return TestState.NO_MOMENT if is_processed else None

    @property
    def times(self) -> tuple[datetime | None, ...]:
        """When it was received, detected, generated and, with that, put into the queue."""
        received = self.moment or self.event
        received_at = received.received_at if received else None
        detected_at = self.moment.detected_at if self.moment else None
        generated_at = self.creative.generated_at if self.creative else None
        return received_at, detected_at, generated_at, generated_at

    @property
    def stage(self) -> int:
        """How many of the four stages are done."""
        return sum(at is not None for at in self.times)

    @property
    def stages(self) -> list[Stage]:
        stages = [Stage(name, at, "done" if at else "later") for name, at in zip(STAGES[1:], self.times, strict=True)]
        if not self.is_over:
            stages[self.stage] = replace(stages[self.stage], state="next")
        return stages

    @property
    def clock_from(self) -> datetime:
        """The promise counts from the event; before it arrives, the clock shows the waiting."""
        if self.moment:
            return min(self.moment.occurred_at, self.moment.received_at)
        return self.event.created_at if self.event else self.since

    @property
    def elapsed(self) -> timedelta:
        end = self.creative.generated_at if self.creative else self.checked_at
        return max(end - self.clock_from, timedelta())

    @property
    def share_of_promise(self) -> float:
        """How much of the five minutes has gone, 0 to 1."""
        return min(self.elapsed / PROMISE, 1.0)

    @property
    def is_over(self) -> bool:
        return self.creative is not None or self.checked_at - self.since > WATCH_TIMEOUT

    @property
    def is_slow(self) -> bool:
        return self.creative is None and self.elapsed > SLOW_AFTER


def watch_test(connection: Connection, since: datetime) -> TestRun:
    """The first moment after `since`, and how far it has come."""
    begun = since - CLOCK_TOLERANCE
    newest = select(Moment).where(Moment.connection_id == connection.id, Moment.occurred_at >= begun)
    moment = db.session.scalar(newest.order_by(Moment.state != MomentState.GENERATED, Moment.id).limit(1))
    events = select(StripeEvent).where(StripeEvent.connection_id == connection.id, StripeEvent.received_at >= begun)
    if moment:
        events = events.where(StripeEvent.stripe_customer_id == moment.stripe_customer_id)
    event = db.session.scalar(events.order_by(StripeEvent.received_at).limit(1))
    creative = db.session.get(Creative, moment.creative_id) if moment and moment.creative_id else None
    return TestRun(since, now(), event, moment, creative)
