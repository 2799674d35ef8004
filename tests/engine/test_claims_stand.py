"""A claim stands only where a stored fact holds it: every template in every state of an account."""

import itertools
from dataclasses import replace
from datetime import date, timedelta

import pytest

from manimod.creatives.engine.brief import EVENTS, ClaimKind, CreativeSet, Offer, Variant
from manimod.creatives.engine.copy import angles, claims, copywriter, library
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.facts.model import Proof, ReleaseNote
from manimod.lifecycle import Segment, TierPosition
from tests.engine.samples import PICKY, PLAIN, TODAY, bare_brief, brief, every_variant, tier_facts

SUPPORTED = replace(PLAIN, support="https://northwind.example/help")
TRIAL = Offer(text="Two weeks to try it", kind="trial")
PAUSE, DISCOUNT = Offer(text="Pause for up to three months", kind="pause"), Offer(text="20% off for three months")
NOTE = ReleaseNote("Shared calendars", TODAY)
# What an account may hold, and the claims that it alone makes true.
STATES = {
    "support": ({"brand": SUPPORTED}, {ClaimKind.SUPPORT}),
    "trial": ({"offers": (TRIAL,)}, {ClaimKind.TRIAL}),
    "pause": ({"offers": (PAUSE,)}, {ClaimKind.PAUSE}),
    "discount": ({"offers": (DISCOUNT,)}, {ClaimKind.DISCOUNT}),
    "proof": ({"proof": (Proof.read("Rated 4.8 of 5"),)}, {ClaimKind.PROOF}),
    "news": ({"release_notes": (NOTE,)}, {ClaimKind.RELEASE}),
    "news of the tier": ({"release_notes": (replace(NOTE, tier="Team"),)}, {ClaimKind.RELEASE}),
    "news of another tier": ({"release_notes": (replace(NOTE, tier="Business"),)}, set()),
    "news without a day": ({"release_notes": (replace(NOTE, released_on=None),)}, set()),
    "old news": ({"release_notes": (replace(NOTE, released_on=TODAY - timedelta(days=91)),)}, set()),
    "news of tomorrow": ({"release_notes": (replace(NOTE, released_on=TODAY + timedelta(days=1)),)}, set()),
    "year": ({"tier_facts": tier_facts("middle", "Team", has_year=True)}, {ClaimKind.YEAR}),
    "seats": ({"tier_facts": tier_facts("middle", "Team", seat="seat")}, {ClaimKind.SEATS}),
    "nothing": ({}, set()),
}
ALL_STATES = {claim for _, found in STATES.values() for claim in found}


def held(asked):
    return {kind for kind in ClaimKind if any(claims.held(kind, asked))}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_every_template_that_may_be_used_states_only_what_the_account_holds(state, event):
    stored, expected = STATES[state]
    for segment, position in itertools.product(Segment, TierPosition):
        more = stored if position == "middle" or "tier_facts" not in stored else {}
        asked = brief(event, segment, position, **more)
        material = copywriter.prepare(asked)
        true = held(asked)
        if position == "middle":
            assert true & ALL_STATES == expected
        for (angle, part), _ in library.load().items():
            for template in material.templates(angles.ANGLES[angle], part):
                assert template.claims <= true, template.text


def test_the_neighbours_decide_what_may_be_said_of_other_plans():
    assert {ClaimKind.NEXT, ClaimKind.LIGHTER} <= held(brief(position="middle"))
    assert ClaimKind.NEXT not in held(brief(position="top"))
    assert ClaimKind.LIGHTER not in held(brief(position="entry"))
    assert not {ClaimKind.NEXT, ClaimKind.LIGHTER, ClaimKind.PLANS} & held(brief(position="single"))


def test_a_plan_that_is_not_sold_is_neither_the_next_nor_the_lighter_one():
    archived = tier_facts("top", "Business", is_sold=False)
    made = write(brief("renewed", "high", next_tier=archived))
    assert not any("Business" in text for variant in made.variants for text in (variant.headline, variant.body))


def test_an_annual_tier_is_not_offered_a_year():
    assert ClaimKind.YEAR not in held(brief(tier_facts=tier_facts("middle", "Team (annual)", has_year=True)))
    assert ClaimKind.YEAR in held(brief(tier_facts=tier_facts("middle", "Team", has_year=True)))


def test_customers_without_a_subscription_are_not_told_of_a_plan():
    for event in EVENTS:
        for variant in write(brief(event, tier=None, position=None)).variants:
            assert "plan" not in f"{variant.headline} {variant.body}".casefold()


def test_who_has_cancelled_is_not_told_of_their_plan():
    for asked, _, variant in every_variant():
        if asked.event == "cancelled":
            assert "your " not in f"{variant.headline} {variant.body}".casefold()


def test_every_claim_of_every_ad_stands_and_names_its_source():
    for asked, _, variant in every_variant():
        assert variant.claims
        for claim in variant.claims:
            assert claims.stands(claim, asked), claim
            assert claim.source in ("stripe", "owner", "brand kit")


def test_every_stored_text_and_tier_name_in_an_ad_has_a_claim():
    for asked, _, variant in every_variant():
        said = f"{variant.headline} {variant.body}"
        bases = {claim.basis for claim in variant.claims}
        for tier in (asked.tier_facts, asked.next_tier, asked.lighter_tier):
            if tier and tier.name in said.replace(asked.brand.name, ""):
                assert tier.name in bases or any(tier.name in basis for basis in bases)
        for entry in (*asked.proof, *asked.release_notes):
            if entry.text in said:
                assert any(basis.startswith(entry.text) for basis in bases)


@pytest.mark.parametrize(
    "changed",
    [
        {"brand": replace(PICKY, name="Paper Stork")},
        {"tier_facts": tier_facts("middle", "Pro Max")},
        {"tier_facts": tier_facts("middle", "Pro+", [])},
    ],
    ids=["brand renamed", "tier renamed", "facts gone"],
)
def test_a_claim_falls_with_the_fact_that_held_it(changed):
    asked = brief("payment_failed", "core", "middle", PICKY, "Pro+")
    stated = [claim for variant in write(asked).variants for claim in variant.claims]
    assert all(claims.stands(claim, asked) for claim in stated)
    assert not all(claims.stands(claim, replace(asked, **changed)) for claim in stated)


def test_an_offer_whose_day_changes_no_longer_holds_the_ad_that_names_it():
    offer = replace(DISCOUNT, ends_on=date(2027, 3, 31))
    asked = brief("cancelled", offers=(offer,))
    (stated,) = [c for v in write(asked).variants for c in v.claims if c.kind == ClaimKind.DISCOUNT]
    assert stated.basis == "20% off for three months, until 31 March 2027"
    assert claims.stands(stated, asked)
    assert not claims.stands(stated, replace(asked, offers=(replace(offer, ends_on=date(2027, 2, 28)),)))


def test_no_ad_uses_a_word_to_avoid_or_states_what_is_never_known():
    for _, _, variant in every_variant():
        assert not claims.is_avoided(variant.headline), variant.headline
        assert not claims.is_avoided(variant.body), variant.body


def test_proof_stands_alone():
    asked = brief("cancelled", "high", "middle", PICKY, "Pro+", proof=(Proof.read("Setup took us an afternoon"),))
    for variant in write(asked).variants:
        if "Setup took" in variant.body:
            assert variant.body == "Setup took us an afternoon."


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("“Setup took an afternoon.” Dana Lee, Otter Bakery", "quotation"),
        ("Setup took us an afternoon", "quotation"),
        ("Used by marketing teams in 40 countries", "customers"),
        ("Rated 4.8 of 5 by 1,200 customers", "customers"),
        ("99.99% of webhooks arrive within a second", "figure"),
    ],
)
def test_proof_is_told_by_its_words(text, kind):
    assert Proof.read(text).kind == kind


def test_sets_from_before_claims_were_stored_are_read():
    stored = write(brief()).to_json()
    for variant in stored["variants"]:
        del variant["claims"], variant["phrases"]
    assert all(variant.claims == () for variant in CreativeSet.from_json(stored).variants)
    assert isinstance(CreativeSet.from_json(stored).variants[0], Variant)


def test_a_set_says_what_of_its_brief_was_not_true():
    made = write(brief("cancelled", "high"))
    assert "Angle “What's new” left out: no release note is stored." in made.reasons


def test_an_account_with_names_only_gets_a_modest_set_that_asks_for_facts():
    made = write(bare_brief(event="renewed", segment="high"))
    assert made.needs_facts
    assert [variant.angle_name for variant in made.variants] == ["The plan by name", "What is included"]
    assert not write(brief()).needs_facts


def test_where_only_the_brand_is_known_there_is_one_ad():
    for event in EVENTS:
        (ad,) = write(brief(event, tier=None, position=None)).variants
        assert PLAIN.name in ad.headline
