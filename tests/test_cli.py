"""The flask commands: what they do, what they say, and that no secret is an argument."""

import json

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from manimod.extensions import db
from manimod.models import Account, Connection, User
from manimod.stripe import connections
from tests.factories import PASSWORD, SIGNING_SECRET, make_account


@pytest.fixture
def run(app: Flask):
    runner = app.test_cli_runner()

    def invoke(*words: object, stdin: str = "") -> Result:
        db.session.commit()
        return runner.invoke(args=[str(word) for word in words], input=stdin)

    return invoke


def failed_with(result: Result, sentence: str) -> bool:
    return result.exit_code == 1 and result.stderr == f"Error: {sentence}\n"


def user(email: str) -> User:
    return db.session.scalar(select(User).where(User.email == email))


# --- people ----------------------------------------------------------------------------------------------------------


def test_an_owner_with_a_password_from_standard_input_can_sign_in(run, client) -> None:
    done = run("create-owner", "ada@example.com", "--account", "Ada Ltd", "--plan", "scale", stdin=f"{PASSWORD}\n")
    assert done.exit_code == 0, done.output
    assert PASSWORD not in done.output
    created = user("ada@example.com")
    assert (created.account.name, created.account.plan) == ("Ada Ltd", "scale")
    assert [role.name for role in created.roles] == ["owner"]
    assert client.post("/sign-in", data={"email": "ada@example.com", "password": PASSWORD}).status_code == 302


def test_a_generated_password_is_printed_once(run, client) -> None:
    facts = json.loads(run("create-owner", "ada@example.com", "--account", "Ada", "--generate", "--json").stdout)
    assert facts.keys() == {"account", "user", "email", "password"}
    assert client.post("/sign-in", data={"email": facts["email"], "password": facts["password"]}).status_code == 302


def test_support_belongs_to_no_account(run) -> None:
    assert run("create-support", "sue@example.com", stdin=PASSWORD).exit_code == 0
    assert user("sue@example.com").account is None
    assert [role.name for role in user("sue@example.com").roles] == ["support"]


def test_an_email_is_taken_only_once(run, owner: User) -> None:
    done = run("create-support", owner.email.upper(), stdin=PASSWORD)
    assert failed_with(done, f"There is already a user with the e-mail {owner.email}.")


def test_a_weak_password_and_a_wrong_email_are_refused(run) -> None:
    assert "at least 12 characters" in run("create-support", "sue@example.com", stdin="short").stderr
    assert "is no e-mail address" in run("create-support", "sue", stdin=PASSWORD).stderr
    assert db.session.scalars(select(User)).all() == []


def test_the_plan_of_an_account(run, account: Account) -> None:
    assert run("set-plan", account.id, "free").stdout == f"Account {account.id} is on free.\n"
    assert account.plan == "free"
    assert run("set-plan", account.id, "gold").exit_code == 2
    assert failed_with(run("set-plan", 999, "pro"), "There is no account 999.")


# --- Stripe ----------------------------------------------------------------------------------------------------------


def test_connecting_with_a_key_from_standard_input(run, account: Account, stripe_account: dict) -> None:
    key = stripe_account["keys"]["test"]["restricted"]
    done = run("stripe-connect", account.id, "--json", stdin=f"{key}\n")
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert (facts["status"], facts["livemode"]) == ("connected", False)
    assert facts["webhook_address"].startswith("http://127.0.0.1:8000/webhooks/stripe/")
    assert key not in done.output
    assert connections.get_for_account(account).is_connected


def test_a_key_that_is_not_accepted_says_why(run, account: Account) -> None:
    done = run("stripe-connect", account.id, stdin="sk_live_" + "0" * 24)
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: That is a full secret key")
    assert connections.get_for_account(account) is None


def test_a_plan_below_pro_cannot_connect(run, stripe_account: dict) -> None:
    account = make_account(plan="starter")
    done = run("stripe-connect", account.id, stdin=stripe_account["keys"]["test"]["restricted"])
    assert done.exit_code == 1
    assert "this account is on Starter" in done.stderr


def test_the_signing_secret_is_stored_sealed(run, connected: Connection) -> None:
    other = SIGNING_SECRET + "x"
    done = run("stripe-webhook-secret", connected.account_id, stdin=other)
    assert done.exit_code == 0, done.output
    assert other not in done.output
    assert connections.signing_secrets(connected)[0] == other
    assert other not in connected.encrypted_signing_secret


def test_a_sync_can_be_asked_for(run, connected: Connection, drain, valkey) -> None:
    drain()
    done = run("stripe-sync", connected.account_id)
    assert done.exit_code == 0, done.output
    assert valkey.llen("rq:queue:mani-sync") == 1


def test_disconnecting_deletes_the_key(run, connected: Connection) -> None:
    assert run("stripe-disconnect", connected.account_id).exit_code == 0
    assert (connected.status, connected.encrypted_api_key) == ("disconnected", None)


@pytest.mark.parametrize("command", ["stripe-disconnect", "stripe-sync", "stripe-webhook-secret"])
def test_an_account_without_a_connection(run, account: Account, command: str) -> None:
    done = run(command, account.id, stdin=SIGNING_SECRET)
    assert failed_with(done, "This account isn't connected to Stripe. Connect it first.")
