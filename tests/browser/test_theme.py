"""The theme is chosen in the account menu: at once, without a reload, and without a flash on the next page."""

from playwright.sync_api import expect

DARK_GROUND = "rgb(18, 20, 26)"


def test_dark_at_once_and_from_the_first_paint_on(open_as_owner):
    page = open_as_owner()
    page.goto("/settings/account")
    page.get_by_label("Name").fill("Not saved yet")
    page.locator(".account-menu button >> nth=0").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("body")).to_have_css("background-color", DARK_GROUND)
    expect(page.get_by_role("button", name="Dark")).to_be_focused()
    expect(page.get_by_label("Name")).to_have_value("Not saved yet")
    page.goto("/help")
    expect(page.locator("body")).to_have_css("background-color", DARK_GROUND)


def test_the_systems_theme_is_followed_again(open_as_owner):
    page = open_as_owner()
    page.locator(".account-menu button >> nth=0").click()
    page.get_by_role("button", name="Dark").click()
    expect(page.locator("body")).to_have_css("background-color", DARK_GROUND)
    page.get_by_role("button", name="System").click()
    expect(page.locator("body")).not_to_have_css("background-color", DARK_GROUND)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("body")).to_have_css("background-color", DARK_GROUND)
