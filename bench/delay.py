"""From the webhook's answer to the creative in the queue: idle, and for a quiet account during a storm of others."""

import json
import os
import statistics
import threading
import time

from bench import stage
from bench.figures import Figure
from bench.load import Caller, request
from bench.stage import Stage

IDLE_SECONDS = 20
STORM_RATE, STORM_ACCOUNTS = 200, 50
STORM_SECONDS = int(os.environ.get("BENCH_STORM_SECONDS", "30"))
EVERY_SECONDS = 1.0  # how often something happens in the quiet account


def measure() -> list[Figure]:
    """With PostgreSQL, gunicorn, one worker and the scheduler."""
    with Stage() as on, on.database("postgresql") as url, on.app(url).app_context():
        accounts = stage.connections(1 + STORM_ACCOUNTS)
        stage.tables().session.commit()
        with on.web(url) as port, on.workers(url):
            idle = quiet_delays(port, accounts[0], IDLE_SECONDS, 0.2)
            with Storm(port, [token for _, token in accounts[1:]]) as sent:
                stormy = quiet_delays(port, accounts[0], STORM_SECONDS, EVERY_SECONDS)
        rate = len(sent.times) / (max(sent.times) - min(sent.times))
        speed = stage.yardstick()
    return [
        seconds("event to queue, half of them", statistics.median(idle), 0.5),
        seconds("event to queue, 95 of 100", percentile(idle), 1.0),
        seconds(f"the same at {rate:.0f} events/s of {STORM_ACCOUNTS} others", percentile(stormy), 5.0),
        Figure("delay", "30 million additions after it", speed, "s"),
    ]


def seconds(name: str, value: float, goal: float) -> Figure:
    return Figure("delay", name, value, "s", goal=f"< {goal:g} s", is_met=value < goal)


def percentile(values: list[float]) -> float:
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def quiet_delays(port: int, account: tuple[int, str], lasts: float, every: float) -> list[float]:
    """Each time a new customer, whose creative is asked for as soon as the event was handed in; two times at least."""
    connection, token = account
    caller, delays, ends = Caller(port), [], time.monotonic() + lasts
    while len(delays) < 2 or time.monotonic() < ends:
        begun = time.monotonic()
        customer = f"cus_quiet_{next(stage._ids)}"
        post(caller, port, token, "customer.created", customer)
        stage.wait_for(lambda customer=customer: has_creative(connection, customer), 60, every=0.01)
        delays.append(time.monotonic() - begun)
        time.sleep(max(0.0, every - delays[-1]))
    return delays


def has_creative(connection: int, customer: str) -> bool:
    db = stage.tables()
    db.session.rollback()
    query = "SELECT creative_id FROM moment WHERE connection_id = :connection AND stripe_customer_id = :customer"
    return db.session.scalar(db.text(query), {"connection": connection, "customer": customer}) is not None


def post(caller: Caller, port: int, token: str, kind: str, customer: str) -> None:
    body = json.dumps(stage.event(kind, customer)).encode()
    status = caller.call(request(port, f"/webhooks/stripe/{token}", body))
    assert status == 200, status


class Storm:
    """Events of other accounts at a steady rate, as long as the block."""

    def __init__(self, port: int, tokens: list[str]) -> None:
        self.port, self.tokens, self.times = port, tokens, []
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.blow, args=(number,)) for number in range(4)]

    def __enter__(self) -> "Storm":
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.is_over.set()
        for thread in self.threads:
            thread.join()

    def blow(self, number: int) -> None:
        caller, pause = Caller(self.port), len(self.threads) / STORM_RATE
        due = time.monotonic()
        while not self.is_over.is_set():
            token = self.tokens[next(stage._ids) % len(self.tokens)]
            post(caller, self.port, token, "customer.created", f"cus_storm_{next(stage._ids)}")
            self.times.append(time.monotonic())
            due += pause
            time.sleep(max(0.0, due - time.monotonic()))
