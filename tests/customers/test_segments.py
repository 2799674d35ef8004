"""Value segments: list price a month x tenure, ranked; shown as a band, never as an amount."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from manimod.customers import segments
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Connection, Customer, Price, Subscription, Tier
from manimod.models.accounts import now
from tests import factories

pytestmark = pytest.mark.both_databases


@pytest.fixture
def connection(app) -> Connection:
    return factories.make_connection()


def add_price(connection, name, amount, interval="month", currency="usd", count=1):
    db.session.add(Tier(connection_id=connection.id, stripe_product_id=f"prod_{name}", product_name=name))
    db.session.add(
        Price(
            connection_id=connection.id,
            stripe_id=f"price_{name}",
            stripe_product_id=f"prod_{name}",
            list_amount=amount,
            currency=currency,
            interval=interval,
            interval_count=count,
        )
    )


def add_customer(connection, name, plan, days, quantity=1, status="active", segment=None):
    began = now() - timedelta(days=days)
    db.session.add(
        Customer(connection_id=connection.id, stripe_id=f"cus_{name}", name=name, created_at=began, segment=segment)
    )
    db.session.add(
        Subscription(
            connection_id=connection.id,
            stripe_id=f"sub_{name}",
            stripe_customer_id=f"cus_{name}",
            stripe_price_id=f"price_{plan}",
            stripe_product_id=f"prod_{plan}",
            quantity=quantity,
            status=status,
            created_at=began,
            started_at=began,
            observed_at=began,
        )
    )


def segments_of(connection) -> dict[str, str]:
    with transaction():
        segments.recompute(connection.id)
    query = select(Customer.name, Customer.segment).where(Customer.connection_id == connection.id)
    return dict(db.session.execute(query).all())


def test_in_a_small_account_the_price_decides_before_the_tenure(connection):
    with transaction():
        add_price(connection, "small", 900)
        add_price(connection, "large", 9900)
        for number in range(4):
            add_customer(connection, f"s{number}", "small", 900 + number)
        for number in range(2):
            add_customer(connection, f"l{number}", "large", 60 + number)
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
            add_price(connection, plan, amount)
        for number in range(25):
            add_customer(connection, f"d{number}", "d", 40)
        for number in range(75):
            add_customer(connection, f"a{number}", "a", 1000 + number)
        add_customer(connection, "b0", "b", 400)
        add_customer(connection, "c0", "c", 400)
    found = segments_of(connection)
    assert found["d0"] == "low"
    assert found["a74"] == "high"


@pytest.mark.parametrize(
    ("interval", "days", "segment"), [("month", 20, "new"), ("year", 200, "new"), ("month", 40, "low")]
)
def test_new_is_a_tenure_under_thirty_days_or_one_cycle(connection, interval, days, segment):
    with transaction():
        add_price(connection, "plan", 1000, interval)
        add_customer(connection, "one", "plan", days)
    assert segments_of(connection) == {"one": segment}


def test_currencies_are_ranked_apart(connection):
    with transaction():
        add_price(connection, "yen", 500_000, currency="jpy")
        for number, amount in enumerate((1000, 2000, 3000)):
            add_price(connection, f"usd{number}", amount)
            add_customer(connection, f"u{number}", f"usd{number}", 100)
        add_customer(connection, "y", "yen", 100)
    found = segments_of(connection)
    assert (found["u0"], found["u2"], found["y"]) == ("low", "high", "low")


def test_a_metered_price_gives_no_rank(connection):
    with transaction():
        add_price(connection, "metered", None)
        add_customer(connection, "m", "metered", 400)
    assert segments_of(connection) == {"m": "core"}


def test_a_segment_changes_only_past_its_border(connection):
    with transaction():
        add_price(connection, "plan", 1000)
        for number in range(101):
            add_customer(
                connection, f"c{number:03}", "plan", 100 + number, segment={77: "high", 82: "core"}.get(number)
            )
    found = segments_of(connection)
    assert (found["c077"], found["c082"]) == ("high", "core")
    assert (found["c076"], found["c086"]) == ("core", "high")


@pytest.mark.parametrize(
    ("plans", "positions"),
    [
        ({"one": 500}, {"one": "single"}),
        ({"one": 500, "two": 900}, {"one": "entry", "two": "top"}),
        ({"one": 500, "two": 900, "three": 5000}, {"one": "entry", "two": "middle", "three": "top"}),
    ],
)
def test_tiers_are_placed_by_list_price(connection, plans, positions):
    with transaction():
        for name, amount in plans.items():
            add_price(connection, name, amount)
            add_customer(connection, name, name, 100)
    segments_of(connection)
    query = select(Tier.product_name, Tier.position).where(Tier.connection_id == connection.id)
    assert dict(db.session.execute(query).all()) == positions


def test_another_accounts_customers_are_left_alone(connection):
    stranger = factories.make_connection()
    with transaction():
        add_price(stranger, "plan", 1000)
        add_customer(stranger, "theirs", "plan", 400, segment="high")
    segments_of(connection)
    assert db.session.scalar(select(Customer.segment).where(Customer.name == "theirs")) == "high"
