"""mani's reads of Stripe over a month, simulated: they stay a fraction of what Stripe allows the account."""

import random
from bisect import bisect_left
from datetime import timedelta

import pytest

from manimod.customers.pace import Pace
from manimod.ingest.recent import LISTS, PERIOD_LISTS, Look

MINUTE, HOUR, DAY = 60, 3600, 86_400
MONTH = 30 * DAY
PROBES_A_DAY = 6


@pytest.fixture(autouse=True)
def settings(app) -> None:
    """The sync's interval is the default one."""


def look_for_a_month(subscribers: int, reads_events: bool = False) -> Pace:
    """Every request in 30 days of a live account whose subscribers pay monthly, and of whom 5 % are new."""
    randomness = random.Random(subscribers)
    periods = sorted(randomness.randrange(MONTH) for _ in range(subscribers))
    newcomers = sorted(randomness.randrange(MONTH) for _ in range(subscribers // 20))
    reads, pages = 0, -(-subscribers // 100)
    since, found_at, next_sync, next_poll = dict.fromkeys(LISTS, 0), -DAY, 0, 0
    for second in range(0, MONTH, MINUTE):
        pace = Pace(subscribers, livemode=True, reads=reads)
        if second >= next_sync:
            reads += 2 * pages
            next_sync = second + pace.sync(2 * subscribers).total_seconds()
        if second % DAY == 0:
            reads += PROBES_A_DAY
        if second < next_poll:
            continue
        next_poll = second + pace.poll().total_seconds()
        if reads_events:
            reads += 1
            continue
        if has_any(newcomers, since["customers"], second):
            found_at = second
        look = Look(pace, since, second, found_at)
        for name in LISTS:
            has_period = name in PERIOD_LISTS and has_any(periods, *look.period_range(name))
            is_asked = look.wants(name, has_period)
            reads += is_asked
            if is_asked or name in PERIOD_LISTS:
                since = since | {name: second}
    return Pace(subscribers, livemode=True, reads=reads)


def has_any(times: list[int], first: int, last: int) -> bool:
    place = bisect_left(times, first)
    return place < len(times) and times[place] <= last


@pytest.mark.parametrize("reads_events", [False, True], ids=["lists", "events"])
@pytest.mark.parametrize(
    ("subscribers", "largest_share"),
    [(20, 2 / 3), (43, 2 / 3), (44, 2 / 3), (100, 1 / 3), (173, 1 / 3), (300, 1 / 3), (432, 1 / 3), (1000, 1 / 3)],
)
def test_reads_of_a_month(subscribers, largest_share, reads_events):
    month = look_for_a_month(subscribers, reads_events)
    assert month.reads < largest_share * month.allowance


def test_a_very_large_account_stays_below_a_tenth():
    month = look_for_a_month(100_000)
    assert month.reads < month.allowance / 10


@pytest.mark.parametrize(
    ("payments", "seconds"), [(0, 600), (43, 600), (44, 300), (431, 300), (432, 60), (100_000, 60)]
)
def test_how_soon_something_new_is_found(payments, seconds):
    assert Pace(payments, livemode=True).poll() == timedelta(seconds=seconds)
    assert Pace(payments, livemode=False).poll() <= timedelta(minutes=1)
    assert Pace(payments, livemode=False).poll(is_watched=True) == timedelta(seconds=15)
    assert Pace(payments, livemode=True).poll(is_watched=True) < timedelta(minutes=5)


def test_an_account_that_has_used_two_thirds_is_left_alone():
    assert Pace(20, livemode=True, reads=6_667).poll(is_watched=True) == timedelta(hours=1)


def test_few_payments_and_many_customers_are_synced_seldom():
    """10,000 customers are 100 pages, and without payments Stripe allows 10,000 reads a month."""
    pace = Pace(0, livemode=True)
    runs = timedelta(days=30) / pace.sync(10_000)
    assert runs * 100 <= pace.allowance / 3
    assert Pace(10_000, livemode=True).sync(20_000) == timedelta(hours=1)
    assert Pace(20, livemode=True).sync(40) == timedelta(hours=3)
    assert Pace(20, livemode=False).sync(40) == timedelta(hours=1)
