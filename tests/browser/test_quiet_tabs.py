"""Open pages ask only while somebody looks: not at all in the background, less on a page that nobody touches."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_live_badge import HIDE, add_creative, come_back  # noqa: F401

MINUTES = 60_000


def asked_by(page: Page) -> list[str]:
    """What the page asks from now on."""
    asked = []
    page.on("request", lambda request: request.resource_type in ("xhr", "fetch") and asked.append(request.url))
    return asked


@pytest.mark.parametrize("address", ["/creatives", "/test?since=now", "/help", "/"])
def test_a_page_in_the_background_asks_nothing_and_at_once_when_it_is_looked_at(open_as_owner, address):
    page = open_as_owner(connected=True)
    page.clock.install()
    page.goto(address)
    page.evaluate(HIDE, True)
    asked = asked_by(page)
    page.clock.run_for(10 * MINUTES)
    assert asked == []
    with page.expect_request(lambda request: request.resource_type in ("xhr", "fetch")):
        come_back(page)


def test_the_open_queue_asks_often_while_it_is_used_and_less_when_nobody_touches_it(open_as_owner):
    page = open_as_owner(connected=True)
    page.clock.install()
    page.goto("/creatives")
    asked = asked_by(page)
    for _ in range(12):  # answers need the real clock, too
        page.clock.run_for(2_500)
        page.wait_for_timeout(50)
    often = len(asked)
    assert 10 <= often <= 13
    page.clock.run_for(10 * MINUTES)
    page.wait_for_timeout(200)
    asked.clear()
    for _ in range(12):
        page.clock.run_for(2_500)
        page.wait_for_timeout(50)
    assert 1 <= len(asked) <= 3
    asked.clear()
    page.keyboard.press("Shift")
    page.wait_for_timeout(100)
    assert len(asked) == 1, "back at the page, it asks at once"


def test_a_queue_in_the_background_has_what_came_when_it_is_looked_at(open_as_owner, add_creative):  # noqa: F811
    page = open_as_owner(connected=True)
    page.goto("/creatives")
    page.evaluate(HIDE, True)
    add_creative()
    page.wait_for_timeout(600)
    expect(page.locator("article.creative")).to_have_count(0)
    come_back(page)
    expect(page.locator("article.creative")).to_have_count(1)


def test_an_unchanged_answer_is_asked_for_with_the_mark_of_the_last_one(open_as_owner):
    page = open_as_owner(connected=True)
    page.goto("/creatives")
    with page.expect_response("**/creatives/new*") as first:
        pass
    assert first.value.headers["queue-mark"]
    with page.expect_response("**/creatives/new*") as second:
        pass
    assert second.value.status == 204
    assert "x-request-id" not in second.value.headers, "it did not reach the application"
