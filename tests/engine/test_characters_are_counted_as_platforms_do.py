"""Wide characters and emoji take the room that each platform says they take."""

from dataclasses import replace

import pytest

from manimod.creatives.engine.brief import Offer
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import PLACEMENTS
from manimod.creatives.engine.policy.rules import PolicyContext
from tests.engine.samples import PLAIN, brief

FAMILY, ENGLAND, THUMB = "👨‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "👍🏽"


@pytest.mark.parametrize(
    ("placement", "text", "characters"),
    [
        ("google_search", "Team", 4),
        ("google_search", "プロ", 4),
        ("google_search", "ﾌﾟﾛ", 3),  # half-width kana
        ("google_search", "Für Étudiants", 13),
        ("google_search", "ＡＢ", 4),  # full-width Latin
        ("tiktok", "专业版", 6),
        ("tiktok", "프로", 4),
        ("meta_feed", "プロ", 2),
        ("linkedin", "プロ", 2),
        ("x", "プロ", 4),
        ("x", "Привет", 6),
        ("x", "“Team” – it’s here", 18),
        ("x", "a → b", 6),
        ("x", "€5", 3),
        ("x", FAMILY, 2),
        ("x", ENGLAND, 2),
        ("x", "🇫🇷🇩🇪", 4),
        ("x", f"{THUMB}!", 3),
        ("x", "Cafe\u0301", 4),
    ],
)
def test_a_text_is_as_long_as_its_platform_counts(placement, text, characters):
    field = next(iter(PLACEMENTS[placement].fields.values()))
    assert field.size(text) == characters


@pytest.mark.parametrize(
    ("placement", "field", "fits", "too_long"),
    [
        ("google_search", "headlines", "好" * 15, "好" * 16),
        ("google_search", "descriptions", "好" * 45, "好" * 46),
        ("google_display", "business_name", "好" * 12, "好" * 13),
        ("tiktok", "ad_text", "好" * 50, "好" * 51),
        ("x", "post", "好" * 128, "好" * 129),
        ("x", "post", FAMILY * 128, FAMILY * 129),
        ("meta_feed", "headline", "好" * 255, "好" * 256),
    ],
)
def test_a_text_beyond_the_limit_as_counted_there_is_blocked(placement, field, fits, too_long):
    context = PolicyContext(PLAIN)
    blocked = [
        {f.rule_id for f in policy.blocks(policy.check_text(text, field, placement, context))}
        for text in (fits, too_long)
    ]
    assert "LEN-01" not in blocked[0]
    assert "LEN-01" in blocked[1]


def test_the_length_that_is_told_is_the_platforms_own():
    (finding,) = policy.blocks(policy.check_text("好" * 16, "headlines", "google_search", PolicyContext(PLAIN)))
    assert "this has 32" in finding.message


def test_wide_texts_are_fitted_to_each_placement_as_it_counts():
    offer = Offer(text="三か月間二十パーセント引きでお戻りいただけます", kind="discount")
    asked = brief("cancelled", brand=replace(PLAIN, name="北風のソフトウェア株式会社"), offers=(offer,))
    for variant in write(asked).variants:
        for name, copy in variant.platforms.items():
            for field, _, text in copy.texts():
                assert 0 < PLACEMENTS[name].fields[field].size(text) <= PLACEMENTS[name].fields[field].hard
