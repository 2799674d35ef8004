import base64

import pytest
import requests
import stripe


def refusal(error, call):
    with pytest.raises(error) as caught:
        call()
    return caught.value


def test_a_secret_key_reads_its_own_account(control, account, client):
    assert client.v1.accounts.retrieve_current().id == account["id"]
    assert client.v1.accounts.retrieve_current().settings.dashboard.display_name == "Brightside Studio"


@pytest.mark.parametrize("scheme", ["Bearer", "Basic"])
def test_both_ways_of_presenting_a_key_work(sandbox, account, scheme):
    secret = account["keys"]["test"]["secret"]
    presented = secret if scheme == "Bearer" else base64.b64encode(f"{secret}:".encode()).decode()
    answer = requests.get(f"{sandbox.url}/v1/customers", headers={"Authorization": f"{scheme} {presented}"}, timeout=5)
    assert answer.status_code == 200
    assert answer.headers["Request-Id"].startswith("req_")


def test_a_request_without_a_key_is_refused(sandbox):
    answer = requests.get(f"{sandbox.url}/v1/customers", timeout=5)
    assert answer.status_code == 401
    assert answer.json()["error"]["type"] == "invalid_request_error"


def test_an_unknown_key_is_refused_and_masked(control):
    error = refusal(stripe.AuthenticationError, control.client("rk_test_unknownkey1234").v1.customers.list)
    assert error.http_status == 401
    assert "Invalid API Key provided: rk_test_" in str(error)
    assert "unknownkey" not in str(error)
    assert error.request_id


def test_an_expired_key_says_so_in_its_code(control, account):
    expired = control.create_key(account["id"], state="expired")
    error = refusal(stripe.AuthenticationError, control.client(expired).v1.customers.list)
    assert error.error.code == "api_key_expired"  # the SDK leaves error.code empty for a 401


def test_a_key_bound_to_other_addresses_says_so(control, account):
    bound = control.create_key(account["id"], state="address_restricted")
    error = refusal(stripe.AuthenticationError, control.client(bound).v1.customers.list)
    assert "does not allow requests from your IP address" in str(error)


def test_a_publishable_key_is_refused(control, account):
    client = control.client(account["keys"]["test"]["publishable"])
    assert refusal(stripe.AuthenticationError, client.v1.customers.list).error.code == "secret_key_required"


def test_a_deleted_key_no_longer_works(control, account):
    secret = control.create_key(account["id"])
    control.delete_key(secret)
    refusal(stripe.AuthenticationError, control.client(secret).v1.customers.list)


def test_the_guides_restricted_key_reads_customers_and_subscriptions_only(control, account):
    client = control.client(account["keys"]["test"]["restricted"])
    assert client.v1.customers.list().data == []
    assert client.v1.subscriptions.list().data == []
    refusal(stripe.PermissionError, client.v1.events.list)
    refusal(stripe.PermissionError, client.v1.accounts.retrieve_current)


def test_a_missing_permission_is_named_with_the_account(control, account):
    secret = control.create_key(account["id"], permissions=["rak_customer_read"])
    error = refusal(stripe.PermissionError, control.client(secret).v1.subscriptions.list)
    assert error.http_status == 403
    assert error.error.code == "more_permissions_required"
    row = "Enabling \"Subscriptions Read\" ('subscription_read') permissions on this key would allow this request"
    assert row in str(error)
    assert f"https://dashboard.stripe.com/b/{account['id']}?destination=%2Fapikeys%2Fmk_" in str(error)
    assert error.error.request_log_url.startswith("https://dashboard.stripe.com/")
    assert f"on account '{account['id']}'" in str(error)
    assert secret[-12:-4] not in str(error)


def test_before_2026_a_missing_permission_was_named_differently(control, account):
    control.configure_account(account["id"], permission_wording="old")
    secret = control.create_key(account["id"], permissions=["rak_customer_read"])
    error = refusal(stripe.PermissionError, control.client(secret).v1.subscriptions.list)
    assert "Having the 'rak_subscription_read' permission would allow this request to continue." in str(error)
    assert (error.error.code, error.error.request_log_url) == (None, None)


def test_read_does_not_allow_writing_but_write_allows_reading(control, account):
    reads = control.client(control.create_key(account["id"], permissions=["rak_customer_read"]))
    writes = control.client(control.create_key(account["id"], permissions=["rak_customer_write"]))
    error = refusal(stripe.PermissionError, lambda: reads.v1.customers.create({}))
    assert "'customer_write'" in str(error)
    assert writes.v1.customers.retrieve(writes.v1.customers.create({}).id)


def test_permissions_can_change_while_a_key_is_in_use(control, account):
    secret = account["keys"]["test"]["restricted"]
    control.change_key(secret, permissions=[])
    refusal(stripe.PermissionError, control.client(secret).v1.customers.list)


def test_test_and_live_data_are_apart_and_the_404_hints_at_the_other_mode(control, account, customer):
    live = control.client(account["keys"]["live"]["secret"])
    assert live.v1.customers.list().data == []
    error = refusal(stripe.InvalidRequestError, lambda: live.v1.customers.retrieve(customer.id))
    assert error.http_status == 404
    assert error.code == "resource_missing"
    assert "a similar object exists in test mode, but a live mode key was used" in str(error)


def test_another_account_does_not_see_the_data(control, customer):
    other = control.create_account("Northwick Bakery")
    stranger = control.client(other["keys"]["test"]["secret"])
    error = refusal(stripe.InvalidRequestError, lambda: stranger.v1.customers.retrieve(customer.id))
    assert str(error).endswith(f"No such customer: '{customer.id}'")


def test_an_unknown_address_is_a_404(client):
    error = refusal(stripe.InvalidRequestError, client.v1.coupons.list)
    assert "Unrecognized request URL (GET: /v1/coupons)" in str(error)


def test_an_api_version_that_never_was_is_refused(sandbox, account):
    key = account["keys"]["test"]["secret"]
    answer = requests.get(f"{sandbox.url}/v1/customers", auth=(key, ""), headers={"Stripe-Version": "soon"}, timeout=5)
    assert (answer.status_code, answer.json()["error"]["message"]) == (400, "Invalid Stripe API version: soon")
