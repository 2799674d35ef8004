import time

import pytest
import requests
import stripe


def test_a_fault_happens_as_often_as_planned(client, control):
    control.fault(path="/v1/customers", times=2, status=500)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.customers.list()
    assert client.v1.customers.list().data == []


def test_a_fault_keeps_to_its_path_and_lasts_until_it_is_cleared(client, control):
    control.fault(path="/v1/customers", status=503)
    assert client.v1.subscriptions.list().data == []
    for _ in range(3):
        with pytest.raises(stripe.APIError):
            client.v1.customers.list()
    control.clear_faults()
    assert client.v1.customers.list().data == []


def test_a_fault_can_wait_for_the_third_page(client, control):
    control.fault(path="/v1/customers", after=2, times=1, drop=True)
    client.v1.customers.list()
    client.v1.customers.list()
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.list()
    client.v1.customers.list()


def test_a_rate_limit_on_demand_has_its_code_and_its_reason(client, control):
    control.fault(times=1, status=429, reason="global-rate")
    with pytest.raises(stripe.RateLimitError) as caught:
        client.v1.customers.list()
    assert caught.value.error.code == "rate_limit"
    assert caught.value.headers["Stripe-Rate-Limited-Reason"] == "global-rate"
    assert "Retry-After" not in caught.value.headers


def test_half_a_body_is_a_broken_connection(client, control):
    control.fault(times=1, half=True)
    with pytest.raises(stripe.APIConnectionError):
        client.v1.customers.list()
    assert client.v1.customers.list().data == []


def test_a_body_can_come_a_byte_at_a_time(client, control):
    control.fault(times=1, drip=True)
    started = time.perf_counter()
    assert client.v1.customers.list().data == []
    assert time.perf_counter() - started > 5


def test_a_slow_answer_is_slow_and_right(client, control):
    control.fault(times=1, delay=0.2)
    started = time.perf_counter()
    assert client.v1.customers.list().data == []
    assert time.perf_counter() - started > 0.2


def test_the_sdk_retries_over_a_dropped_connection(control, account):
    control.fault(times=1, drop=True)
    assert control.client(account["keys"]["test"]["secret"], retries=2).v1.customers.list().data == []


def test_the_rate_limit_counts_each_endpoint_alone(client, control):
    control.rate_limit(per_second=3)
    for _ in range(3):
        client.v1.customers.list()
    with pytest.raises(stripe.RateLimitError):
        client.v1.customers.list()
    client.v1.subscriptions.list()
    control.rate_limit(None)
    client.v1.customers.list()


def test_the_request_log_proves_what_was_asked_without_keeping_keys(control, account):
    restricted = control.client(account["keys"]["test"]["restricted"])
    restricted.v1.customers.list({"limit": 3})
    row = control.requests(key_kind="restricted")[0]
    assert (row["method"], row["path"], row["query"], row["status"]) == ("GET", "/v1/customers", "limit=3", 200)
    assert (row["account"], row["livemode"]) == (account["id"], False)
    assert account["keys"]["test"]["restricted"] not in str(control.requests())
    control.clear_requests()
    assert control.requests() == []


def test_what_the_sandbox_cannot_read_is_a_500_and_no_broken_connection(client, customer, capsys):
    with pytest.raises(stripe.APIError):
        client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": {"no": "id"}}]})
    assert "Traceback" in capsys.readouterr().err


def test_a_fault_of_one_list_leaves_the_others_and_its_objects_alone(client, control, customer):
    control.fault(path="/v1/customers", exact=True, status=403, code="account_invalid", message="No access.")
    with pytest.raises(stripe.PermissionError, match="No access.") as caught:
        client.v1.customers.list()
    assert caught.value.error.code == "account_invalid"
    assert client.v1.customers.retrieve(customer.id).id == customer.id
    assert client.v1.subscriptions.list().data == []


def test_a_page_may_come_instead_of_json(sandbox, control, account):
    control.fault(path="/v1/prices", status=503, html=True)
    key = account["keys"]["test"]["secret"]
    answer = requests.get(f"{sandbox.url}/v1/prices", auth=(key, ""), timeout=5)
    assert (answer.status_code, answer.headers["Content-Type"]) == (503, "text/html")
    assert answer.text.startswith("<html>")


def test_one_path_may_have_a_rate_limit_of_its_own(client, control):
    control.fault(path="/v1/prices", per_second=2)
    for _ in range(2):
        client.v1.prices.list()
    with pytest.raises(stripe.RateLimitError):
        client.v1.prices.list()
    client.v1.customers.list()


def test_every_answer_may_take_its_time(client, control):
    control.latency(0.2)
    started = time.perf_counter()
    client.v1.customers.list()
    assert time.perf_counter() - started > 0.2
    control.latency()
