"""Trouble on demand, the rate limit, and the log of what was asked."""

import time
from collections import defaultdict, deque
from dataclasses import asdict, dataclass

from . import errors


@dataclass
class Fault:
    """Happens to requests whose path begins with `path`, `times` times or until it is cleared."""

    path: str = "/v1/"
    method: str | None = None
    times: int | None = None
    status: int | None = None  # answer with this error
    reason: str = "endpoint-rate"  # of a 429
    delay: float = 0  # seconds before the answer
    half: bool = False  # break off in the middle of the body
    drop: bool = False  # close the connection without an answer
    after: int = 0  # let this many matching requests pass first

    def takes(self, method, path) -> bool:
        if not path.startswith(self.path) or self.method not in (None, method) or self.times == 0:
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
        return errors.rate_limited(self.reason) if self.status == 429 else errors.server_fault(self.status)


class Faults:
    def __init__(self):
        self.clear()

    def clear(self):
        self.planned = []
        self.requests_per_second = None
        self.log = deque(maxlen=200_000)
        self._recent = defaultdict(deque)

    def plan(self, **fields):
        fault = Fault(**fields)
        self.planned.append(fault)
        return asdict(fault)

    def take(self, method, path) -> Fault | None:
        return next((fault for fault in self.planned if fault.takes(method, path)), None)

    def limit(self, endpoint):
        """At most so many requests in any second for one endpoint of one account and mode."""
        if self.requests_per_second is None:
            return
        now, recent = time.monotonic(), self._recent[endpoint]
        while recent and recent[0] <= now - 1:
            recent.popleft()
        if len(recent) >= self.requests_per_second:
            raise errors.rate_limited()
        recent.append(now)
