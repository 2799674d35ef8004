"""Why a creative is generic: no subscription, a tier without a name, or data that isn't synced yet."""

import pytest

from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.models import SyncRun
from tests import factories, stripe_events
from tests.delivering import creatives, deliver  # noqa: F401


@pytest.fixture
def welcome(deliver, drain, creatives):  # noqa: F811
    """The reason of the creative for a new customer, who may have a subscription."""

    def send(*more):
        deliver(stripe_events.event("customer.created", stripe_events.customer("cus_why")), *more)
        drain()
        return creatives()[-1].generic_reason

    return send


def test_a_customer_without_a_subscription(connected, drain, welcome):
    drain()
    assert welcome() == "no_subscription"


def test_a_customer_before_the_first_sync(connected, welcome):
    with transaction():
        SyncRun.query.delete()
        connected.next_sync_at = None
    assert sync.get_latest(connected) is None
    assert welcome() == "not_synced"


def test_a_tier_without_a_name(connected, drain, welcome):
    drain()
    price = stripe_events.price(nickname="Team, which only Stripe calls so")
    body = stripe_events.subscription("sub_why", customer="cus_why", items=[stripe_events.item(price)])
    assert welcome(stripe_events.event("customer.subscription.created", body)) == "unnamed_tier"


def test_a_tier_with_a_name_is_not_generic(connected, drain, welcome):
    drain()
    factories.name_tier(connected)
    body = stripe_events.subscription("sub_why", customer="cus_why")
    assert welcome(stripe_events.event("customer.subscription.created", body)) is None
