"""The webhook step: the endpoint's address, the events to select, the signing secret."""

from manimod.stripe import connections
from manimod.stripe.payloads import EVENT_TYPES

PAGE = "/settings/integrations/stripe"
SECRET = "whsec_" + "b" * 32


def save(client, secret, **kwargs):
    return client.htmx("post", f"{PAGE}/signing-secret", data={"signing_secret": secret}, **kwargs)


def test_the_page_shows_the_address_and_every_event_to_select(as_owner, connection):
    page = as_owner.get(PAGE).text
    assert connections.webhook_address(connection) in page
    assert all(event_type in page for event_type in EVENT_TYPES)


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
