"""Settings > Ad accounts: what the export's sheets need is asked once, checked, and named before the export."""

import re

import pytest

from manimod.creatives import brand_kit, export
from manimod.extensions import db
from manimod.jobs import transaction

ADDRESS = "/settings/ad-accounts"
FILLED = {
    "countries": "United States, de",
    "languages": "English; German",
    "daily_budget": "15",
    "currency": "EUR",
    "page_id": "102030405060",
    "instagram_account": "",
    "payer": "Harbour Ltd",
    "link_pattern": "utm_source={platform}&utm_medium=cpc&utm_campaign={campaign}&utm_content={content}",
}


@pytest.fixture(autouse=True)
def _landing_page(account):
    set_landing_page(account, "https://brightside.example/back?ref=ads")


def set_landing_page(account, page):
    with transaction():
        brand_kit.save(account, {"name": account.name, "landing_page": page})


def plain(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_what_is_saved_is_shown_again_and_used(as_owner, account):
    assert as_owner.post(ADDRESS, data=FILLED).status_code == 303
    page = as_owner.get(ADDRESS).text
    assert 'value="United States, Germany"' in page
    db.session.refresh(account)
    stored = export.get_ad_accounts(account)
    assert (stored.countries, stored.languages, stored.daily_budget) == (("US", "DE"), ("en", "de"), 15)
    assert stored.left_out() == {}


def test_the_form_begins_with_safe_defaults(as_owner, account):
    page = as_owner.get(ADDRESS).text
    assert f'value="{account.name}"' in page
    assert "utm_content={content}" in page
    assert 'value="English"' in page


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("countries", "Germany, Atlantis", "doesn&#39;t know “Atlantis”"),
        ("languages", "", "At least one language"),
        ("languages", "Klingon", "doesn&#39;t know “Klingon”"),
        ("daily_budget", "0", "from 1 to 100,000"),
        ("daily_budget", "9.99", "whole number"),
        ("currency", "euro", "three letters"),
        ("page_id", "brightside", "5 to 20 digits"),
        ("link_pattern", "utm_source=x", "{content}, which says the ad, is missing"),
        ("link_pattern", "utm_source=x&utm_content={content}", "utm_medium is missing in the link"),
        ("link_pattern", FILLED["link_pattern"] + "&utm_term={customer}", "{customer} in the link means nothing"),
        ("link_pattern", FILLED["link_pattern"] + "&utm_source=again", "utm_source stands twice"),
        ("link_pattern", FILLED["link_pattern"] + "&list=past-due", "somebody&#39;s money or health"),
    ],
)
def test_what_the_platforms_would_refuse_is_refused_in_words_and_stays_typed(as_owner, account, field, typed, said):
    answer = as_owner.post(ADDRESS, data=FILLED | {field: typed})
    assert answer.status_code == 422
    assert said in answer.text
    assert typed.replace("&", "&amp;") in answer.text
    assert account.ad_accounts == {}


def test_the_export_names_what_is_missing_before_it_is_made(as_owner, account, add_creative):
    add_creative(account, status="approved")
    page = plain(as_owner.get("/creatives/export").text)
    assert "No sheet for Meta yet: it needs the ID of your Facebook page and the countries" in page
    assert "No sheet for Google yet: it needs the countries in which the ads run." in page
    as_owner.post(ADDRESS, data=FILLED)
    assert "yet: it needs" not in plain(as_owner.get("/creatives/export").text)


def test_the_export_says_when_a_landing_page_has_the_tags_of_its_own(as_owner, account, add_creative):
    add_creative(account, status="approved")
    as_owner.post(ADDRESS, data=FILLED)
    set_landing_page(account, "https://brightside.example/?utm_source=a&utm_source=b")
    assert "utm_source stands twice in the link" in plain(as_owner.get("/creatives/export").text)


def test_the_export_says_what_the_codes_mean(as_owner, account, add_creative):
    add_creative(account, status="approved")
    assert "keep Payment failed" in plain(as_owner.get("/creatives/export").text)


def test_support_has_no_ad_accounts(as_support):
    assert as_support.get(ADDRESS).status_code == 403
