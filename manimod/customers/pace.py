"""How often mani asks Stripe: the reads that Stripe allows an account are its owner's, so mani takes few of them.

Stripe allows 500 reads for each payment of the last 30 days, and at least 10,000. Source: docs.stripe.com/rate-limits.

| payments in 30 days | events, or what the lists have | cancellations   | sync          |
|---------------------|--------------------------------|-----------------|---------------|
| under 44            | each 10 minutes                | with the sync   | each 3 hours  |
| 44 to 172           | each 5 minutes                 | with the sync   | as it is set  |
| 173 to 431          | each 5 minutes                 | each 5 minutes  | as it is set  |
| 432 and more        | each minute                    | each 5 minutes  | as it is set  |
| test mode           | each minute, or 15 seconds     | as often        | as it is set  |

The sync is slower where the account has far more customers than payments. Whoever looks at the queue or at a test waits
15 seconds in test mode, 4 minutes in live mode. Nothing but the sync and one look an hour is left of a live account
whose reads come to two thirds of its allowance.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from redis.exceptions import RedisError
from sqlalchemy import ColumnElement, and_, func, not_, or_, select
from sqlalchemy.orm import InstrumentedAttribute

from manimod import jobs
from manimod.config import settings
from manimod.extensions import db
from manimod.models import Connection, Price, Subscription
from manimod.models.accounts import is_ahead, is_future, now
from manimod.stripe import connections

MONTH = timedelta(days=30)
MIN_ALLOWANCE, READS_PER_PAYMENT = 10_000, 500
MINUTE = timedelta(minutes=1)
SOME_PAYMENTS, MORE_PAYMENTS, MANY_PAYMENTS = 44, 173, 432  # of 30 days
SLOW_POLL, POLL, SPENT_POLL = 10 * MINUTE, 5 * MINUTE, 60 * MINUTE
WATCHED_POLL = {True: 4 * MINUTE, False: timedelta(seconds=15)}  # by livemode
WRITTEN_AFTER = timedelta(seconds=45)  # it was found: the grace period for a subscription, and the writing
CANCELLATIONS, SLOW_SYNC, SLOWEST_SYNC = 5 * MINUTE, timedelta(hours=3), timedelta(days=1)
PAGE_SIZE = 100
PERIOD_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}
WATCHED_KEY = "mani:watched"  # connection -> until when somebody looks at its queue or test, Unix seconds
# After the page has last asked: it does so every two minutes at least, and not while the person is in Stripe's tab.
WATCHED_SECONDS = 300


@dataclass(frozen=True)
class Pace:
    """`payments` and mani's own `reads` are those of the last 30 days."""

    payments: int
    livemode: bool
    reads: int = 0

    @property
    def allowance(self) -> int:
        """How often Stripe may be read in 30 days, by everybody who has a key of the account."""
        return max(MIN_ALLOWANCE, READS_PER_PAYMENT * self.payments)

    @property
    def is_spent(self) -> bool:
        """Whether mani has taken its part: two thirds. Stripe counts payments of live mode."""
        return self.livemode and self.reads * 3 >= self.allowance * 2

    def poll(self, is_watched: bool = False) -> timedelta:
        """Between two questions for what is new."""
        if not self.livemode:
            return WATCHED_POLL[False] if is_watched else MINUTE
        if self.is_spent:
            return SPENT_POLL
        usual = SLOW_POLL
        if self.payments >= MANY_PAYMENTS:
            usual = MINUTE
        elif self.payments >= SOME_PAYMENTS:
            usual = POLL
        if is_watched:
            return min(usual, WATCHED_POLL[True])
        return usual

    def until_creative(self, is_watched: bool = False) -> timedelta:
        """From what happens in Stripe to the creative, at most, where mani asks for what is new."""
        return self.poll(is_watched) + WRITTEN_AFTER

    @property
    def cancellations(self) -> timedelta | None:
        """Between two questions for cancellations, where no event brings them; None: the sync finds them.

        Zero: each time.
        """
        if not self.livemode:
            return timedelta()
        if self.payments < MORE_PAYMENTS:
            return None
        return max(CANCELLATIONS, self.poll())

    def sync(self, objects: int = 0) -> timedelta:
        """Between two syncs of so many customers and subscriptions."""
        fastest = timedelta(minutes=settings().sync_interval_minutes)
        if not self.livemode:
            return fastest
        affordable = MONTH * (objects / PAGE_SIZE) / (self.allowance / 4)
        interval = max(fastest, min(affordable, SLOWEST_SYNC))
        if self.payments < SOME_PAYMENTS:
            return max(interval, SLOW_SYNC)
        return interval


def get_pace(connection: Connection) -> Pace:
    return Pace(connection.monthly_payments, connection.livemode, connections.count_reads(connection.id))


def is_due(next_at: InstrumentedAttribute) -> ColumnElement[bool]:
    """Whether `next_sync_at` or `next_poll_at` has come, or was set by a clock that was ahead."""
    longest = max(SLOWEST_SYNC, timedelta(minutes=settings().sync_interval_minutes))
    return or_(not_(is_ahead(next_at, longest)), is_future(Connection.planned_at))


def plan(connection: Connection, **times: datetime) -> None:
    """Set `next_sync_at`, `next_poll_at` or both. What a clock planned that was ahead is due now."""
    if connection.planned_at and is_future(connection.planned_at):
        connection.next_sync_at = connection.next_poll_at = now()
    connection.planned_at = now()
    for name, at in times.items():
        setattr(connection, name, at)


def estimate_payments(connection_id: int) -> int:
    """How many payments the account's running subscriptions make in 30 days."""
    has_price = and_(Price.connection_id == Subscription.connection_id, Price.stripe_id == Subscription.stripe_price_id)
    query = select(Price.interval, Price.interval_count, func.count()).select_from(Subscription)
    query = query.outerjoin(Price, has_price).where(Subscription.connection_id == connection_id)
    is_charged = or_(Price.unit_amount.is_(None), Price.unit_amount > 0)
    query = query.where(Subscription.status == "active", is_charged).group_by(Price.interval, Price.interval_count)
    payments = 0.0
    for interval, interval_count, subscriptions in db.session.execute(query):
        payments += subscriptions * MONTH.days / (PERIOD_DAYS.get(interval, MONTH.days) * (interval_count or 1))
    return round(payments)


def every(length: timedelta) -> str:
    """`every minute`, `every 5 minutes`, `every hour`, `every 3 hours`."""
    number, unit = _number_and_unit(length)
    return f"every {unit}" if number == 1 else f"every {number} {unit}s"


def within(length: timedelta) -> str:
    """`within a minute`, `within 60 minutes`, `within 3 hours`."""
    number, unit = _number_and_unit(length)
    if unit == "hour" and number == 1:
        number, unit = 60, "minute"
    return f"within a {unit}" if number == 1 else f"within {number} {unit}s"


def _number_and_unit(length: timedelta) -> tuple[int, str]:
    seconds = round(length.total_seconds())
    if seconds < 60:
        return seconds, "second"
    minutes = round(seconds / 60)
    if minutes % 60 == 0 or minutes > 120:
        return round(minutes / 60), "hour"
    return minutes, "minute"


def mark_watched(connection: Connection) -> None:
    """Somebody looks at the connection's queue or test. The mark ends by itself once the page asks no longer."""
    at = int(now().timestamp())
    with suppress(RedisError):
        jobs.redis().zadd(WATCHED_KEY, {str(connection.id): at + WATCHED_SECONDS})
        jobs.redis().zremrangebyscore(WATCHED_KEY, 0, at)


def watched_connections() -> set[int]:
    with suppress(RedisError):
        at = now().timestamp()
        return set(map(int, jobs.redis().zrangebyscore(WATCHED_KEY, at, at + WATCHED_SECONDS)))
    return set()
