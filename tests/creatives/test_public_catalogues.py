"""Whole catalogues of Stripe accounts, each with what is right: tiers, their places, years, seats, help."""

import json
from pathlib import Path

import pytest
from sqlalchemy import select

from manimod import tasks
from manimod.creatives import briefs
from manimod.extensions import db
from manimod.models import Connection, Tier
from tests import factories
from tests.moments.conftest import lists  # noqa: F401

CATALOGUES = sorted((Path(__file__).parents[3] / "shared" / "domain" / "catalogues").glob("*.json"))
pytestmark = pytest.mark.skipif(not CATALOGUES, reason="the catalogues are not here")


@pytest.fixture(params=CATALOGUES, ids=lambda path: path.stem)
def expected(request, lists, account) -> dict:  # noqa: F811
    """A catalogue that was just synced, and what is right of it."""
    catalogue = json.loads(request.param.read_text(encoding="utf-8"))
    products = {product["id"]: product for product in catalogue["products"]["data"]}
    prices = [price | {"product": products[price["product"]]} for price in catalogue["prices"]["data"]]
    lists.lists = {"/v1/prices": [price for price in prices if price["type"] == "recurring"]}
    lists.account = catalogue["account"]
    connection = factories.make_connection(account, livemode=True)
    connection.next_sync_at = connection.connected_at
    db.session.commit()
    tasks.sync_customers(connection.id)
    return catalogue["about"]["expected"]


def placed() -> dict[str, Tier]:
    """The tiers that have a place, by their names."""
    db.session.rollback()
    query = select(Tier).where(Tier.position.is_not(None)).order_by(Tier.id.desc())
    return {tier.name: tier for tier in db.session.scalars(query)}


def test_the_tiers_stand_in_their_places(expected):
    found = placed()
    twins = {name for pair in expected.get("twins", ()) for name in pair}
    beside = set(found) - set(expected["tiers"]) - twins
    assert {name: found[name].position for name in expected["tiers"]} == expected["position"]
    assert not beside.intersection(expected.get("not_tiers", ()))
    neighbours = {tier.next_product for tier in found.values()} | {tier.lighter_product for tier in found.values()}
    named = {tier.name for tier in db.session.scalars(select(Tier)) if tier.stripe_product_id in neighbours}
    assert named <= set(expected["tiers"]) | twins


def test_years_and_seats_are_those_that_are_sold(expected, account):
    annual, seats = expected["annual"], expected.get("seats", {})
    for name, tier in placed().items():
        if name in expected["tiers"]:
            facts = briefs.get_tiers(account, tier.stripe_product_id)["tier_facts"]
            assert facts.has_year is (annual.get(name, False) if isinstance(annual, dict) else annual)
            assert bool(facts.seat) is seats.get(name, False)


def test_help_exists_where_stripe_says_so(expected, account):
    brief = briefs.get_brief(account, "renewed")
    connection = db.session.scalar(select(Connection))
    assert brief.brand.name == connection.profile["name"]
    assert bool(brief.brand.support) is expected["support"]


def test_plans_for_different_people_are_no_steps(expected):
    if expected.get("ladder") is False:
        assert not any(tier.next_product or tier.lighter_product for tier in placed().values())
