"""Names that other systems wrote become names of tiers, or the tier stays without one, with a reason."""

import json
from pathlib import Path

import pytest

from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.copy.plan_names import format_plan
from manimod.models import Tier
from manimod.models.tiers import clean_name
from tests.engine.samples import brief

CASES = Path(__file__).parents[3] / "shared" / "cases" / "20-names.json"

STAYS = """
Plan 9|Plan B|Plan 365|Pro 2|Pro Max|Pro+|24/7 Support|Studio 54|Club 1000|Route 66|Formula 1|Windows 95
Catch-22|8 Seats|3D Print Club|4K Ultra|5G Unlimited|MP3 Club|B2B|Web 2.0|Pi 3.14|Membership2024|2024 Early-Bird
100% Cotton Club|Mustang V8|+1 Seat|@Team|C++ Course|Node.js|monday.com|S&P 500 Watch|Q&A Pro|R&D|Rock'n'Roll
Men's Club|Gold & Silver|Pro / Team|Pay-as-you-go|all-in-one|3-in-1|Table for 4|Top 100 Users|First 50 Users
Power Users|Yoga 2 per week|Two Bags|Per Diem|Monthly Box|Weekly Veg Box|Annual Review|Leap Year|Half Day
Month-End Close|Bi-monthly|Tri-annual|Year One|The Daily|Test Kitchen|Test Prep Club|Internal Medicine Review
Todo Premium|Live Coaching|Price Match Club|Ad Copy Club|Old Town Club|Legacy Club|Membership|Free|VIP|One|Zero
Pro at Home|Just Pro|For Teams|Euro Trip|Pound Cake Club|Cent Club|Kr Club|SMB|Étudiant|À la carte|Café Crème
Größe L|Unbegrenzt|Familie|10er-Karte|Jahreskarte|Fünf Freunde|Numérique + papier|Abo Plus|Estándar|Básico
Złoty plan|Ücretsiz|Премиум|Базовый 2|プロ|プロ 2|专业版|會員 A|프리미엄|برو|प्रो
Professional Annual Plan for Small Agencies|Pro Annual Plan|Up to 5 users|12 Week Year|30 Day Challenge|6 Month Plan
Tier 1|Book a Month|Yearly Gold|PHP 8 Course|Try 3 Classes|Euro 2024 Pass|Enterprise (EU, legacy)
"""

CLEANED = {
    # entities, once or twice
    "Pro &amp;amp; Team": "Pro & Team",
    "Caf&eacute; Club": "Café Club",
    "Pro&nbsp;Plus": "Pro Plus",
    "Sal&#x26;Pepper": "Sal&Pepper",
    # what nobody sees
    "Team\u200b": "Team",
    "A\u200bc\u202eme": "Acme",
    "\u202bPro\u202c": "Pro",
    "Stand\u00adard": "Standard",
    "Pro\tTeam\r\n": "Pro Team",
    "Pro\u3164\u2800": "Pro",
    "Pro\x07": "Pro",
    "Cafe\u0301": "Café",
    # prices
    "Pro 49 €": "Pro",
    "Pro €49,90 / Monat": "Pro",
    "Pro 1.299,00 € pro Jahr": "Pro",
    "Scale – $1,200 / year": "Scale",
    "Team USD 29 per seat per month": "Team",
    "EUR 12 Digital": "Digital",
    "Premium R$ 29,90 por mês": "Premium",
    "Estándar 15 € al mes": "Estándar",
    "Gold 99 kr/måned": "Gold",
    "Złoty plan 49 zł": "Złoty plan",
    "Про 990 ₽/мес": "Про",
    "Premium ¥980/月": "Premium",
    "專業版 NT$300/月": "專業版",
    "Pro: from $5/user/month": "Pro",
    "Growth - £24 + VAT": "Growth",
    "Pro 29/mo": "Pro",
    "Collab $5": "Collab",
    "Chat from 10 euros a month": "Chat",
    "Gold £15 p/m": "Gold",
    "年間プラン 9,800円": "年間プラン",
    "Pro @ 9.99": "Pro",
    "Basic ($9.99)": "Basic",
    "Starter EUR": "Starter",
    "Starter (USD)": "Starter",
    # intervals
    "Pro Yearly": "Pro (annual)",
    "Basic (Monthly)": "Basic (monthly)",
    "Pro  -  Monthly": "Pro (monthly)",
    "Pro/year": "Pro (annual)",
    "Pro billed every year": "Pro (annual)",
    "Pro — annual billing": "Pro (annual)",
    "Pro 12 months": "Pro (annual)",
    "Pro 3 months": "Pro (quarterly)",
    "Box, every week": "Box (weekly)",
    "Pro ($49 billed monthly)": "Pro (monthly)",
    "pro-monthly": "pro (monthly)",
    "Premium (12 mo)": "Premium (annual)",
    "Gold Annual (save 20%)": "Gold (annual)",
    "Annual: Gold": "Gold (annual)",
    "(Monthly) Gold": "Gold (monthly)",
    "Pro - Year": "Pro (annual)",
    "Pro (billed monthly at $9)": "Pro (monthly)",
    "プレミアム（年額）": "プレミアム (annual)",
    "高级版（每月）": "高级版 (monthly)",
    "Pro mensuel": "Pro (monthly)",
    "Pro facturé par an": "Pro (annual)",
    "Gold – jährlich": "Gold (annual)",
    "Basis, monatlich abrechnung": "Basis (monthly)",
    "Básico anual": "Básico (annual)",
    "プロ 月額": "プロ (monthly)",
    # seats
    "Pro, 5 users": "Pro",
    "Team (up to 10 users)": "Team",
    "Team for 3 seats": "Team",
    "Team x 10 seats": "Team",
    "Solo Plan - 1 user": "Solo Plan",
    "Pro (2-5 users)": "Pro",
    "Pro (per user)": "Pro",
    "Growth, per seat, monthly": "Growth (monthly)",
    "Pro 10 Nutzer": "Pro",
    "Équipe jusqu'à 5 utilisateurs": "Équipe",
    "Pro | 10 seats | Monthly": "Pro (monthly)",
    # notes
    "Pro v2": "Pro",
    "[LEGACY] Pro": "Pro",
    "Copy of Pro": "Pro",
    "OLD - Pro": "Pro",
    "Pro (migrated)": "Pro",
    "Enterprise — Contact us": "Enterprise",
    "Pro v2 - legacy": "Pro",
    "Team 5 users, 10 seats": "Team",
    "Basic (legacy) - monthly": "Basic (monthly)",
}

UNNAMED = {
    "it is only a price": "$49/month|49 EUR|€5|12.50|10 € / Monat|980円|US$20 per seat",
    "it says only how often it is billed": "Monthly|1 month|per month|Jährlich|月額500円|billed annually",
    "it says no more than that it is a plan": (
        "Plan|plans|Subscription|My subscription|monthly plan|The Plan $9|New product|Abo"
    ),
    "it looks like an internal code": (
        "pro_monthly|PRO_ANNUAL|price_1NabcXYZ|prod_R588R3043T2K9W|K2T7560Z6Q1T04|550e8400-e29b-41d4-a716-446655440000"
        "|com.example.pro.monthly|plan:pro|tier=gold|SKU 4711|PLAN-003|basic-usd-monthly-v2"
        "|stripe-pro|123456789|year-5000-eur-test"
    ),
    "it is marked as not for customers": (
        "Test ($1)|test - 5 EUR monthly|Pro DO NOT USE|Don't use|test product do not use|Test|test 2|Test plan"
        "|Pro (internal)|Deprecated Pro|Untitled|asdf"
    ),
    "it is a note, not a name": "JM special, ask Tom|overage|negotiated, see CRM|grandfathered 2019",
    "it is too long for an ad": "Gold " * 25,
    "it has no letters": "\u200b|---|&nbsp;|!",
}


def unnamed() -> list[tuple[str, str]]:
    return [(name, reason) for reason, names in UNNAMED.items() for name in names.split("|")]


@pytest.mark.parametrize("name", STAYS.strip().replace("\n", "|").split("|"))
def test_an_ordinary_name_stays_as_it_is(name):
    assert clean_name(name) == (name, None)


@pytest.mark.parametrize(("raw", "name"), CLEANED.items())
def test_what_does_not_belong_in_a_name_is_taken_out(raw, name):
    assert clean_name(raw) == (name, None)


@pytest.mark.parametrize("name", sorted(set(CLEANED.values())))
def test_a_cleaned_name_is_clean(name):
    assert clean_name(name) == (name, None)


@pytest.mark.parametrize(("raw", "reason"), unnamed())
def test_what_is_no_name_is_left_out_with_its_reason(raw, reason):
    assert clean_name(raw) == (None, reason)


@pytest.mark.parametrize(
    ("raw", "plan"),
    [
        ("Gold &#8211; Monthly", "monthly Gold plan"),
        ("Pro, billed annually", "annual Pro plan"),
        ("Pro 12€/mois", "Pro plan"),
        ("Women&#039;s Club", "Women's Club"),
    ],
)
def test_ads_say_the_cleaned_name(raw, plan):
    assert format_plan(clean_name(raw)[0])[0].plan == plan


def test_the_owners_name_wins_as_it_is():
    tier = Tier(product_name="pro_plan_v2", owner_name="Two Seats, 5 users")
    assert (tier.name, tier.why_unnamed) == ("Two Seats, 5 users", None)


def test_stripes_name_is_kept_beside_the_cleaned_one():
    tier = Tier(product_name="Pro &amp; Team")
    assert (tier.name, tier.product_name) == ("Pro & Team", "Pro &amp; Team")


def test_a_product_with_a_code_for_a_name_does_not_borrow_the_nickname_of_its_price():
    tier = Tier(product_name="pro_plan_v2", nickname="ask sales")
    assert (tier.name, tier.why_unnamed) == (None, "it looks like an internal code")


@pytest.mark.parametrize("length", [200, 255])
def test_a_hostile_name_takes_no_time(length):
    for part in ("1", "1.1", "- ", "a-", "$1 ", "(", "1,111", "up to "):
        clean_name((part * length)[:length])


@pytest.mark.skipif(not CASES.exists(), reason="the cases are not here")
def test_the_public_cases_are_spoken_as_expected():
    for case in json.loads(CASES.read_text(encoding="utf-8"))["product_names"]:
        made = write(brief(tier=Tier(product_name=case["name"]).name))
        printed = " ".join(f"{variant.headline} {variant.body} {variant.label}" for variant in made.variants)
        if case["expected"].startswith("no tier"):
            assert made.tier is None
        elif "," not in case["expected"] and "uploads" not in case["expected"]:
            assert made.tier in case["expected"]
        assert "&#" not in printed
        assert "\ufeff" not in printed
        assert "_" not in printed
