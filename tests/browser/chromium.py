"""Debian's Chromium, driven by Playwright for Python."""

import shutil

from playwright.sync_api import Browser, Playwright

# The shell is the same engine without a window's own interface, which would take a fifth of a test's time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser")
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


def path() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def launch(playwright: Playwright) -> Browser:
    return playwright.chromium.launch(executable_path=path(), args=ARGUMENTS)
