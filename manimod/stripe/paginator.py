"""Reads Stripe's lists page by page: within Stripe's rate limit, and with retries of failures that pass."""

import random
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

from manimod.config import settings
from manimod.errors import PASSING, ManimodError
from manimod.stripe.gateway import Page

MAX_ATTEMPTS = 8
MAX_PAUSE_SECONDS = 30


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
    """The pages of several lists, read side by side; those that are ready at once come together.

    Of each list, the next page is read while the one before is written. None is asked for after `until` (of the
    monotonic clock), and none that was read is lost. Raises ManimodError, also where a list goes round; an `optional`
    one ends there. `checkpoints` are of `goes_round`, by list.
    """
    pool = ThreadPoolExecutor(len(lists))
    paginators, reading = {}, {}
    for name, cursor in cursors.items():
        paginators[name] = Paginator(lists[name])
        if cursor is not None:
            reading[pool.submit(paginators[name].read, cursor)] = name
    try:
        while reading:
            pages = {}
            for future in wait(reading, return_when=FIRST_COMPLETED).done:
                name = reading.pop(future)
                page = future.result()
                if goes_round(checkpoints.setdefault(name, {}), page.next_cursor):
                    if name not in optional:
                        raise ManimodError("STRIPE_LIST_ENDLESS")
                    page = replace(page, next_cursor=None)
                pages[name] = page
                if page.next_cursor is not None and time.monotonic() < until:
                    reading[pool.submit(paginators[name].read, page.next_cursor)] = name
            yield pages
    finally:
        pool.shutdown(wait=False)
