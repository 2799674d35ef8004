"""A line of a price list is read as a fact: its amount, its topic, its signs, its language; or it is refused."""

import random

import pytest

from manimod.creatives.engine.facts.bullets import read_fact, referenced_tier, split_lines, why_refused
from manimod.creatives.engine.facts.model import FactKind, FactSource


def read(line):
    return read_fact(line, FactSource.STRIPE)


@pytest.mark.parametrize(
    ("line", "number", "unit", "topic", "phrase"),
    [
        ("20 automations / mo", 20, "automations", "automations a month", "20 automations a month"),
        ("2,000 AI requests per month", 2000, "AI requests", "ai requests a month", "2,000 AI requests a month"),
        ("5M deliveries/month", 5_000_000, "deliveries", "deliveries a month", "5 million deliveries a month"),
        ("250 GB storage", 250, "GB", "gb of storage", "250 GB of storage"),
        ("30 day logs", 30, "days", "logs", "30-day logs"),
        ("1 pipeline", 1, "pipelines", "pipelines", "1 pipeline"),
        ("Up to 20 users.", 20, "users", "users", "up to 20 users"),
        ("Seats: 5", 5, "seats", "seats", "5 seats"),
        ("Guest passes (2/mo)", 2, "guest passes", "guest passes a month", "2 guest passes a month"),
        ("1 massage per month", 1, "massages", "massages a month", "a massage each month"),
    ],
)
def test_an_amount_has_a_number_a_unit_and_the_topic_without_it(line, number, unit, topic, phrase):
    fact = read(line)
    assert (fact.number, fact.unit, fact.topic, fact.phrase) == (number, unit, topic, phrase)


def test_unlimited_is_an_amount_without_a_number():
    fact = read("Unlimited boards")
    assert (fact.is_unlimited, fact.number, fact.topic, fact.kind) == (True, None, "boards", FactKind.QUANTITY)


@pytest.mark.parametrize("line", ["24/7 support", "A/B testing", "4K video", "Two-factor authentication", "5-7 bags"])
def test_a_digit_that_is_no_amount_is_none(line):
    assert read(line).number is None


@pytest.mark.parametrize(
    ("line", "text", "phrase"),
    [
        ("✓ Email support", "Email support", "email support"),
        ("🏷️ White-label portal", "White-label portal", "a white-label portal"),
        ("Analytics &amp; reporting", "Analytics & reporting", "analytics and reporting"),
        ("Nutrition plan included", "Nutrition plan", "a nutrition plan"),
        ("Dedicated Slack Channel", "Dedicated Slack Channel", "a dedicated Slack channel"),
    ],
)
def test_signs_entities_and_capitals_do_not_reach_the_ad(line, text, phrase):
    fact = read(line)
    assert (fact.text, fact.phrase) == (text, phrase)


@pytest.mark.parametrize("line", ["✗ Custom domain", "− Live chat", "❌ Exports", "No API", "Not included: API"])
def test_what_a_plan_does_not_hold_is_no_fact_and_the_owner_reads_why(line):
    assert read(line) is None
    assert "Write what the plan has" in why_refused(line)


@pytest.mark.parametrize("line", ["Mobile app (coming soon)", "Multi-magasins (bientôt)", "Exports (beta)"])
def test_what_does_not_exist_yet_is_refused(line):
    assert read(line) is None
    assert "still to come" in why_refused(line)


@pytest.mark.parametrize(
    ("line", "tier"),
    [
        ("Everything in Team, plus:", "Team"),
        ("👑 Everything in Night Owl", "Night Owl"),
        ("All Listener benefits", "Listener"),
        ("Alles aus Basis", "Basis"),
        ("Tout Numérique", "Numérique"),
        ("Tutto Pro, più:", "Pro"),
    ],
)
def test_a_line_about_another_tier_is_no_fact_but_a_reference(line, tier):
    assert referenced_tier(line) == tier
    assert (read(line), why_refused(line)) == (None, None)


def test_what_follows_a_reference_in_the_same_line_is_a_fact():
    line = "Everything in Pro + SSO"
    assert (referenced_tier(line), read(line).phrase) == ("Pro", "SSO")


@pytest.mark.parametrize("line", ["All features", "Everything in one place", "Tous les articles", "All classes"])
def test_all_of_something_is_not_a_reference(line):
    assert referenced_tier(line) is None


@pytest.mark.parametrize(
    "stored",
    ['["Exports","Email support"]', "Exports | Email support", "✓ Exports ✓ Email support", "Exports\nEmail support"],
)
def test_several_lines_that_are_stored_as_one_are_told_apart(stored):
    assert split_lines(stored) == ["Exports", "Email support"]


@pytest.mark.parametrize(
    "line", ["Integrates with Slack", "Pairs with Zoom", "Plugs into Notion", "Connects to HubSpot"]
)
def test_what_the_product_does_is_a_sentence_and_only_listed(line):
    assert (read(line).text, read(line).phrase) == (line, None)


@pytest.mark.parametrize(
    ("line", "phrase"),
    [("Own IP address", None), ("Your own IP address", "an IP address"), ("Your own", None)],
)
def test_own_is_no_name(line, phrase):
    assert read(line).phrase == phrase


def test_no_text_whatever_raises():
    pieces = [
        "{x}",
        "<b>",
        "&amp;",
        "🏷️",
        "(",
        ")",
        "5",
        "1,000",
        "Up to",
        "and",
        "+",
        "Unlimited",
        "für",
        "/ mo",
        "無制限",
        ":",
    ]
    assert split_lines("[" * 2000) == ["[" * 2000]
    choose = random.Random(16)
    for _ in range(2000):
        line = " ".join(choose.choices([*pieces, "無制限", "API", "Boards", "a", ""], k=choose.randrange(7)))
        fact = read(line)
        assert fact or why_refused(line) or referenced_tier(line)
