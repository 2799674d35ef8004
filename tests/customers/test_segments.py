"""Value segments: list price a month x tenure, ranked; shown as a band, never as an amount."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from manimod.customers import segments
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Connection, Customer
from manimod.models.accounts import now
from tests import factories
from tests.customers.holdings import add_plan, add_subscription, subscribe

pytestmark = pytest.mark.both_databases


@pytest.fixture
def connection(app) -> Connection:
    return factories.make_connection()


def segments_of(connection) -> dict[str, str]:
    with transaction():
        segments.recompute(connection.id)
    query = select(Customer.name, Customer.segment).where(Customer.connection_id == connection.id)
    return dict(db.session.execute(query).all())


def test_in_a_small_account_the_price_decides_before_the_tenure(connection):
    with transaction():
        add_plan(connection, "small", 900)
        add_plan(connection, "large", 9900)
        for number in range(4):
            subscribe(connection, f"s{number}", "small", 900 + number)
        for number in range(2):
            subscribe(connection, f"l{number}", "large", 60 + number)
    assert segments_of(connection) == {
        "s0": "low",
        "s1": "low",
        "s2": "core",
        "s3": "core",
        "l0": "high",
        "l1": "high",
    }


def test_with_many_customers_and_prices_value_is_price_times_tenure(connection):
    with transaction():
        for plan, amount in [("a", 1000), ("b", 2000), ("c", 3000), ("d", 4000)]:
            add_plan(connection, plan, amount)
        for number in range(25):
            subscribe(connection, f"d{number}", "d", 40)
        for number in range(75):
            subscribe(connection, f"a{number}", "a", 1000 + number)
        subscribe(connection, "b0", "b", 400)
        subscribe(connection, "c0", "c", 400)
    found = segments_of(connection)
    assert found["d0"] == "low"
    assert found["a74"] == "high"


@pytest.mark.parametrize(
    ("interval", "days", "segment"), [("month", 20, "new"), ("year", 200, "new"), ("month", 40, "low")]
)
def test_new_is_a_tenure_under_thirty_days_or_one_cycle(connection, interval, days, segment):
    with transaction():
        add_plan(connection, "plan", 1000, interval=interval)
        subscribe(connection, "one", "plan", days)
    assert segments_of(connection) == {"one": segment}


def test_currencies_are_ranked_apart(connection):
    with transaction():
        add_plan(connection, "yen", 500_000, currency="jpy")
        for number, amount in enumerate((1000, 2000, 3000)):
            add_plan(connection, f"usd{number}", amount)
            subscribe(connection, f"u{number}", f"usd{number}", 100)
        subscribe(connection, "y", "yen", 100)
    found = segments_of(connection)
    assert (found["u0"], found["u2"], found["y"]) == ("low", "high", "low")


def test_a_metered_price_gives_no_rank(connection):
    with transaction():
        add_plan(connection, "metered", None)
        subscribe(connection, "m", "metered", 400)
    assert segments_of(connection) == {"m": "core"}


def test_a_segment_changes_only_past_its_border(connection):
    with transaction():
        add_plan(connection, "plan", 1000)
        for number in range(101):
            subscribe(connection, f"c{number:03}", "plan", 100 + number, segment={77: "high", 82: "core"}.get(number))
    found = segments_of(connection)
    assert (found["c077"], found["c082"]) == ("high", "core")
    assert (found["c076"], found["c086"]) == ("core", "high")


@pytest.mark.parametrize(
    ("quantity", "pack", "segment"),
    [(5000, {"pack_size": 1000, "rounds_up": True}, "low"), (5000, {}, "high"), (0, {}, "low")],
)
def test_the_quantity_and_its_packs_are_part_of_the_value(connection, quantity, pack, segment):
    with transaction():
        add_plan(connection, "emails", 100, **pack)
        subscribe(connection, "sender", "emails", 400, quantity=quantity)
        for number, amount in enumerate((900, 4900, 9900)):
            add_plan(connection, f"plan{number}", amount)
            subscribe(connection, f"c{number}", f"plan{number}", 400)
    assert segments_of(connection)["sender"] == segment


def test_a_price_may_have_a_fraction_of_a_minor_unit(connection):
    with transaction():
        add_plan(connection, "seats", 1250.5)
        subscribe(connection, "agency", "seats", 400, quantity=100)
        add_plan(connection, "team", 4900)
        for number in range(4):
            subscribe(connection, f"c{number}", "team", 400)
    assert segments_of(connection)["agency"] == "high"


def test_of_two_subscriptions_the_one_whose_tier_the_ads_name_gives_the_value(connection):
    with transaction():
        add_plan(connection, "small", 900)
        add_plan(connection, "large", 9900)
        subscribe(connection, "moved", "large", 900, status="canceled", ended_at=now() - timedelta(days=300))
        add_subscription(connection, "moved", "small", now() - timedelta(days=300))
        subscribe(connection, "tried", "small", 400)
        add_subscription(connection, "tried", "large", now() - timedelta(days=40), status="incomplete")
        for number in range(3):
            subscribe(connection, f"l{number}", "large", 400)
    found = segments_of(connection)
    assert (found["moved"], found["tried"]) == ("low", "low")


def test_a_customer_who_takes_another_subscription_is_not_new(connection):
    with transaction():
        add_plan(connection, "small", 900)
        add_plan(connection, "large", 9900)
        subscribe(connection, "loyal", "small", 900)
        add_subscription(connection, "loyal", "large", now() - timedelta(days=2))
    assert segments_of(connection)["loyal"] != "new"


def test_another_accounts_customers_are_left_alone(connection):
    stranger = factories.make_connection()
    with transaction():
        add_plan(stranger, "plan", 1000)
        subscribe(stranger, "theirs", "plan", 400, segment="high")
    segments_of(connection)
    assert db.session.scalar(select(Customer.segment).where(Customer.name == "theirs")) == "high"
