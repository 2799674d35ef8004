"""In the hour after a period began, its invoice is a draft: the subscription looks active, and nothing is paid yet."""

import time

import pytest

from manimod.ingest import polling, sync
from manimod.jobs import transaction
from manimod.models.accounts import now

PERMISSIONS = [f"rak_{name}_read" for name in ("customer", "subscription", "product", "plan", "event")]


@pytest.fixture
def stripe_account(sandbox):
    account = sandbox.create_account("Brightside Studio", permissions=PERMISSIONS)
    sandbox.configure_account(account["id"], draft_seconds=3600)
    return account


@pytest.fixture
def stripe(sandbox, stripe_account):
    return sandbox.client(stripe_account["keys"]["test"]["secret"])


@pytest.fixture
def look(connected, drain):
    """What a source sees now."""

    def at(source):
        with transaction():
            if source == "sync":
                sync.request_sync(connected)
            else:
                connected.next_poll_at = now()
        if source == "poll":
            polling.run(connected.id)
        drain()

    return at


@pytest.fixture
def renewed(sandbox, stripe_account, stripe, connected, look):
    """A subscription from before the connection, whose next period has just begun."""
    sandbox.seed_customers(stripe_account["id"], 1, yearly=0, statuses={"active": 1}, years=0.5, until=int(time.time()))
    look("sync")
    subscription = stripe.v1.subscriptions.list().data[0].id
    sandbox.renew(subscription)
    return subscription


@pytest.mark.parametrize("source", ["sync", "poll"])
def test_a_draft_is_no_renewal(renewed, look, moments, source):
    look(source)
    assert moments() == {}


@pytest.mark.parametrize(("succeeds", "kind"), [(True, "renewed"), (False, "payment_failed")])
def test_what_the_payment_brings_is_told_once(sandbox, renewed, look, moments, succeeds, kind):
    look("sync")
    sandbox.finish_draft(renewed, succeeds)
    for source in ("poll", "sync", "poll"):
        look(source)
    assert {key.split(":")[0]: state for key, state in moments().items()} == {kind: "generated"}
    assert len(moments()) == 1


def test_renewals_ahead_of_time_are_renewals_too(sandbox, stripe_account, stripe, connected, look, moments):
    sandbox.configure_account(stripe_account["id"], draft_seconds=0)
    price = sandbox.catalogue(stripe_account["id"])["Team"]["month"]
    customer = stripe.v1.customers.create({"name": "Hazel Testford"})
    subscription = stripe.v1.subscriptions.create({"customer": customer.id, "items": [{"price": price}]})
    sandbox.renew(subscription.id)
    look("poll")
    sandbox.renew(subscription.id)
    look("poll")
    assert sorted(key.split(":")[0] for key in moments()) == ["new_customer", "renewed", "renewed"]
