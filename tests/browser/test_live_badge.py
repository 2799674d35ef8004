"""The number beside “Creatives” and the title follow the queue on other pages too, but not behind the person's back."""

import pytest
from playwright.sync_api import Page, expect

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account
from tests.browser.filling import make_creative

HIDE = """(hidden) => {
    Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def add_creative(beside):
    """To the account that was made last, as a worker does."""

    def add() -> None:
        with beside.app_context(), transaction():
            account = db.session.scalar(db.select(Account).order_by(Account.id.desc()).limit(1))
            db.session.add(make_creative(account))

    return add


def come_back(page: Page) -> None:
    """As after a look at another tab, which is when a page asks at once."""
    page.evaluate(HIDE, False)


def test_the_dashboard_follows_the_queue(open_as_owner, add_creative):
    page = open_as_owner(connected=True)
    add_creative()
    come_back(page)
    expect(page.locator("#waiting-badge")).to_contain_text("1")
    expect(page).to_have_title("(1) Dashboard · mani")
    expect(page.locator("#tile-waiting .fs-2")).to_have_text("1")


def test_a_decision_in_another_tab_is_taken_over(open_as_owner):
    page = open_as_owner(connected=True, creatives=2)
    page.goto("/help")
    other = page.context.new_page()
    other.goto("/creatives")
    other.locator("article.creative").first.get_by_role("button", name="Reject").click()
    expect(other.locator("article.creative")).to_have_count(1)
    come_back(page)
    expect(page.locator("#waiting-badge")).to_contain_text("1")
    expect(page).to_have_title("Help · mani")
