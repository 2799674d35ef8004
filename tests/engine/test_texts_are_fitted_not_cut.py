"""Long names, disclaimers and banned words: another phrasing is chosen, a placement is left out, nothing is cut."""

import re
from dataclasses import replace

import pytest

from manimod.creatives.engine.copy import copywriter
from manimod.creatives.engine.policy.platforms import PLACEMENTS
from tests.engine.samples import PLAIN, brief, every_text

LONG = "Professional Services and Consulting Practice Plus"


def test_a_long_tier_name_is_never_cut():
    for variant in copywriter.write(brief(tier=LONG)).variants:
        for copy in variant.platforms.values():
            for _, _, text in copy.texts():
                assert "Professional" not in text or LONG in text
                assert "…" not in text


@pytest.mark.parametrize("event", ["new_customer", "renewed", "payment_failed", "cancelled"])
def test_a_long_brand_and_tier_keep_every_hard_limit(event):
    brand = replace(PLAIN, name="The International Bookbinding Society of Northwind")
    for variant in copywriter.write(brief(event, brand=brand, tier=LONG)).variants:
        for name, copy in variant.platforms.items():
            for field, _, text in copy.texts():
                assert len(text) <= PLACEMENTS[name].fields[field].hard


def test_a_business_is_never_called_by_a_part_of_its_name():
    long = replace(PLAIN, name="The Very Long Company Name of Accounting and Sons")
    for variant in copywriter.write(brief(brand=long)).variants:
        assert not {"google_display", "tiktok"} & set(variant.platforms)
        assert "google_search" in variant.platforms
    for variant in copywriter.write(brief(brand=PLAIN)).variants:
        assert variant.platforms["google_display"].fields["business_name"] == ("Northwind",)


def test_a_name_that_ends_like_a_sentence_does_not_end_one():
    for name in ("Yahoo!", "Ask."):
        for variant in copywriter.write(brief(brand=replace(PLAIN, name=name))).variants:
            for text in every_text(variant):
                assert not re.search(rf"{re.escape(name)} (?:Is|Has|Comes|Includes|And)\b", text)


def test_the_disclaimer_is_on_every_placement():
    brand = replace(PLAIN, disclaimer="Terms apply.")
    for variant in copywriter.write(brief(brand=brand)).variants:
        for copy in variant.platforms.values():
            assert any("Terms apply." in text for _, _, text in copy.texts())


def test_a_disclaimer_too_long_for_a_placement_leaves_it_out():
    brand = replace(PLAIN, disclaimer="This offer is subject to the general terms and conditions of Northwind. " * 2)
    variant = copywriter.write(brief(brand=brand)).variants[0]
    assert not {"google_search", "google_display", "tiktok"} & set(variant.platforms)
    assert "linkedin" in variant.platforms


def test_banned_words_do_not_appear():
    brand = replace(PLAIN, banned_terms=("also", "includes"))
    for variant in copywriter.write(brief(brand=brand)).variants:
        texts = [text for copy in variant.platforms.values() for _, _, text in copy.texts()]
        assert not any(word in text.casefold().split() for text in texts for word in ("also", "includes"))


def test_a_brand_that_no_ad_may_print_is_refused_in_plain_words():
    with pytest.raises(copywriter.NoLegalCopy) as refusal:
        copywriter.write(brief(brand=replace(PLAIN, landing_page="http://northwind.example")))
    assert "https://" in str(refusal.value)


def test_a_name_that_ends_in_a_full_stop_does_not_double_it():
    for variant in copywriter.write(brief(brand=replace(PLAIN, name="Acme Inc."))).variants:
        assert ".." not in f"{variant.headline} {variant.body}"


@pytest.mark.parametrize("name", ["Win!!! Now", "Acme 🎉", "mail@acme.example", "  "])
def test_a_brand_name_that_no_ad_may_print_is_refused_with_a_reason(name):
    with pytest.raises(copywriter.NoLegalCopy) as refusal:
        copywriter.write(brief(brand=replace(PLAIN, name=name)))
    assert refusal.value.findings


@pytest.mark.parametrize("name", ["Yahoo!", "IKARA", "monday.co", "O'Neill & Söhne", "7Labs", "Guaranteed Fresh"])
def test_a_brand_may_be_called_what_it_likes(name):
    assert len(copywriter.write(brief(brand=replace(PLAIN, name=name))).variants) == 3


def test_a_placement_that_is_left_out_says_why():
    long = replace(PLAIN, name="The Very Long Company Name of Accounting and Sons")
    for variant in copywriter.write(brief(brand=long)).variants:
        assert "Google responsive display is left out: the brand's name is longer than 25 characters." in variant.why
    for variant in copywriter.write(brief()).variants:
        assert "left out" not in variant.why
