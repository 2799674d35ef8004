"""Most products have no features in Stripe: what their descriptions and metadata say is proposed to the owner."""

import pytest

from manimod.creatives.engine.facts.proposals import propose


@pytest.mark.parametrize(
    ("description", "proposed"),
    [
        ("Two coffees a week and a tote bag.", ["Two coffees a week and a tote bag"]),
        ("Site visits, soil tests and a planting plan", ["Site visits, soil tests and a planting plan"]),
        ("Mowing. Hedge trimming. We love gardens.", ["Mowing", "Hedge trimming"]),
        ("For teams that plan together.", []),
        ("Everything you need to sell more!!", []),
        ("Hobby product description", []),
        (None, []),
    ],
)
def test_a_description_gives_the_things_that_it_names(description, proposed):
    assert propose(description, {}) == proposed


@pytest.mark.parametrize(
    ("metadata", "proposed"),
    [
        ({"features": '["Our thanks", "Show notes by e-mail"]'}, ["Our thanks", "Show notes by e-mail"]),
        ({"features": "🎧 Ad-free feed | 🎁 Bonus episodes"}, ["Ad-free feed", "Bonus episodes"]),
        ({"benefits": "Exports, 5 seats"}, ["Exports", "5 seats"]),
        ({"features": '{"reports": true, "api": false}'}, ["Reports"]),
        ({"support_level": "email"}, ["Email support"]),
        ({"generated_images": "10"}, ["10 generated images"]),
        ({"maxProjects": "unlimited"}, ["Unlimited projects"]),
    ],
)
def test_metadata_gives_lists_of_features_and_amounts_with_a_name(metadata, proposed):
    assert propose(None, metadata) == proposed


@pytest.mark.parametrize(
    "metadata",
    [
        {"claimId": "123"},
        {"index": "0"},
        {"order": "3"},
        {"monthly_price": "10"},
        {"image_url": "https://shop.example/a.png"},
        {"features": "$5 credit | plan_v2_NEW | https://shop.example"},
        {"isSeatBased": "true"},
    ],
)
def test_what_programs_keep_there_is_never_proposed(metadata):
    assert propose(None, metadata) == []


def test_at_most_three_lines_are_proposed_those_of_the_metadata_first():
    metadata = {"features": "Exports | Reports | Charts | Maps"}
    assert propose("A planting plan.", metadata) == ["Exports", "Reports", "Charts"]
    assert propose("A planting plan.", {"features": "Exports"}) == ["Exports", "A planting plan"]


def test_a_line_is_proposed_once():
    assert propose("Exports.", {"features": "Exports | ✓ Exports"}) == ["Exports"]
