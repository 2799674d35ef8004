"""What a customer pays by the price list, from Stripe's lists to the segment and the tier's position."""

import json
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from manimod import tasks
from manimod.extensions import db
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import Customer, Tier
from tests import factories
from tests.moments.conftest import lists  # noqa: F401
from tests.stripe_events import customer, item, price, subscription

CASES = Path(__file__).parents[3] / "shared" / "cases" / "22-price-shapes.json"
DAY = 86_400
BESIDE = {"prod_solo": 900, "prod_team": 4900, "prod_max": 9900}
PACK = {"divide_by": 250, "round": "down"}


@pytest.fixture
def place(lists, account, drain):  # noqa: F811
    """The segment and position of a customer with such a price, beside one customer of each ordinary tier."""
    connection = factories.make_connection(account)
    began = int(time.time()) - 400 * DAY

    def subscribed(name: str, of: dict, quantity: int = 1) -> None:
        person = customer(f"cus_{name}", created=began)
        taken = subscription(f"sub_{name}", items=[item(of, quantity=quantity)], customer=person["id"])
        lists.lists.setdefault("/v1/customers", []).append(person)
        lists.lists.setdefault("/v1/subscriptions", []).append(taken | {"created": began, "start_date": began})
        lists.lists.setdefault("/v1/prices", []).append(of)

    def run(of: dict, quantity: int = 1) -> tuple[str | None, str | None]:
        for product, amount in BESIDE.items():
            if product != of["product"]:
                subscribed(product, price(product, amount))
        subscribed("shape", of, quantity)
        with transaction():
            sync.request_sync(connection)
        tasks.sync_customers(connection.id)
        drain()
        segment = db.session.scalar(select(Customer.segment).where(Customer.stripe_id == "cus_shape"))
        position = db.session.scalar(select(Tier.position).where(Tier.stripe_product_id == of["product"]))
        return segment, position

    return run


@pytest.mark.both_databases
@pytest.mark.parametrize(
    ("of", "quantity", "segment", "position"),
    [
        (price("prod_sms", 100, transform_quantity=PACK), 999, "low", "entry"),
        (price("prod_sms", 100), 999, "high", "top"),
        (price("prod_calls", None, unit_amount_decimal="0.4"), 500_000, "high", "top"),
        (price("prod_calls", None, unit_amount_decimal="0.4"), 500, "low", "entry"),
        (price("prod_seats", 9900), 0, "low", "top"),
        (price("prod_local", 1500, currency="jpy"), 1, "low", "entry"),
        (price("prod_old", 2500, active=False), 1, "low", "middle"),
        (price("prod_usage", 2500, billing_scheme="tiered"), 1, "core", "top"),
    ],
)
def test_a_price_of_any_shape_has_its_place(place, of, quantity, segment, position):
    assert place(of, quantity) == (segment, position)


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not here")
@pytest.mark.parametrize("number", range(4))
def test_the_public_cases_have_the_place_that_they_expect(place, number):
    case = json.loads(CASES.read_text(encoding="utf-8"))["prices"][number]
    segment, position = place(case["price"], case.get("quantity", 1))
    expected = case.get("expected_segment") or case["expected_position"]
    if "expected_segment" not in case:
        assert expected.startswith(position)
    elif expected.startswith("not above"):
        assert segment == "low"
    else:
        assert expected.startswith(segment)
        assert "top" not in expected or position == "top"
