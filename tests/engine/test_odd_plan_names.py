"""Tier names come from outside: spoken naturally where they can be, left out with a reason where they cannot."""

import re
from dataclasses import replace

import pytest

from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.copy.plan_names import format_plan
from manimod.creatives.engine.policy import policy
from tests.engine.samples import PLAIN, brief, every_text

# stored: the name, as it is said with its article
SAID = {
    "Team": ("Team", "a Team plan"),
    "Pro+": ("Pro+", "a Pro+ plan"),
    "2024 Early-Bird": ("2024 Early-Bird", "a 2024 Early-Bird plan"),
    "Étudiant": ("Étudiant", "an Étudiant plan"),
    "SMB": ("SMB", "an SMB plan"),
    "Unicorn": ("Unicorn", "a Unicorn plan"),
    "One": ("One", "a One plan"),
    "The Works": ("Works", "a Works plan"),
    "Für Profis": ("Für Profis", "a Für Profis plan"),
    "Numérique + papier": ("Numérique + papier", "a Numérique + papier plan"),
    "Night Owl": ("Night Owl", "a Night Owl plan"),
    "Pay-as-you-go": ("Pay-as-you-go", "a Pay-as-you-go plan"),
    "24/7 Support": ("24/7 Support", "a 24/7 Support plan"),
    # a spelling of its own, or capitals that platforms refuse
    "eCommerce": ("eCommerce", "an eCommerce plan"),
    "iPad Club": ("iPad Club", "an iPad Club"),
    "UNLIMITED": ("Unlimited", "an Unlimited plan"),
    "PRO!!!": ("Pro", "a Pro plan"),
    "GOLD!!!": ("Gold", "a Gold plan"),
    "Team*": ("Team", "a Team plan"),
    "Plus?": ("Plus", "a Plus plan"),
    # what says itself what it is
    "Plan B": ("Plan B", "a Plan B"),
    "Tier 1": ("Tier 1", "a Tier 1"),
    "Team Workspace": ("Team Workspace", "a Team Workspace"),
    "gold membership": ("Gold membership", "a Gold membership"),
    "All-Access Pass": ("All-Access Pass", "an All-Access Pass"),
    "Weekly Veg Box": ("Weekly Veg Box", "a Weekly Veg Box"),
    "Enterprise Plan": ("Enterprise", "an Enterprise plan"),
    "basic tier": ("Basic", "a Basic tier"),
    "Plano Básico": ("Plano Básico", "a Plano Básico"),
    "Plan Estándar": ("Plan Estándar", "a Plan Estándar"),
    "Tarif M": ("Tarif M", "a Tarif M"),
    "Familientarif": ("Familientarif", "a Familientarif"),
    "Abo Plus": ("Abo Plus", "an Abo Plus"),
    "Jahresabo": ("Jahresabo", "a Jahresabo"),
    "10er-Karte": ("10er-Karte", "a 10er-Karte"),
    "Formule Pro": ("Formule Pro", "a Formule Pro"),
    "Forfait Illimité": ("Forfait Illimité", "a Forfait Illimité"),
    "プロ": ("プロ", "a プロ plan"),
    "プロプラン": ("プロプラン", "a プロプラン"),
    "专业版": ("专业版", "a 专业版"),
    "프리미엄 플랜": ("프리미엄 플랜", "a 프리미엄 플랜"),
    # with how often it is billed
    "team (annual)": ("Team", "an annual Team plan"),
    "Business Yearly": ("Business", "an annual Business plan"),
    "Team - Monthly": ("Team", "a monthly Team plan"),
    "Standard Plan 12 months": ("Standard", "an annual Standard plan"),
    "Premium Monthly Subscription": ("Premium", "a monthly Premium subscription"),
    "Pro-monthly-usd": ("Pro", "a monthly Pro plan"),
    "Pro, billed annually": ("Pro", "an annual Pro plan"),
    "Pro annuel": ("Pro", "an annual Pro plan"),
    "Gold – jährlich": ("Gold", "an annual Gold plan"),
    "Pro - $49/month": ("Pro", "a monthly Pro plan"),
    "Basic (legacy) - monthly": ("Basic", "a monthly Basic plan"),
    # with what is not part of it
    "Enterprise (EU, legacy)": ("Enterprise", "an Enterprise plan"),
    "$49/mo Growth": ("Growth", "a Growth plan"),
    "Early Bird 20% off": ("Early Bird", "an Early Bird plan"),
    "Pro v2": ("Pro", "a Pro plan"),
    "Pro - legacy": ("Pro", "a Pro plan"),
    "Lifetime Deal": ("Lifetime plan", "a Lifetime plan"),
    # what is no name by itself
    "Free": ("Free plan", "a Free plan"),
    "FREE!!!": ("Free plan", "a Free plan"),
    "Free plan": ("Free plan", "a Free plan"),
    "8 Seats": ("8-seat plan", "an 8-seat plan"),
    "10 Seats": ("10-seat plan", "a 10-seat plan"),
}

UNNAMED = {
    "looks like an internal code": ["STARTER_PLAN_2023", "pro_monthly", "SKU 4711"],
    "an extra or a single payment": [
        "Add-on: Extra seat",
        "Payroll add-on",
        "Extra entity",
        "Setup fee",
        "Onboarding (one-off)",
        "Gift card",
        "Donation",
    ],
    "do not belong in an ad": ["<b>Pro</b>", "a@b.co", "www.example.com", "!!!"],
    "too long or too bare": ["$49", "X" * 90],
    "none is known": ["", "  "],
}


@pytest.mark.parametrize(("stored", "said"), SAID.items())
def test_a_tier_is_spoken_as_a_person_would(stored, said):
    tier, _ = format_plan(stored)
    assert (tier.name, tier.a_plan) == said


@pytest.mark.parametrize(("why", "stored"), [(why, name) for why, names in UNNAMED.items() for name in names])
def test_what_is_no_plan_stays_unnamed_with_the_reason(why, stored):
    tier, reason = format_plan(stored)
    assert tier is None
    assert why in reason


@pytest.mark.parametrize(
    "stored",
    ["Team", "Pro+", "Étudiant", "Free", "VIP", "team (annual)", "Professional Annual Plan for Small Agencies"],
)
def test_a_set_with_an_odd_tier_is_lawful_and_names_it(stored):
    asked = brief(tier=stored)
    made = write(asked)
    assert not made.generic
    name = format_plan(stored)[0].name
    assert any(name in text for variant in made.variants for text in every_text(variant))
    assert not [finding for variant in made.variants for finding in policy.blocks(variant.rules)]


@pytest.mark.parametrize(
    "stored",
    [
        "<script>alert(1)</script>",
        "a@b.co",
        "برو",
        "Pro 🚀",
        "50% off forever",
        "Guaranteed",
        "",
        "!",
        "X" * 90,
    ],
)
def test_a_hostile_tier_name_makes_a_generic_set_with_a_reason(stored):
    made = write(brief(tier=stored))
    assert made.generic
    assert made.tier is None
    assert any(reason.startswith("Names no tier:") for reason in made.reasons)
    assert not any(stored and stored in f"{v.headline} {v.body}" for v in made.variants)


def test_without_tier_or_segment_the_set_is_generic():
    assert write(brief(tier=None, position=None)).generic
    assert write(brief(segment=None)).generic
    assert not write(brief()).generic


@pytest.mark.parametrize("event", ["new_customer", "renewed", "payment_failed", "cancelled"])
def test_a_name_with_a_spelling_of_its_own_keeps_it_where_a_sentence_begins(event):
    for variant in write(brief(event, tier="eCommerce")).variants:
        for copy in variant.platforms.values():
            assert not any("ECommerce" in text for _, _, text in copy.texts())


@pytest.mark.parametrize("event", ["new_customer", "renewed", "payment_failed", "cancelled"])
def test_a_brand_that_ends_in_an_exclamation_mark_breaks_no_rule_by_itself(event):
    for variant in write(brief(event, brand=replace(PLAIN, name="Yahoo!"))).variants:
        assert not {"EDT-03", "EDT-04", "EDT-11", "EDT-12"} & {finding.rule_id for finding in variant.rules}
        for copy in variant.platforms.values():
            for _, _, text in copy.texts():
                assert not re.search(r"Yahoo! (?:Is|Are|Has|And|Could|In|Can)\b", text)
