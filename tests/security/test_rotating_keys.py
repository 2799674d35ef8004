"""`flask rotate-keys`: every value is re-encrypted with the first key while mani runs; a lost key is reported."""

import base64
import json
from threading import Thread

import pytest
from flask import Flask

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Connection
from manimod.stripe import connections
from manimod.stripe.crypto import DecryptionError, Keyring
from tests import factories

OLD, NEW = bytes(32), bytes(range(32))
NEW_SECRET = "whsec_" + "n" * 32
COLUMNS = ("encrypted_api_key", "encrypted_signing_secret", "encrypted_old_signing_secret")


def use_keys(app: Flask, **ring: bytes) -> None:
    """As after a start with these ENCRYPTION_KEYS."""
    app.extensions["keyring"] = Keyring(ring)


@pytest.fixture
def rotate(app):
    def run() -> dict:
        db.session.commit()
        done = app.test_cli_runner().invoke(args=["rotate-keys", "--json"])
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return run


@pytest.fixture
def rolled(connection):
    with transaction():
        connections.set_signing_secret(connection, NEW_SECRET)
    return connection


def key_ids(connection) -> list[str]:
    db.session.refresh(connection)
    return [getattr(connection, column).partition(":")[0] for column in COLUMNS]


@pytest.mark.both_databases
def test_all_values_move_to_the_first_key_and_the_old_one_may_go(app, rolled, rotate):
    use_keys(app, k2=NEW, k1=OLD)
    assert rotate() == {"connections": 1, "re_encrypted": 3, "unreadable_accounts": []}
    assert key_ids(rolled) == ["k2", "k2", "k2"]
    use_keys(app, k2=NEW)
    assert connections.signing_secrets(rolled) == [NEW_SECRET, factories.SIGNING_SECRET]
    assert connections.open_gateway(rolled).api_key.startswith("rk_test_")


def test_a_second_run_has_nothing_to_do(app, rolled, rotate):
    use_keys(app, k2=NEW, k1=OLD)
    rotate()
    before = [getattr(rolled, column) for column in COLUMNS]
    assert rotate()["re_encrypted"] == 0
    db.session.refresh(rolled)
    assert [getattr(rolled, column) for column in COLUMNS] == before


def test_a_disconnected_account_has_nothing_to_re_encrypt(app, rolled, rotate):
    with transaction():
        connections.disconnect(rolled)
    use_keys(app, k2=NEW, k1=OLD)
    assert rotate()["re_encrypted"] == 0


def test_what_no_key_opens_is_named_and_holds_up_nothing_else(app, rolled, rotate):
    use_keys(app, k3=bytes([7]) * 32)
    lost = factories.make_connection()
    use_keys(app, k2=NEW, k1=OLD)
    assert rotate() == {"connections": 2, "re_encrypted": 3, "unreadable_accounts": [lost.account_id]}
    said = app.test_cli_runner().invoke(args=["rotate-keys"]).output
    assert f"accounts {lost.account_id} have stored" in said
    assert "may be removed" not in said


@pytest.mark.both_databases
def test_secrets_pasted_meanwhile_are_kept(app, rolled):
    """Each row is read again under its lock, so a rotation never writes back what somebody has just replaced."""
    use_keys(app, k2=NEW, k1=OLD)
    row, pasted = rolled.id, []

    def paste() -> None:
        with app.app_context():
            for number in range(15):
                app.extensions["keyring"] = Keyring({"k1": OLD, "k2": NEW})  # a process that is yet to be restarted
                with transaction():
                    connections.set_signing_secret(db.session.get(Connection, row), f"whsec_{number:032}")
                pasted.append(f"whsec_{number:032}")
                app.extensions["keyring"] = Keyring({"k2": NEW, "k1": OLD})

    db.session.commit()
    thread = Thread(target=paste)
    thread.start()
    while thread.is_alive():
        connections.rotate_encryption_keys()
        db.session.rollback()
        assert connections.open_gateway(db.session.get(Connection, row)).api_key.startswith("rk_test_")  # at any moment
    thread.join()
    connections.rotate_encryption_keys()
    use_keys(app, k2=NEW)
    db.session.refresh(rolled)
    assert connections.signing_secrets(rolled) == pasted[:-3:-1]


# --- a lost key ------------------------------------------------------------------------------------------------------


@pytest.fixture
def lost(app, connected):
    use_keys(app, k9=NEW)
    return connected


def test_a_lost_key_is_said_with_what_to_do(lost):
    for read in (connections.open_gateway, connections.signing_secrets):
        with pytest.raises(ManimodError) as failure:
            read(lost)
        assert failure.value.code == "KEY_UNREADABLE"
        assert "Paste the key again" in str(failure.value)


def test_pages_and_the_webhook_live_on_after_a_lost_key(lost, as_owner, client):
    client.sends_csrf = False
    answer = client.post(f"/webhooks/stripe/{lost.webhook_token}", **factories.signed({"id": "evt_1"}))
    assert answer.status_code == 503  # Stripe tries again for days
    assert as_owner.get("/settings/integrations/stripe").status_code == 200
    assert as_owner.get("/").status_code == 200


def test_pasting_the_key_again_mends_it_and_asks_for_the_secret(lost, as_owner, stripe_account):
    key = stripe_account["keys"]["test"]["restricted"]
    answer = as_owner.post("/settings/integrations/stripe/connect", data={"api_key": key})
    assert answer.status_code == 303
    db.session.refresh(lost)
    assert connections.open_gateway(lost).api_key == key
    assert lost.encrypted_signing_secret is None
    assert "Paste the signing secret" in as_owner.get("/settings/integrations/stripe").text


def test_pasting_the_secret_again_mends_the_webhook(lost, as_owner):
    data = {"signing_secret": NEW_SECRET}
    assert as_owner.post("/settings/integrations/stripe/signing-secret", data=data).status_code == 303
    db.session.refresh(lost)
    assert connections.signing_secrets(lost) == [NEW_SECRET]


@pytest.mark.parametrize(
    "text", ["", "k1", "k1:", "k1:AAAA", "k1:%%%", "k9:AAAA", "k1:" + base64.b64encode(bytes(60)).decode()]
)
def test_a_damaged_value_is_unreadable_and_no_crash(text):
    with pytest.raises(DecryptionError):
        Keyring({"k1": OLD}).decrypt(text, "connection:1:api_key")
