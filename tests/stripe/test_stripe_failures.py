"""What Stripe may answer in place of data, and the failure that each answer becomes."""

import pytest

from manimod.errors import ManimodError
from manimod.stripe.gateway import StripeGateway


@pytest.fixture
def gateway(sandbox, sandbox_server, stripe_account) -> StripeGateway:
    return StripeGateway(stripe_account["keys"]["test"]["restricted"], sandbox_server.url, timeout=0.5)


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ({"status": 429}, "STRIPE_RATE_LIMITED"),
        ({"status": 500}, "STRIPE_FAILED"),
        ({"status": 503}, "STRIPE_FAILED"),
        ({"drop": True}, "STRIPE_UNREACHABLE"),
        ({"half": True}, "STRIPE_UNREACHABLE"),
        ({"delay": 0.8}, "STRIPE_UNREACHABLE"),
    ],
    ids=str,
)
def test_a_network_failure_has_its_own_error_and_passes(gateway, sandbox, fault, code):
    sandbox.fault(path="/v1/customers", times=1, **fault)
    with pytest.raises(ManimodError) as caught:
        gateway.customers()
    assert caught.value.code == code
    assert gateway.customers().rows == []


@pytest.mark.parametrize("wording", ["today", "old"])
def test_a_refusal_names_the_permission_and_never_the_key(gateway, sandbox, stripe_account, wording):
    sandbox.configure_account(stripe_account["id"], permission_wording=wording)
    with pytest.raises(ManimodError) as caught:
        gateway.prices()
    assert (caught.value.code, "Prices: Read" in str(caught.value)) == ("STRIPE_PERMISSION_MISSING", True)
    assert "rk_test" not in str(caught.value)


def test_what_is_not_there_is_not_found(sandbox, sandbox_server):
    account = sandbox.create_account("Brightside Studio", permissions=["rak_product_read"])
    with pytest.raises(ManimodError) as caught:
        StripeGateway(account["keys"]["test"]["restricted"], sandbox_server.url).object("product", "prod_nobody")
    assert caught.value.code == "STRIPE_NOT_FOUND"


def test_an_unknown_key_is_rejected_without_being_repeated(sandbox_server):
    with pytest.raises(ManimodError) as caught:
        StripeGateway(f"rk_test_{'0' * 24}", sandbox_server.url).subscriptions()
    assert (caught.value.code, "rk_test" in str(caught.value)) == ("STRIPE_KEY_REJECTED", False)


def test_a_wrong_answer_leaves_the_next_one_alone(gateway, sandbox, stripe_account):
    stripe = sandbox.client(stripe_account["keys"]["test"]["secret"])
    stripe.v1.customers.create({"name": "Hazel Testford"})
    assert len(gateway.customers().rows) == 1
    sandbox.fault(path="/v1/customers", times=1, status=500)
    with pytest.raises(ManimodError):
        gateway.customers()
    assert [row.name for row in gateway.customers().rows] == ["Hazel Testford"]
