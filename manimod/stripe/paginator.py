"""Reads Stripe's lists page by page: within Stripe's rate limit, and with retries of failures that pass."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from queue import Queue

import structlog

from manimod.config import settings
from manimod.errors import PASSING, ManimodError
from manimod.models.accounts import now
from manimod.stripe.gateway import Page, StripeGateway

log = structlog.get_logger()

MAX_ATTEMPTS = 8
MAX_PAUSE_SECONDS = 30
PAGES_AHEAD = 16  # read before they are written, so that memory stays flat


@dataclass(frozen=True)
class FetchedPage:
    """A page of the list `name`, and when Stripe was asked for it."""

    name: str
    rows: list
    next_cursor: str | None
    asked_at: datetime


class Paginator:
    """Reads one list. Stripe limits the requests per second of each endpoint by itself."""

    def __init__(self, name: str, fetch: Callable[[str | None], Page]) -> None:
        self._name, self._fetch = name, fetch
        self._answered: deque[float] = deque(maxlen=settings().stripe_requests_per_second)

    def read(self, cursor: str) -> FetchedPage:
        """One page, the first for an empty cursor. Raises ManimodError.

        The rate is counted from the answers, which come after Stripe has counted the request: it is never too high.
        """
        attempt = 1
        while True:
            if len(self._answered) == self._answered.maxlen:
                time.sleep(max(self._answered[0] + 1 - time.monotonic(), 0))
            asked_at = now()
            try:
                page = self._fetch(cursor or None)
                return FetchedPage(self._name, page.rows, page.next_cursor, asked_at)
            except ManimodError as failure:
                if failure.code not in PASSING or attempt == MAX_ATTEMPTS:
                    raise
            except Exception:
                log.exception("list_not_read", list=self._name)
                raise ManimodError("INTERNAL") from None
            finally:
                self._answered.append(time.monotonic())
            time.sleep(random.uniform(0.5, 1) * min(0.25 * 2**attempt, MAX_PAUSE_SECONDS))  # noqa: S311
            attempt += 1


def read_lists(gateway: StripeGateway, cursors: dict[str, str | None], until: float) -> Iterator[list[FetchedPage]]:
    """The pages of several lists as they arrive, those that are ready at once together.

    Each list has a thread, which reads ahead while pages are written. None is asked for after `until` (of the monotonic
    clock), and none that was read is lost. Raises ManimodError.
    """
    ready: Queue[FetchedPage | ManimodError | None] = Queue()  # None: a list's thread has ended
    stop = threading.Event()
    running = 0
    for name, cursor in cursors.items():
        if cursor is not None:
            paginator = Paginator(name, getattr(gateway, name))
            threading.Thread(target=_read_ahead, args=(paginator, cursor, ready, stop, until), daemon=True).start()
            running += 1
    try:
        while running:
            arrived = [ready.get()]
            while not ready.empty():
                arrived.append(ready.get())
            running -= arrived.count(None)
            pages = []
            for item in arrived:
                if isinstance(item, ManimodError):
                    raise item
                if item is not None:
                    pages.append(item)
            yield pages
    finally:
        stop.set()


def _read_ahead(paginator: Paginator, cursor: str | None, ready: Queue, stop: threading.Event, until: float) -> None:
    try:
        while cursor is not None:
            page = paginator.read(cursor)
            ready.put(page)
            cursor = page.next_cursor
            while ready.qsize() >= PAGES_AHEAD and not stop.is_set():
                time.sleep(0.01)
            if stop.is_set() or time.monotonic() > until:
                break
    except ManimodError as failure:
        ready.put(failure)
    finally:
        ready.put(None)
