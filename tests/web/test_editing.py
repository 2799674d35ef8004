"""Changing a creative: the editor with its live lint, new versions, history, and several at once."""

import pytest

from tests import factories


@pytest.fixture
def stranger(app):
    return app.test_client().sign_in(factories.make_owner(factories.make_account(name="Elsewhere")))


def form_of(creative, **texts):
    return {"revision": creative.revision, **{key.replace("__", "."): text for key, text in texts.items()}}


def test_the_editor_holds_every_text(as_owner, creative):
    page = as_owner.get(f"/creatives/{creative.id}/variants/0/edit").text
    for key in ("headline", "body", "meta_feed.primary_text.0", "google_search.headlines.2", "tiktok.ad_text.0"):
        assert f'name="{key}"' in page
    assert f"/creatives/{creative.id}/variants/0/check?text=headline" in page


def test_a_saved_text_is_on_the_page(as_owner, creative):
    address = f"/creatives/{creative.id}/variants/1/edit"
    answer = as_owner.post(address, data=form_of(creative, headline="A calmer way to plan"))
    assert (answer.status_code, answer.location) == (303, f"/creatives/{creative.id}#variant-1")
    page = as_owner.get(f"/creatives/{creative.id}").text
    assert "A calmer way to plan" in page
    assert "Texts edited" in page
    assert "owner" in page


def test_a_blocked_text_comes_back_with_the_sentence(as_owner, creative):
    address = f"/creatives/{creative.id}/variants/0/edit"
    for answer in (
        as_owner.htmx("post", address, data=form_of(creative, headline="Your payment failed")),
        as_owner.post(address, data=form_of(creative, headline="Your payment failed")),
    ):
        assert answer.status_code == 422
        assert "Ads never speak of payment trouble" in answer.text
        assert "Your payment failed</textarea>" in answer.text
    assert not creative.reviews


def test_a_text_is_judged_while_it_is_typed(as_owner, creative):
    address = f"/creatives/{creative.id}/variants/0/check"
    answer = as_owner.htmx("post", f"{address}?text=headline", data={"headline": "Your card was declined", "body": "b"})
    assert answer.text.lstrip().startswith('<div id="findings-headline"')
    assert "payment trouble" in answer.text
    assert "draft.svg?headline=Your+card+was+declined" in answer.text
    key = "google_search.headlines.0"
    answer = as_owner.htmx("post", f"{address}?text={key}", data={key: "x" * 31})
    assert "31 of 30" in answer.text
    answer = as_owner.htmx("post", f"{address}?text={key}", data={key: "好" * 16})
    assert "32 of 30" in answer.text  # as Google counts
    assert as_owner.htmx("post", f"{address}?text=odd", data={}).status_code == 404


def test_emoji_made_of_parts_stay_whole_and_what_nobody_sees_goes(as_owner, creative):
    emoji = "👨‍👩‍👧‍👦 👍🏽 🇫🇷 🏴󠁧󠁢󠁥󠁮󠁧󠁿 1️⃣"
    seen = f"For the family {emoji}"
    typed = f"\u202eFor\x07the\u200b fam\u00adily\u2060 {emoji}\U000e0041\u200d\n"
    address = f"/creatives/{creative.id}/variants/0/edit"
    assert as_owner.post(address, data=form_of(creative, meta_feed__primary_text__0=typed)).status_code == 303
    assert creative.content["variants"][0]["platforms"]["meta_feed"]["fields"]["primary_text"] == [seen]


def test_the_picture_shows_the_text_that_is_typed(as_owner, creative):
    address = f"/creatives/{creative.id}/variants/0/draft.svg"
    assert "Fresh words" in as_owner.get(f"{address}?headline=Fresh words").text
    assert as_owner.get(f"{address}?headline=مرحبا").status_code == 422
    assert "<script" not in as_owner.get(f"{address}?headline=<script>alert(1)</script>").text


def test_a_hostile_text_is_shown_as_text(as_owner, creative):
    address = f"/creatives/{creative.id}/variants/0/edit"
    data = form_of(creative, headline="</textarea><script>alert(1)</script>")
    assert "<script>alert" not in as_owner.post(address, data=data).text
    assert "<script>alert" not in as_owner.get(f"/creatives/{creative.id}").text
    assert "<script>alert" not in as_owner.get(address).text


def test_a_new_version_can_be_undone(as_owner, creative):
    before = creative.content
    answer = as_owner.htmx("post", f"/creatives/{creative.id}/rewrite", data={"revision": 0})
    assert answer.headers["HX-Redirect"] == f"/creatives/{creative.id}"
    page = as_owner.get(f"/creatives/{creative.id}").text
    assert "New version written" in page
    undo = f"/creatives/{creative.id}/reviews/{creative.reviews[-1].id}/restore"
    assert f'action="{undo}"' in page
    assert as_owner.post(undo).status_code == 303
    assert creative.content == before


def test_texts_that_were_saved_meanwhile_stand_beside_those_that_were_typed(as_owner, creative):
    address = f"/creatives/{creative.id}/variants/0/edit"
    opened = form_of(creative)
    as_owner.post(address, data=opened | {"headline": "Theirs is calm"})
    mine = opened | {"headline": "Mine is calmer", "google_search.headlines.0": "Plan in a calm way"}
    for late in (as_owner.htmx("post", address, data=mine), as_owner.post(address, data=mine)):
        assert late.status_code == 409
        assert "Both versions are here" in late.text
        assert "Mine is calmer</textarea>" in late.text
        assert 'data-take="headline" value="Theirs is calm"' in late.text
        assert 'name="revision" value="1"' in late.text
    blocked = as_owner.post(address, data=mine | {"body": "Your payment failed"})
    assert blocked.status_code == 409, "a refusal hides no conflict"
    assert as_owner.post(address, data=mine | {"revision": 1}).status_code == 303
    assert creative.content["variants"][0]["headline"] == "Mine is calmer"
    again = as_owner.post(address, data=mine | {"revision": 1})
    assert (again.status_code, again.location) == (303, f"/creatives/{creative.id}#variant-0"), "the same press twice"


def test_of_two_who_changed_different_texts_neither_loses(as_owner, creative):
    address = f"/creatives/{creative.id}/variants/0/edit"
    opened = form_of(creative, headline=creative.content["variants"][0]["headline"])
    opened |= {"body": creative.content["variants"][0]["body"]}
    as_owner.post(address, data=opened | {"headline": "Theirs is calm"})
    assert as_owner.post(address, data=opened | {"body": "Mine says how to plan."}).status_code == 303
    variant = creative.content["variants"][0]
    assert (variant["headline"], variant["body"]) == ("Theirs is calm", "Mine says how to plan.")


def test_who_is_late_with_a_new_version_is_told(as_owner, creative):
    as_owner.post(f"/creatives/{creative.id}/rewrite", data={"revision": 0})
    late = as_owner.htmx("post", f"/creatives/{creative.id}/rewrite", data={"revision": 0})
    assert late.status_code == 409
    assert "Somebody else has changed these texts" in late.text


def test_filters_stay_in_every_address_of_the_queue(as_owner, account, connection, add_creative):
    add_creative(account, "cancelled", "Business", "high")
    add_creative(account)
    page = as_owner.get("/creatives?event=cancelled").text
    assert page.count('class="card creative"') == 1
    assert "/creatives?event=cancelled&amp;status=approved" in page or "status=approved&amp;event=cancelled" in page
    assert "event=cancelled" in page.split('id="arrivals"')[1].split(">")[0]
    assert "Nothing matches" in as_owner.get("/creatives?objective=upsell").text
    part = as_owner.htmx("get", "/creatives?event=cancelled", headers={"HX-Target": "queue"}).text
    assert part.lstrip().startswith('<div id="queue">')


@pytest.mark.parametrize("view", ["feed", "story", "search"])
def test_placements_are_sketched_side_by_side(as_owner, creative, view):
    page = as_owner.get(f"/creatives/{creative.id}?view={view}").text
    assert page.count("Sponsored") == len(creative.content["variants"])
    assert "A sketch of the placement" in page
    part = as_owner.htmx("get", f"/creatives/{creative.id}?view={view}", headers={"HX-Target": "variants"}).text
    assert part.lstrip().startswith('<div id="variants">')


def test_a_generic_creative_has_the_button_that_syncs(as_owner, account, connected, add_creative):
    creative = add_creative(account, tier=None, segment=None)
    page = as_owner.get(f"/creatives/{creative.id}").text
    assert "Stripe data isn't synced yet" in page
    assert 'action="/settings/integrations/stripe/sync"' in page


def test_a_missing_landing_page_is_said_on_the_card(as_owner, connection, creative):
    assert "No landing page is set yet" in as_owner.get("/creatives").text
    as_owner.post("/settings/brand", data={"name": "Brightside", "landing_page": "https://brightside.example/"})
    assert "No landing page is set yet" not in as_owner.get("/creatives").text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "variants/0/edit"),
        ("post", "variants/0/edit"),
        ("post", "variants/0/check?text=headline"),
        ("get", "variants/0/draft.svg"),
        ("post", "rewrite"),
        ("post", "reviews/1/restore"),
        ("post", "approve"),
    ],
)
def test_a_strangers_creative_is_not_there(stranger, creative, method, path):
    assert stranger.open(f"/creatives/{creative.id}/{path}", method=method.upper()).status_code == 404


def test_a_variant_that_does_not_exist_is_not_there(as_owner, creative):
    assert as_owner.get(f"/creatives/{creative.id}/variants/9/edit").status_code == 404
    assert as_owner.get(f"/creatives/{creative.id}/variants/9/draft.svg").status_code == 404
