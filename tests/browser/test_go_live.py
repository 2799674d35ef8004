"""From test to live in one paste, with the test beside it: pressed through in a real browser."""

from playwright.sync_api import expect

from tests.browser import guide


def test_go_live_is_one_paste_and_the_test_goes_on(open_as_owner, sandbox):
    account = sandbox.create_account("Brightside Studio", permissions=["rak_customer_read", "rak_subscription_read"])
    page = open_as_owner(at=guide.STRIPE)
    page.get_by_label("Paste the API key.").fill(account["keys"]["test"]["restricted"])
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.locator("#modes")).to_contain_text("TEST")
    page.goto(guide.STRIPE)
    test_address = page.get_by_label("Address of mani's endpoint").input_value()

    page.locator("#modes").get_by_role("link", name="Go live").click()
    expect(page.get_by_role("heading", name="Go live")).to_be_visible()
    expect(page.locator("#connect")).to_contain_text("nothing of it is deleted")
    expect(page.get_by_label("Start over")).to_have_count(0)
    page.get_by_label("Paste the API key.").fill(account["keys"]["live"]["restricted"])
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.locator("#toasts")).to_contain_text("Connected to")

    switch = page.get_by_role("navigation", name="Data that is shown")
    expect(switch.get_by_role("link", name="Live")).to_have_attribute("aria-current", "true")
    page.goto(guide.STRIPE)
    expect(page.locator("#connection")).to_contain_text("Live data")
    live_address = page.get_by_label("Address of mani's endpoint").input_value()
    assert live_address != test_address
    guide.set_up_webhook(page, sandbox, account, livemode=True)

    switch.get_by_role("link", name="Test").click()
    expect(page.locator("#connection")).to_contain_text("Test data")
    assert page.get_by_label("Address of mani's endpoint").input_value() == test_address
    page.goto("/creatives")
    expect(page.locator("#modes")).to_contain_text("Test data")
