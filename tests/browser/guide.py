"""What a person does along the guide, step by step."""

from playwright.sync_api import Page, expect

from manimod.stripe.payloads import EVENT_TYPES
from tests.stripe_sandbox import SandboxControl

STRIPE = "/settings/integrations/stripe"


def paste(page: Page, key: str) -> None:
    page.get_by_label("Paste the API key.").fill(key)
    page.locator("#connect button[type=submit]").click()


def connect(page: Page, key: str) -> None:
    """Settings > Integrations > Stripe > Connect, until the setup asks for the brand."""
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="Connect Stripe").click()
    paste(page, key)
    page.wait_for_url("**/setup/brand")


def set_up_webhook(page: Page, control: SandboxControl, account: dict, livemode: bool = False) -> None:
    """Carry the endpoint's address to Stripe and the signing secret back."""
    if not page.url.endswith("#webhook"):
        page.goto(STRIPE)
    address = page.get_by_label("Address of mani's endpoint").input_value()
    endpoint = control.create_endpoint(account["id"], address, livemode=livemode, events=list(EVENT_TYPES))
    page.get_by_label("Paste the signing secret").fill(endpoint["secret"])
    page.locator("#secret-form").get_by_role("button", name="Save").click()
    expect(page.get_by_text("The secret is set")).to_be_visible()
