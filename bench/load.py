"""The load generator: a process of its own that posts distinct, signed events, so many at once over open connections.

python -m bench.load PORT SECONDS CONCURRENCY < path-and-events.json    answers {"rate", "p50", "p99", "refused"} (ms)
"""

import hashlib
import hmac
import itertools
import json
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

from bench import SIGNING_SECRET


@dataclass(frozen=True)
class Load:
    """Requests per second, how long they took in milliseconds, and how many were not answered with 200."""

    rate: float
    p50: float
    p99: float
    refused: int


def press(
    port: int, path: str, bodies: list[str], seconds: float, concurrency: int = 16, may_refuse: bool = False
) -> Load:
    """Post each body once, to the end of the time or of the bodies."""
    command = [sys.executable, "-m", "bench.load", str(port), str(seconds), str(concurrency)]
    given = json.dumps({"path": path, "bodies": bodies})
    done = subprocess.run(command, input=given, stdout=subprocess.PIPE, check=True, text=True)
    load = Load(**json.loads(done.stdout))
    assert may_refuse or not load.refused, f"{load.refused} requests were refused"
    return load


def request(port: int, path: str, body: bytes) -> bytes:
    stamp = int(time.time())
    signature = hmac.new(SIGNING_SECRET.encode(), b"%d." % stamp + body, hashlib.sha256).hexdigest()
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n"
        f"Stripe-Signature: t={stamp},v1={signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class Caller:
    """One kept-alive connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.socket = None

    def call(self, given: bytes) -> int:
        """The status of the answer; a connection that the server has closed meanwhile is opened anew."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=30)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.socket.sendall(given)
            answer = self._read()
        except OSError:
            answer = b""
        if not answer:
            self.close()
            return self.call(given)
        if b"connection: close" in answer.lower():
            self.close()
        return int(answer[9:12])

    def _read(self) -> bytes:
        answer = b""
        while b"\r\n\r\n" not in answer:
            more = self.socket.recv(65536)
            if not more:
                return b""
            answer += more
        head, _, body = answer.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        missing = next((int(line[15:]) for line in lines if line.startswith(b"content-length:")), 0) - len(body)
        while missing > 0:
            missing -= len(self.socket.recv(65536))
        return head

    def close(self) -> None:
        self.socket.close()
        self.socket = None


def main(port: int, seconds: float, concurrency: int) -> None:
    given = json.load(sys.stdin)
    requests = [request(port, given["path"], body.encode()) for body in given["bodies"]]
    waiting, took, refused, begun = itertools.count(), [], [], time.perf_counter()

    def work() -> None:
        caller = Caller(port)
        while (number := next(waiting)) < len(requests) and time.perf_counter() - begun < seconds:
            asked = time.perf_counter()
            status = caller.call(requests[number])
            took.append(time.perf_counter() - asked)
            if status != 200:
                refused.append(status)

    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - begun
    took.sort()
    share = {"p50": took[len(took) // 2] * 1000, "p99": took[int(len(took) * 0.99)] * 1000}
    print(json.dumps({"rate": (len(took) - len(refused)) / elapsed, **share, "refused": len(refused)}))


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
