"""One sandbox for all of these tests; each test has an account of its own in it."""

import pytest

from . import Sandbox
from .receiver import Receiver


@pytest.fixture(scope="session")
def shared_sandbox():
    with Sandbox(seed="tests") as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(shared_sandbox):
    yield shared_sandbox
    shared_sandbox.control.reset()


@pytest.fixture
def control(sandbox):
    return sandbox.control


@pytest.fixture
def account(control):
    return control.create_account("Brightside Studio")


@pytest.fixture
def client(control, account):
    return control.client(account["keys"]["test"]["secret"])


@pytest.fixture
def prices(control, account):
    return control.catalogue(account["id"])


@pytest.fixture
def customer(client):
    return client.v1.customers.create({"name": "Hazel Testford", "email": "hazel@example.com"})


@pytest.fixture
def subscription(client, customer, prices):
    return client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": prices["Team"]["month"]}]})


@pytest.fixture
def kinds(client):
    """The types of the account's events, oldest first."""
    return lambda: [event.type for event in reversed(client.v1.events.list({"limit": 100}).data)]


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver


@pytest.fixture
def endpoint(control, account, receiver):
    return control.create_endpoint(account["id"], receiver.url)
