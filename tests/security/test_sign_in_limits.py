"""Guessing is counted for the account that is meant, and a stranger's guesses don't lock its owner out."""

import json

import pytest

from manimod.extensions import db
from tests.factories import PASSWORD, code


def attempt(client, email: str, password: str = "", address: str = "192.0.2.1") -> int:
    """The status. Without a password argon2 isn't asked; it counts as a failure all the same."""
    data = {"email": email, "password": password}
    return client.post("/sign-in", data=data, environ_base={"REMOTE_ADDR": address}).status_code


def wear_out(client, email: str, address: str = "192.0.2.1") -> None:
    while attempt(client, email, address=address) != 429:
        pass


@pytest.fixture
def stranger(app):
    return app.test_client()


@pytest.fixture
def known(app, owner):
    """A browser in which the owner has signed in before, and out again."""
    client = app.test_client()
    assert attempt(client, owner.email, PASSWORD, "198.51.100.7") == 302
    client.post("/sign-out")
    return client


# --- whose account is meant ------------------------------------------------------------------------------------------

SPELLINGS = ["{0}@ｅxample.com", "{0}@example。com", "{0}@ⓔxample.com", "{0}@EXAMPLE.com", " {0}@example.com\t"]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_an_address_counts_for_the_same_account(stranger, owner, spelling):
    wear_out(stranger, owner.email)
    spelled = spelling.format(owner.email.partition("@")[0])
    assert attempt(stranger, spelled, PASSWORD, "203.0.113.5") == 429


def test_many_spellings_from_many_addresses_are_no_help(stranger, owner):
    name = owner.email.partition("@")[0]
    spelled = [spelling.format(name) for spelling in SPELLINGS * 2]
    answers = [attempt(stranger, email, address=f"192.0.2.{number}") for number, email in enumerate(spelled)]
    assert answers == [422] * 8 + [429] * 2


def test_what_is_no_address_is_counted_too(stranger):
    answers = [attempt(stranger, "no address", address=f"192.0.2.{number}") for number in range(9)]
    assert answers == [422] * 8 + [429]


def test_a_network_of_ipv6_counts_as_one_address(stranger):
    answers = [attempt(stranger, f"a{number}@example.com", address=f"2001:db8:1:2::{number}") for number in range(21)]
    assert answers == [422] * 20 + [429]
    assert attempt(stranger, "b@example.com", address="2001:db8:1:2:ffff::1") == 429
    assert attempt(stranger, "b@example.com", address="2001:db8:1:3::1") == 422


def test_an_ipv4_address_written_as_ipv6_is_the_same_one(stranger):
    for number in range(20):
        attempt(stranger, f"a{number}@example.com", address="192.0.2.1")
    assert attempt(stranger, "b@example.com", address="::ffff:192.0.2.1") == 429
    assert attempt(stranger, "b@example.com", address="::ffff:192.0.2.2") == 422


def test_nothing_that_was_typed_and_nobodys_address_stands_in_redis(stranger, owner, valkey):
    attempt(stranger, owner.email)
    attempt(stranger, "my-secret-passw0rd-typed-in-the-wrong-field")
    kept = " ".join(key.decode() for key in valkey.scan_iter())
    assert "LIMIT" in kept, "the search has found too little to prove anything"
    for typed in (owner.email, "my-secret", "192.0.2.1"):
        assert typed not in kept


# --- strangers and the browser that was here -------------------------------------------------------------------------


def test_a_strangers_failures_do_not_lock_out_a_browser_that_was_here(stranger, known, owner):
    wear_out(stranger, owner.email)
    assert attempt(known, owner.email, PASSWORD, "198.51.100.7") == 302


def test_not_even_from_the_same_address(stranger, known, owner):
    for number in range(25):
        attempt(stranger, f"a{number}@example.com", address="198.51.100.7")
    assert attempt(known, owner.email, PASSWORD, "198.51.100.7") == 302


def test_in_a_browser_that_was_here_guessing_is_slowed_down_as_well(known, stranger, owner):
    assert [attempt(known, owner.email) for _ in range(9)] == [422] * 8 + [429]
    assert attempt(stranger, owner.email) == 422


def test_having_been_here_helps_with_nobody_elses_account(app, known, stranger):
    wear_out(stranger, "other@example.com")
    assert attempt(known, "other@example.com") == 429


def test_two_accounts_in_one_browser_were_both_here(known, owner, stranger, support):
    attempt(known, support.email, PASSWORD)
    known.post("/sign-in/code", data={"code": code()})
    wear_out(stranger, owner.email)
    wear_out(stranger, support.email, "203.0.113.9")
    assert attempt(known, owner.email, PASSWORD) == 302
    assert attempt(known, support.email, PASSWORD) == 302


@pytest.mark.parametrize("forge", ["", "nonsense", '["{}"].forged'])
def test_nobody_forges_having_been_here(app, stranger, known, owner, forge):
    own = known.get_cookie("mani_known").value
    wear_out(stranger, owner.email)
    stranger.set_cookie("mani_known", forge or own[:-2])
    assert attempt(stranger, owner.email, PASSWORD, "203.0.113.5") == 429


def test_the_cookie_says_nothing_about_the_person_and_is_for_the_server_only(client, owner):
    answer = client.post("/sign-in", data={"email": owner.email, "password": PASSWORD})
    cookie = next(line for line in answer.headers.getlist("Set-Cookie") if line.startswith("mani_known="))
    assert owner.email not in cookie
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


# --- the way back in -------------------------------------------------------------------------------------------------


def test_a_reset_password_opens_the_account_at_once(app, stranger, owner):
    wear_out(stranger, owner.email)
    done = app.test_cli_runner().invoke(args=["reset-password", owner.email.upper(), "--generate", "--json"])
    assert done.exit_code == 0, done.output
    password = json.loads(done.stdout)["password"]
    assert attempt(stranger, owner.email, PASSWORD) == 422
    assert attempt(stranger, owner.email, password) == 302


def test_a_reset_password_ends_every_session(app, as_owner, owner):
    done = app.test_cli_runner().invoke(args=["reset-password", owner.email], input="four other random words\n")
    assert done.stdout == f"{owner.email} has a new password. Open sessions have ended.\n"
    db.session.rollback()
    assert as_owner.get("/").status_code == 303


def test_only_a_users_password_is_reset_and_only_to_a_good_one(app, owner):
    run = app.test_cli_runner().invoke
    unknown = run(args=["reset-password", "nobody@example.com", "--generate"])
    assert (unknown.exit_code, unknown.stderr) == (1, "Error: There is no user nobody@example.com.\n")
    short = run(args=["reset-password", owner.email], input="short")
    assert "at least 12 characters" in short.stderr


def test_the_sign_in_page_says_who_can_help(client):
    assert "Ask whoever runs mani to reset your password" in client.get("/sign-in").text


# --- JSON ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.api+json"])
def test_nobody_signs_in_by_json(client, owner, kind):
    body = json.dumps({"email": owner.email, "password": PASSWORD})
    answer = client.post("/sign-in", data=body, content_type=kind, headers={"Accept": "application/json"})
    assert answer.status_code == 415
    assert "token" not in answer.text
    assert client.get("/").status_code == 303
