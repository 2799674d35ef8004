"""The storm: each event is delivered three times, shuffled, by several senders at once, until it is answered 200."""

import heapq
import http.client
import itertools
import json
import threading
import time
from collections import Counter
from dataclasses import dataclass
from math import inf
from random import Random
from urllib.parse import urlsplit

from tests import factories
from tests.chaos.lives import Happening

COPIES = 3
SENDERS = 8
PATIENCE_SECONDS = 20.0  # then a sender hangs up, as Stripe does
SPREAD_SECONDS = 2.0  # how far apart the copies of an event may arrive


@dataclass(frozen=True)
class Delivery:
    event_id: str
    address: str
    body: bytes


class Storm:
    """`acknowledged` holds the ids of the events that were answered with 200 at least once."""

    def __init__(self, draw: Random, events: int) -> None:
        self.draw = draw
        self.expected = events * COPIES
        self.acknowledged: set[str] = set()
        self.answers: Counter[str] = Counter()  # status or error -> how often
        self.seconds: list[float] = []  # of the deliveries that succeeded
        self.limit = inf  # the share of its deliveries after which the storm holds its breath
        self._due: list[tuple[float, int, Delivery]] = []
        self._numbers = itertools.count()
        self._open = 0
        self._delivered = 0
        self._changed = threading.Condition()
        self._ends = False
        self._senders = [threading.Thread(target=self._send_all, daemon=True) for _ in range(SENDERS)]

    def __enter__(self) -> "Storm":
        for sender in self._senders:
            sender.start()
        return self

    def __exit__(self, *_error: object) -> None:
        with self._changed:
            self._ends = True
            self._changed.notify_all()
        for sender in self._senders:
            sender.join(PATIENCE_SECONDS + 5)

    @property
    def share(self) -> float:
        """How much of the storm is over, by deliveries."""
        return self._delivered / self.expected

    @property
    def backlog(self) -> int:
        return self._open

    def add(self, moments: list[Happening]) -> None:
        deliveries = [
            Delivery(it.event["id"], it.business.webhook, json.dumps(it.event).encode()) for it in moments if it.is_told
        ]
        with self._changed:
            for delivery in deliveries * COPIES:
                self._open += 1
                self._push(delivery, self.draw.random() * SPREAD_SECONDS)
            self._changed.notify_all()

    def _push(self, delivery: Delivery, seconds: float) -> None:
        heapq.heappush(self._due, (time.monotonic() + seconds, next(self._numbers), delivery))

    def _take(self) -> Delivery | None:
        """The next delivery that is due; None when the storm ends."""
        with self._changed:
            while not self._ends:
                wait = self._due[0][0] - time.monotonic() if self._due else 1.0
                if self._due and wait <= 0 and self.share <= self.limit:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(min(max(wait, 0.02), 1.0))
        return None

    def _send_all(self) -> None:
        line = None
        while delivery := self._take():
            began = time.monotonic()
            try:
                line = line or http.client.HTTPConnection(urlsplit(delivery.address).netloc, timeout=PATIENCE_SECONDS)
                answer = str(self._post(line, delivery))
            except (OSError, http.client.HTTPException) as error:
                answer = type(error).__name__
                line.close()
            self._settle(delivery, answer, time.monotonic() - began)

    def _post(self, line: http.client.HTTPConnection, delivery: Delivery) -> int:
        signed = factories.signed(delivery.body)
        headers = signed["headers"] | {"Content-Type": signed["content_type"]}
        line.request("POST", urlsplit(delivery.address).path, delivery.body, headers)
        answer = line.getresponse()
        answer.read()
        return answer.status

    def _settle(self, delivery: Delivery, answer: str, seconds: float) -> None:
        with self._changed:
            self.answers[answer] += 1
            if answer == "200":
                self.acknowledged.add(delivery.event_id)
                self.seconds.append(seconds)
                self._open -= 1
                self._delivered += 1
            else:
                self._push(delivery, 0.5 + 2 * self.draw.random())
