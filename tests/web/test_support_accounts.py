"""Support finds an account, and sees at a glance which are in trouble, the worst and longest first."""

from datetime import timedelta

import pytest

from manimod.accounts import support as panel
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account, Health
from manimod.models.accounts import now
from manimod.stripe import connections
from tests import factories
from tests.applications import send_redis_away

ADDRESSES = ("/support", "/support/accounts/1", "/support/accounts/1/events/1", "/support/accounts/1/customers")


@pytest.fixture
def add(app):
    def add(name: str, outcome: str | None = None, hours: int = 1, **columns) -> Account:
        account = factories.make_account(name=name)
        if columns or outcome:
            connection = factories.make_connection(account, **columns)
        if outcome:
            at = now() - timedelta(hours=hours)
            checks = {"webhook": outcome} if outcome in ("broken", "attention") else {}
            with transaction():
                health = {"outcome": outcome, "checks": checks, "checked_at": at, "changed_at": at}
                db.session.add(Health(connection_id=connection.id, account_id=account.id, **health))
        return account

    return add


@pytest.fixture
def listed(as_support, add):
    """The names in the list, from top to bottom."""

    def read(**query) -> list[str]:
        page = as_support.get("/support", query_string=query).text
        return [part.partition("</a>")[0].partition(">")[2] for part in page.split('href="/support/accounts/')[1:]]

    return read


@pytest.mark.parametrize("address", ADDRESSES)
def test_owners_and_strangers_stay_outside(client, as_owner, address):
    assert as_owner.get(address).status_code == 403
    assert client.get(address).location.startswith("/sign-in")


@pytest.mark.both_databases
def test_the_worst_come_first_and_of_those_the_longest(listed, add):
    add("Fine", "good")
    add("Broken lately", "broken", hours=1)
    add("Never looked at")
    add("Broken for long", "broken", hours=50)
    add("Not in use", "not_applicable")
    add("To be looked at", "attention")
    order = ["Broken for long", "Broken lately", "To be looked at", "Never looked at", "Fine", "Not in use"]
    assert listed() == order


@pytest.mark.both_databases
@pytest.mark.parametrize("text", ["harbour", "ada@finch", "acct_harbour"])
def test_an_account_is_found_by_name_email_or_stripe_account(listed, add, text):
    wanted = add("Harbour & Finch", last_error=None)
    factories.make_owner(wanted, "ada@finch.example")
    with transaction():
        connections.require_current(wanted).stripe_account_id = "acct_harbour"
    add("Somebody else")
    assert listed(q=text) == ["Harbour &amp; Finch"]


def test_a_live_and_a_test_connection_stand_in_rows_of_their_own(as_support, listed, add):
    account = add("Harbour", "good", livemode=True)
    test = factories.make_connection(account)
    with transaction():
        health = {"outcome": "broken", "checks": {}, "checked_at": now(), "changed_at": now()}
        db.session.add(Health(connection_id=test.id, account_id=account.id, **health))
    assert listed() == ["Harbour", "Harbour"]
    assert listed(show="broken") == ["Harbour"]
    page = as_support.get(f"/support/accounts/{account.id}?mode=test").text
    assert "Live connection" in page
    with transaction():
        connections.disconnect(test)
    assert listed() == ["Harbour"]


@pytest.mark.parametrize("text", ["%", "_", "nobody"])
def test_what_nobody_has_finds_nothing(listed, add, text):
    add("Harbour")
    assert listed(q=text) == []


def test_the_list_is_paged(listed, add, monkeypatch):
    monkeypatch.setattr(panel, "PAGE_SIZE", 2)
    for number in range(5):
        add(f"Account {number}", "broken", hours=10 - number)
    assert listed() == ["Account 0", "Account 1"]
    assert listed(page=2) == ["Account 4"]
    assert listed(page=9) == []


def test_accounts_are_counted_by_outcome_and_shown_by_it(as_support, listed, add):
    add("Fine", "good")
    add("Broken", "broken")
    add("Never looked at")
    assert listed(show="broken") == ["Broken"]
    assert listed(show="unchecked") == ["Never looked at"]
    assert panel.counts() == {"broken": 1, "attention": 0, "unchecked": 1, "good": 1, "not_applicable": 0}


def test_the_jobs_are_shown_with_their_backlog(as_support, connected, client):
    page = as_support.get("/support").text
    assert 'id="jobs-title">Jobs<' in page
    assert "Silent" in page  # no scheduler runs in this test


def test_without_redis_the_panel_says_so(app, as_support, account):
    send_redis_away(app)
    page = as_support.get("/support")
    assert page.status_code == 200
    assert "Redis doesn&#39;t answer" in page.text or "Redis doesn't answer" in page.text


@pytest.mark.parametrize("number", [999, 2**40, 10**30])
def test_an_account_that_is_not_there(as_support, number):
    assert as_support.get(f"/support/accounts/{number}").status_code == 404


def test_nothing_is_done_to_an_account_that_is_not_there(as_support):
    assert as_support.post("/support/accounts/999/sync", data={"reason": "Ticket 1"}).status_code == 404


def test_support_sees_its_own_navigation_only(as_support, account):
    page = as_support.get("/support").text
    assert 'href="/support"' in page
    for address in ('href="/creatives"', 'href="/audience"', 'href="/settings/account"', 'href="/"'):
        assert address not in page
