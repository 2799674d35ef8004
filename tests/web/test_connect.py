"""Settings > Integrations > Stripe > Connect."""

import pytest

from manimod.stripe import connections
from tests import factories

PAGE = "/settings/integrations/stripe"


def paste(client, key):
    return client.post(f"{PAGE}/connect", data={"api_key": key})


def test_the_way_there_reads_as_in_the_guide(as_owner):
    for address in ("/settings", "/settings/integrations"):
        settings = as_owner.get(address)
        assert "Integrations" in settings.text
        assert PAGE in settings.text
    assert ">Connect<" in as_owner.get(PAGE).text


def test_a_pasted_key_connects_and_names_the_stripe_account(as_owner, account, sandbox):
    stripe_account = sandbox.create_account(
        "Brightside Studio",
        permissions=["rak_customer_read", "rak_subscription_read", "rak_accounts_kyc_basic_read"],
    )
    answer = paste(as_owner, stripe_account["keys"]["test"]["restricted"])
    assert (answer.status_code, answer.location) == (303, "/setup")
    assert as_owner.get("/setup").location == "/setup/brand"
    page = as_owner.get("/setup/brand").text
    assert "Connected to Brightside Studio." in page, "the toast"
    page = as_owner.get(PAGE).text
    assert "Status: <strong>Connected</strong>" in page
    assert "Brightside Studio" in page
    assert ">TEST<" in page


def test_where_the_name_is_not_readable_the_account_id_stands_in(as_owner, connected, stripe_account):
    page = as_owner.get(PAGE).text
    assert "Status: <strong>Connected</strong>" in page
    assert stripe_account["id"] in page


def test_a_live_key_carries_no_test_badge(as_owner, stripe_account):
    paste(as_owner, stripe_account["keys"]["live"]["restricted"])
    page = as_owner.get(PAGE).text
    assert "Live data" in page
    assert ">TEST<" not in page


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("", "The field is empty"),
        ("sk_live_" + "a" * 24, "full secret key"),
        ("pk_test_" + "a" * 24, "publishable key"),
        ("whsec_" + "a" * 24, "webhook signing secret"),
        ("rk_test_abc", "too short"),
        ("hello", "look like a Stripe API key"),
        ("rk_test_" + "z" * 30, "Stripe rejected this key"),
    ],
)
def test_a_wrong_key_is_explained_next_to_the_field(as_owner, sandbox, key, sentence):
    answer = paste(as_owner, key)
    assert answer.status_code == 422
    assert 'id="api_key-error"' in answer.text
    assert sentence in answer.text
    assert not key or key not in answer.text, "the key must not be echoed"


def test_a_missing_permission_is_named(as_owner, sandbox, stripe_account):
    answer = paste(as_owner, sandbox.create_key(stripe_account["id"], permissions=["rak_customer_read"]))
    assert answer.status_code == 422
    assert "Subscriptions: Read" in answer.text


def test_a_key_that_cannot_do_comes_with_the_link_that_makes_the_right_one(as_owner, sandbox, stripe_account):
    for key in (
        "sk_live_" + "a" * 24,
        sandbox.create_key(stripe_account["id"], permissions=["rak_customer_read"]),
        sandbox.create_key(stripe_account["id"], state="expired"),
        sandbox.create_key(stripe_account["id"], state="address_restricted"),
    ):
        answer = paste(as_owner, key).text
        beside = answer.split('id="api_key-error"')[1].split("</form>")[0]
        assert "Create the right key in Stripe" in beside
        assert "permissions[]=rak_customer_read" in beside
        assert key not in answer


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ({"drop": True}, "be reached, or took longer than 3 seconds"),
        ({"status": 500}, "an error of its own"),
        ({"status": 429}, "asked mani to slow down"),
    ],
)
def test_when_stripe_is_down_the_person_may_try_again(as_owner, sandbox, stripe_account, fault, sentence):
    key = stripe_account["keys"]["test"]["restricted"]
    sandbox.fault(path="/v1/customers", times=1, **fault)
    answer = paste(as_owner, key)
    assert answer.status_code == 503
    beside = answer.text.split('id="api_key-error"')[1].split("</form>")[0]
    assert sentence in beside
    assert 'href="#api_key"' in beside, "which moves the focus into the field"
    assert "paste it once more" in beside
    assert key not in answer.text
    assert paste(as_owner, key).status_code == 303


def test_the_key_is_on_no_page_afterwards(as_owner, connected, stripe_account):
    key = stripe_account["keys"]["test"]["restricted"]
    for address in (PAGE, f"{PAGE}?replace=1", "/", "/settings/integrations"):
        assert key not in as_owner.get(address).text


def test_below_pro_there_is_an_upgrade_message_and_no_form(app, sandbox, stripe_account):
    owner = factories.make_owner(factories.make_account("starter"))
    client = app.test_client().sign_in(owner)
    page = client.get(PAGE).text
    assert "part of the Pro and Scale plans" in page
    assert "Starter plan" in page
    assert "ask whoever runs mani" in page
    app.jinja_env.globals["upgrade_link"] = "mailto:plans@example.com"
    assert 'href="mailto:plans@example.com">Upgrade</a>' in client.get(PAGE).text
    app.jinja_env.globals["upgrade_link"] = ""
    assert "api_key" not in page
    answer = paste(client, stripe_account["keys"]["test"]["restricted"])
    assert answer.status_code == 403
    assert connections.get_for_account(owner.account) is None


def test_after_a_downgrade_the_way_out_stays(app, connection, as_owner, account):
    with app.app_context(), factories.transaction():
        account.plan = "free"
    page = as_owner.get(PAGE).text
    assert "Events require the Pro plan." in page
    assert "Disconnect" in page


def test_disconnect_asks_first_and_then_deletes_the_key(as_owner, connection):
    assert "Keep connected" in as_owner.get(f"{PAGE}/disconnect").text
    assert connection.is_connected
    answer = as_owner.post(f"{PAGE}/disconnect")
    assert (answer.status_code, answer.location) == (303, PAGE)
    assert not connection.is_connected
    assert connection.encrypted_api_key is None
    assert ">Connect<" in as_owner.get(PAGE).text


def test_the_question_says_exactly_what_goes_and_what_stays(as_owner, connection):
    goes, stays = as_owner.get(f"{PAGE}/disconnect").text.split("What stays")
    assert all(word in goes for word in ("API key", "signing secret", "customers", "subscriptions", "events"))
    assert all(word in stays for word in ("Every creative", "choice of events", "Stripe account"))


def test_disconnecting_twice_is_a_friendly_page(as_owner, connection):
    as_owner.post(f"{PAGE}/disconnect")
    answer = as_owner.post(f"{PAGE}/disconnect")
    assert answer.status_code == 409
    assert "connected to Stripe" in answer.text


def test_the_link_to_stripe_asks_for_the_required_permissions_alone_or_for_all(as_owner, sandbox):
    page = as_owner.get(PAGE).text
    required = "apikeys/create?name=mani&amp;permissions[]=rak_customer_read&amp;permissions[]=rak_subscription_read"
    assert f'{required}"' in page
    assert f"{required}&amp;permissions[]=rak_event_read" in page
    assert "Basic Business Contact Information: Read" in page


def test_a_missing_permission_comes_with_stripes_page_of_the_key(as_owner, sandbox, stripe_account):
    answer = paste(as_owner, sandbox.create_key(stripe_account["id"], permissions=["rak_customer_read"]))
    assert f'id="edit-key" href="https://dashboard.stripe.com/b/{stripe_account["id"]}?destination=' in answer.text
    sandbox.configure_account(stripe_account["id"], permission_wording="old")
    answer = paste(as_owner, sandbox.create_key(stripe_account["id"], permissions=["rak_customer_read"]))
    assert 'id="edit-key"' not in answer.text


@pytest.mark.parametrize(
    "link",
    ["https://evil.example/b/acct_1", "https://dashboard.stripe.com.evil.example/", "http://dashboard.stripe.com/b/a"],
)
def test_a_link_that_leads_elsewhere_is_never_offered(as_owner, sandbox, stripe_account, link):
    message = f"Enabling \"Customers Read\" ('customer_read') permissions. You can edit permissions at {link}"
    sandbox.fault(path="/v1/", status=403, code="more_permissions_required", message=message)
    answer = paste(as_owner, stripe_account["keys"]["test"]["restricted"])
    assert answer.status_code == 422
    assert "evil.example" not in answer.text
    assert 'id="edit-key"' not in answer.text


def test_a_key_limited_to_addresses_is_told_which_to_allow(app, as_owner, sandbox, stripe_account):
    app.extensions["settings"].outbound_addresses = ["203.0.113.7", "2001:db8::7"]
    answer = paste(as_owner, sandbox.create_key(stripe_account["id"], state="address_restricted"))
    assert "add 203.0.113.7 and 2001:db8::7 to the addresses that the key may be used from" in answer.text
    app.extensions["settings"].outbound_addresses = []
    answer = paste(as_owner, sandbox.create_key(stripe_account["id"], state="address_restricted"))
    assert "add the address that mani calls from to the addresses" in answer.text
