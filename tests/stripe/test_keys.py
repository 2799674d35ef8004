"""Which keys are accepted, and the sentence that each refusal gets. No key is ever repeated."""

import time

import pytest

from manimod.config import STRIPE_TIMEOUT
from manimod.errors import ManimodError
from manimod.jobs import transaction
from manimod.stripe import connections
from manimod.stripe.gateway import PERMISSIONS, StripeGateway, restricted_key_link

TAIL = "0" * 24


@pytest.fixture
def refusal(app, sandbox):
    """The failure that a pasted text gets; it never contains what was pasted."""

    def check(text: str) -> ManimodError:
        with pytest.raises(ManimodError) as caught:
            connections.check_key(text)
        assert TAIL not in str(caught.value)
        assert caught.value.__cause__ is None
        return caught.value

    return check


@pytest.mark.parametrize("mode", ["test", "live"])
def test_a_restricted_key_is_accepted(app, stripe_account, mode):
    check = connections.check_key(stripe_account["keys"][mode]["restricted"])
    assert (check.key_type, check.livemode) == (f"rk_{mode}", mode == "live")
    assert check.probe.account_id == stripe_account["id"]


def test_a_test_mode_secret_key_is_accepted(app, stripe_account):
    check = connections.check_key(stripe_account["keys"]["test"]["secret"])
    assert check.key_type == "sk_test"
    assert check.probe.account_name == "Brightside Studio"
    assert all(check.probe.permissions.values())


@pytest.mark.parametrize("around", ["  {} \n", '"{}"', " '{}' "])
def test_spaces_and_quotes_around_a_key_are_trimmed(app, stripe_account, around):
    key = stripe_account["keys"]["test"]["restricted"]
    assert connections.check_key(around.format(key)).api_key == key


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "STRIPE_KEY_MISSING"),
        ("  ''", "STRIPE_KEY_MISSING"),
        (f"sk_live_{TAIL}", "STRIPE_KEY_FULL_SECRET"),
        (f"pk_test_{TAIL}", "STRIPE_KEY_PUBLISHABLE"),
        (f"pk_live_{TAIL}", "STRIPE_KEY_PUBLISHABLE"),
        (f"whsec_{TAIL}", "STRIPE_KEY_SIGNING_SECRET"),
        (f"sk_org_{TAIL}", "STRIPE_KEY_ORGANISATION"),
        ("rk_test_0000", "STRIPE_KEY_TRUNCATED"),
        (f"rk_test_{TAIL}…", "STRIPE_KEY_UNKNOWN"),
        (f"rk_test_{TAIL} and more", "STRIPE_KEY_UNKNOWN"),
        ("hello", "STRIPE_KEY_UNKNOWN"),
        (f"rk_prod_{TAIL}", "STRIPE_KEY_UNKNOWN"),
        (f"rk_test_{TAIL}", "STRIPE_KEY_REJECTED"),
    ],
)
def test_what_is_no_usable_key_gets_its_own_sentence(refusal, text, code):
    assert refusal(text).code == code


@pytest.mark.parametrize(
    ("state", "code"), [("expired", "STRIPE_KEY_EXPIRED"), ("address_restricted", "STRIPE_KEY_ADDRESS")]
)
def test_a_key_that_stripe_limits_gets_its_own_sentence(refusal, sandbox, stripe_account, state, code):
    permissions = ["rak_customer_read", "rak_subscription_read"]
    key = sandbox.create_key(stripe_account["id"], permissions=permissions, state=state)
    assert refusal(key if isinstance(key, str) else key["secret"]).code == code


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        (["rak_customer_read"], "Subscriptions: Read"),
        (["rak_subscription_read"], "Customers: Read"),
        (["rak_event_read"], "Customers: Read and Subscriptions: Read"),
    ],
)
def test_a_missing_permission_is_named_as_in_stripes_dashboard(refusal, sandbox, stripe_account, granted, missing):
    key = sandbox.create_key(stripe_account["id"], permissions=granted)
    failure = refusal(key if isinstance(key, str) else key["secret"])
    assert failure.code == "STRIPE_PERMISSION_MISSING"
    assert f"Missing: {missing}." in str(failure)


def test_the_link_to_a_new_key_ticks_every_permission():
    link = restricted_key_link()
    assert all(f"permissions[]={permission.scope}" in link for permission in PERMISSIONS.values())


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 429}, "STRIPE_RATE_LIMITED"),
        ({"status": 500}, "STRIPE_FAILED"),
        ({"drop": True}, "STRIPE_UNREACHABLE"),
        ({"half": True}, "STRIPE_UNREACHABLE"),
    ],
    ids=str,
)
def test_trouble_at_stripe_is_not_blamed_on_the_key(refusal, sandbox, stripe_account, fault, code):
    sandbox.fault(**fault)
    assert refusal(stripe_account["keys"]["test"]["restricted"]).code == code


def test_a_slow_stripe_is_given_up_after_the_timeout(app, sandbox, stripe_account):
    sandbox.fault(delay=30)
    gateway = StripeGateway(
        stripe_account["keys"]["test"]["restricted"], app.extensions["settings"].stripe_api_base, timeout=0.5
    )
    begun = time.monotonic()
    with pytest.raises(ManimodError) as failure:
        gateway.probe()
    assert failure.value.code == "STRIPE_UNREACHABLE"
    assert time.monotonic() - begun < 5
    sandbox.clear_faults()


def test_stripe_has_ten_seconds_to_answer(app, connected):
    assert connections.open_gateway(connected).timeout == STRIPE_TIMEOUT == 10


def test_a_new_key_of_the_same_account_and_mode_keeps_the_data(account, connected, sandbox, stripe_account):
    connected_at = connected.connected_at
    check = connections.check_key(stripe_account["keys"]["test"]["secret"])
    with transaction():
        connection = connections.connect(account, check)
    assert (connection.key_type, connection.connected_at) == ("sk_test", connected_at)
    assert connection.encrypted_signing_secret


def test_a_key_of_another_account_asks_before_it_starts_over(account, connected, sandbox):
    check = connections.check_key(sandbox.create_account("Other Studio")["keys"]["test"]["restricted"])
    with pytest.raises(ManimodError) as caught, transaction():
        connections.connect(account, check)
    assert caught.value.code == "STRIPE_KEY_OTHER_ACCOUNT"
    with transaction():
        connection = connections.connect(account, check, start_over=True)
    assert connection.is_connected
    assert connection.encrypted_signing_secret is None


@pytest.mark.both_databases
def test_a_key_of_the_other_mode_is_a_connection_of_its_own(account, connected, stripe_account):
    check = connections.check_key(stripe_account["keys"]["live"]["restricted"])
    with transaction():
        live = connections.connect(account, check)
    assert [live.mode, connected.mode] == ["live", "test"]
    assert live.is_connected
    assert connected.is_connected
    assert live.webhook_token != connected.webhook_token


def test_below_pro_nothing_is_connected(app, stripe_account):
    from tests import factories

    account = factories.make_account(plan="starter")
    check = connections.check_key(stripe_account["keys"]["test"]["restricted"])
    with pytest.raises(ManimodError) as caught, transaction():
        connections.connect(account, check)
    assert caught.value.code == "PLAN_TOO_LOW"
    assert connections.get_for_account(account) is None


def test_an_encrypted_key_cannot_be_moved_to_another_row(account, connected, sandbox):
    from tests import factories

    other = factories.make_connection()
    with transaction():
        other.encrypted_api_key = connected.encrypted_api_key
    with pytest.raises(ManimodError) as caught:
        connections.open_gateway(other)
    assert caught.value.code == "KEY_UNREADABLE"
