"""`flask doctor` prints the checks of an account or of the installation; `flask replay` runs an event once more."""

import json

import pytest

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import StripeEvent
from manimod.models.accounts import now
from tests import factories


@pytest.fixture
def flask(app):
    return app.test_cli_runner().invoke


def test_an_account_is_examined_with_a_question_to_stripe(flask, account, connected, stripe_account, sandbox):
    sandbox.delete_key(stripe_account["keys"]["test"]["restricted"])
    result = flask(args=["doctor", str(account.id)])
    assert result.exit_code == 1
    key = next(line for line in result.output.splitlines() if "API key" in line)
    assert key.startswith("broken")
    assert "Stripe rejected this key" in key
    assert "-> Replace the key" in result.output


def test_for_machines_it_is_one_line_of_json(flask, account, connected):
    said = json.loads(flask(args=["doctor", str(account.id), "--json"]).output)
    checks = {check["check"]: check for check in said["checks"]}
    assert checks["plan"]["outcome"] == "good"
    assert checks["worker"]["outcome"] == "broken", "nobody works in this test"
    assert (said["account"], said["outcome"]) == (account.id, "broken")


def test_an_account_that_is_not_in_use_has_only_manis_own_parts_to_complain_of(flask):
    account = factories.make_account("free")
    result = flask(args=["doctor", str(account.id), "--json"])
    broken = [check["check"] for check in json.loads(result.output)["checks"] if check["outcome"] == "broken"]
    assert broken == ["worker", "sync_worker", "scheduler"]


def test_the_installation_is_examined_without_an_account(flask, valkey):
    result = flask(args=["doctor"])
    assert result.exit_code == 1
    assert "Scheduler" in result.output
    assert f"(Valkey {valkey.info('server')['valkey_version']})" in result.output
    assert "API key" not in result.output


def test_an_unknown_account_is_said_to_be_unknown(flask):
    assert "There is no account 99" in flask(args=["doctor", "99"]).output


def test_no_secret_is_printed(flask, account, connected):
    said = flask(args=["doctor", str(account.id), "--json"]).output
    for secret in ("rk_test_0", "whsec_", connected.webhook_token):
        assert secret not in said


@pytest.mark.parametrize(("state", "status"), [("failed", 0), ("ignored", 0), ("done", 1)])
def test_an_event_that_was_given_up_is_replayed(flask, account, connected, state, status):
    with transaction():
        event = StripeEvent(
            connection_id=connected.id,
            stripe_id="evt_1",
            type="customer.updated",
            source="webhook",
            facts={"id": "evt_1", "type": "customer.updated", "created": 1, "customer": None}
            | {"subscription": None, "invoice": None},
            created_at=now(),
            received_at=now(),
            state=state,
        )
        db.session.add(event)
    assert flask(args=["replay", str(account.id), "evt_1"]).exit_code == status
    assert StripeEvent.query.one().state == ("pending" if status == 0 else "done")


def test_an_unknown_event_is_said_to_be_unknown(flask, account, connected):
    assert "has no event evt_2" in flask(args=["replay", str(account.id), "evt_2"]).output
