"""Every event, segment and tier position on two brands, in all tones: lawful, fitting, naming facts, and different."""

import re
from collections import Counter

from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import PLACEMENTS
from manimod.creatives.engine.policy.rules import PolicyContext
from tests.engine.samples import PICKY, STORED, brief, cells, every_text, every_variant


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


def test_every_placement_is_there_unless_the_brand_is_too_long_for_a_name_of_25():
    for asked, _, variant in every_variant():
        left_out = {"google_display"} if asked.brand.name == PICKY.name else set()
        assert set(variant.platforms) == set(PLACEMENTS) - left_out


def test_nine_of_ten_ads_name_a_fact_in_the_headline_or_body():
    named = [any(claim.kind == "fact" for claim in variant.claims) for _, _, variant in every_variant()]
    assert sum(named) >= 0.9 * len(named)


def test_half_of_the_headlines_have_at_most_40_characters_and_all_at_most_60():
    lengths = [len(variant.headline) for _, _, variant in every_variant()]
    assert sum(length <= 40 for length in lengths) >= len(lengths) / 2
    assert max(lengths) <= 60


def test_google_gets_the_brand_or_the_plan_as_a_headline_and_at_least_five_headlines():
    for asked, _, variant in every_variant():
        headlines = variant.platforms["google_search"].fields["headlines"]
        assert 5 <= len(headlines) == len(set(headlines)) <= 15
        assert any(asked.brand.name in headline for headline in headlines)


def test_every_set_has_at_least_three_ads_of_different_angles_and_layouts():
    for _, made in cells():
        assert (
            3 <= len(made.variants) == len({v.angle for v in made.variants}) == len({v.layout for v in made.variants})
        )


def test_there_are_at_least_180_different_headlines():
    assert len({variant.headline for _, _, variant in every_variant()}) >= 180


def test_the_ads_of_a_set_differ_in_headline_and_body():
    for _, made in cells():
        assert len({v.headline for v in made.variants}) == len({v.body for v in made.variants}) == len(made.variants)


def test_payment_failed_ads_never_mention_payment():
    words = re.compile(r"\b(pay\w*|card|bill\w*|invoice\w*|charge\w*|fail\w*|due|money)\b", re.I)
    for asked, _, variant in every_variant():
        if asked.event == "payment_failed":
            assert not [text for text in every_text(variant) if words.search(text)]


def test_win_back_ads_never_say_that_somebody_left():
    words = re.compile(r"\b(cancel\w*|unsubscrib\w*|you left|miss you|sorry|goodbye)\b", re.I)
    for asked, _, variant in every_variant():
        if asked.event == "cancelled":
            assert not words.search(f"{variant.headline} {variant.body}")


def test_the_objective_follows_event_and_segment():
    expected = {("cancelled", "high"): "winback", ("renewed", "high"): "upsell", ("renewed", "low"): "retention"}
    for (event, segment), objective in expected.items():
        assert brief(event, segment).objective == objective


def test_two_ads_of_a_set_never_name_the_same_facts_in_the_same_place():
    for asked, made in cells():
        facts = [fact.phrase or fact.text for tier in neighbours(asked) for fact in (*tier.facts, *tier.inherited)]
        for place in ("headline", "body"):
            named = []
            for variant in made.variants:
                text = getattr(variant, place).casefold()
                found = frozenset(fact for fact in facts if fact.removeprefix("a ").casefold() in text)
                assert not found or found not in named, text
                named.append(found)


def neighbours(asked):
    return filter(None, (asked.tier_facts, asked.next_tier, asked.lighter_tier))


def test_a_picture_lists_facts_of_the_plan_that_it_names_and_none_of_the_headline():
    for asked, _, variant in every_variant():
        theirs = {}
        for tier in neighbours(asked):
            lines = [fact.phrase or fact.text for fact in (*tier.facts, *tier.inherited)]
            theirs[tier.name] = {line.removeprefix("a ").removeprefix("the ").casefold() for line in lines}
        (name,) = [name for name in theirs if name in variant.label and variant.label.startswith(name[:4])][:1]
        for fact in variant.picture.facts:
            assert fact.casefold() in theirs[name], (variant.label, fact)
            assert f" {fact.casefold()} " not in f" {variant.headline.casefold()} "


def test_an_offer_is_said_once_and_its_code_with_it():
    offers = STORED[PICKY.name]["offers"]
    for _, _, variant in every_variant():
        both = f"{variant.headline} {variant.body}"
        for offer in offers:
            assert both.count(offer.text) <= 1
            assert offer.text not in both or not offer.code or offer.code in variant.body
