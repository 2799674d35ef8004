"""The webhook step: the endpoint's address, the events to select, the signing secret."""

import pytest

from manimod.stripe import connections
from manimod.stripe.payloads import EVENT_TYPES
from tests import factories
from tests.web.test_webhook import EVENT

THIN_EVENT = {
    "id": "evt_thin_1",
    "object": "v2.core.event",
    "type": "v1.customer.created",
    "created": "2026-11-27T12:00:00.000Z",
    "livemode": False,
    "related_object": {"id": "cus_2", "type": "customer", "url": "/v1/customers/cus_2"},
}

PAGE = "/settings/integrations/stripe"
SECRET = "whsec_" + "b" * 32


def save(client, secret, **kwargs):
    return client.htmx("post", f"{PAGE}/signing-secret", data={"signing_secret": secret}, **kwargs)


def test_the_page_shows_the_address_and_every_event_to_select(as_owner, connection):
    page = as_owner.get(PAGE).text
    assert connections.webhook_address(connection) in page
    assert all(event_type in page for event_type in EVENT_TYPES)


def test_the_step_names_what_stripe_shows_today_and_what_older_dashboards_show(as_owner, connected, stripe_account):
    page = as_owner.get(PAGE).text
    for words in ("Create an event destination", "Payload style", "Webhook endpoint", "Reveal secret", "Add endpoint"):
        assert words in page
    assert f"https://dashboard.stripe.com/b/{stripe_account['id']}?destination=%2Ftest%2Fwebhooks" in page


def test_on_a_machine_that_stripe_cannot_reach_there_is_a_command_to_copy(as_owner, connection):
    page = as_owner.get(PAGE).text
    assert "Stripe can't reach this machine." in page or "Stripe can&#39;t reach this machine." in page
    command = f"stripe listen --forward-to {connections.webhook_address(connection)} --events {','.join(EVENT_TYPES)}"
    assert command in page


@pytest.mark.parametrize(
    ("address", "is_local"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://localhost:8000", True),
        ("http://[::1]:8000", True),
        ("http://192.168.1.20", True),
        ("http://mani", True),
        ("http://mani.local", True),
        ("https://mani.example.com", False),
        ("https://93.184.216.34", False),
    ],
)
def test_which_addresses_stripe_cannot_reach(address, is_local):
    assert (
        factories.make_settings("sqlite:///:memory:", "redis://127.0.0.1:1/0", PUBLIC_URL=address).is_local is is_local
    )


def test_the_payload_style_is_that_of_the_newest_delivery(as_owner, client, connected):
    assert 'id="payload-style"' not in as_owner.get(PAGE).text
    client.sends_csrf = False
    for event, says in ((EVENT, "a snapshot"), (THIN_EVENT, "thin, the most private way")):
        client.post(f"/webhooks/stripe/{connected.webhook_token}", **factories.signed(event))
        page = as_owner.get(PAGE).text
        assert says in page.split('id="payload-style"')[1][:200]
    assert "Invoices: Read helps" in " ".join(page.split('id="payload-style"')[1][:600].split())


def test_a_secret_is_kept_and_never_shown(as_owner, connected):
    answer = save(as_owner, f"  {SECRET} ")
    assert answer.status_code == 200
    assert "The secret is set" in answer.text
    assert connections.signing_secrets(connected)[0] == SECRET
    assert SECRET not in answer.text + as_owner.get(PAGE).text


def test_a_wrong_secret_gives_the_form_back_with_the_reason(as_owner, connection):
    answer = save(as_owner, "rk_test_" + "c" * 24)
    assert answer.status_code == 422
    assert answer.text.count('id="webhook"') == 1
    assert "<html" not in answer.text
    assert "look like a signing secret" in answer.text


def test_a_plain_form_is_sent_back_to_the_step(as_owner, connection):
    answer = as_owner.post(f"{PAGE}/signing-secret", data={"signing_secret": SECRET})
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#webhook")
    wrong = as_owner.post(f"{PAGE}/signing-secret", data={"signing_secret": ""})
    assert wrong.status_code == 422
    assert "<html" in wrong.text


def test_without_a_connection_there_is_nothing_to_set(as_owner):
    assert as_owner.post(f"{PAGE}/signing-secret", data={"signing_secret": SECRET}).status_code == 409
