"""Test beside live: an account has a connection of each mode, and the pages show one of them."""

import re

import pytest
from sqlalchemy import select

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import BrandKit, Connection, Creative, Moment, StripeEvent, Tier
from manimod.stripe import connections
from tests import factories, stripe_events
from tests.browser.filling import make_creative

PAGE = "/settings/integrations/stripe"
NAMES = ["rak_customer_read", "rak_subscription_read", "rak_product_read", "rak_plan_read"]
NAMES += ["rak_accounts_kyc_basic_read"]


@pytest.fixture
def stripe_account(sandbox):
    return sandbox.create_account("Brightside Studio", permissions=NAMES)


@pytest.fixture
def both(account) -> dict[str, Connection]:
    """The account's connections by mode, without a call to Stripe."""
    return {mode: factories.make_connection(account, livemode=mode == "live") for mode in ("test", "live")}


def paste(client, key, **more):
    return client.post(f"{PAGE}/connect", data={"api_key": key, **more})


def make(account, is_test: bool) -> Creative:
    with transaction():
        creative = make_creative(account, is_test=is_test)
        db.session.add(creative)
    return creative


def deliver(client, both) -> None:
    """A new customer to each mode's endpoint."""
    for mode, connection in both.items():
        event = stripe_events.event("customer.created", stripe_events.customer(f"cus_{mode}"))
        event["livemode"] = mode == "live"
        answer = client.post(f"/webhooks/stripe/{connection.webhook_token}", **factories.signed(event))
        assert answer.status_code == 200


def text_of(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def connected_modes(account) -> set[str]:
    db.session.rollback()
    return {connection.mode for connection in connections.list_for_account(account) if connection.is_connected}


# --- connecting ------------------------------------------------------------------------------------------------------


def test_one_paste_goes_live_and_deletes_nothing_of_the_test(as_owner, account, stripe_account):
    paste(as_owner, stripe_account["keys"]["test"]["restricted"])
    with transaction():
        test = connections.require_current(account, livemode=False)
        connections.set_signing_secret(test, factories.SIGNING_SECRET)
        db.session.add(Tier(connection_id=test.id, stripe_product_id="prod_team", owner_name="Team"))
    offer = as_owner.get(PAGE).text
    assert f'href="{PAGE}?mode=live">Go live</a>' in offer
    page = as_owner.get(f"{PAGE}?mode=live").text
    assert "Your test connection goes on beside it, and nothing of it is deleted." in page
    assert "start_over" not in page
    answer = paste(as_owner, stripe_account["keys"]["live"]["restricted"], mode="live")
    assert answer.location == "/setup", "what is next"
    assert connected_modes(account) == {"test", "live"}
    assert test.encrypted_signing_secret
    assert db.session.scalar(select(Tier.owner_name).where(Tier.connection_id == test.id)) == "Team"


def test_what_is_next_after_going_live_is_the_live_endpoint(as_owner, account, both):
    with transaction():
        both["live"].encrypted_signing_secret = None
        db.session.add(BrandKit(account_id=account.id, name="Brightside Studio"))
    assert as_owner.get("/setup?mode=live").location == f"{PAGE}#webhook"


def test_the_last_step_of_a_test_is_to_go_live(as_owner, account, both):
    assert "Go live" in as_owner.get("/?mode=test").text


def test_each_mode_has_its_own_endpoint_and_secret(as_owner, account, both):
    for mode, connection in both.items():
        page = as_owner.get(f"{PAGE}?mode={mode}").text
        other = both["live" if mode == "test" else "test"]
        assert connection.webhook_token in page
        assert other.webhook_token not in page
    as_owner.post(f"{PAGE}/signing-secret", data={"signing_secret": "whsec_" + "n" * 32, "mode": "test"})
    assert both["test"].encrypted_old_signing_secret
    assert both["live"].encrypted_old_signing_secret is None


@pytest.mark.parametrize(("shown", "pasted"), [("test", "live"), ("live", "test")])
def test_a_key_of_the_other_mode_connects_that_mode_and_shows_it(as_owner, account, stripe_account, shown, pasted):
    keys = stripe_account["keys"]
    paste(as_owner, keys[shown]["restricted"])
    assert paste(as_owner, keys[pasted]["restricted"], mode=shown).status_code == 303
    page = text_of(as_owner.get(PAGE).text)
    assert f"It is a {pasted} key, so the pages show {pasted} data now." in page
    assert "Data Live data" in page if pasted == "live" else "Data Test data" in page
    assert connected_modes(account) == {"test", "live"}


def test_a_sandbox_has_another_account_id_and_stands_beside_live(as_owner, account, sandbox, stripe_account):
    paste(as_owner, stripe_account["keys"]["live"]["restricted"])
    other = sandbox.create_account("Brightside sandbox")
    assert paste(as_owner, other["keys"]["test"]["restricted"]).status_code == 303
    assert connected_modes(account) == {"test", "live"}


def test_a_second_live_account_is_refused_in_words(as_owner, account, sandbox, stripe_account):
    paste(as_owner, stripe_account["keys"]["live"]["restricted"])
    paste(as_owner, stripe_account["keys"]["test"]["restricted"])
    other = sandbox.create_account("Another Studio")
    answer = paste(as_owner, other["keys"]["live"]["restricted"])
    assert answer.status_code == 409
    assert "another Stripe account than the one connected in live mode" in answer.text
    assert connections.require_current(account, livemode=True).stripe_account_id == stripe_account["id"]


def test_disconnecting_one_leaves_the_other_alone(as_owner, account, both):
    creatives = [make(account, is_test) for is_test in (True, False)]
    assert "The connection in live mode" in as_owner.get(f"{PAGE}/disconnect?mode=test").text
    as_owner.post(f"{PAGE}/disconnect", data={"mode": "test"})
    assert connected_modes(account) == {"live"}
    assert both["live"].encrypted_api_key
    assert both["live"].encrypted_signing_secret
    assert db.session.query(Creative).count() == len(creatives)
    assert "Connect test data" in as_owner.get(f"{PAGE}?mode=test").text


# --- what the pages show ---------------------------------------------------------------------------------------------


def test_live_data_is_shown_first_and_the_choice_is_kept(as_owner, both):
    assert "Data Live data" in text_of(as_owner.get(PAGE).text)
    as_owner.get("/?mode=test")
    assert "Data Test data" in text_of(as_owner.get(PAGE).text)


def test_without_a_connection_there_is_nothing_to_choose(as_owner):
    assert 'id="modes"' not in as_owner.get("/").text


def test_with_live_data_alone_a_test_connection_is_offered(as_owner, account):
    factories.make_connection(account, livemode=True)
    page = as_owner.get(f"{PAGE}?mode=test").text
    assert "Connect test data" in page
    assert "rk_test_…" in page


def test_the_queue_holds_creatives_of_one_mode(as_owner, account, both):
    ids = {is_test: make(account, is_test).id for is_test in (True, False)}
    for mode in ("live", "test"):
        page = as_owner.get(f"/creatives?mode={mode}").text
        assert f'id="creative-{ids[mode == "test"]}"' in page
        assert f'id="creative-{ids[mode == "live"]}"' not in page


def test_a_creatives_page_shows_itself_whatever_was_chosen(as_owner, account, both):
    creative = make(account, is_test=True)
    as_owner.get("/?mode=live")
    page = as_owner.get(f"/creatives/{creative.id}").text
    assert '<input type="hidden" name="mode" value="test">' in page
    assert "Data Live data" in text_of(as_owner.get(PAGE).text)


def test_a_page_that_another_tab_switched_meanwhile_goes_on_with_its_own_mode(as_owner, account, both):
    live, test = make(account, is_test=False), make(account, is_test=True)
    as_owner.get("/?mode=test")
    badge = as_owner.htmx("get", "/waiting?seen=0", headers={"Mani-Mode": "live"})
    assert 'data-count="1"' in badge.text
    page = as_owner.htmx("get", "/creatives", headers={"Mani-Mode": "live"}).text
    assert f'id="creative-{live.id}"' in page
    assert f'id="creative-{test.id}"' not in page


def test_events_are_shown_by_their_mode(as_owner, client, account, both, drain):
    deliver(client, both)
    drain()
    rows = {row.connection_id: row.id for row in db.session.scalars(select(StripeEvent))}
    for mode, connection in both.items():
        log = as_owner.get(f"/troubleshooting/deliveries?mode={mode}").text
        assert log.count('href="/troubleshooting/events/') == 1
        assert f"/troubleshooting/events/{rows[connection.id]}" in log
        assert as_owner.get(f"/troubleshooting/events/{rows[connection.id]}?mode=live").status_code == 200


def test_a_page_of_another_accounts_connection_stays_closed(as_owner, app):
    other = factories.make_connection(livemode=True)
    creative = make(other.account, is_test=False)
    assert as_owner.get(f"/creatives/{creative.id}?mode=live").status_code == 404


# --- what both share -------------------------------------------------------------------------------------------------


@pytest.mark.both_databases
def test_events_of_each_connection_make_creatives_in_their_own_queue(as_owner, client, account, both, drain):
    deliver(client, both)
    drain()
    made = {creative.is_test: creative for creative in db.session.scalars(select(Creative))}
    assert set(made) == {True, False}
    for mode, connection in both.items():
        creative = made[mode == "test"]
        moment = db.session.scalar(select(Moment).where(Moment.creative_id == creative.id))
        assert (moment.connection_id, moment.key) == (connection.id, f"new_customer:cus_{mode}")
        assert f'id="creative-{creative.id}"' in as_owner.get(f"/creatives?mode={mode}").text


def test_a_switch_is_of_both(as_owner, client, account, both, drain):
    as_owner.get("/?mode=test")
    as_owner.htmx("post", f"{PAGE}/events/new_customer", data={"mode": "test"})
    deliver(client, both)
    drain()
    assert set(db.session.scalars(select(Moment.state))) == {"skipped"}


@pytest.mark.both_databases
@pytest.mark.parametrize("ids", [("prod_1", "prod_1"), ("prod_test", "prod_live")])
def test_a_tiers_words_are_of_both(as_owner, account, both, ids):
    names = ("Team plan", "team plan") if ids[0] != ids[1] else ("Team", "Crew")
    test, live = (
        factories.name_tier(both[mode], product, name)
        for mode, product, name in zip(("test", "live"), ids, names, strict=True)
    )
    as_owner.htmx("post", f"{PAGE}/tiers/{test.id}", data={"name": "The Team", "mode": "test"})
    as_owner.htmx("post", f"{PAGE}/tiers/{live.id}/lines", data={"lines": "Unlimited boards", "mode": "live"})
    for tier in (test, live):
        assert (tier.owner_name, tier.owner_lines) == ("The Team", ["Unlimited boards"])
    as_owner.htmx("post", f"{PAGE}/tiers/{live.id}", data={"name": "", "mode": "live"})
    assert test.owner_name is None


def test_going_live_finds_the_tiers_again_by_their_names(as_owner, account, sandbox, stripe_account, drain):
    sandbox.catalogue(stripe_account["id"])
    sandbox.catalogue(stripe_account["id"], livemode=True)
    paste(as_owner, stripe_account["keys"]["test"]["restricted"])
    drain()
    with transaction():
        team = db.session.scalar(select(Tier).where(Tier.product_name == "Team"))
        team.owner_name, team.owner_lines = "The Team", ["Unlimited boards"]
    paste(as_owner, stripe_account["keys"]["live"]["restricted"])
    drain()
    live = connections.require_current(account, livemode=True)
    found = db.session.scalar(select(Tier).where(Tier.connection_id == live.id, Tier.product_name == "Team"))
    assert found.stripe_product_id != team.stripe_product_id
    assert (found.owner_name, found.owner_lines) == ("The Team", ["Unlimited boards"])
