"""The open queue in a real browser: what comes, leaves and is decided, by mouse and by keyboard, in one visit."""

import re
from collections.abc import Callable

import pytest
import requests
from playwright.sync_api import Page, expect

from manimod.creatives import review
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account, Connection, Creative
from manimod.models.accounts import now
from tests import factories
from tests.browser.filling import make_creative
from tests.conftest import wait_for
from tests.stripe_events import event, item, price, subscription

MARK = "window.isTheSameVisit = true"
IS_THE_SAME_VISIT = "() => window.isTheSameVisit === true"


@pytest.fixture
def change(beside) -> Callable[[Callable[[Account], None]], None]:
    """Somebody else changes something of the account that was made last, as a worker or another web server does."""

    def run(action: Callable[[Account], object]) -> object:
        with beside.app_context(), transaction():
            return action(db.session.scalar(db.select(Account).order_by(Account.id.desc()).limit(1)))

    return run


def add(*audience: str, count: int = 1) -> Callable[[Account], None]:
    return lambda account: db.session.add_all([make_creative(account, *audience) for _ in range(count)])


def count_of(status: str) -> Callable[[Account], int]:
    return lambda account: review.counts(account)[status]


def cards(page: Page):
    return page.locator("article.creative")


def test_sixty_creatives_are_reviewed_by_keyboard_without_one_page_reload(open_as_owner, change):
    page = open_as_owner(connected=True, creatives=60, at="/creatives")
    page.evaluate(MARK)
    waiting = page.locator("#waiting-badge")
    page.keyboard.press("a")
    page.keyboard.press("j")
    for number in range(60):
        expect(waiting).to_have_attribute("data-count", str(60 - number))
        expect(page.locator("article.creative:focus-within")).to_have_count(1)
        expect(page.locator("#queue-empty")).to_be_hidden()
        page.keyboard.press("r" if number % 3 == 2 else "a")
    expect(page.get_by_role("heading", name="All reviewed")).to_be_visible()
    assert page.evaluate(IS_THE_SAME_VISIT)
    assert (change(count_of("approved")), change(count_of("rejected"))) == (40, 20)


def test_a_filtered_queue_is_rejected_at_once_and_one_undo_takes_it_back(open_as_owner, change):
    page = open_as_owner(connected=True, creatives=2, at="/creatives")
    change(add("cancelled", count=30))
    page.goto("/creatives?event=cancelled")
    page.evaluate(MARK)
    reject = page.get_by_role("button", name="Reject selected")
    expect(page.get_by_role("link", name="Waiting 30 of 32")).to_be_visible()
    expect(reject).to_be_disabled()
    expect(page.get_by_label("All 30 that match")).to_be_hidden()
    page.get_by_role("button", name="Select all").click()
    page.get_by_label("All 30 that match").check()
    reject.click()
    toast = page.locator(".toast")
    expect(toast).to_contain_text("30 rejected.")
    expect(cards(page)).to_have_count(0)
    expect(page.locator("#queue-empty")).to_contain_text("Without the filters there are 2.")
    page.keyboard.press("u")
    expect(page.get_by_role("link", name="Waiting 30 of 32")).to_be_visible()
    expect(toast).to_have_count(1)
    assert change(count_of("waiting")) == 32
    # The first of what is selected; another tab has decided about it meanwhile.
    first = cards(page).first
    creative_id = int(first.get_attribute("id").removeprefix("creative-"))
    first.get_by_role("checkbox").check()
    cards(page).nth(1).get_by_role("checkbox").check()
    page.route("**/creatives/new*", lambda route: route.abort())  # this tab has not noticed
    change(lambda _account: setattr(db.session.get(Creative, creative_id), "status", "approved"))
    page.get_by_role("button", name="Approve selected").click()
    expect(page.locator("#toasts")).to_contain_text("1 approved. 1 had been decided meanwhile.")
    assert page.evaluate(IS_THE_SAME_VISIT)


def test_cards_that_are_decided_one_by_one_under_a_filter_are_replaced_by_the_next(open_as_owner, change):
    page = open_as_owner(connected=True, at="/creatives")
    change(add("renewed"))
    change(add("cancelled", count=14))
    page.set_viewport_size({"width": 1280, "height": 4000})
    page.goto("/creatives?event=cancelled")
    for left in range(14, 0, -1):
        expect(page.get_by_role("link", name=f"Waiting {left} of {left + 1}")).to_be_visible()
        cards(page).first.get_by_role("button", name="Approve").click()
    expect(cards(page)).to_have_count(0)
    expect(page.get_by_role("heading", name="Nothing matches")).to_be_visible()


def test_one_toast_stands_for_all_decisions_and_takes_back_one_or_all(open_as_owner, change):
    page = open_as_owner(connected=True, creatives=5, at="/creatives")
    page.keyboard.press("j")
    for left in (4, 3, 2):
        page.keyboard.press("r")
        expect(cards(page)).to_have_count(left)
    toasts = page.locator(".toast:visible")
    expect(toasts).to_have_count(1)
    page.keyboard.press("u")
    expect(cards(page)).to_have_count(3)
    expect(toasts.get_by_role("button", name="Undo all 2")).to_be_visible()
    toasts.get_by_role("button", name="Undo all 2").click()
    expect(cards(page)).to_have_count(5)
    assert change(count_of("waiting")) == 5


def test_show_more_leads_the_keyboard_to_the_first_new_card_and_back_finds_the_place(open_as_owner):
    page = open_as_owner(connected=True, creatives=40, at="/creatives", viewport={"width": 800, "height": 500})
    more = page.get_by_role("link", name="Show more")
    page.evaluate("document.querySelector('#more a').focus({ preventScroll: true })")
    page.keyboard.press("Enter")
    expect(cards(page).nth(12).get_by_role("button", name="Approve")).to_be_focused()
    more.scroll_into_view_if_needed()
    expect(cards(page)).to_have_count(36)
    expect(page).to_have_url("/creatives?shown=36")
    card = cards(page).nth(30)
    name = card.get_attribute("id")
    card.get_by_role("heading").get_by_role("link").click()
    expect(page.get_by_text("31 of 40")).to_be_visible()
    page.get_by_role("button", name="Reject").click()
    expect(page.get_by_text("31 of 39")).to_be_visible()
    page.go_back()
    page.go_back()
    expect(cards(page)).to_have_count(36)
    expect(page.locator(f"#{name}")).to_have_count(0)
    expect(page.locator("#waiting-badge")).to_contain_text("39")
    wait_for(lambda: page.evaluate("window.scrollY") > 1000)


def test_what_another_tab_decides_leaves_and_a_late_press_says_how_it_stands(open_as_owner, change):
    page = open_as_owner(connected=True, creatives=3, at="/creatives")
    other = page.context.new_page()
    other.goto("/creatives")
    cards(other).first.get_by_role("button", name="Approve").click()
    expect(cards(page)).to_have_count(2)
    expect(page.locator("#waiting-badge")).to_contain_text("2")

    page.route("**/creatives/new*", lambda route: route.abort())
    cards(other).first.get_by_role("button", name="Reject").click()
    expect(cards(other)).to_have_count(1)
    stale = cards(page).first
    stale.get_by_role("button", name="Approve").click()
    expect(stale).to_contain_text("This creative was rejected meanwhile.")
    expect(stale.get_by_role("button", name="Back to the queue")).to_be_visible()
    expect(page.locator(".toast")).to_have_count(0)
    expect(page.locator("#waiting-badge")).to_contain_text("1")


def test_a_set_that_an_event_joins_stays_at_hand_and_one_that_is_put_back_comes_again(open_as_owner, change):
    page = open_as_owner(connected=True, creatives=3, at="/creatives")
    for key in "jjx":
        page.keyboard.press(key)
    name = page.locator("article.creative:focus-within").get_attribute("id")
    card = page.locator(f"#{name}")

    def join(_account: Account) -> None:
        creative = db.session.get(Creative, int(name.removeprefix("creative-")))
        creative.moments_count, creative.joined_at = 7, now()

    change(join)
    expect(card).to_contain_text("7 events")
    expect(cards(page)).to_have_count(3)
    expect(card.get_by_role("heading").get_by_role("link")).to_be_focused()
    expect(cards(page).nth(1)).to_have_id(name)
    page.keyboard.press("k")
    page.keyboard.press("a")
    expect(cards(page)).to_have_count(2)
    everything = db.update(Creative).values(status="waiting")
    change(lambda account: db.session.execute(everything.filter_by(account_id=account.id)) and None)
    expect(cards(page)).to_have_count(3)
    expect(card.get_by_role("checkbox")).to_be_checked()
    expect(page.locator("article.creative:focus-within")).to_have_count(1)


def test_events_of_one_audience_are_one_card_that_comes_to_the_top(open_as_owner, change, stack):
    page = open_as_owner(connected=True, at="/creatives")
    token = change(
        lambda account: db.session.scalar(db.select(Connection).filter_by(account_id=account.id)).webhook_token
    )

    def cancel(name: str) -> None:
        body = subscription(f"sub_{name}", status="canceled", items=[item(price("prod_team"))])
        signed = factories.signed(event("customer.subscription.deleted", body | {"customer": f"cus_{name}"}))
        headers = signed["headers"] | {"Content-Type": signed["content_type"]}
        address = f"{stack.address}/webhooks/stripe/{token}"
        assert requests.post(address, data=signed["data"], headers=headers, timeout=10).status_code == 200

    cancel("first")
    expect(cards(page)).to_have_count(1, timeout=20_000)
    change(add("payment_failed"))
    expect(cards(page)).to_have_count(2)
    cancel("second")
    expect(cards(page).first).to_contain_text("2 events, the last just now", timeout=20_000)
    expect(cards(page)).to_have_count(2)


def test_the_page_of_one_creative_goes_through_the_queue_by_keyboard(open_as_owner, change):
    page = open_as_owner(connected=True, creatives=2, at="/creatives")
    change(add("cancelled", count=5))
    page.goto("/creatives?event=cancelled")
    page.keyboard.press("j")
    page.keyboard.press("v")
    expect(cards(page).first.get_by_role("radio", name="Variant 2 of")).to_be_checked()
    expect(cards(page).first.locator("img:visible")).to_have_attribute("src", re.compile("variant=1"))
    page.keyboard.press("o")
    expect(page.get_by_text("1 of 5")).to_be_visible()
    page.keyboard.press("j")
    expect(page.get_by_text("2 of 5")).to_be_visible()
    page.keyboard.press("k")
    expect(page.get_by_text("1 of 5")).to_be_visible()
    address = page.url
    page.get_by_role("group", name="Which variants to approve").get_by_role("checkbox").first.uncheck()
    page.keyboard.press("a")
    expect(page.get_by_text("1 of 4")).to_be_visible()
    expect(page.locator(".toast")).to_contain_text("Approved: Team · New")
    assert page.url != address
    page.keyboard.press("u")
    expect(page).to_have_url(address)
    page.wait_for_load_state()
    page.keyboard.press("r")
    expect(page.get_by_label("Why it doesn't fit (optional)")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_text("1 of 4")).to_be_visible()
    page.get_by_role("navigation", name="You are here").get_by_role("link").click()
    expect(cards(page)).to_have_count(4)
    expect(page.get_by_label("Event")).to_have_value("cancelled")


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
