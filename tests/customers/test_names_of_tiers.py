"""What Stripe says of a tier comes with whatever the key may read: prices with their products, or products alone."""

import pytest
from sqlalchemy import select

from manimod import tasks
from manimod.extensions import db
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import Connection, Tier
from tests import factories
from tests.moments.conftest import lists  # noqa: F401
from tests.stripe_events import customer, item, price, subscription

NAME = {"products": "Team &amp; Friends", "nickname": "team usd"}


@pytest.fixture
def product(lists) -> dict:  # noqa: F811
    """What Stripe has: a customer with a subscription to one product."""
    product = {"id": "prod_team", "object": "product", "name": NAME["products"], "active": True}
    listed = price(nickname=NAME["nickname"])
    lists.lists = {
        "/v1/customers": [customer()],
        "/v1/subscriptions": [subscription(items=[item(listed)])],
        "/v1/prices": [listed | {"product": product}],
        "/v1/products": [product],
    }
    return product


@pytest.fixture
def synced(lists, account, product, drain):  # noqa: F811
    """Sync with a key that may read these lists as well as the two required ones."""

    def run(*allowed: str) -> Tier:
        lists.refused = {f"/v1/{name}" for name in ("events", "invoices", "prices", "products") if name not in allowed}
        connection = db.session.scalar(select(Connection)) or factories.make_connection(account)
        with transaction():
            connection.permissions_checked_at = None
            sync.request_sync(connection)
        tasks.sync_customers(connection.id)
        drain()
        return db.session.scalar(select(Tier).execution_options(populate_existing=True))

    return run


@pytest.mark.both_databases
@pytest.mark.parametrize("allowed", [("prices", "products"), ("products",)], ids="-".join)
def test_a_sync_names_the_tier_by_its_product(synced, allowed):
    tier = synced(*allowed)
    assert (tier.product_name, tier.name) == ("Team &amp; Friends", "Team & Friends")


def test_without_products_the_nickname_of_the_price_is_only_proposed(synced):
    tier = synced()
    assert (tier.name, tier.proposed_name) == (None, "team")


def test_a_nickname_that_comes_later_is_proposed_too(synced, lists):  # noqa: F811
    [subscribed] = lists.lists["/v1/subscriptions"]
    subscribed["items"]["data"][0]["price"]["nickname"] = None
    assert synced().proposed_name is None
    subscribed["items"]["data"][0]["price"]["nickname"] = "Team"
    assert synced().proposed_name == "Team"


@pytest.mark.parametrize("allowed", [("prices", "products"), ("products",)], ids="-".join)
def test_an_archived_product_is_known_as_such_and_keeps_its_name(synced, product, allowed):
    product["active"] = False
    tier = synced(*allowed)
    assert (tier.active, tier.name) == (False, "Team & Friends")


@pytest.mark.both_databases
@pytest.mark.parametrize("allowed", [("prices", "products"), ("products",)], ids="-".join)
def test_each_sync_brings_what_stripe_says_of_a_product_by_then(synced, product, allowed):
    product |= {"marketing_features": [{"name": "Unlimited boards"}, {"name": None}, {"name": "Timeline  view"}]}
    tier = synced(*allowed)
    assert tier.features == ["Unlimited boards", "Timeline view"]
    product |= {"name": "Crew", "active": False, "marketing_features": []}
    tier = synced(*allowed)
    assert (tier.name, tier.active, tier.features) == ("Crew", False, [])


@pytest.mark.parametrize("allowed", [("prices", "products"), ("products",)], ids="-".join)
def test_what_is_known_of_a_tier_stays_when_stripe_does_not_say(synced, lists, allowed):  # noqa: F811
    tier = synced(*allowed)
    lists.lists["/v1/products"] = lists.lists["/v1/prices"] = []
    tier = synced(*allowed)
    assert (tier.name, tier.active) == ("Team & Friends", True)
