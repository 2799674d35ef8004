"""Settings > Brand: saving with and without JavaScript, the live picture, logos, and texts that mean harm."""

import io

import pytest
from PIL import Image

from manimod.creatives import briefs
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Tier
from tests import factories

FORM = {"name": "Brightside", "primary_colour": "#112233", "accent_colour": "#ffcc00", "tone": "plain", "version": "0"}
HOSTILE = '"><script>alert(1)</script>'


def png(size=(200, 80)) -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", size, "#204080").save(out, "PNG")
    return io.BytesIO(out.getvalue())


def test_the_page_shows_all_four_events_before_stripe_is_connected(as_owner):
    page = as_owner.get("/settings/brand").text
    for event in ("new_customer", "renewed", "payment_failed", "cancelled"):
        assert f"/settings/brand/preview/{event}.svg?" in page
        assert as_owner.get(f"/settings/brand/preview/{event}.svg").text.startswith("<svg")
    assert "export them once it is set" in page


def test_saving_answers_htmx_with_the_form_and_a_toast(as_owner, account):
    answer = as_owner.htmx("post", "/settings/brand", data=FORM)
    assert answer.status_code == 200
    assert answer.text.lstrip().startswith('<div id="brand-kit"')
    assert "Brand kit saved." in answer.text
    assert briefs.get_brand(account).primary == "#112233"


def test_saving_without_javascript_goes_back(as_owner):
    answer = as_owner.post("/settings/brand", data=FORM)
    assert (answer.status_code, answer.location) == (303, "/settings/brand")
    assert "Brand kit saved." in as_owner.get("/settings/brand").text


def test_offers_are_added_one_at_a_time_by_saving_and_removed_by_emptying(as_owner, account):
    def save(*texts):
        rows = {f"offers-{number}-text": text for number, text in enumerate(texts)}
        as_owner.post("/settings/brand", data=FORM | {"version": briefs.get_brand_kit(account).version} | rows)
        return as_owner.get("/settings/brand").text.count('placeholder="20% off for three months"')

    assert save("20% off for three months") == 2
    assert save("20% off for three months", "Two weeks to try it") == 3
    assert save("", "Two weeks to try it", "") == 2
    assert [offer["text"] for offer in briefs.get_brand_kit(account).offers] == ["Two weeks to try it"]


def test_a_release_note_has_a_day_and_a_tier(as_owner, account, connection):
    with transaction():
        db.session.add(Tier(connection_id=connection.id, stripe_product_id="prod_team", product_name="Team"))
    row = {
        "releases-0-text": "Shared calendars",
        "releases-0-released_on": "2026-11-02",
        "releases-0-tier": "prod_team",
    }
    answer = as_owner.htmx("post", "/settings/brand", data=FORM | row)
    assert "Brand kit saved." in answer.text
    stored = {"text": "Shared calendars", "released_on": "2026-11-02", "tier": "prod_team"}
    assert briefs.get_brand_kit(account).releases == [stored]
    page = as_owner.get("/settings/brand").text
    assert '<option selected value="prod_team">Team</option>' in page
    assert 'value="2026-11-02"' in page
    assert page.count('placeholder="Shared calendars"') == 2, "an empty row for the next one"


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("released_on", "yesterday", "That is no day. Write it like 2027-01-31."),
        ("tier", "prod_of_others", "Choose one of the list."),
        ("text", "x" * 161, "at most 160 characters"),
    ],
)
def test_a_wrong_release_note_comes_back_as_it_was_typed(as_owner, account, field, typed, sentence):
    row = {"releases-0-text": "Shared calendars", "releases-0-released_on": "", "releases-0-tier": ""}
    answer = as_owner.post("/settings/brand", data=FORM | row | {f"releases-0-{field}": typed})
    assert answer.status_code == 422
    assert sentence in answer.text
    assert typed in answer.text or field == "tier"
    assert briefs.get_brand_kit(account).version == 0


def test_an_invalid_form_comes_back_with_what_was_typed(as_owner, account):
    typed = FORM | {"landing_page": "http://brightside.example", "offers-0-text": "20% off"}
    for answer in (
        as_owner.htmx("post", "/settings/brand", data=typed | {"offers-0-ends_on": "soon"}),
        as_owner.post("/settings/brand", data=typed | {"offers-0-ends_on": "soon"}),
    ):
        assert answer.status_code == 422
        assert "must be a full address that starts with https://" in answer.text
        assert "like 2027-01-31" in answer.text
        assert 'value="20% off"' in answer.text
    assert briefs.get_brand_kit(account).version == 0


@pytest.mark.parametrize(
    ("form", "sentence"),
    [
        ({"name": ""}, "needs a name"),
        ({"landing_page": "http://brightside.example"}, "https://"),
        ({"landing_page": "javascript:alert(1)"}, "https://"),
        ({"landing_page": 'https://a.example/"><script>'}, "https://"),
        ({"landing_page": "https://user:word@a.example"}, "https://"),
        ({"banned_words": "x" * 161}, "160"),
    ],
)
def test_a_value_that_is_too_long_or_no_address_is_not_stored(as_owner, account, form, sentence):
    answer = as_owner.post("/settings/brand", data=FORM | form)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert briefs.get_brand_kit(account).version == 0


def test_lines_are_cleaned_and_none_is_stored_twice(as_owner, account):
    as_owner.post("/settings/brand", data=FORM | {"banned_words": "cheap\n\n cheap \nbargain"})
    assert briefs.get_brand_kit(account).banned_words == ["cheap", "bargain"]


def test_a_text_that_no_ad_may_say_comes_back_with_the_sentence(as_owner, account):
    answer = as_owner.post("/settings/brand", data=FORM | {"proof": "Your payment failed"})
    assert answer.status_code == 422
    assert "payment" in answer.text
    assert briefs.get_brand_kit(account).version == 0


def test_what_was_saved_meanwhile_stands_beside_what_was_typed(as_owner, account):
    as_owner.post("/settings/brand", data=FORM | {"name": "Theirs", "banned_words": "cheap\nbargain"})
    mine = FORM | {"name": "Mine", "offers-0-text": "20% off", "banned_words": ""}
    late = as_owner.htmx("post", "/settings/brand", data=mine)
    assert (late.status_code, late.headers["HX-Reswap"]) == (409, "outerHTML")
    assert "Both versions are here" in late.text
    assert 'value="Mine"' in late.text
    assert 'value="20% off"' in late.text
    assert 'data-take="name" value="Theirs"' in late.text
    assert 'data-take="banned_words" value="cheap\nbargain"' in late.text
    assert 'data-take="disclaimer"' not in late.text
    assert briefs.get_brand_kit(account).name == "Theirs"
    assert 'name="version" type="hidden" value="1"' in late.text
    assert as_owner.post("/settings/brand", data=mine | {"version": "1"}).status_code == 303
    assert briefs.get_brand_kit(account).name == "Mine"


def test_the_same_press_that_arrives_twice_is_no_conflict(as_owner, account):
    for _ in range(2):
        assert "Brand kit saved." in as_owner.htmx("post", "/settings/brand", data=FORM).text


def test_the_picture_shows_what_is_not_saved_yet(as_owner, account):
    answer = as_owner.htmx("post", "/settings/brand/preview", data=FORM | {"primary_colour": "#0a7b33"})
    assert "primary_colour=%230a7b33" in answer.text
    drawn = as_owner.get("/settings/brand/preview/cancelled.svg?primary_colour=%230a7b33&name=Lumen").text
    assert "Lumen" in drawn
    assert drawn != as_owner.get("/settings/brand/preview/cancelled.svg").text
    assert briefs.get_brand_kit(account).version == 0
    assert as_owner.get("/settings/brand/preview/odd.svg").status_code == 404


def test_a_name_that_cannot_be_drawn_breaks_no_page(as_owner):
    answer = as_owner.htmx("post", "/settings/brand/preview", data=FORM | {"name": "عربي"})
    assert answer.status_code == 200
    assert as_owner.get("/settings/brand/preview/cancelled.svg?name=عربي").status_code in (404, 422)


def test_a_logo_is_stored_shown_and_removed(as_owner, account):
    answer = as_owner.htmx("post", "/settings/brand", data=FORM | {"logo_file": (png(), "logo.png")})
    assert "Brand kit saved." in answer.text
    shown = as_owner.get("/settings/brand/logo.png")
    assert shown.mimetype == "image/png"
    assert briefs.get_brand(account).logo == shown.data
    assert "data:image/png;base64," in as_owner.get("/settings/brand/preview/cancelled.svg").text
    assert as_owner.post("/settings/brand", data=FORM | {"version": "1"}).status_code == 303
    assert briefs.get_brand(account).logo == shown.data, "a form without a file keeps it"
    as_owner.post("/settings/brand", data=FORM | {"version": "2", "removes_logo": "y"})
    assert as_owner.get("/settings/brand/logo.png").status_code == 404


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', "SVG files can hold programs"),
        (png().getvalue()[:-40], "damaged or incomplete"),
        (png((5000, 20)).getvalue(), "5000 × 20"),
    ],
)
def test_a_hostile_logo_is_refused_with_a_sentence(as_owner, account, data, words):
    typed = FORM | {"landing_page": "http://no.example", "logo_file": (io.BytesIO(data), "logo.png")}
    answer = as_owner.htmx("post", "/settings/brand", data=typed)
    assert answer.status_code == 422
    assert words in answer.text
    assert "must be a full address" in answer.text, "all mistakes are told at once"
    assert briefs.get_brand(account).logo is None


@pytest.mark.parametrize(
    "field", ["name", "landing_page", "disclaimer", "proof", "releases-0-text", "offers-0-text", "banned_words"]
)
def test_texts_that_mean_harm_are_shown_as_text(as_owner, field):
    as_owner.post("/settings/brand", data=FORM | {field: HOSTILE})
    answer = as_owner.post("/settings/brand", data=FORM | {field: HOSTILE, "version": "1"})
    assert "<script>alert" not in answer.text
    assert "<script>alert" not in as_owner.get("/settings/brand").text
    assert "<script>alert" not in as_owner.get(f"/settings/brand/preview/renewed.svg?name={HOSTILE}").text


def test_one_account_never_sees_anothers_brand(as_owner, app):
    as_owner.post("/settings/brand", data=FORM | {"name": "Only mine"})
    stranger = app.test_client().sign_in(factories.make_owner(factories.make_account(name="Elsewhere")))
    page = stranger.get("/settings/brand").text
    assert "Only mine" not in page
    assert "Elsewhere" in page


def test_before_anything_is_saved_the_form_begins_as_stripe_has_the_account(as_owner, account):
    profile = {"name": "Quux Planning", "website": "https://quux.example", "primary_color": "#1f4d4a"}
    factories.make_connection(account, profile=profile | {"support": "help@quux.example"})
    page = as_owner.get("/settings/brand").text
    assert "As your Stripe account has it." in page
    for value in ("Quux Planning", "https://quux.example", "#1f4d4a", "help@quux.example"):
        assert f'value="{value}"' in page
    as_owner.post("/settings/brand", data=FORM | {"support": "https://help.brightside.example"})
    page = as_owner.get("/settings/brand").text
    assert "As your Stripe account has it." not in page
    assert 'value="https://help.brightside.example"' in page


@pytest.mark.parametrize("support", ["http://help.example", "javascript:alert(1)", "call us", "a@b", "x@"])
def test_help_is_an_address(as_owner, account, support):
    answer = as_owner.post("/settings/brand", data=FORM | {"support": support})
    assert answer.status_code == 422
    assert "Help is a full address" in answer.text
    assert briefs.get_brand_kit(account).support == ""
