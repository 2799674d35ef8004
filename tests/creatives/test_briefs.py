"""The brand kit: a default that needs no setup, what is stored, what is refused, and what the writer gets."""

from datetime import timedelta

import pytest

from manimod.creatives import brand_kit, briefs
from manimod.creatives.engine.brief import EVENTS
from manimod.creatives.engine.copy import copywriter
from manimod.creatives.engine.facts.model import TierFacts
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Customer, Moment, Tier
from manimod.models.accounts import now
from tests import factories


def save(account, version=None, **values):
    with transaction():
        brand_kit.save(account, {"name": "Brightside"} | values, version)


def offer(text, kind="discount", code=None, ends_on=None):
    return {"text": text, "kind": kind, "code": code, "ends_on": ends_on}


def release(text, released_on=None, tier=None):
    return {"text": text, "released_on": released_on, "tier": tier}


def test_the_default_is_the_accounts_name_and_no_landing_page(account):
    brand = briefs.get_brand(account)
    assert (brand.name, brand.landing_page, brand.logo) == (account.name, "", None)


@pytest.mark.parametrize("event", EVENTS)
def test_every_event_has_a_sample_before_anything_is_set_up(account, event):
    assert len(brand_kit.sample(briefs.get_brand_kit(account), event).variants) == 2  # nothing is known but names


@pytest.mark.both_databases
def test_what_is_saved_reaches_the_studio(account):
    today = str(now().date())
    save(
        account,
        offers=[offer("20% off for three months", code="BACK20", ends_on="2099-01-31")],
        landing_page="https://brightside.example/back",
        banned_words=["cheap", "bargain"],
        proof=["Used by 200 studios"],
        releases=[release("Shared calendars", today), release("Faster search", today)],
        disclaimer="Terms apply.",
    )
    brief = briefs.get_brief(account, event="cancelled", tier_facts=TierFacts(name="Team"), segment="high")
    assert brief.brand.banned_terms == ("cheap", "bargain")
    assert brief.brand.landing_page == "https://brightside.example/back"
    assert [(o.text, o.code, o.ends_on.isoformat()) for o in brief.offers] == [
        ("20% off for three months", "BACK20", "2099-01-31")
    ]
    assert [note.text for note in brief.release_notes] == ["Shared calendars", "Faster search"]
    said = [f"{variant.headline} {variant.body}" for variant in copywriter.write(brief).variants]
    assert any("hared calendars" in body or "aster search" in body for body in said)


@pytest.mark.parametrize(
    ("values", "field", "words"),
    [
        ({"name": "Call 555-0100 4242"}, "name", ""),
        ({"name": "Best!!"}, "name", ""),
        ({"name": "عربي"}, "name", ""),
        ({"proof": ["Your payment failed"]}, "proof", "payment"),
        ({"releases": [release("Write to ada@brightside.example")]}, "releases", "addresses"),
        ({"offers": [offer("Free money!!")]}, "offers", ""),
        ({"disclaimer": "Click here"}, "disclaimer", "click here"),
    ],
)
def test_what_no_ad_may_say_is_not_stored(account, values, field, words):
    with pytest.raises(brand_kit.BrandRejected) as refused:
        save(account, **values)
    assert words.casefold() in refused.value.problems[field].casefold()
    assert briefs.get_brand_kit(account).version == 0


def test_a_kit_with_which_nothing_could_be_written_is_refused(account):
    with pytest.raises(brand_kit.BrandRejected, match="can't write any ad") as refused:
        save(account, banned_words=["the", "your", "you", "a", "to", "and", "in", "is", "it", "team"])
    assert "The brand kit bans" in refused.value.problems["banned_words"]


def test_an_offer_that_has_ended_is_kept_and_said(account):
    save(account, offers=[offer("20% off", ends_on="2020-01-01")])
    assert "has ended" in brand_kit.find_warnings(account, briefs.get_brand_kit(account))["offers"][0]


def test_a_customers_name_is_found_in_what_is_stored(account, connected):
    with transaction():
        db.session.add(Customer(connection_id=connected.id, stripe_id="cus_1", name="Marisol Quux", created_at=now()))
    for text in ("Marisol says hello to all", "Praised by marisol quux"):
        with pytest.raises(brand_kit.BrandRejected, match="customer's name"):
            save(account, proof=[text])
    other = factories.make_account(name="Elsewhere")
    save(other, proof=["Marisol says hello to all"])


@pytest.mark.both_databases
def test_a_brief_knows_the_customers_whose_names_its_own_texts_hold(account, connected):
    with transaction():
        for number, name in enumerate(["Quux Freight", "Ada Example", "Grace Example"]):
            customer = Customer(connection_id=connected.id, stripe_id=f"cus_{number}", name=name, created_at=now())
            db.session.add(customer)
    tiers = ["Team", "Quux, Freight. Custom", "for ADA EXAMPLE", None]
    known = [
        briefs.get_brief(account, event="renewed", tier_facts=TierFacts(name=tier)).customer_names for tier in tiers
    ]
    assert known == [(), ("Quux Freight",), ("Ada Example",), ()]


@pytest.mark.both_databases
def test_who_saves_an_old_form_changes_nothing(account):
    save(account, version=0)
    with pytest.raises(ManimodError) as refused:
        save(account, version=0, name="Other")
    assert refused.value.code == "BRAND_CHANGED"
    assert briefs.get_brand_kit(account).name == "Brightside"


def test_moments_that_were_held_are_tried_again_with_the_new_brand(account, connected):
    at = now()
    moment = {
        "kind": "cancelled",
        "key": "k",
        "source": "sync",
        "state": "blocked",
        "occurred_at": at,
        "received_at": at,
    }
    with transaction():
        db.session.add(Moment(connection_id=connected.id, **moment))
    save(account)
    assert db.session.query(Moment).one().state == "ready"


@pytest.mark.both_databases
def test_a_release_note_of_a_tier_is_for_those_who_have_it_whatever_it_is_called(account):
    connection = factories.make_connection(account)
    with transaction():
        tier = Tier(connection_id=connection.id, stripe_product_id="prod_team", product_name="Team")
        db.session.add(tier)
    today = str(now().date())
    save(account, releases=[release("Shared calendars", today, "prod_team"), release("Faster search", today)])
    with transaction():
        tier.owner_name = "Crew"

    def new_for(**tiers):
        return [note.text for note in briefs.get_brief(account, "renewed", **tiers).new_releases]

    assert new_for(**briefs.get_tiers(account, "prod_team")) == ["Shared calendars", "Faster search"]
    assert new_for(tier_facts=TierFacts(name="Business")) == ["Faster search"]
    assert new_for() == ["Faster search"]
    with transaction():
        db.session.delete(tier)
    assert new_for() == ["Faster search"]


@pytest.mark.parametrize(
    ("days_ago", "tier", "words"),
    [
        (None, None, "has no day"),
        (-1, None, "isn't out yet"),
        (90, None, ""),
        (91, None, "more than 90 days ago"),
        (1, "prod_gone", "a tier that is gone"),
    ],
)
def test_a_release_note_that_no_ad_uses_says_why(account, days_ago, tier, words):
    day = days_ago is not None and str((now() - timedelta(days=days_ago)).date())
    save(account, releases=[release("Shared calendars", day or None, tier)])
    found = brand_kit.find_warnings(account, briefs.get_brand_kit(account))["releases"]
    assert [words in sentence for sentence in found] == ([True] if words else [])
