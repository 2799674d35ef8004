"""The main job on real processes: what happens at Stripe becomes a creative soon, and once, whatever dies meanwhile."""

import os
import re
import signal
import sqlite3
import time
from collections.abc import Iterator

import pytest
import stripe

from tests.conftest import wait_for
from tests.journeys.stack import COMMANDS, Stack, Visitor, command_line, descendants_of
from tests.stripe_sandbox import Sandbox, SandboxControl

PERMISSIONS = [
    "rak_customer_read",
    "rak_subscription_read",
    "rak_product_read",
    "rak_plan_read",
]  # tiers by their names
SETTINGS = "/settings/integrations/stripe"
TRIES = 5


class Business:
    """A connected Stripe account of the sandbox, and what mani made of its customers."""

    def __init__(self, control: SandboxControl, stack: Stack) -> None:
        self.control = control
        self.stack = stack
        self.account = control.create_account("Brightside Studio", permissions=PERMISSIONS)
        self.keys = self.account["keys"]["test"]
        self.prices = control.catalogue(self.account["id"])
        self.stripe: stripe.StripeClient = control.client(self.keys["secret"])
        self.signing_secret = ""

    def gain_customer(self, tier: str = "Team") -> str:
        customer = self.stripe.v1.customers.create({"name": "Hazel Testford"})
        items = [{"price": self.prices[tier]["month"]}]
        self.stripe.v1.subscriptions.create({"customer": customer.id, "items": items})
        return customer.id

    def creatives_of(self, customer: str) -> list[int]:
        """One row a moment: the creative that it has led to."""
        query = "SELECT creative_id FROM moment WHERE stripe_customer_id = ? AND creative_id IS NOT NULL"
        database = sqlite3.connect(f"file:{self.stack.folder}/mani.db?mode=ro", uri=True)
        try:
            return [row[0] for row in database.execute(query, [customer])]
        finally:
            database.close()


@pytest.fixture(scope="module")
def visitor(stack: Stack) -> Visitor:
    return stack.sign_in()


@pytest.fixture(scope="module")
def business(stack: Stack, visitor: Visitor, sandbox_server: Sandbox) -> Iterator[Business]:
    """Connected through the pages, as the guide says."""
    control = sandbox_server.control
    control.reset()
    control.configure_deliveries(backoff=[0.5] * 60)
    business = Business(control, stack)
    page = visitor.submit(f"{SETTINGS}/connect", {"api_key": business.keys["restricted"]}, page=SETTINGS)
    assert page.ok
    address = re.search(r"http://127\.0\.0\.1:\d+/webhooks/stripe/[\w-]+", visitor.get(SETTINGS).text).group()
    business.signing_secret = control.create_endpoint(business.account["id"], address)["secret"]
    assert visitor.submit(f"{SETTINGS}/signing-secret", {"signing_secret": business.signing_secret}, page=SETTINGS).ok
    return business


def test_a_new_customer_is_in_the_queue_within_seconds(business: Business, visitor: Visitor) -> None:
    delays = []
    for _ in range(TRIES):
        began = time.monotonic()
        customer = business.gain_customer()
        wait_for(lambda customer=customer: business.creatives_of(customer))
        delays.append(time.monotonic() - began)
    assert max(delays) < 3, delays
    assert "Team" in visitor.get("/creatives").text


def test_the_guides_own_key_without_a_webhook_needs_no_press(stack: Stack, sandbox_server: Sandbox) -> None:
    """Customers and subscriptions are all that the key may read. The queue is open, and asks."""
    password = "correct-horse-battery"
    made = stack.flask(
        "create-owner", "guide@example.com", "--account", "Guide", "--plan", "scale", stdin=f"{password}\n"
    )
    assert made.returncode == 0, made.stderr
    visitor = Visitor(stack.address).sign_in("guide@example.com", password)
    business = Business(sandbox_server.control, stack)
    assert visitor.submit(f"{SETTINGS}/connect", {"api_key": business.keys["restricted"]}, page=SETTINGS).ok
    customer = business.gain_customer()

    def is_in_the_queue() -> bool:
        visitor.get("/creatives/new", headers={"HX-Request": "true"})
        return bool(business.creatives_of(customer))

    wait_for(is_in_the_queue, seconds=60, every=1)
    assert "Team" in visitor.get("/creatives").text


@pytest.mark.parametrize("part", COMMANDS)
def test_no_event_is_lost_or_doubled_when_a_part_is_killed(business: Business, stack: Stack, part: str) -> None:
    os.kill(stack.children()[part], signal.SIGKILL)
    customers = [business.gain_customer("Starter") for _ in range(3)]
    wait_for(lambda: all(business.creatives_of(customer) for customer in customers), seconds=45)
    assert [len(business.creatives_of(customer)) for customer in customers] == [1, 1, 1]
    wait_for(lambda: set(stack.children()) == set(COMMANDS))
    assert "(terminated by SIGKILL; not expected)" in stack.log()


def test_stripe_was_only_read(business: Business) -> None:
    assert {row["method"] for row in business.control.requests(key_kind="restricted")} == {"GET"}


def test_nothing_personal_is_in_the_log(business: Business, stack: Stack) -> None:
    assert "Hazel" not in stack.log()


def test_the_accounts_secrets_are_in_no_log_and_in_no_argument(business: Business, stack: Stack) -> None:
    arguments = [command_line(pid) for pid in descendants_of(stack.process.pid)]
    assert len(arguments) > len(COMMANDS)  # the web server's own processes too
    shown = stack.said() + stack.log() + "".join(arguments)
    assert not [secret for secret in (business.keys["restricted"], business.signing_secret) if secret in shown]
