"""Every answer and event of the sandbox is valid by Stripe's own OpenAPI description."""

import time

import pytest
import requests

from . import openapi

LISTS = (
    "/v1/customers",
    "/v1/products",
    "/v1/prices",
    "/v1/subscriptions",
    "/v1/invoices",
    "/v1/invoiceitems",
    "/v1/payment_methods",
    "/v1/events",
    "/v1/webhook_endpoints",
    "/v1/test_helpers/test_clocks",
)


@pytest.fixture
def history(client, control, account, prices, receiver):
    """Something of everything that the sandbox can do."""
    control.seed_customers(account["id"], 40, seed=3, statuses={"active": 1, "past_due": 1, "canceled": 1})
    control.create_endpoint(account["id"], receiver.url)

    def subscribe(customer, tier="Team", **options):
        wanted = {"customer": customer.id, "items": [{"price": prices[tier]["month"]}], **options}
        return client.v1.subscriptions.create(wanted).id

    def person(**details):
        return client.v1.customers.create({"name": "Hazel Testford", "email": "hazel@example.com", **details})

    card = {"payment_method": "pm_card_visa", "invoice_settings": {"default_payment_method": "pm_card_visa"}}
    payer = person(**card, metadata={"tier": "gold"}, address={"city": "Samplewick"})
    client.v1.invoice_items.create({"customer": payer.id, "amount": 500, "currency": "usd", "description": "Set-up"})
    paid = subscribe(payer)
    control.renew(paid)
    client.v1.subscriptions.update(paid, {"metadata": {"a": "b"}, "cancel_at_period_end": True})
    failing = subscribe(person())
    control.fail_renewal(failing)
    control.void_invoice(failing)
    control.fail_renewal(failing)
    control.write_off_invoice(failing)
    control.pause(failing)
    control.cancel(failing)
    trial = subscribe(
        person(), trial_period_days=7, trial_settings={"end_behavior": {"missing_payment_method": "pause"}}
    )
    control.trial_will_end(trial)
    control.end_trial(trial)
    control.resume(trial)
    broke = person(metadata={"sandbox_payment": "fail"})
    control.expire(subscribe(broke))
    subscribe(person(), collection_method="send_invoice", days_until_due=14)
    subscribe(person(), billing_cycle_anchor=int(time.time()) + 86400)
    clock = client.v1.test_helpers.test_clocks.create({"frozen_time": int(time.time()), "name": "a month"})
    subscribe(person(test_clock=clock.id))
    client.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": int(time.time()) + 40 * 86400})
    control.configure_account(account["id"], draft_seconds=3600)
    control.renew(subscribe(person()))
    client.v1.customers.delete(broke.id)
    return account


@pytest.fixture
def ask(sandbox, history):
    def ask(path, **parameters):
        key = history["keys"]["test"]["secret"]
        answer = requests.get(f"{sandbox.url}{path}", params=parameters, auth=(key, ""), timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()

    return ask


def read_all(ask, path, **parameters):
    """Every page, newest first, each checked."""
    found, after = [], {}
    while True:
        page = ask(path, limit=100, **parameters, **after)
        assert openapi.problems(openapi.answer_schema("get", path), {**page, "data": []}) == []
        found += page["data"]
        if not page["has_more"]:
            return found
        after = {"starting_after": found[-1]["id"]}


def complaints(pairs):
    """Each problem once, with the first object that has it."""
    found = {}
    for name, value in pairs:
        for problem in openapi.problems(openapi.object_schema(name), value, name):
            found.setdefault(problem, value.get("id"))
    return found


def test_lists_objects_and_events_are_as_stripe_describes_them(ask):
    pairs = [("account", ask("/v1/account"))]
    for path in LISTS:
        rows = read_all(ask, path, **({"status": "all"} if path == "/v1/subscriptions" else {}))
        rows.append(ask(f"{path}/{rows[0]['id']}"))
        if path == "/v1/subscriptions":
            rows += read_all(ask, path, **{"expand[]": ["data.customer", "data.latest_invoice"]})
        if path == "/v1/events":
            pairs += [(row["data"]["object"]["object"], row["data"]["object"]) for row in rows]
        pairs += [(row["object"], row) for row in rows]
    assert complaints(pairs) == {}


def test_every_event_has_a_type_that_an_endpoint_can_ask_for(ask):
    endpoints = openapi.description()["paths"]["/v1/webhook_endpoints"]["post"]
    schema = endpoints["requestBody"]["content"]["application/x-www-form-urlencoded"]["schema"]
    known = set(schema["properties"]["enabled_events"]["items"]["enum"])
    assert {event["type"] for event in read_all(ask, "/v1/events")} - known == set()
