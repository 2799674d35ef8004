"""A slip in the pasted address of the webhook: the delivery arrives all the same, or is told what is wrong."""

import pytest

from manimod.models import StripeEvent
from tests.factories import signed
from tests.web.test_webhook import EVENT


@pytest.fixture
def post(client):
    client.sends_csrf = False
    return lambda address, **request: client.post(environ_overrides={"PATH_INFO": address}, **request)


@pytest.mark.parametrize(
    "address",
    [
        "//webhooks/stripe/{token}",
        "/webhooks/stripe/{token}/",
        "//webhooks//stripe///{token}//",
        "/Webhooks/Stripe/{token}",
        "/WEBHOOKS/STRIPE/{token}/",
    ],
)
def test_a_slash_too_many_or_another_case_loses_nothing(post, connection, address):
    answer = post(address.format(token=connection.webhook_token), **signed(EVENT))
    assert (answer.status_code, StripeEvent.query.count()) == (200, 1)


@pytest.mark.parametrize("address", ["//webhooks/stripe/nobody", "/Webhooks/Stripe/nobody/", "/webhooks/stripe/NOBODY"])
def test_an_address_of_nobody_is_told_so(post, connection, address):
    answer = post(address, **signed(EVENT))
    assert answer.status_code == 404
    assert "No webhook endpoint has this address." in answer.text


@pytest.mark.parametrize("address", ["/webhooks", "/webhooks/stripe", "/webhooks/paypal/x", "/webhooks/stripe/a/b"])
def test_other_addresses_are_not_there(post, connection, address):
    assert post(address, **signed(EVENT)).status_code == 404
