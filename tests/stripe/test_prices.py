"""Prices as Stripe has them: fractions of minor units, packs, currencies without decimals, metered and tiered ones."""

import json
from pathlib import Path

import pytest

from manimod.stripe.catalogue import PriceFacts, read_price
from manimod.stripe.payloads import read_subscription
from manimod.stripe.reader import Reader
from tests.stripe_events import item, price, subscription

CASES = Path(__file__).parents[3] / "shared" / "cases" / "22-price-shapes.json"


def facts(**fields: object) -> PriceFacts:
    return read_price(Reader(price(**fields)))


@pytest.mark.parametrize(
    ("fields", "quantity", "monthly"),
    [
        ({"amount": 4900}, 1, 4900),
        ({"amount": 4900}, 0, 0),
        ({"amount": 4900}, 3, 14_700),
        ({"amount": None, "unit_amount_decimal": "0.05"}, 1000, 50),
        ({"amount": None, "unit_amount_decimal": "1250.5"}, 100, 125_050),
        ({"amount": 4900, "unit_amount_decimal": "4900"}, 1, 4900),
        ({"amount": None, "unit_amount_decimal": None}, 1, 0),
        ({"amount": 100, "transform_quantity": {"divide_by": 1000, "round": "up"}}, 5000, 500),
        ({"amount": 100, "transform_quantity": {"divide_by": 1000, "round": "up"}}, 5001, 600),
        ({"amount": 100, "transform_quantity": {"divide_by": 1000, "round": "down"}}, 5999, 500),
        ({"amount": 100, "transform_quantity": {"divide_by": 1000, "round": "down"}}, 999, 0),
        ({"amount": 100, "transform_quantity": {"divide_by": 0, "round": "up"}}, 2, 200),
        ({"amount": 12_000, "recurring": {"interval": "year", "interval_count": 1}}, 1, 1000),
        ({"amount": 1200, "recurring": {"interval": "month", "interval_count": 6}}, 1, 200),
        ({"amount": 100, "recurring": {"interval": "month", "usage_type": "metered"}}, 1, 0),
        ({"amount": 100, "billing_scheme": "tiered", "tiers_mode": "volume"}, 1, 0),
        ({"amount": 100, "recurring": None}, 1, 0),
    ],
)
def test_the_list_price_of_a_quantity_a_month(fields, quantity, monthly):
    assert facts(**fields).monthly(quantity) == pytest.approx(monthly)


@pytest.mark.parametrize(
    ("fields", "days"),
    [
        ({"recurring": {"interval": "month", "trial_period_days": 14}}, 14),
        ({"recurring": None, "interval": "month", "trial_period_days": 30}, 30),  # a plan of the years before prices
        ({"recurring": {"interval": "month", "trial_period_days": None}}, None),
        ({"recurring": {"interval": "month", "trial_period_days": 0}}, None),
        ({"recurring": {"interval": "month", "trial_period_days": "14"}}, None),
    ],
)
def test_the_days_of_trial_that_a_price_has(fields, days):
    assert facts(**fields).trial_days == days


@pytest.mark.parametrize("text", ["NaN", "1e400", "-5", "", "free", "١٢", "1" * 400, None, 12.5])
def test_a_decimal_that_is_none_is_unknown(text):
    assert facts(amount=None, unit_amount_decimal=text).amount is None


def test_a_plan_of_the_years_before_prices_may_have_packs_and_fractions_too():
    plan = {"id": "plan_1", "amount": None, "amount_decimal": "2.5", "interval": "month"}
    plan["transform_usage"] = {"divide_by": 10, "round": "up"}
    assert read_price(Reader(plan)).monthly(11) == 5


@pytest.mark.parametrize(("fields", "is_active"), [({}, True), ({"active": True}, True), ({"active": False}, False)])
def test_an_archived_price_is_known_as_such(fields, is_active):
    assert facts(**fields).active is is_active


@pytest.mark.parametrize(
    ("items", "product"),
    [
        ([item(price("prod_dear", 9900)), item(price("prod_many", 100), quantity=200)], "prod_many"),
        ([item(price("prod_dear", 9900), quantity=0), item(price("prod_cheap", 500))], "prod_cheap"),
        ([item(price("prod_metered", None)), item(price("prod_cheap", 500))], "prod_cheap"),
        ([item(price("prod_first", 500)), item(price("prod_second", 500))], "prod_first"),
        (
            [
                item(price("prod_pack", 100, transform_quantity={"divide_by": 1000, "round": "up"}), quantity=5000),
                item(price("prod_seat", 900)),
            ],
            "prod_seat",
        ),
    ],
)
def test_the_item_for_which_most_is_paid_is_the_tier(items, product):
    assert read_subscription(Reader(subscription(items=items))).price.product == product


@pytest.mark.parametrize(("given", "kept"), [(0, 0), (None, 1), (7, 7), (10**12, 10**9)])
def test_the_quantity_is_kept_as_it_is(given, kept):
    assert read_subscription(Reader(subscription(items=[item(quantity=given)]))).quantity == kept


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not here")
def test_the_public_cases_cost_what_they_say():
    for case in json.loads(CASES.read_text(encoding="utf-8"))["prices"]:
        if "pays_a_month" in case:
            paid = read_price(Reader(case["price"])).monthly(case["quantity"])
            assert f"{paid / 100:.2f}" == f"{float(case['pays_a_month'].strip('$').replace(',', '')):.2f}"
