"""What a person does along the guide, step by step."""

from playwright.sync_api import Page, expect

from manimod.stripe.payloads import EVENT_TYPES
from tests.stripe_sandbox import SandboxControl

STRIPE = "/settings/integrations/stripe"


def connect(page: Page, key: str) -> None:
    """Settings > Integrations > Stripe > Connect."""
    page.get_by_role("link", name="Settings", exact=True).click()
    page.get_by_role("link", name="Connect Stripe").click()
    page.get_by_label("Paste the API key.").fill(key)
    page.get_by_role("button", name="Connect", exact=True).click()


def set_up_webhook(page: Page, control: SandboxControl, account: dict) -> None:
    """Carry the endpoint's address to Stripe and the signing secret back."""
    page.goto(STRIPE)
    address = page.get_by_label("Address of mani's endpoint").input_value()
    endpoint = control.create_endpoint(account["id"], address, events=list(EVENT_TYPES))
    page.get_by_label("Paste the signing secret").fill(endpoint["secret"])
    page.locator("#secret-form").get_by_role("button", name="Save").click()
    expect(page.get_by_text("The secret is set")).to_be_visible()
