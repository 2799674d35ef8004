"""The phrase library: broad enough, fitting, with known slots and nothing said twice."""

from collections import Counter

import pytest

from manimod.creatives.engine.brief import Tone
from manimod.creatives.engine.copy.angles import ANGLES
from manimod.creatives.engine.copy.phrase_selection import library_phrases
from manimod.lifecycle import Objective, Segment

SLOTS = {"brand", "tier", "plan", "a_plan", "the_plan", "The_plan", "proof", "news", "offer"}


@pytest.mark.parametrize("angle", ANGLES)
def test_an_angle_has_eight_headlines_and_bodies_and_short_forms(angle):
    for kind in ("short", "headline", "body"):
        assert len(library_phrases(angle, kind)) >= 8


@pytest.mark.parametrize("angle", ANGLES)
@pytest.mark.parametrize("tone", Tone)
def test_an_angle_speaks_in_every_tone(angle, tone):
    assert len(library_phrases(angle, "body", tone)) > len(library_phrases(angle, "body"))


@pytest.mark.parametrize("angle", ANGLES)
def test_some_short_forms_name_the_tier_and_all_fit(angle):
    short = library_phrases(angle, "short")
    assert sum(p.names_tier for p in short) >= 2
    assert all(len(p.text.replace("{tier}", "Business").replace("{plan}", "Team plan")) <= 33 for p in short)
    assert sum(len(p.text) <= 30 and not p.slots for p in short) >= 4


@pytest.mark.parametrize("objective", Objective)
@pytest.mark.parametrize("segment", Segment)
def test_every_segment_has_sentences_of_its_own(objective, segment):
    for kind in ("short", "closing", "talk"):
        assert len(library_phrases(f"closings.{objective}.{segment}", kind)) >= 2


def test_only_known_slots_are_used():
    for angle in ANGLES:
        for kind in ("short", "headline", "body"):
            assert all(p.slots <= SLOTS for p in library_phrases(angle, kind, *Tone, *Segment, "payment_failed"))


def test_no_line_stands_in_two_angles():
    every = Counter(
        p.text for a in ANGLES for kind in ("headline", "body") for p in library_phrases(a, kind, *Tone, *Segment)
    )
    assert [text for text, times in every.items() if times > 1] == []
