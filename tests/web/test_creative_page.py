"""One creative: its variants, its texts, its timeline and its pictures."""

import html
from copy import deepcopy
from datetime import UTC, datetime

import pytest

from manimod.jobs import transaction


@pytest.fixture
def page(as_owner, connection, creative):
    return as_owner.get(f"/creatives/{creative.id}").text


def test_every_variant_is_shown_with_its_texts(page, creative):
    for variant in creative.content["variants"]:
        assert variant["angle_name"] in page
    for platform in ("Meta feed", "Google responsive search", "LinkedIn single image", "TikTok"):
        assert page.count(f">{platform}<") == len(creative.content["variants"])


def test_it_says_its_place_among_those_of_the_same_filters_and_leads_to_its_neighbours(
    as_owner, account, connection, add_creative
):
    last, _other, middle, first = (
        add_creative(account, kind) for kind in ("renewed", "cancelled", "renewed", "renewed")
    )
    page = html.unescape(as_owner.get(f"/creatives/{middle.id}?event=renewed").text)
    assert "2 of 3" in page
    for neighbour, key in ((first, "k"), (last, "j")):
        assert f'href="/creatives/{neighbour.id}?event=renewed" data-key="{key}"' in page
    assert f'href="/creatives?event=renewed#creative-{middle.id}"' in page, "back leads to the same list"
    assert (
        "event=renewed" in as_owner.get("/creatives?event=renewed").text.split('data-key="o"')[0].rpartition("href=")[2]
    )


def test_back_leads_to_a_list_that_is_long_enough(as_owner, account, connection, add_creative):
    oldest = add_creative(account)
    for _ in range(13):
        add_creative(account)
    assert f'href="/creatives?shown=24#creative-{oldest.id}"' in as_owner.get(f"/creatives/{oldest.id}").text


def test_the_timeline_runs_from_stripe_to_the_queue(page):
    steps = [page.index(words) for words in ("Happened in Stripe", "Received (webhook)", "Understood", "Ads ready")]
    assert steps == sorted(steps)
    assert "+0.3 s" in page


def test_an_ad_for_later_says_when_it_may_start(as_owner, account, connection, add_creative):
    creative = add_creative(account, event="cancelled")
    with transaction():
        content = deepcopy(creative.content)
        content["variants"][0]["from_day"] = 30
        creative.content, creative.occurred_at = content, datetime(2026, 11, 2, 12, tzinfo=UTC)
    page = as_owner.get(f"/creatives/{creative.id}").text
    assert page.count("For later") == 1
    assert "2 Dec 2026</time>, day 30 after the cancellation" in page


def test_a_generic_creative_says_what_to_check(as_owner, account, connection, add_creative):
    creative = add_creative(account, tier=None, segment=None)
    assert "Check that Stripe data is syncing" in as_owner.get(f"/creatives/{creative.id}").text


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("no_subscription", "This customer has no subscription, so the ads name no tier."),
        ("unnamed_tier", "This customer's tier has no name that ads can say, so they name none."),
    ],
)
def test_a_generic_creative_says_its_true_reason(as_owner, account, connection, add_creative, reason, says):
    creative = add_creative(account, tier=None)
    with transaction():
        creative.generic_reason = reason
    for address in (f"/creatives/{creative.id}", "/creatives"):
        page = html.unescape(as_owner.get(address).text)
        assert says in page
        assert "isn't synced" not in page


def test_a_picture_is_an_svg_that_can_do_nothing(as_owner, creative):
    picture = as_owner.get(f"/creatives/{creative.id}/1080x1080.svg")
    assert picture.mimetype == "image/svg+xml"
    assert picture.headers["Content-Security-Policy"] == "default-src 'none'; img-src data:; style-src 'none'"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"


def test_a_picture_is_kept_under_its_versioned_address_only(as_owner, connection, creative):
    address = (
        as_owner.get("/creatives")
        .text.split("<article", 1)[1]
        .split('<img src="')[1]
        .split('"')[0]
        .replace("&amp;", "&")
    )
    kept = as_owner.get(address)
    assert "immutable" in kept.headers["Cache-Control"]
    assert "private" in kept.headers["Cache-Control"]
    assert as_owner.get(f"/creatives/{creative.id}/1080x1080.svg").headers["Cache-Control"] == "private, no-cache"
    assert as_owner.get(address, headers={"If-None-Match": kept.headers["ETag"]}).status_code == 304


def test_a_png_is_rasterised_for_those_who_ask(as_owner, creative):
    picture = as_owner.get(f"/creatives/{creative.id}/1200x628.png?variant=1")
    assert picture.data.startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "address", ["999x999.svg", "1080x1080.svg?variant=9", "1080x1080.svg?variant=-1", "1080x1080.gif"]
)
def test_a_picture_that_does_not_exist_is_not_there(as_owner, creative, address):
    assert as_owner.get(f"/creatives/{creative.id}/{address}").status_code == 404
