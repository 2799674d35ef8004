"""The flask commands: what they do, what they say, and that no secret is an argument."""

import json
from datetime import UTC, datetime

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import select

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account, Connection, Moment, User
from manimod.models.accounts import now
from manimod.stripe import connections
from tests import factories
from tests.factories import PASSWORD, SIGNING_SECRET, make_account, make_connection


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


def test_where_two_are_connected_a_change_says_which(run, connected: Connection) -> None:
    live = make_connection(connected.account, livemode=True)
    done = run("stripe-disconnect", connected.account_id)
    assert done.exit_code == 1
    assert "has a live and a test connection. Say which one with --mode." in done.stderr
    assert run("stripe-disconnect", connected.account_id, "--mode", "test").exit_code == 0
    assert (connected.status, live.status) == ("disconnected", "connected")


def test_moments_are_those_of_live_mode_unless_the_other_is_asked_for(run, account: Account) -> None:
    for mode in ("test", "live"):
        connection = make_connection(account, livemode=mode == "live")
        at = dict.fromkeys(("occurred_at", "received_at"), now())
        with transaction():
            moment = Moment(connection_id=connection.id, key=f"new_customer:cus_{mode}", kind="new_customer", **at)
            moment.source, moment.state = "webhook", "generated"
            db.session.add(moment)
    assert [row["key"] for row in json.loads(run("moments", account.id, "--json").stdout)] == ["new_customer:cus_live"]
    asked = run("moments", account.id, "--json", "--mode", "test")
    assert [row["key"] for row in json.loads(asked.stdout)] == ["new_customer:cus_test"]


@pytest.mark.parametrize("command", ["stripe-disconnect", "stripe-sync", "stripe-webhook-secret"])
def test_an_account_without_a_connection(run, account: Account, command: str) -> None:
    done = run(command, account.id, stdin=SIGNING_SECRET)
    assert failed_with(done, "This account isn't connected to Stripe. Connect it first.")


# --- moments ---------------------------------------------------------------------------------------------------------


def add_moment(connection: Connection, key: str, minute: int, **columns: object) -> None:
    at = datetime(2026, 1, 2, 3, minute, tzinfo=UTC)
    with transaction():
        row = {"kind": key.partition(":")[0], "source": "webhook", "state": "ready"} | columns
        db.session.add(Moment(connection_id=connection.id, key=key, occurred_at=at, received_at=at, **row))


@pytest.mark.both_databases
def test_the_moments_of_an_account_are_listed_oldest_first(run) -> None:
    connection, other = factories.make_connection(), factories.make_connection()
    add_moment(connection, "renewed:sub_1:1700000000", minute=5, source="sync", state="generated")
    add_moment(connection, "new_customer:cus_1", minute=4, state="withdrawn", reason="the customer was deleted")
    add_moment(other, "cancelled:sub_9", minute=1)
    done = run("moments", connection.account_id, "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout) == [
        {
            "key": "new_customer:cus_1",
            "kind": "new_customer",
            "state": "withdrawn",
            "reason": "the customer was deleted",
            "source": "webhook",
            "occurred_at": "2026-01-02T03:04:00Z",
        },
        {
            "key": "renewed:sub_1:1700000000",
            "kind": "renewed",
            "state": "generated",
            "reason": None,
            "source": "sync",
            "occurred_at": "2026-01-02T03:05:00Z",
        },
    ]
    assert run("moments", connection.account_id).stdout == (
        "2026-01-02T03:04:00Z  withdrawn  new_customer:cus_1, found by webhook (the customer was deleted)\n"
        "2026-01-02T03:05:00Z  generated  renewed:sub_1:1700000000, found by sync\n"
    )


def test_an_account_that_never_connected_has_no_moments(run, account: Account) -> None:
    assert run("moments", account.id, "--json").stdout == "[]\n"
    assert run("moments", account.id).stdout == f"Account {account.id} has no moments yet.\n"
    assert failed_with(run("moments", 999), "There is no account 999.")
