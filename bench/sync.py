"""The sync of 100,000 customers and 100,000 subscriptions, against the Stripe sandbox in a process of its own.

The floor is the wire: the same pages fetched side by side with stripe-python, which parses their JSON, nothing else.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figure
from bench.stage import peak_megabytes, valkey
from tests.stripe_sandbox import SandboxControl

CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "100000"))
SMALL = 10_000
STRIPE_RATE = 25  # requests a second and endpoint
READS = ["rak_customer_read", "rak_subscription_read", "rak_product_read", "rak_plan_read"]


def measure() -> list[Figure]:
    with sandbox_process() as control, valkey() as redis_url:
        key = seed(control, CUSTOMERS)
        wire = child("read_the_wire", control, key)
        full = child("sync_everything", control, key, redis_url=redis_url, rate=100_000)
        small = child("sync_everything", control, seed(control, SMALL), redis_url=redis_url, rate=100_000)
        control.rate_limit(per_second=STRIPE_RATE)
        limited = child("sync_everything", control, key, redis_url=redis_url, rate=STRIPE_RATE)
    rate, wire_rate = CUSTOMERS / full["seconds"], CUSTOMERS / wire["seconds"]
    is_quick = rate >= 0.5 * wire_rate
    bound = CUSTOMERS / 100 / STRIPE_RATE
    is_near, seconds = limited["seconds"] <= 1.2 * bound, f"all at {STRIPE_RATE} requests/s an endpoint"
    processor = [part["cpu_seconds"] * 100_000 / CUSTOMERS for part in (full, wire)]
    growth = full["peak_mb"] - small["peak_mb"]
    return [
        Figure("sync", "customers, Stripe unlimited", rate, "customers/s", wire_rate, ">= 0.5 x", is_quick),
        Figure("sync", seconds, limited["seconds"], "s", bound, "<= 1.2 x", is_near),
        Figure("sync", "processor", processor[0], "s/100,000", processor[1]),
        Figure("sync", "memory growth from 10,000", growth, "MB", goal="< 50 MB", is_met=growth < 50),
    ]


@contextmanager
def sandbox_process():
    command = [sys.executable, "-m", "tests.stripe_sandbox", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield SandboxControl(process.stdout.readline().split()[-1], timeout=300)
        finally:
            process.terminate()


def seed(control: SandboxControl, customers: int) -> str:
    account = control.create_account(f"Bench {customers}", permissions=READS)
    control.seed_customers(account["id"], customers, seed=1)
    return account["keys"]["test"]["restricted"]


def child(task: str, control: SandboxControl, key: str, **options: object) -> dict:
    """Run a task of this file in a fresh process, so that its peak memory is its own."""
    arguments = [task, control.url, *(f"{name}={value}" for name, value in options.items())]
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"BENCH_FOLDER": folder, "BENCH_KEY": key}
        command = [sys.executable, "-m", "bench.sync", *arguments]
        answer = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    return {name: float(value) for name, value in (word.split("=") for word in answer.split())}


def read_the_wire(url: str) -> None:
    import threading

    import stripe

    client = stripe.StripeClient(os.environ["BENCH_KEY"], base_addresses={"api": url})

    def read(address: str, **parameters: object) -> None:
        answer = client.raw_request("get", address, limit=100, **parameters).data
        while answer["has_more"]:
            parameters["starting_after"] = answer["data"][-1]["id"]
            answer = client.raw_request("get", address, limit=100, **parameters).data

    lists = [("/v1/customers", {}), ("/v1/subscriptions", {"status": "all"})]
    begun = time.monotonic()
    threads = [threading.Thread(target=read, args=(address,), kwargs=parameters) for address, parameters in lists]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    report(begun)


def sync_everything(url: str, redis_url: str, rate: str) -> None:
    from manimod import create_app
    from manimod.extensions import db
    from manimod.ingest import sync
    from manimod.jobs import transaction
    from manimod.models import Account
    from manimod.stripe import connections
    from tests.factories import make_settings

    settings = make_settings(
        f"sqlite:///{Path(os.environ['BENCH_FOLDER']) / 'bench.db'}",
        redis_url=redis_url.removeprefix("redis_url="),
        STRIPE_API_BASE=url,
        STRIPE_REQUESTS_PER_SECOND=rate.removeprefix("rate="),
    )
    with create_app(settings).app_context():
        db.create_all()
        with transaction():
            account = Account(name="Bench", plan="pro")
            db.session.add(account)
        check = connections.check_key(os.environ["BENCH_KEY"])
        with transaction():
            connection = connections.connect(account, check)
        connection_id = connection.id
        begun = time.monotonic()
        while sync.run(connection_id):
            pass
        report(begun)
        assert sync.get_latest(connection).state == "done", sync.get_latest(connection).error_code


def report(begun: float) -> None:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds, cpu = time.monotonic() - begun, used.ru_utime + used.ru_stime
    print(f"seconds={seconds:.3f} cpu_seconds={cpu:.3f} peak_mb={peak_megabytes():.1f}")


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
