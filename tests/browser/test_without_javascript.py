"""Everything but the live parts works without JavaScript."""

from playwright.sync_api import expect

from tests.browser import guide
from tests.stripe_sandbox import demo


def test_connect_review_and_disconnect(open_as_owner, sandbox):
    account = demo.seed(sandbox, customers=3)
    page = open_as_owner(form=True, java_script_enabled=False)
    guide.connect(page, account["keys"]["test"]["restricted"])
    guide.set_up_webhook(page, sandbox, account)

    client = sandbox.client(account["keys"]["test"]["secret"])
    customer = client.v1.customers.create({"name": "Ada Example"})
    price = account["prices"]["Starter"]["month"]
    client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price}]})
    sandbox.wait_for_deliveries()
    expect_card(page)

    page.locator("article.creative").get_by_role("button", name="Approve").click()
    expect(page.locator("#toasts")).to_contain_text("Approved.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("article.creative")).to_have_count(1)
    page.locator("article.creative").get_by_role("button", name="Reject").click()
    expect(page.locator("article.creative")).to_have_count(0)

    page.goto(guide.STRIPE)
    page.get_by_role("link", name="Disconnect").click()
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_role("button", name="Connect", exact=True)).to_be_visible()


def expect_card(page):
    """Nothing appears by itself here, so the person reloads."""
    for _ in range(40):
        page.goto("/creatives")
        if page.locator("article.creative").count():
            return
        page.wait_for_timeout(250)
    raise AssertionError("no creative appeared")
