"""The brand kit, the editor and the queue's keyboard in a real browser."""

import re

from playwright.sync_api import expect


def test_colours_are_seen_before_they_are_saved(open_as_owner):
    page = open_as_owner(at="/settings/brand")
    page.get_by_label("Main colour").fill("#0a7b33")
    expect(page.locator("#brand-preview img").first).to_have_attribute("src", re.compile("primary_colour=%230a7b33"))
    page.get_by_label("Landing page").fill("https://brightside.example/")
    page.get_by_role("button", name="Save brand").click()
    expect(page.locator("#toasts")).to_contain_text("Brand kit saved.")
    expect(page.get_by_label("Main colour")).to_have_value("#0a7b33")


def test_a_text_is_judged_while_it_is_typed_and_not_saved_when_blocked(open_as_owner):
    page = open_as_owner(connected=True, creatives=1, at="/creatives")
    page.locator("article.creative h2 a").click()
    page.get_by_role("link", name="Edit").first.click()
    page.locator("#headline").fill("Your payment failed")
    expect(page.locator("#findings-headline")).to_contain_text("Ads never speak of payment trouble")
    expect(page.locator("#draft-picture")).to_have_attribute("src", re.compile("payment"))
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#editor [role=alert]").first).to_contain_text("Not saved.")
    page.locator("#headline").fill("A calmer way to plan")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#variant-0")).to_contain_text("A calmer way to plan")


def test_the_keyboard_reviews_the_queue(open_as_owner):
    page = open_as_owner(connected=True, creatives=3, at="/creatives")
    cards = page.locator("article.creative")
    page.keyboard.press("j")
    expect(cards.first.locator("h2 a")).to_be_focused()
    page.keyboard.press("x")
    expect(cards.first.locator("input[type=checkbox]")).to_be_checked()
    page.keyboard.press("a")
    expect(cards).to_have_count(2)
    page.keyboard.press("u")
    expect(cards).to_have_count(3)
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_contain_text("Keyboard shortcuts")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Select all").click()
    page.get_by_role("button", name="Approve selected").click()
    expect(cards).to_have_count(0)
    expect(page.locator("#toasts")).to_contain_text("3 approved.")


def test_filters_work_by_themselves(open_as_owner):
    page = open_as_owner(connected=True, creatives=2, at="/creatives")
    page.get_by_label("Objective").select_option("winback")
    expect(page.locator("article.creative")).to_have_count(0)
    expect(page).to_have_url(re.compile("objective=winback"))
    page.get_by_role("link", name="Clear the filters").click()
    expect(page.locator("article.creative")).to_have_count(2)


def test_the_browsers_time_zone_is_proposed(open_as_owner):
    page = open_as_owner(at="/settings/account", timezone_id="Asia/Calcutta")
    page.get_by_role("button", name="Use this browser's: UTC+05:30 Kolkata").click()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#toasts")).to_contain_text("Account saved.")
    expect(page.get_by_label("Time zone")).to_have_value("Asia/Kolkata")
    expect(page.get_by_role("button", name="Use this browser's")).to_have_count(0)
