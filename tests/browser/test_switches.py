"""The event switches in a real browser: green when on, saved at once, and by a button without JavaScript."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser import guide

GREEN = "rgb(23, 128, 76)"


@pytest.fixture
def open_switches(open_as_owner):
    def open_switches(**options: object) -> Page:
        return open_as_owner(connected=True, at=guide.STRIPE, **options)

    return open_switches


def test_a_switch_is_green_saves_at_once_and_keeps_the_keyboard(open_switches):
    page = open_switches()
    switch = page.get_by_role("switch", name="Subscription renewed")
    expect(switch).to_have_css("background-color", GREEN)
    switch.focus()
    page.keyboard.press("Space")
    expect(page.locator("#toasts")).to_contain_text("This event makes no creatives")
    expect(switch).not_to_be_checked()
    expect(switch).not_to_have_css("background-color", GREEN)
    expect(switch).to_be_focused()
    page.reload()
    expect(switch).not_to_be_checked()
    expect(page.get_by_role("switch", name="New customer")).to_be_checked()


def test_a_second_window_sees_what_the_first_has_saved(open_switches):
    page = open_switches()
    other = page.context.new_page()
    other.goto(guide.STRIPE)
    other.get_by_role("switch", name="New customer").click()
    expect(other.locator("#toasts")).to_contain_text("Saved")
    page.reload()
    expect(page.get_by_role("switch", name="New customer")).not_to_be_checked()


def test_without_javascript_there_is_a_button(open_switches):
    page = open_switches(java_script_enabled=False)
    page.get_by_role("switch", name="Payment failed").uncheck()
    page.locator("#events").get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("Events saved.")
    expect(page.get_by_role("switch", name="Payment failed")).not_to_be_checked()
    expect(page.get_by_role("switch", name="New customer")).to_be_checked()
