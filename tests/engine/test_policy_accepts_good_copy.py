"""Ordinary sentences, acronyms, names in capitals and codes break no blocking rule on any platform."""

import time

import pytest

from manimod.creatives.engine.brief import Brand, Offer
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import PLACEMENTS
from manimod.creatives.engine.policy.rules import PolicyContext

CONTEXT = PolicyContext(
    Brand(name="IKARA", landing_page="https://ikara.example"),
    tier="VIP GOLD",
    offers=(Offer(text="Two weeks to try it", kind="trial", code="BACK2U"),),
    customer_names=("Will Young", "May Bell", "Grace Hart", "Ikara Ltd"),
)

FINE = [
    "You'll find it where you left it.",
    "It's yours, and we'll help you with it.",
    "Connect your CRM, export a PDF, call the API.",
    "IKARA and your VIP GOLD plan go well together.",
    "Use BACK2U when it suits you.",
    "Will you have a look? You may like it.",
    "A saving grace for busy weeks.",
    "Free up an hour. Feel free to explore.",
    "A great deal of thought went into it.",
    "Trial and error is fine.",
    "The best part comes first.",
    "Open since 2019, improved in 2024-2025.",
    "From 9 to 5, Monday to Friday.",
    "Works on macOS, iOS and GitHub.",
    "Your team's iPad and your e-mail.",
    "A 24/7 routine, e.g. for two people.",
    "That that works is good news.",
    "Better than ever, and better than before.",
    "Says who? You do.",
    "Q3 planning, 10 ideas, 1 place.",
]


@pytest.mark.parametrize("text", FINE)
@pytest.mark.parametrize("platform", PLACEMENTS)
def test_an_ordinary_sentence_is_not_blocked(text, platform):
    field = next(reversed(PLACEMENTS[platform].fields))
    findings = policy.blocks(policy.check_text(text, field, platform, CONTEXT))
    assert [f for f in findings if f.rule_id not in ("LEN-01", "EDT-12")] == []


def test_a_finding_says_what_why_and_what_to_do():
    (finding,) = policy.check_text("Your payment failed", "post", "x", CONTEXT)
    assert finding.rule_id == "FIN-01"
    assert finding.excerpt
    assert finding.message.count(".") >= 2


def test_a_company_customer_is_recognised_by_its_full_name():
    assert policy.check_text("As used by Ikara Ltd", "post", "x", CONTEXT)[0].rule_id == "PII-01"


@pytest.mark.parametrize("pattern", ["money ", "1 ", "you ", "a", "“", "'a ", "!", "a.b", "Ab", " ", "a."])
def test_a_hostile_text_is_judged_quickly(pattern):
    start = time.process_time()
    for platform in ("meta_feed", "google_search", "tiktok"):
        policy.check_text((pattern * 5000)[:5000], "headline", platform, CONTEXT)
    assert time.process_time() - start < 2
