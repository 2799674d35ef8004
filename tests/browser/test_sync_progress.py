"""A sync in a real browser: its progress moves by itself, and the page asks no more when it is over."""

from playwright.sync_api import expect

from tests.browser import guide
from tests.browser.guide import paste


def test_the_progress_moves_by_itself_and_the_page_stops_asking(open_as_owner, sandbox):
    account = sandbox.create_account("Brightside Studio")
    sandbox.catalogue(account["id"])
    sandbox.seed_customers(account["id"], 1_000, seed=1)
    sandbox.fault(path="/v1/customers", times=5, delay=0.4, after=1)
    page = open_as_owner()
    asked = []
    page.on("request", lambda request: request.url.endswith("/stripe/sync") and asked.append(request.method))
    page.goto(guide.STRIPE)
    paste(page, account["keys"]["test"]["restricted"])
    page.wait_for_url("**/setup/brand")
    page.goto(guide.STRIPE)
    progress = page.get_by_role("progressbar", name="Progress of the sync")
    expect(progress).to_be_visible()
    expect(page.locator("#sync")).to_contain_text("subscriptions read")
    row = page.locator("#runs tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("1,000")
    expect(row).to_contain_text("Done")
    expect(progress).to_have_count(0)
    expect(page.locator("#tiers li").first).to_be_visible()
    assert asked
    asked.clear()
    page.wait_for_timeout(2500)
    assert not asked

    page.get_by_label("Name of the tier").first.scroll_into_view_if_needed()
    page.get_by_role("button", name="Sync now").click()
    expect(page.locator("#toasts")).to_contain_text("Sync started.")
    expect(row).to_have_count(2)


def test_a_tier_is_named_in_its_row(open_as_owner, sandbox):
    account = sandbox.create_account("Brightside Studio")
    sandbox.catalogue(account["id"])
    sandbox.seed_customers(account["id"], 20, seed=1)
    page = open_as_owner(at=guide.STRIPE)
    paste(page, account["keys"]["test"]["restricted"])
    page.wait_for_url("**/setup/brand")
    page.goto(guide.STRIPE)
    field = page.get_by_label("Name of the tier").first
    field.fill("Founders {")
    field.press("Enter")
    expect(page.locator("#tiers .invalid-feedback")).to_contain_text("No ad may print this name")
    expect(field).to_be_focused()
    field.fill("Founders")
    field.press("Enter")
    expect(page.locator("#toasts")).to_contain_text("the next creatives say Founders.")
    page.reload()
    expect(page.locator("#tiers")).to_contain_text("Founders")
