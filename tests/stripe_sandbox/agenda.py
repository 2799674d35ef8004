"""Jobs with a time to start, taken in that order; they can be held back and released, even backwards."""

import heapq
import threading
import time
from itertools import count


class Agenda:
    def __init__(self):
        self._changed = threading.Condition()
        self._number = count()
        self._opened, self._started = False, 0
        self.clear()

    def clear(self):
        with self._changed:
            self._due, self._held, self._holding = [], [], False
            self._changed.notify_all()

    def open(self):
        self._opened = True

    def close(self):
        with self._changed:
            self._opened = False
            self._changed.notify_all()

    def add(self, job, delay=0.0):
        with self._changed:
            if self._holding:
                self._held.append(job)
            else:
                heapq.heappush(self._due, (time.monotonic() + delay, next(self._number), job))
            self._changed.notify_all()

    def take(self):
        """Waits for the next job; None when the agenda is closed."""
        with self._changed:
            while self._opened:
                wait = self._due[0][0] - time.monotonic() if self._due else None
                if wait is not None and wait <= 0:
                    self._started += 1
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
        return None

    def done(self):
        with self._changed:
            self._started -= 1
            self._changed.notify_all()

    def hold(self):
        with self._changed:
            self._holding = True

    def release(self, backwards=False):
        with self._changed:
            self._holding, held, self._held = False, self._held, []
        for job in reversed(held) if backwards else held:
            self.add(job)
        return len(held)

    def wait_until_quiet(self, timeout, horizon=None):
        """Quiet: nothing under way and nothing to start, or only later than `horizon` seconds from now."""
        end = time.monotonic() + timeout
        with self._changed:
            while not self._quiet(horizon):
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
        return True

    def _quiet(self, horizon):
        if self._started:
            return False
        return not self._due or (horizon is not None and self._due[0][0] > time.monotonic() + horizon)
