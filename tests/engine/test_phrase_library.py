"""The phrase library: broad enough, with known slots, nothing empty or twee, and every claim declared."""

import re

import pytest

from manimod.creatives.engine.brief import ClaimKind
from manimod.creatives.engine.copy import claims, library
from manimod.creatives.engine.copy.angles import ANGLES
from manimod.creatives.engine.copy.library import POOLS, SLOT, Template, expand

NAMES = {"brand", "tier", "plan", "next", "lighter", "seat", "proof", "news", "month", "terms", "use"}
OF_STORED_TEXTS = {"R5", "R6", "W1", "W7", "U4", "U5", "U6", "U7", "W4", "W5"}  # these speak in the account's own words


def templates():
    return [(angle, part, t) for (angle, part), found in library.load().items() for t in found]


@pytest.mark.parametrize("angle", ANGLES)
def test_an_angle_has_many_headlines_and_bodies(angle):
    wanted = 4 if angle in OF_STORED_TEXTS or angle.startswith("N") else 10
    for part in ("headline", "body"):
        found = {template.text for template in library.load()[angle, part]}
        assert len(found) >= (1 if angle in ("R5", "W7", "U5") and part == "body" else wanted), (angle, part)


def test_only_known_angles_and_slots_are_used():
    for angle, part, template in templates():
        assert angle in ANGLES
        assert part in ("headline", "body", "short")
        assert {name for name, _, _ in SLOT.findall(template.text)} <= NAMES | POOLS, template.text


def test_no_template_uses_a_word_to_avoid_or_states_what_is_never_known():
    assert [t.text for _, _, t in templates() if claims.is_avoided(SLOT.sub("–", t.text))] == []


def test_what_the_words_of_a_template_state_is_declared():
    undeclared = {}
    for angle, _, template in templates():
        stated = claims.stated_by(re.sub(r"{\w+\d?(?::\d)?}", "–", template.text))
        declared = set(template.claims) | set(map(ClaimKind, ANGLES[angle].needs))
        if declared & {ClaimKind.NEXT, ClaimKind.LIGHTER}:
            declared.add(ClaimKind.PLANS)
        if not stated <= declared:
            undeclared[template.text] = stated - declared
    assert undeclared == {}


def test_headlines_end_like_headlines_and_bodies_like_sentences():
    for _, part, template in templates():
        if part == "body":
            assert template.text.endswith((".", "?")), template.text
        assert "!" not in template.text


def test_a_choice_gives_a_line_of_its_own():
    assert expand("[See|Look at] {fact}[| today]") == [
        "See {fact}",
        "See {fact} today",
        "Look at {fact}",
        "Look at {fact} today",
    ]


def test_templates_that_sound_the_same_have_the_same_wording():
    assert Template.parse("What {tier} includes").wording == Template.parse("What {next} includes").wording
    assert Template.parse("{fact} and {fact2} with {tier}").wording == ""  # known by what it says
    assert Template.parse("{tier}: {fact}, {fact2}").is_bare
    assert Template.parse("{fact:2}").wording == Template.parse("{fact} and {fact2}").wording


def test_the_claims_of_slots_need_no_declaration():
    assert Template.parse("{next} adds {added}").claims == {ClaimKind.NEXT, ClaimKind.FACT}
    assert ClaimKind.LACKS in Template.parse("{lighter} leaves out {left_out}").claims
