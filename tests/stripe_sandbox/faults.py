"""Trouble on demand, the rate limit, and the log of what was asked."""

import time
from collections import defaultdict, deque
from dataclasses import asdict, dataclass

from . import errors

PAGE = b"<html><head><title>%d</title></head><body><h1>Sorry</h1></body></html>"


@dataclass
class Fault:
    """Happens to requests whose path begins with `path`, `times` times or until it is cleared."""

    path: str = "/v1/"
    exact: bool = False  # this path alone: a list, and not its objects
    method: str | None = None
    times: int | None = None
    status: int | None = None  # answer with this error
    reason: str = "endpoint-rate"  # of a 429
    code: str | None = None  # of the error, such as account_invalid
    message: str | None = None
    html: bool = False  # as a proxy in between answers: a page instead of JSON
    per_second: int | None = None  # let so many requests pass in any second, and answer 429 to the others
    delay: float = 0  # seconds before the answer
    half: bool = False  # break off in the middle of the body
    drip: bool = False  # send the body a byte at a time, five in a second
    drop: bool = False  # close the connection without an answer
    after: int = 0  # let this many matching requests pass first

    def takes(self, method, path) -> bool:
        matches = path == self.path if self.exact else path.startswith(self.path)
        if not matches or self.method not in (None, method) or self.times == 0:
            return False
        if self.after > 0:
            self.after -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return True

    def error(self):
        if self.status is None:
            return None
        if self.status == 429:
            return errors.rate_limited(self.reason)
        return errors.any_fault(self.status, self.message, self.code)

    def body(self, error) -> bytes:
        return PAGE % error.status if self.html else error.body()

    def headers(self, error) -> dict:
        return {**error.headers, "Content-Type": "text/html"} if self.html else error.headers


class Faults:
    def __init__(self):
        self.clear()

    def clear(self):
        self.planned = []
        self.requests_per_second = None
        self.latency = 0.0  # seconds before every answer
        self.log = deque(maxlen=200_000)
        self._recent = defaultdict(deque)

    def plan(self, **fields):
        fault = Fault(**fields)
        if fault.per_second is not None:
            fault.status = 429
        self.planned.append(fault)
        return asdict(fault)

    def take(self, method, path) -> Fault | None:
        for number, fault in enumerate(self.planned):
            if fault.takes(method, path) and not self._passes(number, fault):
                return fault
        return None

    def _passes(self, number, fault):
        return fault.per_second is not None and self._counts(("fault", number), fault.per_second)

    def limit(self, endpoint):
        """At most so many requests in any second for one endpoint of one account and mode."""
        if self.requests_per_second is not None and not self._counts(endpoint, self.requests_per_second):
            raise errors.rate_limited()

    def _counts(self, what, per_second):
        """Whether one more request fits into this second."""
        now, recent = time.monotonic(), self._recent[what]
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if len(recent) >= per_second:
            return False
        recent.append(now)
        return True
