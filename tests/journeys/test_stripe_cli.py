"""The real Stripe CLI triggers events at the sandbox; they arrive by webhook and mean what a person expects."""

import json
import sqlite3
from pathlib import Path

import pytest

from manimod import config, create_app
from manimod.local.data_directory import DataDirectory
from tests.conftest import unavailable, wait_for
from tests.journeys import stripe_cli
from tests.journeys.stack import Stack
from tests.stripe_sandbox import Sandbox, SandboxControl

# What `stripe trigger` is asked for, and the moments that hold afterwards. Each makes a customer of its own.
TRIGGERS = {
    "customer.created": {"new_customer"},
    "customer.updated": {"new_customer"},
    "customer.deleted": set(),
    "customer.subscription.created": {"new_customer"},
    "customer.subscription.updated": {"new_customer"},
    "customer.subscription.deleted": {"new_customer", "cancelled"},
    "customer.subscription.paused": {"new_customer"},
    "customer.subscription.trial_will_end": {"new_customer"},
    "subscription.payment_succeeded": {"new_customer"},
    "subscription.payment_failed": {"new_customer"},
    "invoice.created": {"new_customer"},
    "invoice.finalized": {"new_customer"},
    "invoice.updated": {"new_customer"},
    "invoice.sent": {"new_customer"},
    "invoice.deleted": {"new_customer"},
    "invoice.voided": {"new_customer"},
    "invoice.marked_uncollectible": {"new_customer"},
    "invoice.paid": {"new_customer"},
    "invoice.payment_failed": {"new_customer"},
    "invoice.payment_action_required": {"new_customer"},
}
# Where the CLI names its trigger otherwise than the event.
EVENT_OF = {
    "subscription.payment_succeeded": "invoice.payment_succeeded",
    "subscription.payment_failed": "invoice.payment_failed",
}
PERMISSIONS = ["rak_customer_read", "rak_subscription_read", "rak_invoice_read"]


PAYLOADS = ("snapshot", "thin")  # of an event destination: both are to mean the same
UNFINISHED = """
    SELECT 'event', type FROM stripe_event WHERE state IN ('pending', 'thin', 'failed') AND connection_id IN ({ours})
    UNION SELECT 'moment', kind FROM moment WHERE state IN ('waiting', 'ready') AND connection_id IN ({ours})
"""


class Business:
    """A Stripe account of the sandbox, and an account of mani for each payload."""

    def __init__(self, stack: Stack, control: SandboxControl) -> None:
        self.stack, self.control = stack, control
        settings = DataDirectory(stack.folder).environment() | stack.environment
        self.cli = create_app(config.Settings(settings)).test_cli_runner()  # a process each would take seconds
        self.stripe_account = control.create_account("Brightside Studio", permissions=PERMISSIONS)
        self.keys = self.stripe_account["keys"]["test"]
        self.accounts = {payload: self.connect(payload) for payload in PAYLOADS}

    def connect(self, payload: str) -> str:
        made = self.flask("create-owner", f"{payload}@example.com", "--account", payload, "--generate")
        account = str(made["account"])
        address = self.flask("stripe-connect", account, stdin=self.keys["restricted"])["webhook_address"]
        endpoint = self.control.create_endpoint(self.stripe_account["id"], address, payload=payload)
        self.flask("stripe-webhook-secret", account, stdin=endpoint["secret"])
        return account

    def flask(self, *words: str, stdin: str = "") -> dict | list:
        done = self.cli.invoke(args=[*words, "--json"], input=stdin)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    def unfinished(self) -> list[tuple[str, str]]:
        """Events that are not processed, and moments that wait."""
        ours = f"SELECT id FROM connection WHERE account_id IN ({', '.join(self.accounts.values())})"
        database = sqlite3.connect(f"file:{self.stack.folder}/mani.db?mode=ro", uri=True)
        try:
            return database.execute(UNFINISHED.format(ours=ours)).fetchall()
        finally:
            database.close()

    def new_events(self, seen: set[str]) -> list[dict]:
        listed = self.control.client(self.keys["secret"]).raw_request("get", "/v1/events?limit=100")
        return [event for event in json.loads(listed.body)["data"] if event["id"] not in seen]


@pytest.fixture(scope="session")
def program() -> Path:
    try:
        return stripe_cli.install()
    except stripe_cli.NoStripeCli as reason:
        unavailable(str(reason))


@pytest.fixture(scope="session")
def business(program: Path, stack: Stack, sandbox_server: Sandbox) -> Business:
    return Business(stack, sandbox_server.control)


@pytest.fixture(scope="session")
def events(
    business: Business, program: Path, sandbox_server: Sandbox, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, list[dict]]:
    """What each trigger has made, once mani has processed all of it."""
    home = tmp_path_factory.mktemp("cli")
    cli = stripe_cli.StripeCli(program, home, sandbox_server.url, business.keys["secret"])
    made, seen = {}, set()
    for trigger in TRIGGERS:
        cli.trigger(trigger)
        made[trigger] = business.new_events(seen)
        seen.update(event["id"] for event in made[trigger])
    assert business.control.wait_for_deliveries(timeout=60)
    wait_for(lambda: not business.unfinished(), seconds=60, every=0.5)
    return made


@pytest.fixture(scope="session")
def moments(business: Business, events: dict[str, list[dict]]) -> dict[str, list[dict]]:
    """By payload."""
    return {payload: business.flask("moments", account) for payload, account in business.accounts.items()}


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("trigger", TRIGGERS)
def test_a_trigger_means_what_a_person_expects(
    events: dict[str, list[dict]], moments: dict[str, list[dict]], trigger: str, payload: str
) -> None:
    assert EVENT_OF.get(trigger, trigger) in {event["type"] for event in events[trigger]}
    objects = {event["data"]["object"].get("id") for event in events[trigger]}
    found = [row for row in moments[payload] if row["key"].split(":")[1] in objects]
    assert {row["kind"] for row in found if row["state"] == "generated"} == TRIGGERS[trigger]


def test_stripe_was_only_read(business: Business, events: dict[str, list[dict]]) -> None:
    assert {row["method"] for row in business.control.requests(key_kind="restricted")} == {"GET"}
