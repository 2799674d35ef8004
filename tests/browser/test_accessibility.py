"""axe-core finds nothing to complain of on any owner page, light and dark; and the keyboard alone is enough."""

import json

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser import gallery

AXE = Axe().axe_script
# In the dark only colours differ.
RULES_OF_COLOUR = {"runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}}
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# There, of neighbours that are alike in all but their words, two are enough.
LEAVE_TWO_OF_A_KIND = """() => {
    const look = (e) => [e.tagName, e.className, e.getAttribute("style"), ...[...e.children].map(look)].join();
    for (const parent of document.querySelectorAll("main *")) {
        const seen = {};
        for (const child of [...parent.children]) {
            const kind = look(child);
            seen[kind] = (seen[kind] || 0) + 1;
            if (seen[kind] > 2) child.remove();
        }
    }
}"""
# Describing what is in order takes axe much longer than finding what is not.
BRIEFLY = {"resultTypes": ["violations"]}


@pytest.fixture(scope="module")
def served():
    with gallery.served() as address:
        yield address


@pytest.fixture(scope="module")
def signed_in() -> dict[str, dict]:
    """The cookies of each user who has signed in."""
    return {}


@pytest.fixture
def window(browser, served, signed_in):
    contexts = []

    def open_window(user: str | None, **options: object) -> Page:
        cookies = signed_in.get(user)
        context = browser.new_context(base_url=served, reduced_motion="reduce", storage_state=cookies, **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        if user and not cookies:
            gallery.sign_in(page, user)
            signed_in[user] = context.storage_state()
        return page

    yield open_window
    for context in contexts:
        context.close()


def complaints(page: Page, rules: dict = RULES) -> list[str]:
    if not page.evaluate("'axe' in window"):
        page.evaluate(AXE)
    found = page.evaluate("(rules) => axe.run(rules).then((results) => results.violations)", rules | BRIEFLY)
    return [json.dumps({"rule": f["id"], "at": [n["target"] for n in f["nodes"]][:4]}) for f in found]


@pytest.mark.parametrize("user", dict.fromkeys(user for user, _ in gallery.PAGES.values()))
def test_axe_finds_nothing_in_the_light_and_in_the_dark(window, user):
    page = window(user)
    found = {}
    for name, (account, address) in gallery.PAGES.items():
        if account == user:
            answer = page.goto(gallery.address_of(address))
            assert answer.status == (404 if name == "not-found" else 200), name
            opened = "details" if user == "new" else "main details"  # the account's menu once
            page.evaluate(f"document.querySelectorAll('{opened}').forEach((d) => (d.open = true))")
            found[name] = complaints(page)
            page.evaluate(LEAVE_TWO_OF_A_KIND)
            page.emulate_media(color_scheme="dark")
            found[name] += complaints(page, RULES_OF_COLOUR)
            page.emulate_media(color_scheme="light")
    assert not {name: said for name, said in found.items() if said}


def test_axe_would_find_a_faint_colour_in_the_dark(window):
    page = window(None, color_scheme="dark")
    page.goto("/sign-in")
    page.evaluate("document.querySelector('label').style.color = '#222'")
    assert any('"color-contrast"' in said for said in complaints(page, RULES_OF_COLOUR))


def test_axe_would_find_something(window):
    page = window(None)
    page.goto("/sign-in")
    page.evaluate("document.querySelector('label').remove()")
    assert any('"label"' in said for said in complaints(page))


@pytest.mark.parametrize("name", ["dashboard", "audience", "creatives"])
def test_nothing_is_cut_off_on_a_phone(window, name):
    page = window("full", viewport={"width": 360, "height": 800})
    page.goto(gallery.PAGES[name][1])
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert not complaints(page)


def test_the_keyboard_reaches_every_control_and_shows_where_it_is(window):
    page = window("connected")
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    count = page.locator("a[href]:visible, button:visible, summary:visible").count()
    seen = set()
    for _ in range(count + 5):
        seen.add(page.evaluate("document.activeElement.outerHTML.slice(0, 200)"))
        assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement === document.body"):
            break
    assert len(seen) >= count - 1


def test_the_setup_opens_with_the_keyboard(window):
    page = window("new")
    page.goto("/")
    step = page.locator("#step-3")
    step.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Look at the sync")).to_be_visible()


def test_nothing_moves_for_those_who_asked_for_that(window):
    page = window("full")
    page.goto("/creatives")
    moving = "[...document.querySelectorAll('*')].filter((e) => getComputedStyle(e).animationName !== 'none').length"
    assert page.evaluate(moving) == 0
