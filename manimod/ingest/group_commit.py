"""Group commit: what threads submit at the same moment shares one transaction.

An insert costs little but the wait for the disk, and a commit takes as long for eight rows as for one.
"""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import structlog

from manimod.ingest.events import DATABASE_ERRORS

log = structlog.get_logger()

BATCH_SIZE = 50
GATHER_SECONDS = 0.003  # before a commit, so that under load fewer of them do the same work

Item = TypeVar("Item")


@dataclass(eq=False)
class Waiting(Generic[Item]):
    """An item in the queue. Its thread is woken when the item is stored, or when it is that thread's turn to store."""

    item: Item
    is_stored: bool = False
    error: Exception | None = None
    wake: threading.Event = field(default_factory=threading.Event)


class GroupCommit(Generic[Item]):
    """One thread at a time, the leader, stores all items in the queue, its own among them; the others wait.

    An item that comes alone is stored alone.
    """

    def __init__(self, store: Callable[[list[Item]], None]) -> None:
        self._store = store
        self._queue: deque[Waiting[Item]] = deque()
        self._has_leader = False
        self._lock = threading.Lock()

    def submit(self, item: Item) -> None:
        """Returns once the item is committed. Raises what `store` raised for it."""
        mine = Waiting(item)
        with self._lock:
            self._queue.append(mine)
            must_wait, self._has_leader = self._has_leader, True
        if must_wait:
            mine.wake.wait()
        if not mine.is_stored:
            self._lead()
        if mine.error:
            raise mine.error

    def _lead(self) -> None:
        """Store a batch from the front of the queue, where the leader's own item is, and pass the lead on."""
        time.sleep(GATHER_SECONDS)
        with self._lock:
            batch = [self._queue.popleft() for _ in range(min(len(self._queue), BATCH_SIZE))]
        try:
            self._store_together(batch)
        finally:
            with self._lock:
                if isinstance(batch[0].error, DATABASE_ERRORS):  # nor does anybody wait for a try of their own
                    for waiting in self._queue:
                        waiting.error = batch[0].error
                    batch += self._queue
                    self._queue.clear()
                self._has_leader = bool(self._queue)
                next_leader = [self._queue[0]] if self._queue else []
            for waiting in batch:
                waiting.is_stored = True
            for waiting in batch + next_leader:
                waiting.wake.set()

    def _store_together(self, batch: list[Waiting[Item]]) -> None:
        """Where a batch fails, store each item alone, so that none fails for another.

        While the database is away, trying again would only keep everybody waiting.
        """
        try:
            self._store([waiting.item for waiting in batch])
        except DATABASE_ERRORS as error:
            log.warning("batch_not_stored", size=len(batch), error=type(error.orig).__name__)
            for waiting in batch:
                waiting.error = error
        except Exception as error:
            log.exception("batch_not_stored", size=len(batch))
            if len(batch) == 1:
                batch[0].error = error
                return
            for waiting in batch:
                self._store_together([waiting])
