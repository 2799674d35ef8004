"""An export in a real browser: from the ticks to the file, with the marks that it leaves."""

import zipfile

from playwright.sync_api import expect


def test_an_export_is_watched_downloaded_and_marked(open_as_owner):
    page = open_as_owner(connected=True, creatives=3, at="/settings/brand")
    page.get_by_label("Landing page").fill("https://harbour.example/")
    page.get_by_role("button", name="Save brand").click()
    page.goto("/creatives")
    for left in (2, 1, 0):
        page.locator("article.creative").first.get_by_role("button", name="Approve").click()
        expect(page.locator("article.creative")).to_have_count(left)
    page.get_by_role("link", name="Export").click()
    expect(page.locator("#export")).to_contain_text("3 approved creatives, all from test data")
    page.goto("/creatives?status=approved")
    page.locator("article.creative").first.get_by_role("checkbox").check()
    page.get_by_role("button", name="Export selected").click()
    expect(page.get_by_label("The selected ones: 1 creative")).to_be_checked()
    page.get_by_role("button", name="Make the ZIP").click()
    progress = page.get_by_role("progressbar", name="Progress of the export")
    expect(progress).to_be_visible()
    link = page.get_by_role("link", name="Download")
    expect(link).to_be_visible(timeout=60_000)
    expect(progress).to_have_count(0)
    with page.expect_download() as downloading:
        link.click()
    with zipfile.ZipFile(downloading.value.path()) as made:
        assert made.testzip() is None
        assert [name for name in made.namelist() if name.endswith(".png")]
    assert "test" in downloading.value.suggested_filename

    page.goto("/creatives?status=approved")
    expect(page.locator("article.creative", has_text="Exported")).to_have_count(1)
    page.goto("/creatives/export")
    expect(page.get_by_label("New since the last export: 2 creatives")).to_be_checked()
