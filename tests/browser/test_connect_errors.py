"""The key's field when something is wrong: the sentence stands beside it, and the next step is one press away."""

import re

from playwright.sync_api import Page, expect

from tests.browser import guide
from tests.browser.guide import paste


def test_each_wrong_key_has_its_own_sentence_beside_the_field(open_as_owner, sandbox):
    account = sandbox.create_account("Brightside Studio")
    page = open_as_owner(at=guide.STRIPE)
    for key, sentence in {
        "sk_live_" + "a" * 24: "full secret key",
        "pk_test_" + "a" * 24: "publishable key",
        "whsec_" + "a" * 24: "webhook signing secret",
        "sk_org_" + "a" * 24: "organisation key",
        "rk_test_": "too short",
        "hello": "doesn't look like a Stripe API key",
        "rk_test_" + "a" * 24: "Stripe rejected this key",
        sandbox.create_key(account["id"], state="expired"): "has expired",
        sandbox.create_key(account["id"], state="address_restricted"): "mani's address",
    }.items():
        refused(page, key, sentence)


def test_so_it_does_without_javascript(open_as_owner):
    page = open_as_owner(java_script_enabled=False, at=guide.STRIPE)
    refused(page, "pk_test_" + "a" * 24, "publishable key")
    refused(page, "rk_test_" + "a" * 24, "Stripe rejected this key")


def refused(page: Page, key: str, sentence: str) -> None:
    paste(page, key)
    expect(page.locator("#api_key-error")).to_contain_text(sentence)
    expect(page.locator("#api_key")).to_have_value("")
    expect(page.locator("#api_key")).to_be_focused()


def test_a_refused_key_is_explained_and_the_field_is_ready_for_the_next(open_as_owner, sandbox):
    account = sandbox.create_account("Brightside Studio")
    page = open_as_owner(at=guide.STRIPE)
    narrow = sandbox.create_key(account["id"], permissions=["rak_customer_read"])
    paste(page, narrow)
    expect(page.locator("#api_key-error")).to_contain_text("Missing: Subscriptions: Read.")
    expect(page.locator("#api_key")).to_be_focused()
    expect(page.locator("#api_key")).to_have_value("")
    link = page.get_by_role("link", name="Create the right key in Stripe")
    expect(link).to_have_attribute("href", re.compile("rak_subscription_read"))
    assert narrow not in page.content()


def test_when_stripe_is_down_the_key_stays_in_the_field(open_as_owner, sandbox):
    account = sandbox.create_account("Brightside Studio")
    key = account["keys"]["test"]["restricted"]
    page = open_as_owner(at=guide.STRIPE)
    sandbox.fault(path="/v1/customers", times=1, status=500)
    paste(page, key)
    expect(page.locator("#api_key-error")).to_contain_text("Stripe answered with an error of its own.")
    expect(page.locator("#connect")).to_contain_text("Your key is still in the field.")
    assert key not in page.content(), "only the browser still has it"
    page.locator("#connect button[type=submit]").click()
    page.wait_for_url("**/setup/brand")
    expect(page.locator("main")).to_contain_text("Status: Connected")


def test_after_a_refused_key_the_address_bar_leads_back_to_the_form(open_as_owner, sandbox):
    page = open_as_owner(java_script_enabled=False, at=guide.STRIPE)
    paste(page, "hello")
    page.goto(page.url)
    expect(page.get_by_label("Paste the API key.")).to_be_visible()


def test_pages_of_a_connection_lead_to_connect_where_there_is_none(open_as_owner):
    page = open_as_owner()
    for address in (f"{guide.STRIPE}/disconnect", "/troubleshooting/deliveries", "/troubleshooting/customers"):
        page.goto(address)
        expect(page.get_by_role("navigation", name="Main")).to_be_visible()
        expect(page.get_by_role("heading", name="Connect Stripe first")).to_be_visible()
        page.get_by_role("link", name="Connect Stripe").click()
        expect(page.get_by_label("Paste the API key.")).to_be_visible()


def test_a_key_of_another_account_asks_before_it_starts_over(open_as_owner, sandbox):
    first, second = sandbox.create_account("First Studio"), sandbox.create_account("Second Studio")
    page = open_as_owner(at=guide.STRIPE)
    paste(page, first["keys"]["test"]["restricted"])
    page.wait_for_url("**/setup/brand")
    page.goto(guide.STRIPE)
    page.get_by_role("link", name="Replace key").click()
    paste(page, second["keys"]["test"]["restricted"])
    expect(page.locator("#api_key-error")).to_contain_text("another Stripe account")
    page.get_by_label("Start over").check()
    paste(page, second["keys"]["test"]["restricted"])
    expect(page.locator("#connection")).to_contain_text(second["id"])
