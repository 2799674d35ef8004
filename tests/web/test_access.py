"""Who may see what: strangers, support, another account, another site."""

import pytest

from tests import factories

OWNER_PAGES = (
    "/",
    "/help",
    "/creatives",
    "/creatives/1",
    "/creatives/1/1080x1080.svg",
    "/settings/integrations",
    "/settings/integrations/stripe",
    "/settings/integrations/stripe/disconnect",
)
ACTIONS = (
    "/creatives/{id}/approve",
    "/creatives/{id}/reject",
    "/creatives/{id}/reopen",
    "/settings/integrations/stripe/connect",
    "/settings/integrations/stripe/events",
    "/settings/integrations/stripe/events/renewed",
    "/settings/integrations/stripe/signing-secret",
    "/settings/integrations/stripe/sync",
    "/settings/integrations/stripe/disconnect",
    "/settings/password",
    "/sign-out",
)


@pytest.mark.parametrize("address", OWNER_PAGES)
def test_a_stranger_is_asked_to_sign_in(client, address):
    assert client.get(address).location.startswith("/sign-in")


@pytest.mark.parametrize("address", OWNER_PAGES)
def test_support_has_no_account_to_look_at(as_support, address):
    answer = as_support.get(address)
    assert answer.status_code == 403
    assert "Not for this account" in answer.text


@pytest.mark.parametrize("address", [address for address in ACTIONS if address != "/sign-out"])
def test_an_action_is_no_page(as_owner, connection, creative, address):
    """Where the address is a page as well, reading it changes nothing."""
    answer = as_owner.get(address.format(id=creative.id))
    assert answer.status_code in (200, 405)
    if answer.status_code == 405:
        assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("address", ACTIONS)
def test_a_form_of_another_site_is_refused(as_owner, connection, creative, address):
    as_owner.sends_csrf = False
    answer = as_owner.post(address.format(id=creative.id))
    assert answer.status_code == 400
    assert "form has expired" in answer.text
    assert as_owner.get(f"/creatives/{creative.id}").status_code == 200


@pytest.mark.parametrize("what", ["", "/1080x1080.svg", "/1080x1080.png"])
def test_another_accounts_creative_is_not_there(as_owner, add_creative, what):
    foreign = add_creative(factories.make_account(name="Somebody else"))
    assert as_owner.get(f"/creatives/{foreign.id}{what}").status_code == 404


@pytest.mark.parametrize("action", ["approve", "reject", "reopen"])
def test_another_accounts_creative_cannot_be_decided(as_owner, add_creative, action):
    foreign = add_creative(factories.make_account(name="Somebody else"))
    assert as_owner.post(f"/creatives/{foreign.id}/{action}").status_code == 404
    assert foreign.status == "waiting"


def test_another_accounts_creatives_are_in_no_list(as_owner, connection, add_creative):
    foreign = add_creative(factories.make_account(name="Somebody else"))
    assert f"creative-{foreign.id}" not in as_owner.get("/creatives").text
    assert as_owner.htmx("get", "/creatives/new?since=0").status_code == 204
