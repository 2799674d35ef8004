"""Every rule has a text that breaks it and one that keeps it. The table reads as the rules' specification."""

from dataclasses import replace
from datetime import date

import pytest

from manimod.creatives.engine.brief import Offer
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import PLACEMENTS
from manimod.creatives.engine.policy.rules import PolicyContext, load_rules
from tests.engine.samples import PLAIN, TODAY, brief

NAMED = {"customer_names": ("Dana Petersen", "Grace Hopper")}
DEAL = {"offers": (Offer(text="20% off for $5 less", code="HELLO20", ends_on=date(2026, 12, 1)),)}
PROVEN = {"proof": ("Rated 4.8 of 5 by 1,200 customers", "“Best app” - Sam", "The best software award, proven")}

# rule, platform, field, a text that breaks it, one that keeps it, what the account has stored
TEXTS = [
    ("PII-01", "meta_feed", "primary_text", "Dana, come back", "Come back", NAMED),
    ("PII-01", "x", "post", "Hello dana petersen", "The grace of a good start", NAMED),
    ("PII-02", "x", "post", "Write to a@b.co", "Write to us", {}),
    ("PII-02", "x", "post", "For cus_N4x8fJ2kLm", "For customers since 2024-11-22", {}),
    ("PII-03", "x", "post", "The card ending 4242", "A card for 2024", {}),
    ("PII-04", "x", "post", "your $49 charge", "Now $5 less", DEAL),
    ("FIN-01", "x", "post", "Your payment failed", "A tried and tested way", {}),
    ("FIN-02", "meta_feed", "headline", "Money tight?", "A tight schedule?", {}),
    ("FIN-03", "x", "post", "Please update your card", "A new card on every board", {}),
    ("FIN-04", "x", "post", "Renew before access ends", "Read on before the term ends", {}),
    ("FIN-05", "x", "post", "Chase unpaid invoices", "One year, one invoice", {"event": "payment_failed"}),
    ("ATT-01", "meta_feed", "headline", "Now that you're 62", "You have 62 ideas", {}),
    ("ATT-01", "meta_feed", "headline", "Your diabetes made easy", "Your days made easy", {}),
    ("ACC-01", "x", "post", "You cancelled on May 3", "It's right where you left it", {}),
    ("ACC-02", "x", "post", "We noticed you stopped", "People noticed the difference", {}),
    ("SEN-01", "google_search", "headlines", "Debt relief for all", "Relief for busy weeks", {}),
    ("CLK-01", "google_search", "headlines", "You won't believe this", "You will like this", {}),
    ("CLK-02", "x", "post", "Click here to return", "A click and you're in", {}),
    ("CLK-03", "google_search", "descriptions", "Act or lose your data", "Act on your ideas", {}),
    ("MIS-01", "x", "post", "Get 30% off", "Get 20% off", DEAL),
    ("MIS-01", "x", "post", "A free month", "Feel free to look around", {}),
    ("MIS-02", "x", "post", "Guaranteed results", "The best part of the day", {}),
    ("MIS-02", "x", "post", "The #1 tool", "The best software award", PROVEN),
    ("MIS-03", "x", "post", "Ends tonight!", "The evening ends well", {}),
    ("MIS-03", "x", "post", "Ends tonight", "A limited-time welcome", DEAL),
    ("MIS-04", "x", "post", "“Changed my life” - Kim", "“Best app” - Sam", PROVEN),
    ("MIS-05", "x", "post", "Join 10,000 teams", "By 1,200 customers", PROVEN),
    ("MIS-06", "tiktok", "ad_text", "Better than Acme", "Better than ever", {}),
    ("EDT-01", "google_search", "headlines", "FREE today", "An API for your CRM and PDF", {}),
    ("EDT-02", "google_search", "headlines", "FrEe ideas", "GitHub ideas", {}),
    ("EDT-02", "google_search", "headlines", "F.R.E.E ideas", "Ideas, e.g. for you", {}),
    ("EDT-03", "x", "post", "Back!!", "Back!", {}),
    ("EDT-04", "google_search", "headlines", "Come back!", "Come back", {}),
    ("EDT-05", "google_search", "headlines", "A gr8 start", "A great b2b start", {}),
    ("EDT-06", "google_search", "headlines", "Welcome back 🎉", "Welcome back", {}),
    ("EDT-06", "tiktok", "ad_text", "Welcome back 🎉", "Welcome back", {}),
    ("EDT-07", "linkedin", "introduction", "Hello " + "🎉" * 11, "Hello 🎉", {}),
    ("EDT-08", "google_search", "descriptions", "Call 555-0100", "Call on us", {}),
    ("EDT-09", "google_search", "descriptions", "* More...", "More", {}),
    ("EDT-10", "x", "post", "Come back back", "Come back", {}),
    ("EDT-10", "x", "post", "Come  back", "He had had an idea", {}),
    ("EDT-11", "google_display", "headlines", "A good start.", "A good start", {}),
    ("EDT-12", "google_display", "business_name", "Acme - 50% off", "Acme", {}),
    ("LEN-01", "google_search", "headlines", "x" * 31, "x" * 30, {}),
    ("LEN-01", "x", "post", "x" * 257, "x" * 256, {}),
    ("LEN-01", "tiktok", "ad_text", "好" * 51, "好" * 50, {}),
    ("LEN-01", "meta_feed", "headline", "x" * 28, "x" * 27, {}),
    ("BRD-01", "linkedin", "headline", "LinkedIn approved", "Approved by your team", {}),
    ("BRD-01", "x", "post", "As seen on Google", "Works with Google Calendar", {}),
    ("BRD-02", "x", "post", "A cheap start", "A cheaper start", {"brand": replace(PLAIN, banned_terms=("cheap",))}),
    ("FLD-01", "meta_feed", "headline", "As above", "Above all, calm", {}),
    ("IMG-05", "all", "headline", "مرحبا", "Добро пожаловать", {}),
]


def found(platform, field, text, stored):
    context = PolicyContext(**{"brand": PLAIN, "tier": "Team", "today": TODAY, **stored})
    return {finding.rule_id for finding in policy.check_text(text, field, platform, context)}


@pytest.mark.parametrize(("rule", "platform", "field", "bad", "good", "stored"), TEXTS)
def test_a_rule_finds_what_breaks_it_and_leaves_the_rest(rule, platform, field, bad, good, stored):
    assert rule in found(platform, field, bad, stored)
    assert rule not in found(platform, field, good, stored)


def changed(placement, **more):
    """A good variant with one placement changed: its fields, or its call to action."""
    variant = write(brief()).variants[0]
    copy = variant.platforms[placement]
    copy = (
        replace(copy, **{k: v for k, v in more.items() if k == "call_to_action"}) if "call_to_action" in more else copy
    )
    copy = replace(copy, fields={**copy.fields, **{k: v for k, v in more.items() if k != "call_to_action"}})
    return replace(variant, platforms={**variant.platforms, placement: copy})


def ids(variant, **context):
    return {f.rule_id for f in policy.check(variant, replace(PolicyContext.of(brief()), **context))}


# rule, what breaks it: a variant and a context; the untouched variant in the plain context keeps it
WHOLE = [
    ("ACC-03", lambda: (changed("x"), {"audience_size": 12})),
    ("CNT-01", lambda: (changed("google_search", headlines=("One", "Two")), {})),
    ("CNT-01", lambda: (changed("google_search", headlines=("One way", "Way one", "one WAY")), {})),
    ("CTA-01", lambda: (changed("meta_feed", call_to_action="SUBSCRIBE_NOW"), {})),
    ("CTA-02", lambda: (replace(changed("x"), call_to_action="GET_OFFER"), {"objective": "retention"})),
    ("URL-01", lambda: (changed("x"), {"brand": replace(PLAIN, landing_page="http://northwind.example")})),
    ("BRD-03", lambda: (changed("x"), {"brand": replace(PLAIN, disclaimer="Terms apply.")})),
    ("EDT-04", lambda: (changed("google_search", descriptions=("Go on! Look!", "Fine")), {})),
]


@pytest.mark.parametrize(("rule", "broken"), WHOLE)
def test_a_rule_about_the_whole_ad_finds_what_breaks_it(rule, broken):
    variant, context = broken()
    assert rule in ids(variant, **context)
    assert rule not in ids(changed("x"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Yahoo!", "Yahoo! has a calendar"),
        ("Free Range", "Free Range is open"),
        ("Guaranteed Fresh", "New at Guaranteed Fresh"),
        ("Last Call", "Last Call keeps your lists"),
        ("Debt Relief Co", "See Debt Relief Co plan by plan"),
        ("IKARA", "IKARA, side by side"),
    ],
)
def test_the_brands_own_name_breaks_no_rule(name, text):
    stored = {"brand": replace(PLAIN, name=name, banned_terms=("free", "fresh"))}
    for placement, spec in PLACEMENTS.items():
        for field in spec.fields:
            assert found(placement, field, text, stored) <= {"LEN-01"}


def test_a_banned_term_is_found_beside_the_brands_name_and_around_it():
    for text in ("Free Range is free", "Free Range Classic"):
        stored = {"brand": replace(PLAIN, name="Free Range", banned_terms=("free", "Free Range Classic"))}
        assert "BRD-02" in found("x", "post", text, stored)


def test_every_rule_is_tested_here_or_with_the_pictures_and_names():
    tested = {row[0] for row in TEXTS} | {row[0] for row in WHOLE} | {"IMG-01", "IMG-02", "IMG-03", "IMG-04"}
    tested |= {"NAM-01", "LNK-01"}  # test_names_are_neutral.py and test_links_can_be_measured.py
    assert tested == set(policy.RULES)


def test_every_rule_says_where_it_comes_from():
    for rule in policy.RULES.values():
        assert rule.summary
        assert rule.source
        assert rule.severity in ("block", "warn")


def test_a_rule_that_can_never_find_anything_is_a_mistake():
    row = {"platforms": ["all"], "severity": "block", "summary": "No lie", "source": "own rule", "message": "A lie."}
    with pytest.raises(ValueError, match="LIE-01 can never find anything"):
        load_rules({"LIE-01": row}, {})
    with pytest.raises(KeyError, match="lie"):
        load_rules({"LIE-01": row | {"check": "lie"}}, {})


def test_a_hard_length_blocks_and_a_recommended_one_warns():
    context = PolicyContext(PLAIN)
    assert [f.severity for f in policy.check_text("x" * 31, "headlines", "google_search", context)] == ["block"]
    assert [f.severity for f in policy.check_text("x" * 30, "headline", "meta_feed", context)] == ["warn"]


def test_a_missing_landing_page_warns_and_a_bad_one_blocks():
    variant = write(brief()).variants[0]
    for page, severity in (("", "warn"), ("http://a.example", "block"), ("javascript:alert(1)", "block")):
        findings = policy.check(variant, PolicyContext(replace(PLAIN, landing_page=page)))
        assert [f.severity for f in findings if f.rule_id == "URL-01"] == [severity]
