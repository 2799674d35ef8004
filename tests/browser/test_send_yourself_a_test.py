"""“Send yourself a test” with a real signed event: each stage as it happens, then the way to the ads, then silence."""

from playwright.sync_api import Page, expect

from tests.browser import guide
from tests.stripe_sandbox import SandboxControl, demo

# What a person would see go by, kept in the page because a stage may last less than a look from outside.
KEEP_STAGES = """() => {
    window.stages = [];
    const look = () => window.stages.push(document.querySelectorAll("#watch .stages .done").length);
    look();
    document.addEventListener("htmx:afterSettle", look);
}"""


def set_up(page: Page, sandbox: SandboxControl) -> tuple:
    account = demo.seed(sandbox, customers=3)
    guide.connect(page, account["keys"]["test"]["restricted"])
    guide.set_up_webhook(page, sandbox, account)
    page.goto("/test")
    expect(page.locator("#way")).to_contain_text("The webhook is set up")
    page.get_by_role("link", name="Start watching").click()
    return sandbox.client(account["keys"]["test"]["secret"]), account["prices"]["Team"]["month"]


def create_subscriber(stripe, price: str) -> None:
    customer = stripe.v1.customers.create({"name": "Ada Example"})
    stripe.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price}]})


def test_each_stage_is_shown_as_it_happens_and_then_the_page_stops_asking(open_as_owner, sandbox):
    page = open_as_owner()
    stripe, price = set_up(page, sandbox)
    watch, clock = page.locator("#watch"), page.get_by_role("timer")
    expect(watch.get_by_role("heading")).to_have_text("Waiting for the event")
    expect(clock).to_contain_text("/ 5:00")
    begun = clock.text_content()
    page.evaluate(KEEP_STAGES)

    some = stripe.v1.subscriptions.list({"limit": 1}).data[0]
    stripe.v1.subscriptions.update(some.id, {"metadata": {"seats": "more"}})
    expect(watch.locator(".done")).to_have_count(1)
    expect(watch.locator(".done")).to_contain_text("customer.subscription.updated, by webhook")
    expect(watch.get_by_role("heading")).to_have_text("Still waiting for an event that creates ads")
    expect(clock).not_to_have_text(begun)

    create_subscriber(stripe, price)
    expect(watch.get_by_role("heading")).to_have_text("It works: the ads are in your queue")
    expect(watch.locator(".done")).to_have_count(4)
    expect(watch).to_contain_text("3 ads for Team")
    expect(page.locator("#announcer")).to_have_text("Test: in the queue.")
    stages = page.evaluate("window.stages")
    assert stages == sorted(stages), "no stage is ever taken back"
    assert {0, 1, 4} <= set(stages)

    asked = []
    page.on("request", lambda request: "/test" in request.url and asked.append(request.url))
    page.wait_for_timeout(1500)
    assert not asked
    page.get_by_role("link", name="Look at the ads").click()
    expect(page.get_by_role("heading", name="From the event to the queue")).to_be_visible()


def test_with_the_guides_key_alone_the_way_is_said_and_the_clock_is_won(open_as_owner, sandbox):
    """Two permissions and no webhook: while somebody watches, mani asks every 15 seconds."""
    account = demo.seed(sandbox, customers=3)
    page = open_as_owner()
    guide.connect(page, sandbox.create_key(account["id"], permissions=["rak_customer_read", "rak_subscription_read"]))
    page.goto("/test")
    expect(page.locator("#way")).to_contain_text("mani looks for new customers every 15 seconds while you watch")
    page.get_by_role("link", name="Start watching").click()
    expect(page.get_by_role("timer")).to_contain_text("/ 5:00")
    stripe = sandbox.client(account["keys"]["test"]["secret"])
    create_subscriber(stripe, account["prices"]["Team"]["month"])
    expect(page.locator("#watch").get_by_role("heading")).to_have_text(
        "It works: the ads are in your queue", timeout=60_000
    )


def test_rejected_deliveries_are_said_while_one_watches(open_as_owner, sandbox):
    page = open_as_owner()
    stripe, price = set_up(page, sandbox)
    page.goto(guide.STRIPE)
    page.get_by_text("Replace the secret", exact=True).click()
    for secret in ("whsec_" + "x" * 32, "whsec_" + "y" * 32):  # the one before the last still counts
        page.get_by_label("Paste the signing secret").fill(secret)
        page.locator("#secret-form").get_by_role("button", name="Save").click()
        expect(page.locator("#toasts")).to_contain_text("Signing secret saved.")
        page.reload()
        page.get_by_text("Replace the secret", exact=True).click()
    expect(page.locator("#webhook-title")).to_contain_text("Waiting for the first event")
    create_subscriber(stripe, price)
    expect(page.locator("#webhook-title")).to_contain_text("Deliveries are rejected")
    page.goto("/test?since=now")
    expect(page.locator("#way")).to_contain_text("signed with another secret than the one in mani")
    expect(page.get_by_role("timer")).to_have_count(0)
    page.get_by_role("link", name="Paste the signing secret").click()
    expect(page.get_by_label("Paste the signing secret")).to_be_attached()


def test_a_lost_connection_is_said_and_the_watch_goes_on_by_itself(open_as_owner):
    page = open_as_owner(connected=True)
    page.goto("/test?since=now")
    banner, clock = page.locator("#connection-lost"), page.get_by_role("timer")
    page.route("**/test?*stage=0", lambda route: route.abort())
    expect(banner).to_be_visible()
    stood = clock.text_content()
    page.unroute("**/test?*stage=0")
    expect(banner).to_be_hidden()
    expect(clock).not_to_have_text(stood)


def test_without_javascript_a_link_looks_again(open_as_owner, sandbox):
    page = open_as_owner(java_script_enabled=False)
    stripe, price = set_up(page, sandbox)
    expect(page.locator("#watch").get_by_role("heading")).to_have_text("Waiting for the event")
    create_subscriber(stripe, price)
    sandbox.wait_for_deliveries()
    for _ in range(40):
        page.get_by_role("link", name="Look again").click()
        if page.get_by_role("link", name="Look at the ads").count():
            break
        page.wait_for_timeout(250)
    expect(page.locator("#watch .done")).to_have_count(4)
