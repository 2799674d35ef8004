"""Long lists of Stripe, read side by side: a thread each, spaced under the limits, patient with passing failures."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, Queue

import structlog

from manimod.config import settings
from manimod.errors import PASSING, ManimodError
from manimod.models.accounts import now
from manimod.stripe.gateway import Page, StripeGateway

log = structlog.get_logger()

MAX_ATTEMPTS = 8
MAX_PAUSE_SECONDS = 30
PAGES_AHEAD = 16  # read before they are written, so that reading and writing overlap with flat memory
GATHER_SECONDS = 0.2  # pages that come within it are written in one transaction, which costs much less than one each


@dataclass(frozen=True)
class FetchedPage:
    """A page of one list, and when Stripe was asked for it; or the failure that ended the reading."""

    name: str
    page: Page | None = None
    asked_at: datetime | None = None
    failure: ManimodError | None = None


@dataclass
class Paginator:
    """Reads one list: spaced under Stripe's limit an endpoint, patient with an overloaded Stripe."""

    fetch: Callable[[str | None], Page]

    def __post_init__(self) -> None:
        self._answered: deque[float] = deque(maxlen=settings().stripe_requests_per_second)

    def pages(self, cursor: str) -> Iterator[Page]:
        while cursor is not None:
            page = self._page(cursor)
            yield page
            cursor = page.next_cursor

    def _page(self, cursor: str) -> Page:
        for attempt in range(MAX_ATTEMPTS):
            self._wait_for_turn()
            try:
                return self.fetch(cursor or None)
            except ManimodError as failure:
                if failure.code not in PASSING or attempt == MAX_ATTEMPTS - 1:
                    raise
            finally:
                self._answered.append(time.monotonic())
            time.sleep(random.uniform(0.5, 1) * min(0.5 * 2**attempt, MAX_PAUSE_SECONDS))  # noqa: S311
        raise AssertionError("unreachable")

    def _wait_for_turn(self) -> None:
        """Counted from the answers, which come after Stripe has counted the request: never too many in a second."""
        if len(self._answered) == self._answered.maxlen:
            time.sleep(max(self._answered[0] + 1 - time.monotonic(), 0))


def pages_of(gateway: StripeGateway, cursors: dict[str, str | None], until: float) -> Iterator[list[FetchedPage]]:
    """The pages of both lists as they come in, some at once; each list is read by its own thread.

    No page is asked for after `until` (of the monotonic clock), and none that was read is lost.
    """
    ready: Queue[FetchedPage | None] = Queue(PAGES_AHEAD)
    stop = threading.Event()
    todo = [name for name, cursor in cursors.items() if cursor is not None]
    fetchers = {name: Paginator(getattr(gateway, name)) for name in todo}
    threads = [
        threading.Thread(target=_read_list, args=(name, fetchers[name], cursors[name], ready, stop, until), daemon=True)
        for name in todo
    ]
    for thread in threads:
        thread.start()
    try:
        running = len(threads)
        while running:
            arrived = _gather(ready, running)
            running -= arrived.count(None)
            yield _without_failure([fetched for fetched in arrived if fetched])
    finally:
        stop.set()
        while any(thread.is_alive() for thread in threads):
            list(_at_hand(ready))  # a reader that waits for room can finish
            time.sleep(0.01)


def _gather(ready: Queue, running: int) -> list[FetchedPage | None]:
    """What comes within a moment, up to PAGES_AHEAD; None stands for the end of one of the `running` readers."""
    arrived = [ready.get()]
    until = time.monotonic() + GATHER_SECONDS
    with suppress(Empty):
        while len(arrived) < PAGES_AHEAD and arrived.count(None) < running:
            arrived.append(ready.get(timeout=max(until - time.monotonic(), 0.001)))
    return arrived


def _at_hand(ready: Queue) -> Iterator[FetchedPage | None]:
    while not ready.empty():
        yield ready.get_nowait()


def _without_failure(arrived: list[FetchedPage]) -> list[FetchedPage]:
    for fetched in arrived:
        if fetched.failure:
            raise fetched.failure
    return arrived


def _read_list(name: str, fetcher: Paginator, cursor: str, ready: Queue, stop: threading.Event, until: float) -> None:
    asked_at = now()
    try:
        for page in fetcher.pages(cursor):
            ready.put(FetchedPage(name, page, asked_at))
            if stop.is_set() or time.monotonic() > until:
                break
            asked_at = now()
    except ManimodError as failure:
        ready.put(FetchedPage(name, failure=failure))
    except Exception:
        log.exception("sync_reader_failed", list=name)
        ready.put(FetchedPage(name, failure=ManimodError("INTERNAL")))
    finally:
        ready.put(None)
