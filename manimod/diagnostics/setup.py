"""The setup as steps that tick themselves, and the test run that follows an event to the queue."""

import tomllib
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import and_, exists, func, select

from manimod.extensions import db
from manimod.lifecycle import KINDS
from manimod.models import Account, BrandKit, Connection, Creative, Customer, Moment, StripeEvent, Trigger
from manimod.models.accounts import is_recent, now
from manimod.models.states import ConnectionStatus, EventState, MomentState

PROMISE = timedelta(minutes=5)  # from the event to the queue, as the guide says
SLOW_AFTER = timedelta(seconds=75)  # longer than the event check's minute
WATCH_TIMEOUT = timedelta(minutes=15)  # then the page stops asking
CLOCK_TOLERANCE = timedelta(seconds=2)  # Stripe's times are whole seconds, and its clock is not ours
STAGES = ("Waiting for the event", "Received", "Detected", "Generated", "In the queue")
OBSTACLES = (MomentState.SKIPPED, MomentState.BLOCKED, MomentState.WITHDRAWN)
STEPS = tomllib.loads(Path(__file__).with_name("setup.toml").read_text(encoding="utf-8"))["step"]
# The checks whose trouble keeps a test from arriving; others are no matter of the next minutes.
TEST_CHECKS = (
    *("plan", "connection", "key", "stripe", "events_chosen", "mode", "signature", "clock"),
    *("redis", "worker", "scheduler"),
)


def get_steps(account: Account, livemode: bool) -> list[dict]:
    """The rows of setup.toml for live or test mode, in one query.

    Each has `done`, `waits` (it will tick by itself) and `is_next` (the one to do now).
    """
    is_connected = select(Connection.id).filter_by(account_id=account.id, status=ConnectionStatus.CONNECTED)
    connected = is_connected.filter_by(livemode=livemode)
    switched_off = select(func.count()).where(Trigger.account_id == account.id, Trigger.enabled.is_(False))
    is_ours = and_(StripeEvent.connection_id.in_(connected), StripeEvent.state != EventState.IGNORED)
    has = {
        "connect": connected.exists(),
        "brand": exists().where(BrandKit.account_id == account.id),
        "events": switched_off.scalar_subquery() < len(KINDS),
        "webhook": exists().where(is_ours),
        "customers": exists().where(Customer.connection_id.in_(connected)),
        "creative": exists().where(Creative.account_id == account.id, Creative.is_test.is_(not livemode)),
        "live": is_connected.filter_by(livemode=True).exists(),
        "secret": connected.where(Connection.encrypted_signing_secret.is_not(None)).exists(),
    }
    done = db.session.execute(select(*(found.label(name) for name, found in has.items()))).one()._asdict()
    done["plan"] = account.may_connect_stripe
    done["events"] = done["events"] and done["connect"]
    done["webhook"] = done["webhook"] or (done["creative"] and done["connect"])  # the event check is a way, too
    steps, waits = [], {"webhook": done["secret"], "customers": done["connect"]}
    for row in STEPS[:-1] if livemode else STEPS:  # the last one leads from test to live
        is_done = bool(done[row["name"]])
        steps.append(row | {"done": is_done, "waits": not is_done and bool(waits.get(row["name"])), "is_next": False})
    for step in steps:
        if not step["done"] and not step["waits"]:
            step["is_next"] = True
            break
    return steps


class TestRun:
    """The first moment after `since`, and how far it has come. What has not happened yet is None."""

    def __init__(self, connection: Connection, since: datetime) -> None:
        begun = since - CLOCK_TOLERANCE
        newest = select(Moment).where(Moment.connection_id == connection.id, Moment.occurred_at >= begun)
        self.moment = db.session.scalar(newest.order_by(Moment.state != MomentState.GENERATED, Moment.id).limit(1))
        events = select(StripeEvent).where(StripeEvent.connection_id == connection.id, StripeEvent.received_at >= begun)
        # The promise counts from the event; before it arrives, the clock shows the waiting.
        self.clock_from, self.creative, times = since, None, [None] * len(STAGES[1:])
        if self.moment:
            events = events.where(StripeEvent.stripe_customer_id == self.moment.stripe_customer_id)
        self.event = db.session.scalar(events.order_by(StripeEvent.received_at).limit(1))
        if self.event:
            self.clock_from, times[0] = self.event.created_at, self.event.received_at
        if self.moment:
            self.clock_from = min(self.moment.occurred_at, self.moment.received_at)
            times[:2] = self.moment.received_at, self.moment.detected_at
        if self.moment and self.moment.creative_id:
            self.creative = db.session.get(Creative, self.moment.creative_id)
            # Its set may have been written before it, and others may have joined the set since.
            joined_at = min(self.creative.joined_at, self.moment.ready_at or self.moment.detected_at)
            times[2:] = [max(self.creative.generated_at, joined_at)] * 2
        self.stages = list(zip(STAGES[1:], times, strict=True))  # when each was done
        self.stage = len(times) - times.count(None)  # how many of them are done
        self.elapsed = max((times[-1] or now()) - self.clock_from, timedelta())
        self.is_slow = self.creative is None and self.elapsed > SLOW_AFTER
        self.is_late = self.creative is None and self.elapsed > PROMISE
        self.is_over = self.creative is not None or not is_recent(since, WATCH_TIMEOUT)

    @property
    def grace_period(self) -> timedelta | None:
        """What is left of the time in which a subscription may follow a new customer, while it is waited for."""
        if self.creative or self.moment is None or self.moment.state != MomentState.WAITING or not self.moment.ready_at:
            return None
        return max(self.moment.ready_at - now(), timedelta())

    @property
    def state(self) -> str:
        """waiting (for the event), no_moment (it creates no ads; another one may), under_way, in_queue; or skipped,
        blocked or withdrawn, of which no ads come."""
        if self.creative:
            return "in_queue"
        if self.moment:
            return self.moment.state if self.moment.state in OBSTACLES else "under_way"
        if self.event:
            return "under_way" if self.event.state == EventState.PENDING else "no_moment"
        return "waiting"
