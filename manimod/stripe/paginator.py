"""Reads Stripe's lists page by page: within Stripe's rate limit, and with retries of failures that pass."""

import random
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from threading import Event
from typing import Any

from manimod.config import settings
from manimod.errors import PASSING, ManimodError
from manimod.stripe.gateway import Page

MAX_ATTEMPTS = 8
MAX_PAUSE_SECONDS = 30
MAX_AHEAD = 5  # pages of a list that are read while the pages before are written


class Paginator:
    """Reads one list. `fetch` returns the page after a cursor, the first one for None."""

    def __init__(self, fetch: Callable[[str | None], Page]) -> None:
        self._fetch = fetch
        self._answered: deque[float] = deque(maxlen=settings().stripe_requests_per_second)

    def read(self, cursor: str) -> Page:
        """One page, the first for an empty cursor. Raises ManimodError.

        Stripe limits the requests per second of each endpoint by itself. The rate is counted from the answers, which
        come after Stripe has counted the request: it is never too high.
        """
        attempt = 1
        while True:
            if len(self._answered) == self._answered.maxlen:
                time.sleep(max(self._answered[0] + 1 - time.monotonic(), 0))
            try:
                return self._fetch(cursor or None)
            except ManimodError as failure:
                if failure.code not in PASSING or attempt == MAX_ATTEMPTS:
                    raise
            finally:
                self._answered.append(time.monotonic())
            time.sleep(random.uniform(0.5, 1) * min(0.25 * 2**attempt, MAX_PAUSE_SECONDS))  # noqa: S311
            attempt += 1

    def read_ahead(self, cursor: str, is_wanted: Callable[[], bool]) -> list[Page]:
        """One page, and those after it while they are wanted, MAX_AHEAD at most. Raises ManimodError at the first."""
        pages = [self.read(cursor)]
        while pages[-1].next_cursor is not None and len(pages) < MAX_AHEAD and is_wanted():
            try:
                pages.append(self.read(pages[-1].next_cursor))
            except ManimodError:  # whoever asks for the page again meets it
                break
        return pages


def goes_round(checkpoint: dict[str, Any], cursor: str | None) -> bool:
    """Whether a list comes back to a cursor that it had before, which it would do forever.

    One cursor is remembered, that of the 1st, 2nd, 4th, 8th, ... page (Brent's method): in a circle of any length it
    comes again. `checkpoint`, empty at a list's first page, keeps it between the pages.
    """
    if cursor is not None and cursor == checkpoint.get("cursor"):
        return True
    pages = checkpoint["pages"] = checkpoint.get("pages", 0) + 1
    if pages.bit_count() == 1:
        checkpoint["cursor"] = cursor
    return False


def read_lists(
    lists: dict[str, Callable[[str | None], Page]],
    cursors: dict[str, str | None],
    checkpoints: dict[str, dict[str, Any]],
    until: float,
    optional: Collection[str] = (),
) -> Iterator[dict[str, Page]]:
    """The pages of several lists, read side by side; those that are ready at once come together, as one page a list.

    Of each list, the next pages are read while those before are written. None is asked for after `until` (of the
    monotonic clock), and none that was read is lost. Raises ManimodError, also where a list goes round; an `optional`
    one ends there. `checkpoints` are of `goes_round`, by list.
    """
    pool = ThreadPoolExecutor(len(lists))
    is_writing = Event()
    paginators, reading = {}, {}

    def is_wanted() -> bool:
        return is_writing.is_set() and time.monotonic() < until

    for name, cursor in cursors.items():
        paginators[name] = Paginator(lists[name])
        if cursor is not None:
            reading[pool.submit(paginators[name].read_ahead, cursor, is_wanted)] = name
    try:
        while reading:
            ready = {}
            for future in wait(reading, return_when=FIRST_COMPLETED).done:
                name = reading.pop(future)
                page = ready[name] = _join(future.result(), checkpoints.setdefault(name, {}), name in optional)
                if page.next_cursor is not None and time.monotonic() < until:
                    reading[pool.submit(paginators[name].read_ahead, page.next_cursor, is_wanted)] = name
            is_writing.set()
            yield ready
            is_writing.clear()
    finally:
        is_writing.clear()
        pool.shutdown(wait=False)


def _join(pages: list[Page], checkpoint: dict[str, Any], is_optional: bool) -> Page:
    """Pages in a row as one, which was asked for when the first of them was."""
    rows = []
    for page in pages:
        rows += page.rows
        if goes_round(checkpoint, page.next_cursor):
            if not is_optional:
                raise ManimodError("STRIPE_LIST_ENDLESS")
            page = replace(page, next_cursor=None)
            break
    return replace(page, rows=rows, asked_at=pages[0].asked_at)
