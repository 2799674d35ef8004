"""After the brand is renamed, no text of before it leaves the house."""

from playwright.sync_api import expect


def test_old_names_are_flagged_and_one_press_writes_them_anew(open_as_owner):
    page = open_as_owner(connected=True, creatives=2, at="/settings/brand")
    page.get_by_label("Name in ads").fill("Juniper")
    page.get_by_label("Landing page").fill("juniper.example")
    page.get_by_role("button", name="Save brand").first.click()
    notice = page.locator("#outdated")
    expect(notice).to_contain_text("Some creatives say what no longer holds")

    page.goto("/creatives")
    expect(page.locator("article.creative").first).to_contain_text("Harbour & Finch")
    expect(notice).to_be_visible()
    notice.get_by_role("button", name="Write them anew").click()
    expect(page.locator("#toasts")).to_contain_text("2 creatives written anew, to be reviewed.")
    expect(notice).to_have_count(0)
    for card in page.locator("article.creative").all():
        expect(card).not_to_contain_text("Harbour & Finch")
