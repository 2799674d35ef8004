"""Real Chromium against mani as a user runs it, with the sandbox as Stripe."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from manimod import create_app
from manimod.config import Settings
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.local.data_directory import DataDirectory
from tests import factories
from tests.browser import chromium
from tests.browser.filling import make_creative
from tests.client import Client
from tests.conftest import unavailable
from tests.journeys.stack import Stack

# Chromium and htmx report each refused or lost request as an error; the pages handle them, the tests look at how.
HANDLED = (
    "status of 400",
    "status of 401",
    "status of 404",
    "status of 409",
    "status of 422",
    "status of 503",
    "net::ERR_FAILED",
    "net::ERR_INTERNET_DISCONNECTED",
    "Status Error Code 4",
    "htmx:",
)

_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not chromium.path():
        unavailable("there is no Chromium here (Debian: apt-get install chromium-headless-shell)")
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Browser, stack: Stack) -> Iterator[Callable[..., Page]]:
    """`open_page()` is a fresh browser window; at the end none of them may have complained."""
    contexts, complaints = [], []

    def note(message: ConsoleMessage) -> None:
        if message.type == "error" and not any(status in message.text for status in HANDLED):
            complaints.append(message.text)

    def open_page(**options: object) -> Page:
        context = browser.new_context(base_url=stack.address, **options)
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", note)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture(scope="session")
def beside(stack: Stack) -> Flask:
    """The application on the stack's database, to make rows in a moment instead of through a command."""
    app = create_app(Settings(DataDirectory(stack.folder).environment() | stack.environment))
    app.test_client_class = Client
    return app


@pytest.fixture
def open_as_owner(open_page: Callable[..., Page], beside: Flask, stack: Stack) -> Callable[..., Page]:
    """A window `at` an address, for the owner of a new account. `connected`: without Stripe; `form`: signs in there."""

    def open_as_owner(
        plan: str = "pro",
        connected: bool = False,
        creatives: int = 0,
        at: str = "/",
        form: bool = False,
        **options: object,
    ) -> Page:
        with beside.app_context():
            owner = factories.make_owner(
                factories.make_account(plan, "Harbour & Finch"), f"browser{next(_numbers)}@example.com"
            )
            if connected:
                factories.make_connection(owner.account)
            with transaction():
                db.session.add_all(make_creative(owner.account) for _ in range(creatives))
            email, session = owner.email, beside.test_client().sign_in(owner).get_cookie("mani").value
        page = open_page(**options)
        if form:
            sign_in(page, email)
        else:
            page.context.add_cookies([{"name": "mani", "value": session, "url": stack.address, "httpOnly": True}])
            page.goto(at)
        return page

    return open_as_owner


def sign_in(page: Page, email: str) -> None:
    page.goto("/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(factories.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/")
