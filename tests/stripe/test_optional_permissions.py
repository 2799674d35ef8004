"""Only customers, subscriptions and a rejected key decide about a connection; the rest may be broken by itself."""

import pytest

from manimod.errors import ManimodError
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.stripe import connections
from manimod.stripe.gateway import PERMISSIONS, StripeGateway

OPTIONAL = [name for name, permission in PERMISSIONS.items() if not permission.required]
BROKEN = [
    {"status": 404},
    {"status": 429},
    {"status": 500},
    {"status": 503, "html": True},
    {"drop": True},
    {"status": 403, "code": "account_invalid"},
]


@pytest.fixture
def key(app, stripe_account) -> str:
    return stripe_account["keys"]["test"]["secret"]


@pytest.mark.parametrize("fault", BROKEN, ids=str)
@pytest.mark.parametrize("name", OPTIONAL)
def test_a_key_connects_whatever_is_wrong_with_an_optional_list(sandbox, account, key, name, fault):
    sandbox.fault(path=f"/v1/{name}", exact=True, **fault)
    with transaction():
        connection = connections.connect(account, connections.check_key(key))
    assert (connection.not_asked, connection.last_error) == ([name], None)
    assert name not in connection.permissions


def test_a_slow_optional_list_is_given_up_sooner(sandbox, sandbox_server, key):
    sandbox.fault(path="/v1/account", delay=0.8)
    probe = StripeGateway(key, sandbox_server.url, timeout=0.5).probe()
    assert probe.not_asked == ["account"]


@pytest.mark.parametrize("fault", BROKEN, ids=str)
def test_a_sync_succeeds_and_keeps_the_last_known_answer(sandbox, account, key, drain, fault):
    with transaction():
        connection = connections.connect(account, connections.check_key(key))
    drain()
    for name in OPTIONAL:
        sandbox.fault(path=f"/v1/{name}", exact=True, **fault)
    with transaction():
        sync.request_sync(connection)
    drain()
    assert (sync.get_latest(connection).state, connection.last_error) == ("done", None)
    assert connection.not_asked == OPTIONAL
    assert all(connection.permissions[name] for name in OPTIONAL)


@pytest.mark.parametrize(
    ("fault", "code"), [({"status": 500}, "STRIPE_FAILED"), ({"status": 429}, "STRIPE_RATE_LIMITED")], ids=str
)
@pytest.mark.parametrize("name", ["customers", "subscriptions"])
def test_a_required_list_decides(sandbox, key, name, fault, code):
    sandbox.fault(path=f"/v1/{name}", exact=True, **fault)
    with pytest.raises(ManimodError) as caught:
        connections.check_key(key)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("fault", "code", "says"),
    [
        ({"code": "account_invalid"}, "STRIPE_KEY_ACCOUNT", "no access to its account"),
        (
            {"message": "The API key provided does not allow requests from your IP address."},
            "STRIPE_KEY_ADDRESS",
            "limited to certain IP addresses",
        ),
    ],
    ids=["account", "address"],
)
def test_a_403_that_is_no_missing_permission_has_its_own_sentence(sandbox, key, fault, code, says):
    sandbox.fault(status=403, **fault)
    with pytest.raises(ManimodError, match=says) as caught:
        connections.check_key(key)
    assert (caught.value.code, "Missing" in str(caught.value)) == (code, False)


def test_whether_a_replaced_key_is_of_the_same_account_is_asked_again_later(sandbox, account, key):
    with transaction():
        connections.connect(account, connections.check_key(key))
    sandbox.fault(path="/v1/account", status=500)
    with pytest.raises(ManimodError) as caught:
        connections.connect(account, connections.check_key(key))
    assert caught.value.code == "STRIPE_FAILED"
