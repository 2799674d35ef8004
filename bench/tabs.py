"""1,000 open queues: what their questions take of the web server's processor, and how soon a new creative is seen.

Every page asks as often as one that is touched all the time (static/polling.js). As behind a proxy, they share some
connections that are kept alive. The web server is gunicorn as `make run` starts it, the database SQLite.
"""

import asyncio
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from bench.figures import Figure
from bench.stage import Stage, processor_seconds, tables
from tests.journeys.stack import command_line

PAGES, ACCOUNTS = int(os.environ.get("BENCH_TABS", "1000")), 100
SECONDS = int(os.environ.get("BENCH_TABS_SECONDS", "120"))  # as long as a mark lasts
CONNECTIONS, CREATIVES = 32, 20
EVERY = float(re.search(r'data-poll="([\d.]+)"', Path("templates/creatives/_arrivals.html").read_text("utf-8"))[1])


def measure() -> list[Figure]:
    with Stage() as stage, stage.database("sqlite") as url, stage.web(url) as port:
        app = stage.app(url)
        with app.app_context():
            cookies = [make_cookie(app) for _ in range(ACCOUNTS)]
            pids = [pid for pid in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_web(pid, port)]
            counts, delays, used = asyncio.run(watch(app, port, cookies, lambda: sum(map(processor_seconds, pids))))
            tables().engine.dispose()
    assert not counts["other"], counts
    asked, seen = counts["quick"] + counts["whole"], max(delays)
    share = used / asked * PAGES / EVERY  # also where a busy machine lets the pages ask late
    return [
        Figure("tabs", f"{PAGES:,} open queues, processor", share, "cores", goal="<= 0.3", is_met=share <= 0.3),
        Figure("tabs", "one question", 1000 * used / asked, "ms"),
        Figure("tabs", "questions", asked / SECONDS, "a second"),
        Figure("tabs", "of them with a whole answer", counts["whole"] / SECONDS, "a second"),
        Figure("tabs", "a new creative is seen after, median", median(delays), "s"),
        Figure("tabs", "the slowest page", seen, "s", goal="<= 3 s", is_met=seen <= 3),
    ]


def is_web(pid: int, port: int) -> bool:
    try:
        return f"127.0.0.1:{port}" in command_line(pid) and "gunicorn" in command_line(pid)
    except OSError:
        return False


def make_cookie(app) -> str:
    """An account of its own; the session of its owner."""
    from tests import factories
    from tests.client import Client

    account = factories.make_account()
    owner = factories.make_owner(account, f"owner{account.id}@example.com")
    factories.make_connection(account)
    app.test_client_class = Client
    return f"mani={app.test_client().sign_in(owner).get_cookie('mani').value}"


class Tab:
    """What a browser remembers of one page."""

    def __init__(self, cookie: str) -> None:
        self.cookie, self.mark, self.address = cookie, "", "/creatives/new?seen="

    def request(self) -> bytes:
        mark = f"Queue-Mark: {self.mark}\r\n" if self.mark else ""
        return (
            f"GET {self.address} HTTP/1.1\r\nHost: mani\r\nHX-Request: true\r\nCookie: {self.cookie}\r\n{mark}\r\n"
        ).encode()


async def watch(app, port: int, cookies: list[str], get_used: Callable[[], float]) -> tuple[dict, list[float], float]:
    """Answers by kind, after how many seconds each new creative was in a page of its account, and processor seconds."""
    tabs = [Tab(cookies[number % ACCOUNTS]) for number in range(PAGES)]
    counts, delays, made = {"quick": 0, "whole": 0, "other": 0}, [], {}
    free: asyncio.Queue = asyncio.Queue()
    for _ in range(CONNECTIONS):
        free.put_nowait(await asyncio.open_connection("127.0.0.1", port))
    answered: set[int] = set()
    all_answered, is_over = asyncio.Event(), asyncio.Event()

    async def ask(number: int) -> None:
        await asyncio.sleep(EVERY * number / PAGES)
        tab = tabs[number]
        while not is_over.is_set():
            due = time.monotonic() + EVERY
            status, headers, body = await exchange(free, tab.request(), port)
            tab.mark = headers.get("queue-mark", tab.mark if status == 204 else "")
            kind = "other"
            if status == 204:
                kind = "whole" if "x-request-id" in headers else "quick"
            elif status == 200:
                kind = "whole"
                if (begun := made.get(tab.cookie)) and b"creative-" in body:
                    delays.append(time.monotonic() - begun)
                address = re.search(rb'id="arrivals" hx-get="([^"]+)"', body)
                tab.address = address[1].decode().replace("&amp;", "&")
            counts[kind] += all_answered.is_set()
            answered.add(number)
            if len(answered) == PAGES:
                all_answered.set()
            await asyncio.sleep(max(0, due - time.monotonic()))

    async def make_creatives() -> float:
        await all_answered.wait()
        before = get_used()
        for number in range(CREATIVES):
            await asyncio.sleep(SECONDS / (CREATIVES + 2))
            made[cookies[number]] = time.monotonic()
            await asyncio.to_thread(make_creative, app, number)
        await asyncio.sleep(2 * SECONDS / (CREATIVES + 2))
        is_over.set()
        return get_used() - before

    used, *_ = await asyncio.gather(make_creatives(), *map(ask, range(PAGES)))
    return counts, delays, used


async def exchange(free: asyncio.Queue, request: bytes, port: int) -> tuple[int, dict[str, str], bytes]:
    reader, writer = await free.get()
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):  # it was idle for too long
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().strip().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    free.put_nowait((reader, writer))
    return int(first.split()[1]), headers, body


def make_creative(app, number: int) -> None:
    from manimod.extensions import db
    from manimod.jobs import transaction
    from manimod.models import Account
    from tests.browser import filling

    with app.app_context():
        account = db.session.scalars(db.select(Account).order_by(Account.id)).all()[number]
        creative = filling.make_creative(account)
        with transaction():
            db.session.add(creative)
