"""A tier's position says whether a dearer or a cheaper plan can be offered: only one that is sold in its currency."""

import pytest
from sqlalchemy import select

from manimod.customers import segments
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Connection, Tier
from manimod.models.accounts import now
from tests import factories
from tests.customers.holdings import add_plan, add_price, add_subscription, add_tier, subscribe

pytestmark = pytest.mark.both_databases


@pytest.fixture
def connection(app) -> Connection:
    return factories.make_connection()


def positions(connection: Connection) -> dict[str, str | None]:
    with transaction():
        segments.recompute(connection.id)
    query = select(Tier.product_name, Tier.position).where(Tier.connection_id == connection.id)
    return dict(db.session.execute(query).all())


def sell(connection: Connection, amounts: dict[str, float], **columns: object) -> None:
    """Plans, each of which somebody has."""
    for name, amount in amounts.items():
        add_plan(connection, name, amount, **columns)
        subscribe(connection, name, name, 100)


@pytest.mark.parametrize(
    ("plans", "placed"),
    [
        ({"one": 500}, {"one": "single"}),
        ({"one": 500, "two": 900}, {"one": "entry", "two": "top"}),
        ({"one": 500, "two": 900, "three": 5000}, {"one": "entry", "two": "middle", "three": "top"}),
    ],
)
def test_tiers_are_placed_by_list_price(connection, plans, placed):
    with transaction():
        sell(connection, plans)
    assert positions(connection) == placed


def test_an_archived_plan_is_neither_next_nor_smaller_for_another(connection):
    with transaction():
        sell(connection, {"old basic": 500, "old max": 50_000}, active=False)
        sell(connection, {"solo": 900, "team": 4900})
    assert positions(connection) == {"old basic": "entry", "old max": "top", "solo": "entry", "team": "top"}


def test_the_subscriber_of_an_archived_plan_may_be_offered_what_is_sold(connection):
    with transaction():
        sell(connection, {"old": 2900}, active=False)
        sell(connection, {"solo": 900, "team": 4900})
    assert positions(connection)["old"] == "middle"


def test_a_plan_whose_prices_are_archived_is_archived(connection):
    with transaction():
        sell(connection, {"solo": 900})
        add_tier(connection, "max")
        add_price(connection, "max", 9900, active=False)
        subscribe(connection, "m", "max", 100)
    assert positions(connection) == {"solo": "single", "max": "top"}


def test_a_price_that_is_sold_places_its_tier_before_an_archived_one(connection):
    with transaction():
        sell(connection, {"solo": 900, "team": 2900})
        add_price(connection, "solo old", 100, tier="solo", active=False)
        add_price(connection, "team old", 100, tier="team", active=False)
        subscribe(connection, "faithful", "team old", 900, tier="team")
    assert positions(connection) == {"solo": "entry", "team": "top"}


def test_currencies_are_never_compared(connection):
    with transaction():
        sell(connection, {"solo": 900, "team": 4900, "max": 9900})
        sell(connection, {"basic": 12_000, "plus": 29_000}, currency="krw")
    found = positions(connection)
    assert [found[name] for name in ("solo", "team", "max")] == ["entry", "middle", "top"]
    assert [found[name] for name in ("basic", "plus")] == ["entry", "top"]


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 1200), ("vnd", 250_000), ("kwd", 3000)])
def test_a_tier_alone_in_its_currency_beside_others_is_never_the_top(connection, currency, amount):
    with transaction():
        sell(connection, {"solo": 900, "team": 4900})
        sell(connection, {"abroad": amount}, currency=currency)
    assert positions(connection) == {"solo": "entry", "team": "top", "abroad": "entry"}


def test_a_tier_in_two_currencies_stands_where_most_others_are(connection):
    with transaction():
        sell(connection, {"solo": 900, "team": 4900, "max": 9900})
        sell(connection, {"local": 100}, currency="aed")
        add_price(connection, "team aed", 18_000, tier="team", currency="aed")
    assert positions(connection)["team"] == "middle"


def test_plans_at_one_price_are_no_step_from_each_other(connection):
    with transaction():
        sell(connection, {"cats": 900, "dogs": 900})
    assert positions(connection) == {"cats": "single", "dogs": "single"}


def test_what_the_smallest_subscriber_of_a_tier_pays_counts(connection):
    with transaction():
        sell(connection, {"solo": 900, "team": 4900})
        add_plan(connection, "seats", 1250.5)
        add_plan(connection, "emails", 100, pack_size=1000, rounds_up=True)
        subscribe(connection, "agency", "seats", 100, quantity=100)
        subscribe(connection, "sender", "emails", 100, quantity=5000)
    assert positions(connection) == {"emails": "entry", "solo": "middle", "team": "middle", "seats": "top"}


def test_many_seats_of_a_cheap_tier_do_not_lift_it_above_a_dear_one(connection):
    with transaction():
        sell(connection, {"basic": 900, "scale": 4900})
        subscribe(connection, "big", "basic", 100, quantity=400)
    assert positions(connection) == {"basic": "entry", "scale": "top"}


def test_a_subscription_that_pays_nothing_does_not_lower_its_tier(connection):
    with transaction():
        sell(connection, {"basic": 900})
        add_plan(connection, "scale", 4900)
        subscribe(connection, "none", "scale", 100, quantity=0)
    assert positions(connection) == {"basic": "entry", "scale": "top"}


def test_a_metered_tier_has_no_position(connection):
    with transaction():
        sell(connection, {"basic": 900})
        add_plan(connection, "usage", None)
        subscribe(connection, "m", "usage", 100)
    assert positions(connection) == {"basic": "single", "usage": None}


def test_the_one_tier_whose_price_depends_on_the_number_stands_above_the_others(connection):
    with transaction():
        sell(connection, {"basic": 900, "scale": 4900})
        add_plan(connection, "dedicated", None, is_tiered=True)
    assert positions(connection) == {"basic": "entry", "scale": "middle", "dedicated": "top"}
    with transaction():
        add_plan(connection, "volume", None, is_tiered=True)
    assert positions(connection) == {"basic": "entry", "scale": "top", "dedicated": None, "volume": None}


def test_a_tier_that_is_sold_counts_before_anybody_has_it(connection):
    with transaction():
        sell(connection, {"basic": 900, "scale": 4900})
        add_plan(connection, "dear", 9900)
    assert positions(connection) == {"basic": "entry", "scale": "middle", "dear": "top"}


@pytest.mark.parametrize(
    "beside",
    [
        {"name": "old", "amount": 9900, "active": False},
        {"name": "test product do not use", "amount": 100},
        {"name": "Add-on: Payroll", "amount": 100},
        {"name": "Extra entity", "amount": 9900},
        {"name": "Free", "amount": 0},
    ],
    ids=lambda beside: beside["name"],
)
def test_what_nobody_has_and_nobody_would_be_offered_moves_no_tier(connection, beside):
    with transaction():
        sell(connection, {"basic": 900, "scale": 4900})
        add_plan(connection, **beside)
    found = positions(connection)
    assert (found["basic"], found["scale"]) == ("entry", "top")


def test_an_archived_tier_that_nobody_has_any_more_has_no_position(connection):
    with transaction():
        sell(connection, {"basic": 900, "scale": 4900})
        add_plan(connection, "gone", 9900, active=False)
        add_subscription(connection, "basic", "gone", now(), status="canceled")
    assert positions(connection) == {"basic": "entry", "scale": "top", "gone": None}


def test_a_tier_has_the_longest_trial_of_its_prices_that_are_sold(connection):
    with transaction():
        add_plan(connection, "team", 900, trial_days=14)
        add_price(connection, "team yearly", 9000, tier="team", interval="year", trial_days=30)
        add_price(connection, "team old", 500, tier="team", active=False, trial_days=90)
        add_plan(connection, "basic", 500)
        segments.recompute(connection.id)
    found = db.session.execute(select(Tier.product_name, Tier.trial_days))
    assert dict(found.tuples().all()) == {"team": 30, "basic": None}
