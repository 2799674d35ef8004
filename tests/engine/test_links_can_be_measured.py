"""Links: every platform's says source, medium, campaign and content, and what the landing page's has already stays."""

from datetime import date
from urllib.parse import parse_qs, urlsplit

import pytest

from manimod.creatives.engine.ad_names import AdNames
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import PLACEMENTS
from manimod.creatives.engine.sheets.ad_accounts import AdAccounts, with_tags

NAMES = AdNames(
    creative_id=41,
    event="cancelled",
    tier="Team",
    segments=("high",),
    round=0,
    start=date(2026, 12, 1),
    end=date(2026, 12, 14),
)
DEFAULTS = AdAccounts.from_json({})


def link(page, placement="linkedin", accounts=DEFAULTS):
    return with_tags(page, accounts.tags(PLACEMENTS[placement], NAMES, 1, page))


@pytest.mark.parametrize("placement", PLACEMENTS)
def test_every_platform_can_be_told_and_every_ad(placement):
    query = parse_qs(urlsplit(link("https://a.example/", placement)).query)
    assert query["utm_source"] == [PLACEMENTS[placement].family]
    assert query["utm_content"] == ["s41-v2"]
    assert query["utm_campaign"] == [NAMES.group]
    assert not policy.check_link(link("https://a.example/", placement))


@pytest.mark.parametrize(
    ("page", "begins"),
    [
        ("https://a.example", "https://a.example?utm_source"),
        ("https://a.example/?", "https://a.example/?utm_source"),
        ("https://a.example/x?ref=1", "https://a.example/x?ref=1&utm_source"),
        ("https://a.example/x?ref=1&", "https://a.example/x?ref=1&utm_source"),
        ("https://a.example/x?utm_source=own", "https://a.example/x?utm_source=own&utm_medium"),
    ],
)
def test_what_is_in_the_query_stays(page, begins):
    assert link(page).startswith(begins)
    assert not policy.check_link(link(page))


def test_the_tags_stand_before_a_fragment():
    assert link("https://a.example/#plans").endswith("&utm_content=s41-v2#plans")


def test_a_pattern_of_the_owners_own():
    pattern = "utm_source={platform}&utm_medium=ads&utm_campaign={campaign}&utm_content={content}&team=Süd West"
    made = link("https://a.example/", accounts=AdAccounts.from_json({"link_pattern": pattern}))
    assert made.endswith("&team=S%C3%BCd%20West")


@pytest.mark.parametrize(
    "broken",
    [
        "https://a.example/",
        "https://a.example/?utm_source=x&utm_medium=y&utm_campaign=z",
        "https://a.example/?utm_source=x&utm_medium=y&utm_campaign=z&utm_content=",
        "https://a.example/?utm_source=x&utm_source=x&utm_medium=y&utm_campaign=z&utm_content=c",
        "https://a.example/?utm_source={source}&utm_medium=y&utm_campaign=z&utm_content=c",
    ],
)
def test_a_link_that_cannot_be_measured_breaks_the_rule(broken):
    assert {finding.rule_id for finding in policy.check_link(broken)} == {"LNK-01"}
