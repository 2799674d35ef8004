"""What a brief knows of a tier and its neighbours, from Stripe's price list to the writer."""

import pytest
from sqlalchemy import select

from manimod.creatives import brand_kit, briefs
from manimod.customers import catalogue
from manimod.extensions import db
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import Connection, Customer, Tier
from manimod.models.accounts import now
from tests import factories
from tests.customers.holdings import add_price, add_tier, subscribe
from tests.stripe_sandbox.demo import PERMISSIONS

ALL = [f"rak_{name}_read" for name in PERMISSIONS]


@pytest.fixture
def connection(account) -> Connection:
    return factories.make_connection(account)


@pytest.fixture
def sell(connection):
    """Put tiers on the price list: `sell(Team=4900)`, or with columns `sell(Team={"amount": 4900, "features": []})`."""

    def add(**tiers: dict | int) -> None:
        with transaction():
            for name, columns in tiers.items():
                columns = {"amount": columns} if isinstance(columns, int) else dict(columns)
                prices = columns.pop("prices", {"month": columns.pop("amount", None)})
                columns = {"product_name": name, "stripe_product_id": f"prod_{name}"} | columns
                db.session.add(Tier(connection_id=connection.id, **columns))
                for interval, amount in prices.items():
                    add_price(connection, f"{name} {interval}", amount, tier=name, interval=interval)
            db.session.flush()
            catalogue.place_tiers(connection.id)

    return add


def facts(account, name: str, part: str = "tier_facts") -> list[str] | None:
    found = briefs.get_tiers(account, f"prod_{name}")[part]
    return found and [fact.text for fact in found.facts]


def neighbours(account, name: str) -> tuple[str | None, str | None]:
    """The names of the lighter and of the next tier."""
    found = briefs.get_tiers(account, f"prod_{name}")
    return tuple(found[part] and found[part].name for part in ("lighter_tier", "next_tier"))


def position_of(account, product: str) -> str | None:
    return briefs.find_tier(briefs.load_tiers(account.id), product, None).position


# --- from Stripe ------------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_facts_come_and_go_with_the_sync(app, sandbox, account, drain):
    stripe_account = sandbox.create_account("Brightside Studio", permissions=ALL)
    sandbox.catalogue(stripe_account["id"])
    stripe = sandbox.client(stripe_account["keys"]["test"]["secret"])
    connection = factories.connect(account, stripe_account)
    drain()
    team = next(product for product in stripe.v1.products.list().data if product.name == "Team")
    found = briefs.get_tiers(account, team.id)
    own = found["tier_facts"]
    assert [fact.text for fact in own.facts] == ["Unlimited projects", "Shared calendars", "100 GB of storage"]
    assert (own.has_year, own.is_sold, position_of(account, team.id)) == (True, True, "middle")
    assert [found[part].name for part in ("lighter_tier", "next_tier")] == ["Starter", "Scale"]
    stripe.v1.products.update(team.id, {"marketing_features": [{"name": "Timeline view"}], "unit_label": "seat"})
    with transaction():
        sync.request_sync(connection)
    drain()
    found = briefs.get_tiers(account, team.id)["tier_facts"]
    assert ([fact.text for fact in found.facts], found.seat) == (["Timeline view"], "seat")
    stripe.v1.products.update(team.id, {"active": False})
    with transaction():
        sync.request_sync(connection)
    drain()
    starter = db.session.scalar(select(Tier).where(Tier.product_name == "Starter"))
    assert briefs.get_tiers(account, starter.stripe_product_id)["next_tier"].name == "Scale"


def test_the_brand_begins_as_stripe_presents_the_account(app, sandbox, account, drain):
    stripe_account = sandbox.create_account("Brightside Inc", permissions=ALL)
    profile = {"name": "Brightside", "url": "brightside.example", "support_url": "https://brightside.example/help"}
    colours = {"primary_color": "#1F4D4A", "secondary_color": "not a colour"}
    sandbox.configure_account(stripe_account["id"], business_profile=profile, branding=colours)
    factories.connect(account, stripe_account)
    brand = briefs.get_brief(account, "renewed").brand
    assert (brand.name, brand.landing_page) == ("Brightside", "https://brightside.example")
    assert (brand.primary, brand.accent) == ("#1f4d4a", "#ffb84d")
    assert brand.support == "https://brightside.example/help"
    with transaction():
        brand_kit.save(account, {"name": "Bright", "support": ""})
    brand = briefs.get_brief(account, "renewed").brand
    assert (brand.name, brand.support) == ("Bright", "https://brightside.example/help")
    with transaction():
        brand_kit.save(account, {"support": "https://help.example"})
    assert briefs.get_brief(account, "renewed").brand.support == "https://help.example"


def test_without_the_permission_nothing_of_the_account_is_known(app, sandbox, account):
    stripe_account = sandbox.create_account("Brightside Inc")
    sandbox.configure_account(stripe_account["id"], business_profile={"support_url": "https://brightside.example/help"})
    factories.connect(account, stripe_account)
    brand = briefs.get_brief(account, "renewed").brand
    assert (brand.name, brand.support) == (account.name, "")


def test_a_permission_that_is_taken_away_takes_the_profile_with_it(app, sandbox, account, drain):
    stripe_account = sandbox.create_account("Brightside Inc", permissions=ALL)
    sandbox.configure_account(stripe_account["id"], business_profile={"support_url": "https://brightside.example/help"})
    connection = factories.connect(account, stripe_account)
    drain()
    sandbox.fault(path="/v1/account", status=500)
    with transaction():
        sync.request_sync(connection)
    drain()
    assert briefs.get_brief(account, "renewed").brand.support  # not asked is not taken away
    sandbox.clear_faults()
    sandbox.change_key(stripe_account["keys"]["test"]["restricted"], permissions=ALL[:-1])
    with transaction():
        sync.request_sync(connection)
    drain()
    assert briefs.get_brief(account, "renewed").brand.support == ""


# --- whose words ------------------------------------------------------------------------------------------------------


def test_the_owners_lines_go_before_stripes_and_proposals_are_no_facts(account, sell):
    sell(
        Team={"amount": 900, "features": ["Timeline view"], "owner_lines": ["Shared calendars"]},
        Solo={"amount": 500, "description": "Invoices and receipts.", "notes": {"features": "Ad-free feed"}},
    )
    assert facts(account, "Team") == ["Shared calendars"]
    assert {fact.source for fact in briefs.get_tiers(account, "prod_Team")["tier_facts"].facts} == {"owner"}
    assert facts(account, "Solo") == []


def test_a_line_that_no_ad_may_say_is_no_fact(account, sell):
    sell(Team={"amount": 900, "features": ["Mobile app (coming soon)", "✓ Timeline view", "✗ Priority support"]})
    assert facts(account, "Team") == ["Timeline view"]


def test_a_tier_inherits_what_it_refers_to(account, sell):
    sell(Solo={"amount": 900, "features": ["3 boards", "Calendar view"]})
    sell(Team={"amount": 4900, "features": ["Everything in Solo, plus:", "Unlimited boards"]})
    sell(Scale={"amount": 9900, "features": ["Everything in Team", "An audit log"]})
    scale = briefs.get_tiers(account, "prod_Scale")["tier_facts"]
    assert [fact.text for fact in scale.facts] == ["An audit log"]
    assert [fact.text for fact in scale.inherited] == ["Unlimited boards", "Calendar view"]


def test_several_things_in_one_line_of_stripe_are_several_facts(account, sell):
    sell(Team={"amount": 900, "features": ["Timeline view | Shared calendars"]})
    assert facts(account, "Team") == ["Timeline view", "Shared calendars"]


def test_without_a_subscription_there_is_no_tier(account, sell):
    sell(Team=900)
    assert set(briefs.get_tiers(account).values()) == {None}
    unknown = briefs.get_tiers(account, "prod_elsewhere")["tier_facts"]
    assert (unknown.name, unknown.facts, unknown.is_sold) == (None, (), False)


def test_a_tier_is_also_found_by_its_name_the_sold_one_first(account, sell):
    sell(Old={"amount": 900, "product_name": "Team", "active": False, "features": ["Fax"]}, Team=900)
    sell(New={"amount": 900, "product_name": "Solo", "features": ["Timeline view"]})
    assert briefs.get_tiers(account, name="Team")["tier_facts"].is_sold
    assert briefs.get_tiers(account, name="Gone")["tier_facts"].name == "Gone"


# --- the ladder -------------------------------------------------------------------------------------------------------


def test_each_tier_knows_its_neighbours_that_are_sold(account, sell):
    sell(Solo=900, Team=4900, Old={"amount": 7000, "active": False}, Scale=9900)
    assert neighbours(account, "Solo") == (None, "Team")
    assert neighbours(account, "Team") == ("Solo", "Scale")
    assert neighbours(account, "Scale") == ("Team", None)


def test_the_year_of_a_tier_is_the_same_tier(account, sell):
    sell(Solo=900, Pro={"amount": 4900, "features": ["Email sequences"]})
    sell(Yearly={"prices": {"year": 49_000}, "product_name": "Pro - Annual"}, Scale=9900)
    yearly = briefs.get_tiers(account, "prod_Yearly")
    assert (yearly["tier_facts"].name, position_of(account, "prod_Yearly")) == ("Pro", "middle")
    assert [fact.text for fact in yearly["tier_facts"].facts] == ["Email sequences"]
    assert neighbours(account, "Pro") == neighbours(account, "Yearly") == ("Solo", "Scale")
    assert briefs.get_tiers(account, "prod_Pro")["tier_facts"].has_year


def test_a_name_with_an_interval_stays_where_it_is_the_only_one(account, sell):
    sell(Yearly={"prices": {"year": 49_000}, "product_name": "Pro - Annual"})
    assert briefs.get_tiers(account, "prod_Yearly")["tier_facts"].name == "Pro (annual)"


def test_editions_at_one_price_are_told_apart_by_what_they_build_on(account, sell):
    sell(Digital=1490, Numérique=1490)
    sell(Papier={"amount": 2990, "features": ["Alles aus Digital"]})
    sell(Papiers={"amount": 2990, "features": ["Tout Numérique"]})
    assert neighbours(account, "Digital") == (None, "Papier")
    assert neighbours(account, "Numérique") == (None, "Papiers")
    assert neighbours(account, "Papier") == ("Digital", None)


def test_without_a_word_about_it_no_edition_is_the_next_one(account, sell):
    sell(Digital=1490, Papier=2990, Papiers=2990)
    assert neighbours(account, "Digital") == (None, None)
    assert position_of(account, "prod_Digital") == "entry"


def test_plans_for_different_people_are_no_steps(account, sell):
    sell(Adult=4200, Child=3600, Perio=5500)
    for name in ("Adult", "Child", "Perio"):
        assert neighbours(account, name) == (None, None)
        assert position_of(account, f"prod_{name}") == "single"


@pytest.mark.parametrize(
    ("label", "quantity", "seat"),
    [("seat", 1, "seat"), ("delivery", 1, None), ("box", 3, "box"), (None, 3, None)],
)
def test_a_tier_is_paid_by_the_seat_where_its_unit_or_its_customers_say_so(
    account, connection, sell, label, quantity, seat
):
    with transaction():
        subscribe(connection, "ada", "Team month", 100, tier="Team", quantity=quantity)
    sell(Team={"amount": 900, "unit_label": label})
    assert briefs.get_tiers(account, "prod_Team")["tier_facts"].seat == seat


def test_a_plan_that_was_made_for_a_customer_is_nobody_elses_next_one(account, connection, sell):
    with transaction():
        customer = Customer(connection_id=connection.id, stripe_id="cus_1", name="Quux Freight", created_at=now())
        db.session.add(customer)
    sell(Team=900, Custom={"amount": 9900, "product_name": "Quux Freight retainer"})
    assert neighbours(account, "Team") == (None, "Quux Freight retainer")
    assert briefs.get_brief(account, "renewed", **briefs.get_tiers(account, "prod_Team")).next_tier is None


def test_a_tier_without_a_name_is_nobodys_next_one(account, connection, sell):
    with transaction():
        add_tier(connection, "Team")
        add_price(connection, "Team", 900)
        db.session.add(Tier(connection_id=connection.id, stripe_product_id="prod_x"))
        add_price(connection, "x", 4900)
        subscribe(connection, "ada", "x", 100)
        db.session.flush()
        catalogue.place_tiers(connection.id)
    assert position_of(account, "prod_Team") == "entry"
    assert neighbours(account, "Team") == (None, None)
