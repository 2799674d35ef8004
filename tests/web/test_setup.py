"""The setup leads: each of its pages shows the next step, and the brand is asked once Stripe is connected."""

import re
from datetime import timedelta

import pytest

from manimod.creatives import briefs
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account, Alert, Connection, Moment, RejectedDelivery, StripeEvent, SyncRun
from manimod.models.accounts import PLACEHOLDER_NAME, now
from tests import factories

STRIPE = "/settings/integrations/stripe"
BRAND = {"name": "Juniper", "landing_page": "juniper.example/shop"}
COLOURS = {"primary_colour": "#113355", "accent_colour": "#eeaa33"}


def next_step(page: str) -> str:
    """What the button of the next step says; empty where there is none."""
    found = re.search(r'id="next-action"\s+href="[^"]*">([^<]*)</a>', page)
    return found[1] if found else ""


def receive_event(connection: Connection) -> None:
    event = {"stripe_id": "evt_1", "type": "customer.created", "source": "webhook", "facts": {}, "state": "done"}
    with transaction():
        db.session.add(StripeEvent(connection_id=connection.id, created_at=now(), received_at=now(), **event))


def say_brand(client, **fields):
    return client.post("/setup/brand", data=BRAND | COLOURS | fields)


@pytest.mark.both_databases
def test_the_setup_leads_to_the_next_step_until_all_are_done(as_owner, account, connection, creative):
    assert as_owner.get("/setup").location == "/setup/brand"
    assert next_step(as_owner.get(STRIPE).text) == "Enter your brand"
    assert say_brand(as_owner).location == "/setup"
    receive_event(connection)
    assert as_owner.get("/setup").location == f"{STRIPE}?mode=live#connect", "the last step leads from test to live"
    factories.make_connection(account, livemode=True)
    assert as_owner.get("/setup?mode=test").location == "/"


def test_without_a_connection_each_page_leads_to_connect(as_owner):
    for address in (STRIPE, "/settings/brand"):
        assert next_step(as_owner.get(address).text) == "Connect Stripe"


def test_with_the_secret_saved_the_test_is_next_while_the_first_event_is_waited_for(as_owner, connection):
    say_brand(as_owner)
    page = as_owner.get(STRIPE).text
    assert next_step(page) == "Send yourself a test"
    assert "Waiting for the first event" in page
    with transaction():
        connection.encrypted_signing_secret = None
    assert next_step(as_owner.get(STRIPE).text) == "Set up the webhook"


def test_a_bare_domain_becomes_the_landing_page(as_owner, account):
    say_brand(as_owner)
    kit = briefs.get_brand_kit(account)
    assert (kit.name, kit.landing_page) == ("Juniper", "https://juniper.example/shop")
    assert (kit.primary_colour, kit.accent_colour) == ("#113355", "#eeaa33")


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, "A brand needs a name"),
        ({"landing_page": "http://juniper.example"}, "a full address that starts with https://"),
        ({"landing_page": "nonsense"}, "a full address that starts with https://"),
        ({"primary_colour": "red"}, "A colour looks like"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_lost(as_owner, account, fields, sentence):
    answer = say_brand(as_owner, **fields)
    assert answer.status_code == 422
    assert sentence in answer.text
    assert 'value="#eeaa33"' in answer.text
    assert briefs.get_brand_kit(account).version == 0


def test_the_name_that_stripe_tells_is_proposed_and_the_placeholder_never_is(as_owner, account, connection):
    assert 'value="Brightside Studio"' in as_owner.get("/setup/brand").text
    with transaction():
        account.name, connection.stripe_account_name = PLACEHOLDER_NAME, None
    page = as_owner.get("/setup/brand").text
    assert f'value="{PLACEHOLDER_NAME}"' not in page


def test_where_stripe_tells_no_name_the_typed_one_names_the_account(as_owner, connection):
    with transaction():
        connection.stripe_account_name = None
    say_brand(as_owner)
    assert "Juniper" in as_owner.get(STRIPE).text.split('id="connection-title"')[1].split("</h2>")[0]
    answer = as_owner.htmx("post", f"{STRIPE}/name", data={"name": " Juniper  Ltd "})
    assert "Juniper Ltd" in answer.text
    with transaction():
        connection.permissions = {"account": True}
    assert f"{STRIPE}/name" not in as_owner.get(STRIPE).text, "Stripe tells it"


def test_the_webhook_card_changes_by_itself_with_the_first_event(as_owner, connection):
    address = re.search(rf'hx-get="({STRIPE}/webhook\?seen=awaited)"', as_owner.get(STRIPE).text)[1]
    assert as_owner.htmx("get", address).status_code == 204
    receive_event(connection)
    answer = as_owner.htmx("get", address).text
    assert "Working" in answer
    assert 'id="sources"' in answer
    assert 'id="next-step"' in answer
    assert "hx-get" not in answer.split('id="webhook-title"')[0], "it asks no more"
    assert as_owner.get(address).location == f"{STRIPE}#webhook"


def test_rejected_deliveries_show_on_the_webhook_card(as_owner, connection):
    rejected = {"code": "WEBHOOK_BAD_SIGNATURE", "hour": now(), "count": 3, "last_at": now() + timedelta(seconds=1)}
    with transaction():
        db.session.add(RejectedDelivery(connection_id=connection.id, **rejected))
    answer = as_owner.htmx("get", f"{STRIPE}/webhook?seen=awaited").text
    assert "Deliveries are rejected" in answer
    assert "must be the one of this very endpoint" in answer


@pytest.mark.both_databases
def test_customers_who_came_by_webhook_count_at_once(as_owner, connection):
    done = {"state": "done", "started_at": now() - timedelta(minutes=30), "finished_at": now() - timedelta(minutes=29)}
    with transaction():
        db.session.add(SyncRun(connection_id=connection.id, customers=0, **done))
        for number in range(3):
            moment = {"key": f"new_customer:cus_{number}", "kind": "new_customer", "source": "webhook"}
            times = {"occurred_at": now(), "received_at": now()}
            db.session.add(Moment(connection_id=connection.id, state="ready", **moment, **times))
    tile = as_owner.get("/").text.split('id="tile-customers"')[1].split("</a>")[0]
    assert ">3<" in tile
    assert "3 new customers since the last sync" in as_owner.get("/audience").text


def test_a_new_account_sees_no_zeros(as_owner, connection):
    page = as_owner.get("/").text
    assert "Set up mani with Stripe" in page
    assert "tile-waiting" not in page
    assert "Customers by tier" not in page


@pytest.fixture
def alert(account: Account, connection: Connection) -> Alert:
    with transaction():
        connection.last_error = "STRIPE_KEY_REJECTED"
        rejected = {
            "check": "key",
            "open_key": f"connection:{connection.id}:key",
            "meaning": "API key: Stripe says no.",
        }
        alert = Alert(account_id=account.id, connection_id=connection.id, **rejected)
        db.session.add(alert)
    return alert


def test_an_alert_says_it_once_and_carries_its_button(as_owner, alert):
    page = as_owner.get("/").text
    assert f'href="{STRIPE}?replace=1&amp;mode=test#connect">Replace the key</a>' in page
    assert page.count("Replace") == 1
    assert "Stripe rejected this key" not in page, "the alert says it already"
    assert "Send yourself a test" not in page.split('id="status"')[1].split("</section>")[0]


def test_an_alert_whose_fix_is_in_stripe_leads_to_the_check(as_owner, alert):
    with transaction():
        alert.check = "permission_customers"
    page = as_owner.get("/").text
    assert 'href="/troubleshooting?mode=test#check-permission_customers"' in page


def test_an_alert_ends_with_the_connection(as_owner, alert):
    as_owner.post(f"{STRIPE}/disconnect")
    assert 'id="alerts"' not in as_owner.get("/").text


@pytest.mark.parametrize(
    "address", ["/troubleshooting/deliveries", "/troubleshooting/customers", f"{STRIPE}/disconnect"]
)
def test_a_page_about_the_connection_leads_to_connect_where_there_is_none(as_owner, address):
    page = as_owner.get(address)
    assert page.status_code == 409
    assert "Connect Stripe first" in page.text
    assert 'aria-label="Main"' in page.text


def test_a_refused_key_leaves_an_address_that_leads_back(as_owner):
    assert (
        factories.SIGNING_SECRET
        not in as_owner.post(f"{STRIPE}/connect", data={"api_key": factories.SIGNING_SECRET}).text
    )
    assert as_owner.get(f"{STRIPE}/connect").location == f"{STRIPE}#connect"
