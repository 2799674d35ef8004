"""While a signing secret is rolled, Stripe signs with both: the new one and the one before are accepted, no other."""

import pytest

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.stripe import connections
from tests.factories import SIGNING_SECRET, signed
from tests.web.test_webhook import EVENT

PAGE = "/settings/integrations/stripe"
NEW, NEWER = "whsec_" + "n" * 32, "whsec_" + "m" * 32


@pytest.fixture
def deliver(client, connection):
    client.sends_csrf = False
    address = f"/webhooks/stripe/{connection.webhook_token}"
    return lambda secret: client.post(address, **signed(EVENT, secret=secret)).status_code


@pytest.fixture
def paste(as_owner, connection):
    return lambda secret: as_owner.htmx("post", f"{PAGE}/signing-secret", data={"signing_secret": secret})


def test_the_new_secret_counts_and_the_one_before_still_does(deliver, paste, connection):
    paste(NEW)
    assert [deliver(NEW), deliver(SIGNING_SECRET), deliver(NEWER)] == [200, 200, 400]
    assert connections.signing_secrets(connection) == [NEW, SIGNING_SECRET]


def test_only_one_secret_before_is_kept(deliver, paste):
    paste(NEW)
    paste(NEWER)
    assert [deliver(NEWER), deliver(NEW), deliver(SIGNING_SECRET)] == [200, 200, 400]


def test_pasting_the_same_secret_again_changes_nothing(paste, connection):
    paste(NEW)
    since = connection.signing_secret_set_at
    assert paste(f" {NEW} ").status_code == 200
    assert connections.signing_secrets(connection) == [NEW, SIGNING_SECRET]
    assert connection.signing_secret_set_at == since


def test_the_owner_removes_the_old_one_with_a_button(deliver, paste, as_owner, connection):
    assert "Remove the old secret" in paste(NEW).text
    answer = as_owner.htmx("post", f"{PAGE}/signing-secret/old/remove")
    assert answer.status_code == 200
    assert 'id="webhook"' in answer.text
    assert "Remove the old secret" not in answer.text
    assert "pasted <time" in answer.text
    assert [deliver(NEW), deliver(SIGNING_SECRET)] == [200, 400]


def test_without_javascript_the_button_leads_back_to_the_step(paste, as_owner):
    paste(NEW)
    answer = as_owner.post(f"{PAGE}/signing-secret/old/remove")
    assert (answer.status_code, answer.location) == (303, f"{PAGE}#webhook")


def test_neither_secret_is_ever_shown(paste, as_owner):
    text = paste(NEW).text + as_owner.get(PAGE).text
    assert NEW not in text
    assert SIGNING_SECRET not in text


def test_a_header_with_both_signatures_is_accepted(client, connection):
    client.sends_csrf = False
    request = signed(EVENT)
    wrong, right = signed(EVENT, secret=NEW), request["headers"]["Stripe-Signature"]
    time_and_wrong = wrong["headers"]["Stripe-Signature"]
    for header in (f"{time_and_wrong},{right.split(',')[1]}", f"{right},{time_and_wrong.split(',')[1]},v0=abc"):
        request["headers"] = {"Stripe-Signature": header}
        assert client.post(f"/webhooks/stripe/{connection.webhook_token}", **request).status_code == 200


def test_a_disconnect_deletes_both(paste, connection):
    paste(NEW)
    with transaction():
        connections.disconnect(connection)
    db.session.expire_all()
    assert connection.encrypted_signing_secret is connection.encrypted_old_signing_secret is None
    assert connection.signing_secret_set_at is None
