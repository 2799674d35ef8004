"""From a sentence of an ad to the fact behind it, and on to the page where that is changed, with the keyboard alone."""

from collections.abc import Callable

from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account, Connection, Tier
from tests.browser.filling import make_creative


def add_creative_of_a_tier() -> tuple[int, int]:
    """For the newest account: a creative that names facts of a tier; the ids of both."""
    account = db.session.scalars(select(Account).order_by(Account.id.desc())).first()
    connection = db.session.scalars(select(Connection).filter_by(account_id=account.id)).one()
    with transaction():
        features = ["Timeline view", "Approvals", "Guest access"]
        tier = Tier(connection_id=connection.id, stripe_product_id="prod_team", product_name="Team", features=features)
        db.session.add(tier)
        db.session.flush()
        creative = make_creative(account, "renewed", "Team", "core")
        db.session.add(creative)
    return creative.id, tier.id


def test_a_sentence_leads_to_its_source_and_the_source_to_its_page(
    open_as_owner: Callable[..., Page], beside: Flask
) -> None:
    page = open_as_owner(connected=True)
    with beside.app_context():
        creative_id, tier_id = add_creative_of_a_tier()
    page.goto(f"/creatives/{creative_id}")
    number = page.locator("#variant-0 h2 .source-mark").first
    expect(number).to_have_accessible_name("Source 1")
    number.focus()
    page.keyboard.press("Enter")
    row = page.locator("#variant-0-source-1")
    expect(row).to_be_in_viewport()
    expect(row).to_be_focused()
    page.keyboard.press("Tab")
    link = row.get_by_role("link")
    expect(link).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/settings/integrations/stripe#tier-{tier_id}")
    expect(page.locator(f"#tier-{tier_id}")).to_be_in_viewport()
