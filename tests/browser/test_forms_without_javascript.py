"""The settings' forms without JavaScript: what is wrong stands beside its field, what is right is saved."""

from playwright.sync_api import expect
from sqlalchemy import select

from manimod.extensions import db
from manimod.models import Connection
from tests import factories
from tests.browser import guide
from tests.customers.test_fetched_pictures import png


def test_the_brand_is_saved_and_a_mistake_is_explained(open_as_owner):
    page = open_as_owner(java_script_enabled=False)
    page.goto("/settings/brand")
    page.get_by_label("Landing page").fill("https://brightside.example/ ?")
    page.get_by_role("button", name="Save brand").click()
    expect(page.locator(".invalid-feedback").first).to_be_visible()
    page.get_by_label("Landing page").fill("https://brightside.example/")
    page.get_by_role("radio", name="Expert").check()
    page.get_by_role("button", name="Save brand").click()
    expect(page.locator("#toasts")).to_contain_text("Brand kit saved.")
    expect(page.get_by_role("radio", name="Expert")).to_be_checked()


def test_a_text_is_edited(open_as_owner):
    page = open_as_owner(connected=True, creatives=1, java_script_enabled=False)
    page.goto("/creatives")
    page.locator("article.creative h2 a").click()
    page.get_by_role("link", name="Edit").first.click()
    page.locator("#headline").fill("Your payment failed")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#editor [role=alert]").first).to_contain_text("Not saved.")
    page.locator("#headline").fill("A calmer way to plan")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#variant-0")).to_contain_text("A calmer way to plan")


def test_account_and_signing_secret(open_as_owner):
    page = open_as_owner(connected=True, java_script_enabled=False)
    page.goto("/settings/account")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("Account saved.")
    page.goto(guide.STRIPE)
    page.locator("#webhook summary").first.click()
    page.get_by_label("Paste the signing secret").fill("rk_test_no")
    page.locator("#secret-form").get_by_role("button", name="Save").click()
    expect(page.locator("#signing_secret-error")).to_contain_text("doesn't look like a signing secret")
    page.get_by_label("Paste the signing secret").fill("whsec_" + "a" * 32)
    page.locator("#secret-form").get_by_role("button", name="Save").click()
    expect(page.get_by_text("The secret is set")).to_be_visible()


def test_a_picture_of_a_tier_is_uploaded_and_removed_on_a_narrow_screen(open_as_owner, beside):
    page = open_as_owner(connected=True, java_script_enabled=False, viewport={"width": 320, "height": 700})
    with beside.app_context():
        connection = db.session.scalars(select(Connection).order_by(Connection.id.desc())).first()
        factories.name_tier(connection, position="single", features=["Timeline view"], is_sold=True)
    page.goto(guide.STRIPE)
    page.locator("#tiers summary", has_text="Add a picture").click()
    file = page.get_by_label("A picture or screenshot of what Team does")
    file.set_input_files({"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no picture"})
    page.get_by_role("button", name="Upload the picture of Team").click()
    expect(page.get_by_text("That isn't a PNG, JPEG or WebP picture.")).to_be_visible()
    file.set_input_files({"name": "screenshot.png", "mimeType": "image/png", "buffer": png()})
    page.get_by_role("button", name="Upload the picture of Team").click()
    expect(page.locator("#toasts")).to_contain_text("Saved: ads about Team may show this picture.")
    page.locator("#tiers summary", has_text="Change its picture").click()
    shown = page.get_by_role("img", name="The picture of Team")
    expect(shown).to_be_visible()
    box = page.locator("#tiers").bounding_box()
    assert box["x"] + box["width"] <= 320
    for part in (shown, file, page.get_by_role("button", name="Remove the picture of Team")):
        assert part.bounding_box()["x"] + part.bounding_box()["width"] <= 320
    page.get_by_role("button", name="Remove the picture of Team").click()
    expect(page.locator("#toasts")).to_contain_text("Picture removed.")
