"""The phrase library: broad enough, fitting, with known slots and nothing said twice."""

from collections import Counter

import pytest

from manimod.creatives.engine.brief import OBJECTIVES, SEGMENTS, TONES
from manimod.creatives.engine.copy import phrases
from manimod.creatives.engine.copy.angles import ANGLES

SLOTS = {"brand", "tier", "plan", "a_plan", "the_plan", "The_plan", "proof", "news", "offer"}


@pytest.mark.parametrize("angle", ANGLES)
def test_an_angle_has_eight_headlines_and_bodies_and_short_forms(angle):
    for kind in ("short", "headline", "body"):
        assert len(phrases.lines(angle, kind)) >= 8


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("tone", TONES)
def test_an_angle_speaks_in_every_tone(angle, tone):
    assert len(phrases.lines(angle, "body", tone)) > len(phrases.lines(angle, "body"))


@pytest.mark.parametrize("angle", ANGLES)
def test_some_short_forms_name_the_tier_and_all_fit(angle):
    short = phrases.lines(angle, "short")
    assert sum(p.names_tier for p in short) >= 2
    assert all(len(p.text.replace("{tier}", "Business").replace("{plan}", "Team plan")) <= 33 for p in short)
    assert sum(len(p.text) <= 30 and not p.slots for p in short) >= 4


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("segment", SEGMENTS)
def test_every_segment_has_sentences_of_its_own(objective, segment):
    for kind in ("short", "closing", "talk"):
        assert len(phrases.lines(f"closings.{objective}.{segment}", kind)) >= 2


def test_only_known_slots_are_used():
    for angle in ANGLES:
        for kind in ("short", "headline", "body"):
            assert all(p.slots <= SLOTS for p in phrases.lines(angle, kind, *TONES, *SEGMENTS, "payment_failed"))


def test_no_line_stands_in_two_angles():
    every = Counter(
        p.text for a in ANGLES for kind in ("headline", "body") for p in phrases.lines(a, kind, *TONES, *SEGMENTS)
    )
    assert [text for text, times in every.items() if times > 1] == []
