"""The audience list in a real browser: addresses stay in it, and the files are what the platforms ask for."""

import itertools
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Frame, Page, expect

from tests import factories
from tests.browser import listing
from tests.journeys.stack import Stack

HEADERS = {
    "meta": "email",
    "google": "Email,Email",
    "linkedin": "email,firstname,lastname,jobtitle,employeecompany,country,googleaid",
    "tiktok": "Email_SHA256",
    "pinterest": None,
    "x": None,
}
CONSENT = ",Ad user data consent,Ad personalization consent"
_numbers = itertools.count(1)


class ListPage:
    """The page on which a list is made, of a new account's audience."""

    def __init__(self, page: Page, app: Flask, stack: Stack, is_test: bool = False) -> None:
        self.page, self.app = page, app
        with app.app_context():
            owner = factories.make_owner(factories.make_account(), f"list{next(_numbers)}@example.com")
            self.connection = factories.make_connection(owner.account, livemode=not is_test).id
            self.creative = listing.add_creative(owner.account, is_test).id
            cookie = app.test_client().sign_in(owner).get_cookie("mani").value
        page.context.add_cookies([{"name": "mani", "value": cookie, "url": stack.address, "httpOnly": True}])

    def open(self, customers: list[str], held_out: int = 0) -> Frame:
        from manimod.extensions import db
        from manimod.models import Connection, Creative

        with self.app.app_context():
            connection = db.session.get_one(Connection, self.connection)
            listing.set_customers(connection, db.session.get_one(Creative, self.creative), customers)
        self.page.goto(f"/creatives/{self.creative}/list")
        self.page.get_by_label("Held out, in percent").fill(str(held_out))
        self.page.get_by_role("button", name="Make the audience list").click()
        self.page.wait_for_url("**/list/*")
        self.frame = self.page.frames[1]
        return self.frame

    def read(self, content: str | bytes, name: str = "unified_customers.csv") -> None:
        data = content if isinstance(content, bytes) else content.encode()
        self.frame.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": data})
        expect(self.frame.locator("#working")).to_be_hidden(timeout=60_000)

    def make(self, last: list[Path] = (), consent: str = "none") -> None:
        if last:
            self.frame.locator("#make summary").click()
            self.frame.locator("#last").set_input_files(last)
        self.frame.locator(f"#consent-{consent}").check()
        self.frame.get_by_role("button", name="Make the files").click()
        expect(self.frame.locator("#files")).to_be_visible(timeout=60_000)

    def save(self, platform: str, which: str, folder: Path) -> Path:
        with self.page.expect_download() as downloading:
            self.frame.locator(f"[data-platform={platform}] a", has_text=f"-{which}.csv").click()
        path = folder / downloading.value.suggested_filename
        downloading.value.save_as(path)
        return path

    def count(self, name: str) -> str:
        return self.frame.locator(f"[data-count={name}]").inner_text()

    def problem(self) -> str:
        return self.frame.locator("#problem").inner_text()


@pytest.fixture
def list_page(open_page: Callable[..., Page], beside: Flask, stack: Stack) -> Iterator[Callable[..., ListPage]]:
    return lambda **options: ListPage(open_page(accept_downloads=True), beside, stack, **options)


def some_addresses(count: int, seed: int = 1) -> dict[str, str]:
    """Customer id -> address, in the ways in which people write theirs."""
    chance, found = random.Random(seed), {}
    for number in range(count):
        local = chance.choice(["anna.b{}", "Otto{}", "jo.e+shop{}", "ümit{}", "x{}+a.b"]).format(number)
        domain = chance.choice(["gmail.com", "Example.com", "googlemail.com", "müller.example", "GMAIL.com"])
        found[f"cus_{seed}{number:09d}"] = chance.choice(["{}", " {} ", "{}"]).format(f"{local}@{domain}")
    return found


def content(path: Path, platform: str, header: str | None = None) -> list[str]:
    """The lines of a saved file, without its header, which must be the platform's."""
    lines = path.read_bytes().decode("ascii").split("\n")
    assert lines.pop() == ""
    header = header or HEADERS[platform]
    if header:
        assert lines.pop(0) == header
    return lines


def test_each_platform_gets_the_hashes_and_the_form_that_it_asks_for(list_page, tmp_path):
    addresses = some_addresses(300)
    made = list_page()
    made.open(list(addresses)[:200])
    made.read(listing.export(addresses))
    assert (made.count("found"), made.count("listed")) == ("200", "200")
    made.make(consent="yes")
    in_list = list(addresses.values())[:200]
    for platform, header in HEADERS.items():
        is_google = platform == "google"
        file = made.save(platform, "everyone", tmp_path)
        expected = listing.lines_of(platform, in_list, ",GRANTED,GRANTED" if is_google else "")
        assert content(file, platform, header + CONSENT if is_google else None) == list(expected), platform
        assert re.fullmatch(rf"mani-stay-\w+-all-\d{{8}}-{platform}-everyone\.csv", file.name)
