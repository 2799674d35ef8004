"""An export in a real browser: from the ticks to the file, with the marks that it leaves."""

from datetime import UTC, datetime

from playwright.sync_api import expect

from tests.creatives.sheets import validator


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
    expect(page.locator("#export")).to_contain_text("No sheet for Meta yet")
    page.get_by_role("link", name="Fill in your ad accounts").click()
    page.get_by_label("Countries in which the ads run").fill("Germany, US")
    page.get_by_label("Facebook page ID").fill("102030405060")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Ad accounts saved.")).to_be_visible()
    expect(page.get_by_label("Countries in which the ads run")).to_have_value("Germany, United States")
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
    files = validator.unzip(downloading.value.path().read_bytes())
    assert validator.find_problems(files, datetime.now(UTC).date()) == []
    assert [name for name in files if name.startswith("pictures/")]
    assert "test" in downloading.value.suggested_filename

    page.goto("/creatives?status=approved")
    expect(page.locator("article.creative", has_text="Exported")).to_have_count(1)
    page.goto("/creatives/export")
    expect(page.get_by_label("New since the last export: 2 creatives")).to_be_checked()
