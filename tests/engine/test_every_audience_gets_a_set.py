"""Every event, segment, tier position and tone on two brands: lawful, fitting, naming the tier, and different."""

import itertools
import re
from collections import Counter

from manimod.creatives.engine.copy.plan_names import format_plan
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import PLACEMENTS
from manimod.creatives.engine.policy.rules import PolicyContext
from tests.engine.samples import brief, cells, every_variant


def test_no_variant_breaks_a_blocking_rule():
    assert not [f for _, _, variant in every_variant() for f in policy.blocks(variant.rules)]
    for asked, _, variant in every_variant()[::5]:  # and not only because the writer says so
        assert not policy.blocks(policy.check(variant, PolicyContext.of(asked)))


def test_built_in_copy_needs_no_warning_either():
    found = Counter(f.rule_id for _, _, variant in every_variant() for f in variant.rules)
    assert set(found) <= {"ACC-02"}  # some older phrases still say what the reader does


def test_every_text_fits_its_hard_and_recommended_length():
    for _, _, variant in every_variant():
        for name, copy in variant.platforms.items():
            for field, _, text in copy.texts():
                assert 0 < len(text) <= PLACEMENTS[name].fields[field].target, (name, field, text)


def test_every_placement_is_there():
    assert all(set(variant.platforms) == set(PLACEMENTS) for _, _, variant in every_variant())


def test_every_variant_names_the_tier():
    for asked, _, variant in every_variant():
        assert format_plan(asked.tier)[0].name in f"{variant.headline} {variant.body}"


def test_every_set_has_at_least_three_ads_of_different_angles_and_layouts():
    for _, made in cells():
        assert (
            3 <= len(made.variants) == len({v.angle for v in made.variants}) == len({v.layout for v in made.variants})
        )


def test_there_are_at_least_400_different_headlines():
    assert len({variant.headline for _, _, variant in every_variant()}) >= 400


def test_no_two_variants_of_a_set_share_more_than_60_percent_of_their_words():
    def words(variant):
        return set(re.findall(r"\w+", f"{variant.headline} {variant.body}".casefold()))

    for _, made in cells():
        for a, b in itertools.combinations(map(words, made.variants), 2):
            assert len(a & b) / min(len(a), len(b)) <= 0.6


def test_payment_failed_ads_never_mention_payment():
    words = re.compile(r"\b(pay\w*|card|bill\w*|invoice\w*|charge\w*|fail\w*|due|money)\b", re.I)
    for asked, _, variant in every_variant():
        if asked.event == "payment_failed":
            texts = [text for copy in variant.platforms.values() for _, _, text in copy.texts()]
            assert not [text for text in (variant.headline, variant.body, *texts) if words.search(text)]


def test_win_back_ads_never_say_that_somebody_left():
    words = re.compile(r"\b(cancel\w*|unsubscrib\w*|you left|miss you|sorry|goodbye)\b", re.I)
    for asked, _, variant in every_variant():
        if asked.event == "cancelled":
            assert not words.search(f"{variant.headline} {variant.body}")


def test_the_objective_follows_event_and_segment():
    expected = {("cancelled", "high"): "winback", ("renewed", "high"): "upsell", ("renewed", "low"): "retention"}
    for (event, segment), objective in expected.items():
        assert brief(event, segment).objective == objective
