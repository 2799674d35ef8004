"""What was typed or pressed survives Back, a reload, the end of the session, of its token and of the connection."""

import io
import re

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from manimod.extensions import db
from manimod.models import User
from tests import factories

_drawn = io.BytesIO()
Image.new("RGB", (200, 80), "#204080").save(_drawn, "PNG")
LOGO = _drawn.getvalue()


@pytest.fixture
def sign_out(beside):
    """Ends the session of the page's user without the page's knowledge, or with `token_only` the token of its forms."""

    def sign_out(page: Page, token_only: bool = False) -> None:
        page.context.clear_cookies()
        if token_only:
            with beside.app_context():
                owner = db.session.scalar(db.select(User).order_by(User.id.desc()).limit(1))
                session = beside.test_client().sign_in(owner).get_cookie("mani").value
            url = re.match(r"https?://[^/]+", page.url)[0]
            page.context.add_cookies([{"name": "mani", "value": session, "url": url, "httpOnly": True}])

    return sign_out


@pytest.fixture
def open_editor(open_as_owner):
    def open_editor() -> Page:
        page = open_as_owner(connected=True, creatives=1, at="/creatives")
        page.locator("article.creative h2 a").click()
        page.get_by_role("link", name="Edit").first.click()
        expect(page.locator("#headline")).to_be_visible()
        return page

    return open_editor


def sign_in_again(page: Page) -> None:
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("You were signed out. Sign in to go on")
    dialog.get_by_label("Password").fill(factories.PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_be_hidden()


def test_typed_texts_come_back_after_a_reload_and_are_forgotten_once_saved(open_editor):
    page = open_editor()
    page.locator("#headline").fill("A calmer way to plan")
    page.reload()
    expect(page.locator("#headline")).to_have_value("A calmer way to plan")
    expect(page.get_by_text("What you typed here is back.")).to_be_visible()
    page.get_by_role("link", name="Cancel").click()
    page.go_back()
    expect(page.locator("#headline")).to_have_value("A calmer way to plan")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#variant-0")).to_contain_text("A calmer way to plan")
    assert "calmer" not in page.evaluate("sessionStorage.getItem('mani-drafts')")
    page.get_by_role("link", name="Edit").first.click()
    expect(page.get_by_text("What you typed here is back.")).to_have_count(0)


def test_a_draft_can_be_discarded_and_a_sign_out_forgets_it(open_editor):
    page = open_editor()
    before = page.locator("#headline").input_value()
    page.locator("#headline").fill("Never mind")
    page.reload()
    page.get_by_role("link", name="Discard it").click()
    expect(page.locator("#headline")).to_have_value(before)
    page.locator("#headline").fill("Never mind")
    page.get_by_role("button", name="Harbour & Finch").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/sign-in$"))
    assert page.evaluate("sessionStorage.getItem('mani-drafts')") is None


def test_a_second_tab_that_saved_first_shows_both_versions_and_a_choice(open_editor):
    page = open_editor()
    page.locator("#headline").fill("Mine is calmer")
    page.locator("#body").fill("Mine says more about planning in a calm way.")
    other = page.context.new_page()
    other.goto(page.url)
    other.locator("#headline").fill("Theirs is calm")
    other.get_by_role("button", name="Save").click()
    expect(other.locator("#variant-0")).to_contain_text("Theirs is calm")
    page.reload()  # the draft keeps the state on which it was based
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#editor [role=alert]").first).to_contain_text("Both versions are here")
    expect(page.locator("#headline")).to_have_value("Mine is calmer")
    expect(page.locator("#headline-theirs")).to_have_text("Theirs is calm")
    page.locator("[data-take=headline]").click()
    expect(page.locator("#headline")).to_have_value("Theirs is calm")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#variant-0")).to_contain_text("Theirs is calm")
    expect(page.locator("#variant-0")).to_contain_text("Mine says more about planning")


def test_a_brand_that_is_refused_keeps_the_chosen_logo_and_every_word(open_as_owner):
    page = open_as_owner(at="/settings/brand")
    page.get_by_label("Logo").set_input_files({"name": "a.png", "mimeType": "image/png", "buffer": LOGO})
    page.get_by_label("Landing page").fill("https://no")
    page.get_by_label("Disclaimer").fill("Terms apply.")
    page.get_by_role("button", name="Save brand").click()
    expect(page.locator("#landing_page-error")).to_be_visible()
    page.get_by_label("Landing page").fill("https://brightside.example/")
    page.get_by_role("button", name="Save brand").click()
    expect(page.get_by_alt_text("Your logo")).to_be_visible()
    assert page.get_by_label("Logo", exact=True).input_value() == ""
    page.reload()
    expect(page.get_by_label("Disclaimer")).to_have_value("Terms apply.")
    expect(page.get_by_text("What you typed here is back.")).to_have_count(0)


def test_the_end_of_the_session_asks_in_a_dialog_and_the_press_is_done_again(open_editor, sign_out):
    page = open_editor()
    page.locator("#headline").fill("A calmer way to plan")
    sign_out(page)
    page.get_by_role("button", name="Save").click()
    sign_in_again(page)
    expect(page.locator("#variant-0")).to_contain_text("A calmer way to plan")


def test_an_approval_after_the_end_of_the_session_is_done_after_the_sign_in(open_as_owner, sign_out):
    page = open_as_owner(connected=True, creatives=2, at="/creatives")
    sign_out(page)
    page.locator("article").get_by_role("button", name="Approve").first.click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text("your last press was not saved")
    dialog.get_by_label("Password").fill("not the password")
    dialog.get_by_role("button", name="Sign in").click()
    expect(dialog).to_contain_text("isn't right")
    sign_in_again(page)
    expect(page.locator("article.creative")).to_have_count(1)
    expect(page.locator("#toasts")).to_contain_text("Approved")


def test_a_page_of_test_data_stays_one_after_the_sign_in(open_as_owner, sign_out, beside):
    page = open_as_owner(connected=True, creatives=2)
    with beside.app_context():
        owner = db.session.scalar(db.select(User).order_by(User.id.desc()).limit(1))
        factories.make_connection(owner.account, livemode=True)
    page.goto("/creatives?mode=test")
    sign_out(page)
    page.locator("article").get_by_role("button", name="Approve").first.click()
    sign_in_again(page)
    expect(page.locator("article.creative")).to_have_count(1)
    assert '"test"' in page.locator("body").get_attribute("hx-headers")


def test_who_does_not_sign_in_sees_what_is_not_saved(open_as_owner, sign_out):
    page = open_as_owner(connected=True, creatives=1, at="/creatives")
    sign_out(page)
    page.locator("article").get_by_role("button", name="Approve").first.click()
    page.get_by_role("dialog").get_by_role("button", name="Not now").click()
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("article.creative")).to_contain_text("Not saved yet")


def test_an_expired_form_gets_a_new_token_and_the_press_goes_through(open_as_owner, sign_out):
    page = open_as_owner(connected=True, creatives=1, at="/creatives")
    sign_out(page, token_only=True)
    page.locator("article").get_by_role("button", name="Reject").first.click()
    expect(page.locator("article.creative")).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("Rejected")


def test_presses_without_a_connection_are_marked_and_sent_when_it_is_back(open_as_owner):
    page = open_as_owner(connected=True, creatives=3, at="/creatives")
    live = page.locator(".dot-live")
    green = live.evaluate("(dot) => getComputedStyle(dot).backgroundColor")
    page.context.set_offline(True)
    expect(page.get_by_text("Not live: no connection")).to_be_visible()
    assert live.evaluate("(dot) => getComputedStyle(dot).backgroundColor") != green
    page.locator("article").get_by_role("button", name="Approve").nth(0).click()
    page.locator("article").get_by_role("button", name="Approve").nth(1).click()
    expect(page.get_by_text("Not saved yet")).to_have_count(2)
    page.context.set_offline(False)
    expect(page.locator("article.creative")).to_have_count(1)
    expect(page.get_by_text("Not live: no connection")).to_be_hidden()


def test_support_signs_in_again_with_its_second_factor_and_finds_its_reason(open_page, beside, stack):
    with beside.app_context():
        account = factories.make_connection(factories.make_account("pro", "Northlight")).account_id
        support = factories.make_support()
        session = beside.test_client().sign_in(support).get_cookie("mani").value
    page = open_page()
    page.context.add_cookies([{"name": "mani", "value": session, "url": stack.address, "httpOnly": True}])
    page.goto(f"/support/accounts/{account}")
    page.get_by_label("Reason").fill("Ticket 4711")
    page.reload()
    expect(page.get_by_label("Reason")).to_have_value("Ticket 4711")
    page.context.clear_cookies()
    page.get_by_role("button", name="Set plan").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Password").fill(factories.PASSWORD)
    dialog.get_by_role("button", name="Sign in").click()
    dialog.get_by_label("The 6 digits in your authenticator app").fill(factories.code())
    dialog.get_by_role("button", name="Sign in").click()
    expect(page.locator("#toasts")).to_contain_text("The account is on Pro.")
    expect(page.locator("#reason-field")).to_contain_text("Ticket 4711")
