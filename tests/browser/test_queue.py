"""The open queue in a real browser: keyboard, undo, lost sessions and lost connections."""

import re

from playwright.sync_api import expect


def test_the_keyboard_goes_on_with_the_next_card(open_as_owner):
    page = open_as_owner(connected=True, creatives=3, at="/creatives")
    cards = page.locator("article.creative")
    second = cards.nth(1).get_attribute("id")
    cards.first.get_by_role("button", name="Approve").focus()
    page.keyboard.press("Enter")
    expect(cards).to_have_count(2)
    expect(page.locator(f"#{second}").get_by_role("button", name="Approve")).to_be_focused()
    page.keyboard.press("Enter")
    expect(cards).to_have_count(1)
    expect(page.locator("#waiting-badge")).to_contain_text("1")


def test_a_card_that_was_decided_elsewhere_says_so(open_as_owner):
    page = open_as_owner(connected=True, creatives=1, at="/creatives")
    other = page.context.new_page()
    other.goto("/creatives")
    other.get_by_role("button", name="Reject").click()
    expect(other.locator("article.creative")).to_have_count(0)
    page.locator("article.creative").get_by_role("button", name="Approve").click()
    expect(page.locator("#toasts")).to_contain_text("This creative was rejected meanwhile.")


def test_a_lost_session_leads_to_the_sign_in_by_itself(open_as_owner):
    page = open_as_owner(connected=True, at="/creatives")
    page.context.clear_cookies()
    expect(page).to_have_url(re.compile("/sign-in.next=/creatives"))


def test_a_lost_connection_is_said_and_taken_back(open_as_owner):
    page = open_as_owner(connected=True, at="/creatives")
    page.route("**/creatives/new*", lambda route: route.abort())
    banner = page.locator("#connection-lost")
    expect(banner).to_be_visible()
    page.unroute("**/creatives/new*")
    expect(banner).to_be_hidden()


def test_a_button_cannot_be_pressed_twice(open_as_owner):
    page = open_as_owner(at="/settings/integrations/stripe")
    posts = []
    page.route("**/connect", lambda route: posts.append(route.request.url))
    page.get_by_label("Paste the API key.").fill("rk_test_" + "a" * 24)
    said = page.evaluate("""() => {
        const form = document.querySelector("#connect form");
        form.requestSubmit();
        form.requestSubmit();
        return form.querySelector("button").textContent;
    }""")
    page.wait_for_timeout(300)
    assert said == "Checking with Stripe…"
    assert len(posts) == 1
