"""The webhook's acknowledgement by mani against dj-stripe's (bench/dj_stripe_site.py): the same signed events, the same
gunicorn, in turns. `make bench-peers` installs dj-stripe into .venv-peers and runs it.

dj-stripe answers when it has stored the delivery and the event, fetched the event's object from Stripe's API (here the
sandbox, a process of its own) and stored that. mani answers when it has stored what it reads of the event and leaves
the rest to its workers: so dj-stripe is measured a second time with its work left for later, by its own setting.
"""

import json
import statistics
import subprocess
from contextlib import ExitStack

from sqlalchemy import create_engine, text

from bench import stage
from bench.figures import Figure
from bench.load import press
from bench.stage import ROOT, Stage
from bench.sync import sandbox_process
from bench.webhook import TYPES, bodies
from tests.stripe_sandbox import SandboxControl

PYTHON, SITE = str(ROOT / ".venv-peers/bin/python"), "bench.dj_stripe_site"
ENDPOINT = "/stripe/webhook/00000000-0000-4000-8000-000000000001/"
ROUNDS, SECONDS = 3, 5.0
CUSTOMERS, MOST_EVENTS = 40, 15_000
GOAL = 10


def measure() -> list[Figure]:
    with Stage() as on, sandbox_process() as control:
        account = control.create_account("Bench")
        samples = lifecycles(control, account)
        stripe = {"STRIPE_URL": control.url, "STRIPE_KEY": account["keys"]["test"]["secret"]}
        return [figure for kind in stage.KINDS for figure in compare(on, kind, samples, stripe)]


def lifecycles(control: SandboxControl, account: dict) -> list[str]:
    """Events whose objects the sandbox holds: customers, their subscriptions, and what was paid at the renewal."""
    client = control.client(account["keys"]["test"]["secret"])
    price = control.catalogue(account["id"])["Team"]["month"]
    for number in range(CUSTOMERS):
        customer = client.v1.customers.create({"name": f"Hazel Testford {number}"})
        control.renew(client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price}]}).id)
    events = [client.raw_request("get", f"/v1/events?limit=100&type={kind}") for kind in TYPES]
    return [json.dumps(event) for page in events for event in json.loads(page.body)["data"]]


def compare(on: Stage, kind: str, samples: list[str], stripe: dict[str, str]) -> list[Figure]:
    with ExitStack() as stack:
        url, theirs = (stack.enter_context(on.database(kind)) for _ in range(2))
        with on.app(url).app_context():
            [(_, token)] = stage.connections(1, livemode=False)
            stage.tables().engine.dispose()
        subprocess.run([PYTHON, "-m", SITE], env=on.environment(theirs) | stripe, cwd=ROOT, check=True)
        site = f"{SITE}:application"
        servers = {
            "mani": (stack.enter_context(on.web(url)), f"/webhooks/stripe/{token}"),
            "dj-stripe": (stack.enter_context(on.web(theirs, site, PYTHON, **stripe)), ENDPOINT),
            "deferring": (stack.enter_context(on.web(theirs, site, PYTHON, **stripe, DEFERS="yes")), ENDPOINT),
        }
        for address in servers.values():
            press(*address, bodies(len(samples), samples), 60, 1)
        rounds = [in_turns(servers, bodies(MOST_EVENTS, samples)) for _ in range(ROUNDS)]
        make_sure(theirs)
    (ours, cost), (least, most), (deferring, deferred) = (
        map(statistics.median, zip(*(each[name] for each in rounds), strict=True)) for name in servers
    )
    return [
        Figure("peers", f"{kind}, floor: dj-stripe", ours, "requests/s", least, f">= {GOAL} x", ours >= GOAL * least),
        Figure("peers", f"{kind}, floor: dj-stripe, work deferred", ours, "requests/s", deferring),
        Figure("peers", f"{kind}, processor, floor: dj-stripe", cost, "ms/request", most),
        Figure("peers", f"{kind}, processor, floor: the same, deferred", cost, "ms/request", deferred),
    ]


def in_turns(servers: dict[str, tuple[int, str]], given: list[str]) -> dict[str, tuple[float, float]]:
    """Requests a second of each with the same events, and milliseconds of its web server's processor for one."""
    done = {}
    for name, (port, path) in servers.items():
        before = stage.processor(f"127.0.0.1:{port}")
        rate = press(port, path, given, SECONDS).rate
        done[name] = rate, (stage.processor(f"127.0.0.1:{port}") - before) * 1000 / (rate * SECONDS)
    return done


def make_sure(url: str) -> None:
    """That dj-stripe did its work: no delivery failed, and every customer and subscription stands in its tables."""
    asked = (
        "SELECT count(*) = 0 FROM djstripe_webhookeventtrigger WHERE exception <> '' OR NOT valid",
        *(f"SELECT count(*) = {CUSTOMERS} FROM djstripe_{table}" for table in ("customer", "subscription")),
    )
    engine = create_engine(url)
    with engine.connect() as connected:
        assert all(connected.scalar(text(query)) for query in asked)
    engine.dispose()
