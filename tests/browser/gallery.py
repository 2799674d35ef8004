"""Takes the screenshots in docs/screenshots: each page on a phone, a tablet and a desktop, light and dark.

`python -m tests.browser.gallery [FOLDER] [PAGE ...]`: with a folder in every width light, dark and in high contrast.
"""

import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

from manimod import create_app
from manimod.extensions import db
from manimod.jobs import transaction
from tests import factories
from tests.browser.chromium import launch
from tests.browser.filling import PERMISSIONS, fill, fill_support

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
WIDTHS = (320, 768, 1440)
LOOKS = {"light": {}, "dark": {"color_scheme": "dark"}, "contrast": {"forced_colors": "active"}}
PICTURES_DRAWN = "Promise.all([...document.images].map((i) => ((i.loading = 'eager'), i.decode().catch(() => {}))))"
# name -> (account, address); the accounts are made by `served`
PAGES = {
    "sign-in": (None, "/sign-in"),
    "dashboard": ("full", "/"),
    "setup": ("new", "/"),
    "setup-connected": ("connected", "/"),
    "setup-brand": ("connected", "/setup/brand"),
    "test-first": ("connected", "/test"),
    "test": ("full", "/test"),
    "test-done": ("full", "/test?since={since}"),
    "audience": ("full", "/audience"),
    "audience-empty": ("new", "/audience"),
    "brand": ("full", "/settings/brand"),
    "creative-edit": ("full", "/creatives/9/variants/0/edit"),
    "export": ("full", "/creatives/export"),
    "account": ("full", "/settings/account"),
    "ad-accounts": ("full", "/settings/ad-accounts"),
    "creatives": ("full", "/creatives"),
    "creatives-empty": ("connected", "/creatives"),
    "creative": ("full", "/creatives/5"),
    "integrations": ("new", "/settings/integrations"),
    "stripe-connect": ("new", "/settings/integrations/stripe"),
    "stripe-awaited": ("connected", "/settings/integrations/stripe"),
    "stripe-connected": ("full", "/settings/integrations/stripe"),
    "stripe-go-live": ("connected", "/settings/integrations/stripe?mode=live"),
    "stripe-upgrade": ("starter", "/settings/integrations/stripe"),
    "disconnect": ("full", "/settings/integrations/stripe/disconnect"),
    "password": ("full", "/settings/password"),
    "help": ("full", "/help"),
    "dashboard-trouble": ("troubled", "/"),
    "stripe-trouble": ("troubled", "/settings/integrations/stripe"),
    "troubleshooting": ("full", "/troubleshooting"),
    "troubleshooting-new": ("new", "/troubleshooting"),
    "troubleshooting-trouble": ("troubled", "/troubleshooting"),
    "deliveries": ("full", "/troubleshooting/deliveries"),
    "deliveries-unconnected": ("new", "/troubleshooting/deliveries"),
    "event": ("full", "/troubleshooting/events/1"),
    "customers": ("full", "/troubleshooting/customers?q=a"),
    "not-found": ("full", "/nowhere"),
    "support": ("support", "/support"),
    "support-account": ("support", "/support/accounts/1"),
    "support-event": ("support", "/support/accounts/1/events/1"),
    "support-owner": ("support", "/support/accounts/1/owner"),
    "support-customers": ("support", "/support/accounts/1/customers"),
}


@contextmanager
def served() -> Iterator[str]:
    """The application with an account for each way it may stand, on a free port."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(factories.make_settings(f"sqlite:///{folder}/mani.db", redis_url="redis://127.0.0.1:1/0"))
        with app.app_context():
            db.create_all()
            full = factories.make_owner(email="full@example.com")
            fill(full.account)
            factories.make_owner(factories.make_account(name="Harbour & Finch"), "new@example.com")
            connected = factories.make_owner(factories.make_account(name="Northlight"), "connected@example.com")
            factories.make_connection(connected.account)
            troubled = factories.make_owner(factories.make_account(name="Larkspur"), "troubled@example.com")
            connection = fill(troubled.account)
            with transaction():
                connection.last_error = "STRIPE_PERMISSION_MISSING"
                connection.permissions = PERMISSIONS | {"subscriptions": False}
            factories.make_owner(factories.make_account("starter", "Fernway"), "starter@example.com")
            fill_support(factories.make_support("support@example.com"))
            db.session.remove()
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.port}"
        server.shutdown()


def main(folder: Path, names: list[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    widths = dict.fromkeys(LOOKS, WIDTHS)
    if folder == FOLDER:  # it stays small
        widths |= {"dark": WIDTHS[-1:], "contrast": ()}
    with served() as address, sync_playwright() as playwright:
        browser = launch(playwright)
        for user in dict.fromkeys(user for user, _ in PAGES.values()):
            wanted = [n for n, (account, _) in PAGES.items() if account == user and (not names or n in names)]
            for look, options in LOOKS.items():
                if wanted and widths[look]:
                    context = browser.new_context(base_url=address, reduced_motion="reduce", **options)
                    _shoot(context.new_page(), user, wanted, widths[look], f"{folder}/{{}}-{{}}-{look}.webp")
                    context.close()
        browser.close()


def sign_in(page: Page, user: str) -> None:
    page.goto("/sign-in")
    page.fill("#email", f"{user}@example.com")
    page.fill("#password", factories.PASSWORD)
    page.click("text=Sign in >> nth=-1")
    if user == "support":
        page.fill("#code", factories.code())
        page.click("text=Sign in >> nth=-1")
    page.wait_for_url("**/support" if user == "support" else "**/")


def address_of(address: str) -> str:
    """`{since}`: so long ago that what the full account shows last has happened meanwhile."""
    return address.format(since=int(time.time()) - 150)


def _shoot(page: Page, user: str | None, names: list[str], widths: tuple[int, ...], file: str) -> None:
    if user:
        sign_in(page, user)
    for name in names:
        for width in widths:
            page.set_viewport_size({"width": width, "height": 900})
            page.goto(address_of(PAGES[name][1]))
            page.wait_for_load_state("load")
            page.evaluate(PICTURES_DRAWN)
            # What sticks to the window's edges belongs to the page's edges in a picture of the whole page.
            page.set_viewport_size({"width": width, "height": page.evaluate("document.documentElement.scrollHeight")})
            picture = Image.open(BytesIO(page.screenshot()))
            picture.save(file.format(name, width), quality=72, method=6)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER, sys.argv[2:])
