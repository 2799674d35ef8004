"""What the key may read: each permission as granted, missing, or optional, and looked at again by every sync."""

import re

import pytest

from manimod.jobs import transaction
from manimod.stripe import connections
from manimod.stripe.gateway import PERMISSIONS
from tests import factories

PAGE = "/settings/integrations/stripe"
REQUIRED = ["rak_customer_read", "rak_subscription_read"]


@pytest.fixture
def key(sandbox, stripe_account, account, drain) -> str:
    """Of a connection with the required permissions, synced once."""
    key = sandbox.create_key(stripe_account["id"], permissions=REQUIRED)
    with transaction():
        connections.connect(account, connections.check_key(key))
    drain()
    return key


def listed(page: str) -> dict[str, tuple[str, str]]:
    """Dashboard name -> (how it is marked, what is said)."""
    items = re.findall(
        r'<li class="[^"]* (granted|missing|not-granted)">(.*?)</li>', page.split('class="permissions ')[1], re.S
    )
    return {
        re.search(r"<strong[^>]*>(.*?)</strong>", item)[1]: (mark, item) for mark, item in items if ": Read" in item
    }


def test_each_permission_is_listed_under_stripes_name_for_it(as_owner, key):
    permissions = listed(as_owner.get(PAGE).text)
    assert list(permissions) == [permission.label for permission in PERMISSIONS.values()]
    assert permissions["Customers: Read"][0] == "granted"
    mark, said = permissions["Events: Read"]
    assert mark == "not-granted"
    assert "optional, would add creatives even without a webhook" in said


def test_a_link_widens_the_key(as_owner, key):
    page = as_owner.get(PAGE).text
    assert "permissions[]=rak_event_read" in page
    assert "mani checks again once a day" in page


def test_a_permission_that_was_added_in_stripe_shows_after_the_next_sync(as_owner, key, sandbox, drain):
    sandbox.change_key(key, permissions=[*REQUIRED, "rak_event_read"])
    as_owner.post(f"{PAGE}/sync")
    drain()
    assert listed(as_owner.get(PAGE).text)["Events: Read"][0] == "granted"


def test_a_required_permission_that_was_taken_away_is_named(as_owner, key, sandbox, drain):
    sandbox.change_key(key, permissions=REQUIRED[:1])
    as_owner.post(f"{PAGE}/sync")
    drain()
    page = as_owner.get(PAGE).text
    mark, said = listed(page)["Subscriptions: Read"]
    assert mark == "missing"
    assert "but required" in said
    assert "Missing: Subscriptions: Read." in page, "the notice names it as well"


def test_stripes_page_of_the_key_is_offered_where_it_has_named_one(as_owner, key, sandbox, stripe_account):
    link = re.search(r'id="edit-key" href="(.*?)"', as_owner.get(PAGE).text)
    assert link[1].startswith(f"https://dashboard.stripe.com/b/{stripe_account['id']}?destination=")
    sandbox.configure_account(stripe_account["id"], permission_wording="old")
    connections.refresh_permissions(1)
    page = as_owner.get(PAGE).text
    assert 'id="edit-key"' not in page
    assert f"https://dashboard.stripe.com/b/{stripe_account['id']}?destination=%2Ftest%2Fapikeys" in page


def test_what_stripe_could_not_say_is_shown_with_the_last_known_answer(as_owner, key, sandbox):
    sandbox.change_key(key, permissions=[*REQUIRED, "rak_event_read"])
    connections.refresh_permissions(1)
    for name in ("events", "products"):
        sandbox.fault(path=f"/v1/{name}", status=500)
    connections.refresh_permissions(1)
    page = as_owner.get(PAGE).text
    assert "couldn't be checked now; allowed at the last check" in listed(page)["Events: Read"][1]
    assert "couldn't be checked now; not allowed at the last check" in listed(page)["Products: Read"][1]
    assert "can't read your Stripe account" not in page


def test_a_key_that_could_write_is_accepted_with_a_warning(as_owner, account, stripe_account):
    with transaction():
        connections.connect(account, connections.check_key(stripe_account["keys"]["test"]["secret"]))
    page = as_owner.get(PAGE).text
    assert "could also change things in Stripe" in page
    assert "a restricted key with the two permissions" in page


def test_a_restricted_key_is_not_warned_about(as_owner, key):
    assert "could also change things in Stripe" not in as_owner.get(PAGE).text


def test_a_key_that_may_read_everything_is_not_asked_to_widen(as_owner, account, stripe_account):
    with transaction():
        connections.connect(account, connections.check_key(stripe_account["keys"]["test"]["secret"]))
    page = as_owner.get(PAGE).text
    assert "may read all that mani can use" in page
    assert "with everything ticked" not in page


def test_the_list_is_of_ones_own_connection(app, connected, sandbox):
    stranger = app.test_client().sign_in(factories.make_owner(factories.make_account(name="Stranger")))
    assert 'class="permissions ' not in stranger.get(PAGE).text
