"""The guide's steps as a checklist that ticks itself, and the test run that shows an event on its way to the queue."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select

from manimod.extensions import db
from manimod.models import Account, Connection, Creative, Moment, StripeEvent
from manimod.models.accounts import now
from manimod.moments import record

PROMISE = timedelta(minutes=5)  # from the event to the queue, as the guide says
SLOW_AFTER = timedelta(seconds=75)  # an event that takes longer than a poll's minute is worth a look
WATCH_FOR = timedelta(minutes=15)  # afterwards the page stops asking
CLOCK_TOLERANCE = timedelta(seconds=2)  # Stripe's times are whole seconds, and its clock is not ours
STRIPE_PAGE = "stripe_settings.show"


@dataclass(frozen=True)
class Step:
    """One step of the setup, as in the guide. `endpoint` and `anchor` are the place where it is done."""

    title: str
    done: bool
    what_good_looks_like: str
    common_error: str
    action: str
    endpoint: str = STRIPE_PAGE
    anchor: str | None = None


def steps(
    account: Account, connection: Connection | None, has_customers: bool, has_heard: bool, has_creative: bool
) -> list[Step]:
    is_connected = connection is not None
    return [
        Step(
            "A plan with the Stripe integration",
            account.may_connect_stripe,
            "Your account is on Pro or Scale.",
            "On Free and Starter the Stripe page offers the upgrade instead.",
            "See the plans",
        ),
        Step(
            "Connect with a restricted key",
            is_connected,
            "Status: Connected, with your Stripe account's name.",
            "A restricted key needs Customers: Read and Subscriptions: Read. Full secret keys are not accepted.",
            "Connect Stripe",
            anchor="connect",
        ),
        Step(
            "At least one customer",
            has_customers,
            "Your customers are counted by tier on this page.",
            "A customer created a moment ago appears with the next sync, within the hour; “Sync now” doesn't wait.",
            "Look at the sync",
            anchor="sync",
        ),
        Step(
            "Choose the events that matter",
            is_connected and any(record.switches(account).values()),
            "The switches of the events you chose are green.",
            "With every switch off, nothing is written.",
            "Choose events",
            anchor="events",
        ),
        Step(
            "Hear from Stripe",
            has_heard,
            "Stripe's deliveries to mani's endpoint succeed. A key that may read events works without it, in a minute.",
            "The signing secret must be the one of this very endpoint.",
            "Set up the webhook",
            anchor="webhook",
        ),
        Step(
            "See the first creative",
            has_creative,
            "A test customer's creative is in the queue within five minutes.",
            "Test events need a test-mode key: rk_test_ or sk_test_, not a live one.",
            "Send yourself a test",
            endpoint="dashboard.test",
        ),
    ]


@dataclass(frozen=True)
class TestRun:
    """What has come of a test that was begun at `since`. Times are None until they are reached."""

    since: datetime
    asked_at: datetime
    event: StripeEvent | None = None
    moment: Moment | None = None
    creative: Creative | None = None

    @property
    def received_at(self) -> datetime | None:
        told = self.moment or self.event
        return told.received_at if told else None

    @property
    def clock_from(self) -> datetime:
        """The promise counts from the event; until one is here, the clock shows the waiting."""
        if self.moment:
            return min(self.moment.occurred_at, self.moment.received_at)
        return self.event.created_at if self.event else self.since

    @property
    def elapsed(self) -> timedelta:
        return max((self.creative.generated_at if self.creative else self.asked_at) - self.clock_from, timedelta())

    @property
    def is_over(self) -> bool:
        return bool(self.creative) or self.asked_at - self.since > WATCH_FOR

    @property
    def is_slow(self) -> bool:
        return not self.creative and self.elapsed > SLOW_AFTER

    @property
    def share_of_promise(self) -> float:
        """How much of the five minutes has gone, 0 to 1."""
        return min(self.elapsed / PROMISE, 1.0)

    @property
    def makes_no_ads(self) -> bool:
        """Whether what was received is understood, and nothing came of it."""
        return bool(self.event) and not self.moment and self.event.state != "pending"

    @property
    def stage(self) -> int:
        """How many of the four stages are behind: received, detected, generated and, with it, in the queue."""
        return 4 if self.creative else 2 if self.moment else 1 if self.event else 0


def watch_test(connection: Connection, since: datetime) -> TestRun:
    """The first moment that Stripe told of after `since`, and how far it has come."""
    begun = since - CLOCK_TOLERANCE
    newest = select(Moment).where(Moment.connection_id == connection.id, Moment.occurred_at >= begun)
    moment = db.session.scalar(newest.order_by(Moment.state != "generated", Moment.id).limit(1))
    events = select(StripeEvent).where(StripeEvent.connection_id == connection.id, StripeEvent.received_at >= begun)
    if moment:
        events = events.where(StripeEvent.stripe_customer_id == moment.stripe_customer_id)
    event = db.session.scalar(events.order_by(StripeEvent.received_at).limit(1))
    creative = db.session.get(Creative, moment.creative_id) if moment and moment.creative_id else None
    return TestRun(since, now(), event, moment, creative)
