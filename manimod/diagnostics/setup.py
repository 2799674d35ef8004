"""The guide's steps as a checklist that ticks itself, and the test run that follows an event to the queue."""

import tomllib
from dataclasses import dataclass
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


def steps(
    account: Account, connection: Connection | None, has_customers: bool, has_event: bool, has_creative: bool
) -> list[dict]:
    """The rows of setup.toml with `done`. `connection` is None while the account is not connected."""
    done = {
        "plan": account.may_connect_stripe,
        "connect": connection is not None,
        "customers": has_customers,
        "events": connection is not None and any(record.switches(account).values()),
        "webhook": has_event,
        "creative": has_creative,
    }
    return [row | {"done": done[row["name"]]} for row in STEPS]


class TestState(StrEnum):
    """What the page of a test run says."""

    WAITING = "waiting"  # for the event
    NO_MOMENT = "no_moment"  # the event creates no ads; another one may
    UNDER_WAY = "under_way"
    IN_QUEUE = "in_queue"
    SKIPPED = "skipped"  # this one and the others: the moment's state, and no ads come of it
    BLOCKED = "blocked"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class TestRun:
    """The progress of a test. What has not happened yet is None."""

    event: StripeEvent | None
    moment: Moment | None
    creative: Creative | None
    stages: list[tuple[str, datetime | None]]  # when each was done
    stage: int  # how many of them are done
    clock_from: datetime  # the promise counts from the event; before it arrives, the clock shows the waiting
    elapsed: timedelta
    is_slow: bool
    is_over: bool

    @property
    def state(self) -> TestState:
        if self.creative:
            return TestState.IN_QUEUE
        if self.moment:
            return TestState(self.moment.state) if self.moment.state in OBSTACLES else TestState.UNDER_WAY
        if self.event:
            return TestState.UNDER_WAY if self.event.state == EventState.PENDING else TestState.NO_MOMENT
        return TestState.WAITING


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
    clock_from, times = since, [None] * len(STAGES[1:])
    if event:
        clock_from, times[0] = event.created_at, event.received_at
    if moment:
        clock_from = min(moment.occurred_at, moment.received_at)
        times[:2] = moment.received_at, moment.detected_at
    if creative:
        times[2:] = creative.generated_at, creative.generated_at
    elapsed = max((times[-1] or now()) - clock_from, timedelta())
    return TestRun(
        event=event,
        moment=moment,
        creative=creative,
        stages=list(zip(STAGES[1:], times, strict=True)),
        stage=len(times) - times.count(None),
        clock_from=clock_from,
        elapsed=elapsed,
        is_slow=creative is None and elapsed > SLOW_AFTER,
        is_over=creative is not None or now() - since > WATCH_TIMEOUT,
    )
