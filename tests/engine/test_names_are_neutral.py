"""What campaigns, ads, files and audiences are called: coded, kept apart by all that differs, neutral to everybody."""

import itertools
from dataclasses import replace
from datetime import date

import pytest

from manimod.creatives.engine import ad_names
from manimod.creatives.engine.ad_names import AdNames
from manimod.creatives.engine.policy import policy
from manimod.lifecycle import KINDS, Segment

NAMES = AdNames(
    creative_id=41,
    event="payment_failed",
    tier="Diabetes Plus",
    segments=("high", "core"),
    round=1,
    start=date(2026, 12, 1),
    end=date(2026, 12, 14),
)
DIFFERENT = {
    "creative_id": 42,
    "event": "renewed",
    "tier": "Team",
    "segments": ("high",),
    "round": 2,
    "start": date(2026, 12, 2),
    "end": date(2026, 12, 15),
    "from_day": 30,
}


def is_neutral(name: str) -> bool:
    return not policy.check_ad_name(name)


def test_a_name_holds_codes_only():
    assert NAMES.group.startswith("mani-keep-")
    assert NAMES.group.endswith("-ab-r1-s41-20261201-20261214")
    assert "diabetes" not in NAMES.group
    assert NAMES.ad(0) == f"{NAMES.group}-v1"
    assert NAMES.picture(1, "1080x1080").endswith("-ab-r1-s41-v2-1080x1080.png")
    assert NAMES.content(1) == "s41-v2"


@pytest.mark.parametrize("part", DIFFERENT)
def test_what_differs_in_one_part_has_another_name(part):
    assert replace(NAMES, **{part: DIFFERENT[part]}).group != NAMES.group


def test_the_names_of_every_audience_are_neutral_and_different():
    tiers = (None, "Starter", "High Income Loans", "Perio", "Prémium", "プロ")
    names = set()
    for event, tier, segment in itertools.product(KINDS, tiers, Segment):
        name = ad_names.audience_name(event, tier, [segment])
        assert is_neutral(name)
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        names.add(name)
    assert len(names) == len(KINDS) * len(tiers) * len(Segment)


def test_all_segments_and_none_are_all():
    assert ad_names.segment_code(Segment) == ad_names.segment_code(()) == "all"


def test_a_tier_keeps_its_code():
    assert ad_names.tier_code("Team") == ad_names.tier_code("TEAM")
    assert ad_names.tier_code("Team") != ad_names.tier_code("Teams")


@pytest.mark.parametrize(
    "name",
    [
        "mani payment_failed Team",
        "past-due-team",
        "high_value",
        "mani retention - Starter - low value",
        "utm_campaign=dunning",
        "credit-score",
        "diabetes-plus",
        "zahlung-fehlgeschlagen",
        "Impayés",
    ],
)
def test_a_name_about_money_or_health_breaks_the_rule(name):
    assert not is_neutral(name)


@pytest.mark.parametrize("name", ["mani-keep-t7kqx-a", "spring campaign", "paid_social", "cpc", "period"])
def test_other_words_keep_it(name):
    assert is_neutral(name)


def test_the_legend_says_what_every_part_means():
    codes = dict(ad_names.legend([NAMES]))
    assert codes["keep"] == "Payment failed"
    assert codes[ad_names.tier_code("Diabetes Plus")] == "Diabetes Plus"
    assert codes["a"] == "High value"
