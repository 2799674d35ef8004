"""Group commit: deliveries that arrive at the same moment share one transaction.

Waiting for the disk is what an insert costs, and a commit takes as long for eight events as for one.
"""

import threading
from collections import deque
from dataclasses import dataclass

import structlog

from manimod import jobs
from manimod.ingest import events
from manimod.ingest.events import DATABASE_ERRORS, Stored
from manimod.models.states import Source
from manimod.stripe.payloads import MinimisedEvent

log = structlog.get_logger()

BATCH_SIZE = 50


@dataclass(eq=False)
class PendingDelivery:
    """A delivery that waits for its commit, and afterwards what became of it."""

    connection_id: int
    event: MinimisedEvent
    result: Stored | None = None
    error: Exception | None = None


class GroupCommit:
    """A queue and a lock: the thread that gets the lock stores all that wait, the others then find their result."""

    def __init__(self) -> None:
        self._queue: deque[PendingDelivery] = deque()
        self._lock = threading.Lock()

    def submit(self, connection_id: int, event: MinimisedEvent) -> Stored:
        """Store an event. Returns once it is committed; raises what the database raised."""
        delivery = PendingDelivery(connection_id, event)
        self._queue.append(delivery)
        with self._lock:
            while delivery.result is None and delivery.error is None:
                _store([self._queue.popleft() for _ in range(min(len(self._queue), BATCH_SIZE))])
        if delivery.error:
            raise delivery.error
        return delivery.result


def _store(batch: list[PendingDelivery]) -> None:
    """Store a batch in one transaction; where that fails, each delivery in its own, so that none suffers for another.

    While the database is away, trying again would only keep everybody waiting.
    """
    try:
        with jobs.transaction():
            results = events.store([(delivery.connection_id, delivery.event) for delivery in batch], Source.WEBHOOK)
            for delivery, result in zip(batch, results, strict=True):
                if result is Stored.REPEATED:
                    events.count_repeat(delivery.connection_id, delivery.event.facts.id)
    except Exception as error:
        log.exception("batch_not_stored", size=len(batch))
        if len(batch) == 1 or isinstance(error, DATABASE_ERRORS):
            for delivery in batch:
                delivery.error = error
            return
        for delivery in batch:
            _store([delivery])
        return
    for delivery, result in zip(batch, results, strict=True):
        delivery.result = result
