"""Tier names come from outside: spoken naturally where they can be, left out with a reason where they cannot."""

import pytest

from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.copy.plan_names import format_plan
from manimod.creatives.engine.policy import policy
from tests.engine.samples import brief


@pytest.mark.parametrize(
    ("stored", "name", "a_plan"),
    [
        ("Team", "Team", "a Team plan"),
        ("Pro+", "Pro+", "a Pro+ plan"),
        ("team (annual)", "Team", "an annual Team plan"),
        ("Business Yearly", "Business", "an annual Business plan"),
        ("Team - Monthly", "Team", "a monthly Team plan"),
        ("2024 Early-Bird", "2024 Early-Bird", "a 2024 Early-Bird plan"),
        ("Étudiant", "Étudiant", "an Étudiant plan"),
        ("Team Workspace", "Team Workspace", "a Team Workspace"),
        ("gold membership", "Gold membership", "a Gold membership"),
        ("Pro - $49/month", "Pro", "a Pro plan"),
        ("Enterprise (EU, legacy)", "Enterprise", "an Enterprise plan"),
        ("SMB", "SMB", "an SMB plan"),
        ("Unicorn", "Unicorn", "a Unicorn plan"),
        ("One", "One", "a One plan"),
        ("8 Seats", "8 Seats", "an 8 Seats plan"),
        ("Plan B", "Plan B", "a Plan B"),
        ("UNLIMITED", "Unlimited", "an Unlimited plan"),
        ("The Works", "Works", "a Works plan"),
    ],
)
def test_a_tier_is_spoken_as_a_person_would(stored, name, a_plan):
    tier, _ = format_plan(stored)
    assert (tier.name, tier.a_plan) == (name, a_plan)


@pytest.mark.parametrize(
    "stored",
    ["Team", "Pro+", "Étudiant", "Free", "VIP", "team (annual)", "Professional Annual Plan for Small Agencies"],
)
def test_a_set_with_an_odd_tier_is_lawful_and_names_it(stored):
    asked = brief(tier=stored)
    made = write(asked)
    assert not made.generic
    for variant in made.variants:
        assert format_plan(stored)[0].name in f"{variant.headline} {variant.body}"
        assert not policy.blocks(variant.rules)


@pytest.mark.parametrize(
    "stored",
    [
        "<script>alert(1)</script>",
        "FREE!!!",
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
