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
STATUSES = {"not-found": 404, "deliveries-unconnected": 409}
LONG_NAMES = """
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const names = /Harbour & Finch|Brightside Studio|Larkspur|Northlight|Fernway|Team|Business|Hazel Testford/g;
    while (walk.nextNode()) walk.currentNode.data = walk.currentNode.data.replace(names, "Unternehmen".repeat(6));
"""
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


@pytest.fixture(scope="module", params=dict.fromkeys(user for user, _ in gallery.PAGES.values()))
def visited(request, browser, served) -> dict[str, dict]:
    """What was seen on each page of a user in one visit: axe's complaints, and windows too narrow for it."""
    context = browser.new_context(base_url=served, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    page = context.new_page()
    if request.param:
        gallery.sign_in(page, request.param)
    seen = {}
    for name, (user, address) in gallery.PAGES.items():
        if user == request.param:
            answer = page.goto(gallery.address_of(address))
            assert answer.status == STATUSES.get(name, 200), name
            opened = "details" if user == "new" else "main details"  # the account's menu once
            page.evaluate(f"document.querySelectorAll('{opened}').forEach((d) => (d.open = true))")
            found = complaints(page)
            too_narrow = narrow_windows(page)
            page.evaluate(LEAVE_TWO_OF_A_KIND)
            page.emulate_media(color_scheme="dark")
            seen[name] = {"axe": found + complaints(page, RULES_OF_COLOUR), "too narrow": too_narrow}
            page.emulate_media(color_scheme="light")
    context.close()
    return seen


def narrow_windows(page: Page) -> list[str]:
    """At the size of a phone and of a desktop: with twice the text, and with names of 60 letters without a space."""
    found = []
    for width, text, script in ((320, "100%", ""), (1280, "200%", ""), (992, "200%", ""), (320, "100%", LONG_NAMES)):
        page.set_viewport_size({"width": width, "height": 720})
        page.evaluate(f"document.documentElement.style.fontSize = '{text}'; {script}")
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(f"{width} px, text {text}{', long names' if script else ''}")
    page.set_viewport_size({"width": 1280, "height": 720})
    return found


def test_axe_finds_nothing_in_the_light_and_in_the_dark(visited):
    assert not {name: page["axe"] for name, page in visited.items() if page["axe"]}


def test_no_page_is_wider_than_its_window(visited):
    assert not {name: page["too narrow"] for name, page in visited.items() if page["too narrow"]}


def test_axe_finds_nothing_in_forms_that_were_refused_and_in_the_new_sign_in(window):
    page, found = window(None), {}
    page.goto("/sign-in")
    page.get_by_label("E-mail address").fill("full@example.com")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#sign-in-error")).to_be_visible()
    found["sign-in"] = complaints(page)
    page = window("full")
    page.goto("/settings/brand")
    page.get_by_label("Name in ads").fill("")
    page.get_by_label("Landing page").fill("https://no")
    page.evaluate("document.querySelector('form[data-draft]').noValidate = true")
    page.get_by_role("button", name="Save brand").click()
    expect(page.locator("#landing_page-error")).to_be_visible()
    found["brand"] = complaints(page)
    page.goto(gallery.PAGES["creative-edit"][1])
    page.evaluate("document.querySelector('[name=revision]').value = -1")
    page.locator("#headline").fill("A calmer way to plan")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#headline-theirs")).to_be_visible()
    found["editor, both versions"] = complaints(page)
    page.reload()
    expect(page.get_by_text("What you typed here is back.")).to_be_visible()
    found["editor, draft"] = complaints(page)
    page.context.clear_cookies()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("dialog")).to_contain_text("You were signed out.")
    found["sign in again"] = complaints(page)
    assert not {name: said for name, said in found.items() if said}


def test_high_contrast_marks_the_current_page_and_tab_and_keeps_the_colours_of_dots(window):
    page = window("full", forced_colors="active")
    page.goto("/creatives")
    for place in ("nav[aria-label=Main]", "#queue nav"):
        for link in page.locator(f"{place} a").all():
            outline = "solid" if link.get_attribute("aria-current") else "none"
            assert link.evaluate("(a) => getComputedStyle(a).outlineStyle") == outline
    dot = page.locator(".dot").first
    assert dot.evaluate("(e) => getComputedStyle(e).backgroundColor") == "rgb(31, 157, 97)"


def test_paper_shows_the_ads_without_navigation_and_buttons_and_never_in_the_dark(window):
    page = window("full", color_scheme="dark")
    for name in ("creative", "audience"):
        page.goto(gallery.PAGES[name][1])
        page.emulate_media(media="print")
        expect(page.get_by_role("navigation", name="Main")).to_be_hidden()
        assert page.locator("button:visible").count() == 0
        expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
        expect(page.locator("main h1")).to_be_visible()
        page.emulate_media(media="screen")


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
    expect(page.locator("details:has(#step-3)")).to_have_attribute("open", "")


def test_nothing_moves_for_those_who_asked_for_that(window):
    page = window("full")
    page.goto("/creatives")
    moving = "[...document.querySelectorAll('*')].filter((e) => getComputedStyle(e).animationName !== 'none').length"
    assert page.evaluate(moving) == 0
