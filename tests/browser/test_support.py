"""An owner says that nothing arrives: support finds out why, and mends it or says how, in under six clicks."""

import pytest
from passlib.totp import TOTP
from playwright.sync_api import Page, expect

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.ingest import receiver
from manimod.jobs import transaction
from manimod.moments import record
from tests import factories
from tests.browser.filling import make_creative

COUNT_CLICKS = "addEventListener('click', (e) => (localStorage.clicks = 1 + Number(localStorage.clicks || 0)), true)"


@pytest.fixture
def troubled(beside):
    """The names of two accounts: one whose plan was lowered, one whose endpoint has another signing secret."""
    with beside.app_context():
        lowered = factories.make_connection(factories.make_account("pro", "Harbour & Finch")).account
        factories.make_owner(lowered, f"owner-of-{lowered.id}@example.com")
        refused = factories.make_connection(factories.make_account("pro", f"Northlight {lowered.id}"))
        with transaction():
            lowered.plan = "starter"
            receiver.count_rejected(refused.id, ManimodError("WEBHOOK_BAD_SIGNATURE"))
        return f"owner-of-{lowered.id}@example.com", refused.account.name


@pytest.fixture
def page(open_page, beside) -> Page:
    """Support has signed in through the form, with the code of the authenticator."""
    with beside.app_context():
        support = factories.make_support()
        email = support.email
    page = open_page()
    page.add_init_script(COUNT_CLICKS)
    page.goto("/support")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("The 6 digits in your authenticator app").fill(factories.code())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
    page.evaluate("localStorage.clicks = 0")
    return page


def clicks(page: Page) -> int:
    return int(page.evaluate("localStorage.clicks"))


def search(page: Page, text: str) -> None:
    page.get_by_role("searchbox").fill(text)
    page.get_by_role("button", name="Search").click()


def test_nothing_arrives_is_solved_in_under_six_clicks(page, troubled):
    by_email, by_name = troubled
    search(page, by_email)
    page.get_by_role("link", name="Harbour & Finch").click()
    expect(page.locator("#check-plan .mark-broken")).to_be_visible()
    page.get_by_label("Reason").fill("Ticket 4711: nothing arrives since the renewal")
    page.get_by_label("Plan", exact=True).select_option("pro")
    page.get_by_role("button", name="Set plan").click()
    expect(page.locator("#toasts")).to_contain_text("The account is on Pro.")
    expect(page.locator("#check-plan .mark-good")).to_have_count(1)
    expect(page.locator("#audit")).to_contain_text("Plan changed: Starter → Pro")
    assert clicks(page) < 6

    page.get_by_role("link", name="Accounts").first.click()
    page.evaluate("localStorage.clicks = 0")
    search(page, by_name)
    page.get_by_role("link", name=by_name).click()
    expect(page.locator("#check-signature .mark-broken")).to_be_visible()
    expect(page.locator("main")).to_contain_text("The owner: ")
    expect(page.locator("#rejected")).to_contain_text(
        "The signing secret in mani must be the one of this very endpoint"
    )
    assert clicks(page) < 6


def test_a_visit_asks_for_its_reason_once_and_shows_what_the_owner_sees(page, beside):
    with beside.app_context():
        account = factories.make_account("pro", "Visited Ltd")
        factories.make_connection(account)
        with transaction():
            db.session.add(make_creative(account))
            record.set_switch(account, "renewed", False)
    page.goto(f"/support/accounts/{account_id_of(page, 'Visited Ltd')}")
    page.get_by_role("button", name="Run the checks").click()
    expect(page.locator("#toasts")).to_contain_text("The checks ran just now.")
    page.get_by_role("link", name="What the owner sees").click()
    page.get_by_label("Reason").fill("Ticket 4711: the queue looks empty")
    page.get_by_role("button", name="Show it").click()
    expect(page.locator("dl.facts").first).to_contain_text("Switched off")
    page.get_by_role("link", name="Team · New").click()
    expect(page.get_by_role("region", name="Variant 1")).to_be_visible()
    page.get_by_role("link", name="Visited Ltd").click()
    expect(page.get_by_label("Reason")).to_have_count(0)
    page.get_by_role("button", name="Sync now").click()
    expect(page.locator("#audit")).to_contain_text("Sync started")
    expect(page.locator("#audit")).to_contain_text("Looked at the owner's pages")


def account_id_of(page: Page, name: str) -> str:
    search(page, name)
    return page.get_by_role("link", name=name).get_attribute("href").partition("accounts/")[2].partition("?")[0]


def test_a_wrong_code_leaves_the_key_of_a_new_authenticator_as_it_is(open_page, beside):
    with beside.app_context():
        email = factories.make_support(authenticator=False, email="new-support@example.com").email
    page = open_page()
    page.goto("/support")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Show the key").click()
    key = page.locator("#authenticator-key").inner_text()
    page.get_by_label("The 6 digits").fill("000000")
    page.get_by_role("button", name="Finish and sign in").click()
    expect(page.locator("main")).to_contain_text("That code isn't right")
    expect(page.locator("#authenticator-key")).to_have_text(key)
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    page.go_back()
    expect(page.locator("#authenticator-key")).to_have_text(key)
    page.get_by_label("The 6 digits").fill(TOTP(key.replace("-", "")).generate().token)
    page.get_by_role("button", name="Finish and sign in").click()
    expect(page.get_by_role("heading", name="Accounts")).to_be_visible()
