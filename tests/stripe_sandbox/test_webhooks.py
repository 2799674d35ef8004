import json
import time
from datetime import datetime

import pytest
import stripe

from .receiver import Receiver


def deliver(control):
    assert control.wait_for_deliveries(timeout=5)


def test_every_event_arrives_signed(client, control, receiver, endpoint, subscription, kinds):
    deliver(control)
    assert sorted(event.type for event in receiver.events(endpoint["secret"])) == sorted(kinds())


def test_delivered_one_by_one_they_arrive_in_order(client, control, receiver, endpoint, customer, prices, kinds):
    deliver(control)
    control.configure_deliveries(one_by_one=True)
    client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": prices["Team"]["month"]}]})
    deliver(control)
    arrived = receiver.events(endpoint["secret"])
    assert [event.type for event in arrived] == kinds()
    assert arrived[-1].to_dict()["data"] == client.v1.events.retrieve(arrived[-1].id).to_dict()["data"]


def test_a_delivery_arrives_within_milliseconds(client, control, receiver, endpoint):
    client.v1.customers.create({"name": "Poppy Quickwell"})
    created = time.perf_counter()
    while not receiver.arrivals and time.perf_counter() - created < 5:
        time.sleep(0.002)
    assert time.perf_counter() - created < 2


def test_a_forged_body_does_not_verify(client, control, receiver, endpoint, customer):
    deliver(control)
    arrival = receiver.arrivals[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(arrival.body + b" ", arrival.headers["Stripe-Signature"], endpoint["secret"])


def test_the_api_creates_endpoints_and_tells_the_secret_once(client, control, receiver):
    wanted = {"url": receiver.url, "enabled_events": ["customer.created", "invoice.paid"], "description": "mani"}
    made = client.v1.webhook_endpoints.create(wanted)
    assert made.secret.startswith("whsec_")
    assert "secret" not in client.v1.webhook_endpoints.retrieve(made.id).to_dict()
    customer = client.v1.customers.create({"name": "Elm Chosenfield"})
    client.v1.customers.update(customer.id, {"name": "Elm Other"})
    deliver(control)
    assert [event.type for event in receiver.events(made.secret)] == ["customer.created"]


def test_a_disabled_or_deleted_endpoint_gets_nothing(client, control, receiver, endpoint):
    client.v1.webhook_endpoints.update(endpoint["id"], {"disabled": True})
    client.v1.customers.create({})
    client.v1.webhook_endpoints.update(endpoint["id"], {"disabled": False})
    client.v1.webhook_endpoints.delete(endpoint["id"])
    client.v1.customers.create({})
    deliver(control)
    assert receiver.arrivals == []


def test_only_this_machine_is_delivered_to(client):
    for url in ("http://example.com/hook", "https://127.0.0.1/hook", "http://localhost/hook"):
        with pytest.raises(stripe.InvalidRequestError, match=r"127\.0\.0\.1 only"):
            client.v1.webhook_endpoints.create({"url": url, "enabled_events": ["*"]})


def test_a_refused_delivery_is_tried_again_until_it_is_taken(client, control, account):
    control.configure_deliveries(backoff=[0.01, 0.01, 0.01])
    with Receiver(answers=[500, 302]) as receiver:
        control.create_endpoint(account["id"], receiver.url)
        client.v1.customers.create({})
        deliver(control)
    rows = control.deliveries(type="customer.created")
    assert [(row["attempt"], row["status"], row["succeeded"]) for row in rows] == [
        (1, 500, False),
        (2, 302, False),
        (3, 200, True),
    ]
    assert client.v1.events.list().data[0].pending_webhooks == 0


def test_a_receiver_that_never_answers_leaves_the_event_undelivered(client, control, account):
    control.configure_deliveries(backoff=[0.01])
    endpoint = control.create_endpoint(account["id"], "http://127.0.0.1:9/hook")
    client.v1.customers.create({})
    deliver(control)
    assert [row["attempt"] for row in control.deliveries(endpoint=endpoint["id"])] == [1, 2]
    assert "ConnectionRefusedError" in control.deliveries()[0]["error"]
    undelivered = client.v1.events.list({"delivery_success": False}).data
    assert [(event.type, event.pending_webhooks) for event in undelivered] == [("customer.created", 1)]


def test_slow_receivers_are_waited_for_side_by_side(client, control, account):
    with Receiver(delay=0.2) as receiver:
        control.create_endpoint(account["id"], receiver.url)
        for _ in range(4):
            client.v1.customers.create({})
        deliver(control)
        assert receiver.most_at_once > 1


def test_while_a_secret_is_rolled_both_sign(client, control, receiver, endpoint):
    fresh = control.roll_secret(endpoint["id"], overlap=60)
    client.v1.customers.create({})
    deliver(control)
    assert len(receiver.events(fresh)) == len(receiver.events(endpoint["secret"])) == 1
    assert receiver.arrivals[0].headers["Stripe-Signature"].count("v1=") == 2


def test_after_the_overlap_only_the_new_secret_signs(client, control, receiver, endpoint):
    fresh = control.roll_secret(endpoint["id"])
    client.v1.customers.create({})
    deliver(control)
    assert receiver.events(fresh)
    with pytest.raises(stripe.SignatureVerificationError):
        receiver.events(endpoint["secret"])


def test_events_can_come_twice_again_and_backwards(client, control, receiver, endpoint):
    control.configure_deliveries(duplicates=1)
    client.v1.customers.create({})
    deliver(control)
    assert len({event.id for event in receiver.events(endpoint["secret"])}) == 1
    assert len(receiver.arrivals) == 2
    control.configure_deliveries(duplicates=0, one_by_one=True)
    control.hold_deliveries()
    for name in ("Ash", "Birch", "Cedar"):
        client.v1.customers.create({"name": name})
    assert control.release_deliveries(backwards=True) == 3
    deliver(control)
    assert [event.data.object["name"] for event in receiver.events(endpoint["secret"])[2:]] == ["Cedar", "Birch", "Ash"]
    control.resend(client.v1.events.list().data[0].id)
    deliver(control)
    assert receiver.events(endpoint["secret"])[-1].data.object["name"] == "Cedar"


def test_an_older_endpoint_gets_the_older_shape(client, control, account, receiver, customer, prices):
    older = control.create_endpoint(account["id"], receiver.url, api_version="2024-06-20")
    client.v1.subscriptions.create({"customer": customer.id, "items": [{"price": prices["Team"]["month"]}]})
    deliver(control)
    objects = {event.type: event.data.object.to_dict() for event in receiver.events(older["secret"])}
    subscription = objects["customer.subscription.created"]
    assert objects["invoice.paid"]["subscription"] == subscription["id"]
    assert subscription["current_period_start"] == subscription["created"]
    assert {event.api_version for event in receiver.events(older["secret"])} == {"2024-06-20"}


def test_a_payload_of_ones_own_is_signed_and_its_answer_told(control, receiver, endpoint):
    thin = {"id": "evt_thin", "object": "v2.core.event"}
    assert control.deliver_payload(endpoint["id"], thin)["status"] == 200
    assert json.loads(receiver.arrivals.pop().body) == thin
    stale = control.deliver_payload(endpoint["id"], {"id": "evt_old", "object": "event"}, at=1_700_000_000)
    assert stale["status"] == 200
    with pytest.raises(stripe.SignatureVerificationError, match="[Tt]imestamp"):
        receiver.events(endpoint["secret"])


def test_any_event_can_be_made_to_happen(client, control, account, receiver, endpoint):
    made = control.emit(account["id"], "invoice.upcoming", {"object": "invoice", "customer": "cus_somebody"})
    deliver(control)
    assert [event.id for event in receiver.events(endpoint["secret"])] == [made["id"]]


def test_a_thin_destination_gets_what_changed_and_nothing_of_it(client, control, account, receiver, kinds):
    endpoint = control.create_endpoint(
        account["id"], receiver.url, events=["v1.customer.created", "v1.customer.updated"], payload="thin"
    )
    customer = client.v1.customers.create({"name": "Hazel Testford", "email": "hazel@example.com"})
    client.v1.customers.update(customer.id, {"name": "Hazel Newname"})
    client.v1.customers.delete(customer.id)
    deliver(control)
    created, updated = [
        client.parse_event_notification(it.body, it.headers["Stripe-Signature"], endpoint["secret"])
        for it in receiver.arrivals
    ]
    assert (created.type, updated.type) == ("v1.customer.created", "v1.customer.updated")
    assert (created.related_object.id, created.related_object.type) == (customer.id, "customer")
    assert created.related_object.url == f"/v1/customers/{customer.id}"
    assert datetime.fromisoformat(created.created).timestamp() == pytest.approx(time.time(), abs=5)
    assert b"Hazel" not in receiver.arrivals[0].body
    assert json.loads(receiver.arrivals[0].body).keys() == {
        "id", "object", "created", "livemode", "reason", "related_object", "type"
    }  # fmt: skip
    assert client.v1.events.list({"type": "customer.created"}).data[0].id != created.id
    assert created.fetch_event().snapshot_event == client.v1.events.list({"type": "customer.created"}).data[0].id


def test_a_thin_and_a_snapshot_destination_have_secrets_of_their_own(client, control, account):
    with Receiver() as thin, Receiver() as snapshots:
        one = control.create_endpoint(account["id"], thin.url, payload="thin")
        other = control.create_endpoint(account["id"], snapshots.url)
        client.v1.customers.create({"name": "Hazel Testford"})
        deliver(control)
        assert [event.type for event in snapshots.events(other["secret"])] == ["customer.created"]
        arrival = thin.arrivals[0]
        assert json.loads(arrival.body)["type"] == "v1.customer.created"
        with pytest.raises(stripe.SignatureVerificationError):
            client.parse_event_notification(arrival.body, arrival.headers["Stripe-Signature"], other["secret"])
        client.parse_event_notification(arrival.body, arrival.headers["Stripe-Signature"], one["secret"])


@pytest.mark.parametrize(("kind", "names"), [("connect", "account"), ("organisation", "context")])
def test_the_events_of_a_connected_account_say_whose_they_are(control, account, receiver, kind, names):
    endpoint = control.create_endpoint(account["id"], receiver.url, **{kind: True})
    connected = control.create_account("Willow Shop", platform=account["id"])
    control.client(connected["keys"]["test"]["secret"]).v1.customers.create({"name": "Rowan Elsewhere"})
    control.client(account["keys"]["test"]["secret"]).v1.customers.create({"name": "Hazel Testford"})
    deliver(control)
    arrived = [event.to_dict() for event in receiver.events(endpoint["secret"])]
    assert [(event["type"], event[names]) for event in arrived] == [("customer.created", connected["id"])]
    own = control.client(connected["keys"]["test"]["secret"]).v1.events.list().data[0].to_dict()
    assert not {"account", "context"} & own.keys()
