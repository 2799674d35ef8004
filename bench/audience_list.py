"""The audience list in Chromium: a file of 1,000,000 customers in 30 columns, joined, hashed and saved as files.

The time is that of the page, from the choice of the file until the files can be saved, by the clock and on the
processor; the memory is the most that the page's process has held, with the browser's own part of it.
"""

import os
import tempfile
import threading
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright
from werkzeug.serving import make_server

from bench.figures import Figure

ROWS = int(os.environ.get("BENCH_CUSTOMERS", "1000000"))
COLUMNS = 30
GOALS = {10: (10, 550), 1: (40, None)}  # every so many-th row is in the audience: seconds and MB


def measure() -> list[Figure]:
    figures = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        export = write_export(Path(folder) / "unified_customers.csv")
        for every, (seconds_goal, memory_goal) in GOALS.items():
            seconds, processor, memory = make_list(playwright, Path(folder) / f"{every}.db", export, every)
            name = f"{ROWS:,} rows, {ROWS // every:,} in the audience"
            goal, is_met = f"<= {seconds_goal} s", seconds <= seconds_goal
            figures.append(Figure("audience_list", f"{name}, clock", seconds, "s", None, goal, is_met))
            figures.append(Figure("audience_list", f"{name}, processor", processor, "s"))
            goal, is_met = (f"<= {memory_goal} MB", memory <= memory_goal) if memory_goal else ("", None)
            figures.append(Figure("audience_list", f"{name}, memory", memory, "MB", None, goal, is_met))
    return figures


def write_export(path: Path) -> Path:
    rest = ",".join(f"value{column}" for column in range(COLUMNS - 4))
    names = ",".join(f"key{column} (metadata)" for column in range(COLUMNS - 4))
    with path.open("w", encoding="utf-8") as file:
        file.write(f"id,Description,Email,Name,{names}\n")
        for number in range(ROWS):
            file.write(f"cus_{number:014d},,First.Last{number}@example.com,Customer {number},{rest}\n")
    return path


def make_list(playwright, database: Path, export: Path, every: int) -> tuple[float, float, float]:
    from manimod import create_app
    from manimod.extensions import db
    from tests import factories
    from tests.browser import chromium, listing
    from tests.client import Client

    app = create_app(factories.make_settings(f"sqlite:///{database}", redis_url="redis://127.0.0.1:1/0"))
    app.test_client_class = Client
    with app.app_context():
        db.create_all()
        owner = factories.make_owner()
        connection = factories.make_connection(owner.account, livemode=True)
        creative = listing.add_creative(owner.account)
        listing.set_customers(connection, creative, (f"cus_{number:014d}" for number in range(0, ROWS, every)))
        cookie = app.test_client().sign_in(owner).get_cookie("mani").value
        address = f"/creatives/{creative.id}/list"
        db.session.remove()
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    browser = chromium.launch(playwright)
    try:
        page = browser.new_page(base_url=f"http://127.0.0.1:{server.port}")
        page.set_default_timeout(300_000)
        page.context.add_cookies([{"name": "mani", "value": cookie, "url": f"http://127.0.0.1:{server.port}"}])
        page.goto(address)
        page.get_by_role("button", name="Make the audience list").click()
        page.wait_for_url("**/list/*")
        return make_files(page, export)
    finally:
        browser.close()
        server.shutdown()


def make_files(page: Page, export: Path) -> tuple[float, float, float]:
    """Seconds of the page by the clock and on the processor, and MB of its process."""
    frame = page.frames[1]
    frame.locator("#file").wait_for()
    begun, on_processor = time.monotonic(), processor_seconds()
    frame.locator("#file").set_input_files(export)
    frame.locator("#found").wait_for()
    frame.locator("#consent-none").check()
    frame.get_by_role("button", name="Make the files").click()
    frame.locator("#files").wait_for()
    return time.monotonic() - begun, processor_seconds() - on_processor, max(map(peak, renderers()))


def renderers() -> list[Path]:
    """The processes that show pages, of the browser that this one has started."""
    found, own = [], str(os.getpid())
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if b"--type=renderer" in (process / "cmdline").read_bytes() and own in ancestors(process):
                found.append(process)
        except OSError:  # it has ended
            continue
    return found


def ancestors(process: Path) -> list[str]:
    found = [process.name]
    while found[-1] not in ("0", "1"):
        stat = Path("/proc", found[-1], "stat").read_text()
        found.append(stat.rpartition(")")[2].split()[1])
    return found


def processor_seconds() -> float:
    total = 0
    for process in renderers():
        fields = (process / "stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")


def peak(process: Path) -> float:
    """The most memory that a process has held, in MB."""
    status = (process / "status").read_text().split("VmHWM:")[1]
    return int(status.split()[0]) / 1024
