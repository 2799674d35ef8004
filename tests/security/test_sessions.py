"""A session is its owner's alone: not planted, not forged, not kept by default, and ended when the password changes."""

import pytest
from flask.sessions import SecureCookieSessionInterface

from manimod import create_app
from tests import factories
from tests.factories import PASSWORD
from tests.web.test_password import change
from tests.web.test_sign_in import sign_in


def cookies(answer) -> dict[str, str]:
    return {cookie.partition("=")[0]: cookie for cookie in answer.headers.getlist("Set-Cookie")}


def test_a_session_that_was_planted_before_the_sign_in_is_worth_nothing_after_it(app, client, owner):
    client.get("/sign-in")
    planted = client.get_cookie("mani").value
    sign_in(client, owner.email)
    assert client.get_cookie("mani").value != planted
    attacker = app.test_client()
    attacker.set_cookie("mani", planted)
    assert attacker.get("/").status_code == 303


def test_a_form_from_before_the_sign_in_is_worth_nothing_after_it(client, owner):
    """Whoever planted the session knows the secret of its forms."""
    with client.session_transaction() as session:
        session["csrf_token"] = "planted"
    sign_in(client, owner.email)
    assert client.get("/").status_code == 200
    with client.session_transaction() as session:
        assert session["csrf_token"] not in ("planted", None)


def test_a_session_signed_with_another_key_is_none(app, client, owner):
    forger = create_app(factories.make_settings("sqlite:///:memory:", "redis://127.0.0.1:1/0", SECRET_KEY="f" * 64))
    forged = SecureCookieSessionInterface().get_signing_serializer(forger)
    client.set_cookie("mani", forged.dumps({"_user_id": owner.fs_uniquifier, "_fresh": True}))
    assert client.get("/").status_code == 303


def test_an_id_that_anybody_can_guess_opens_no_session(client, owner):
    with client.session_transaction() as session:
        session.update({"_user_id": str(owner.id), "_fresh": True})
    assert client.get("/").status_code == 303


def test_nobody_is_remembered_who_did_not_ask_for_it(client, owner):
    assert "remember_token" not in cookies(sign_in(client, owner.email))


def test_a_new_password_ends_every_other_session_remembered_ones_too(app, client, as_owner, owner):
    data = {"email": owner.email, "password": PASSWORD, "remember": "y"}
    client.post("/sign-in", data=data)
    client.delete_cookie("mani")
    assert client.get("/").status_code == 200  # remembered
    assert change(as_owner).status_code == 302
    assert client.get("/").status_code == 303
    client.delete_cookie("mani")
    assert client.get("/").status_code == 303
    assert as_owner.get("/").status_code == 200


@pytest.mark.parametrize("public_url", ["http://127.0.0.1:8000", "https://mani.example.com"])
def test_no_script_and_no_other_site_gets_the_cookies(database_url, public_url):
    app = create_app(factories.make_settings(database_url, "redis://127.0.0.1:1/0", PUBLIC_URL=public_url))
    with app.app_context():
        email = factories.make_owner().email
    client = app.test_client()
    page = client.get("/sign-in", base_url=public_url)
    token = (
        page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
        or page.text.partition('name="csrf_token" type="hidden" value="')[2].partition('"')[0]
    )
    data = {"email": email, "password": PASSWORD, "remember": "y", "csrf_token": token}
    answer = client.post("/sign-in", data=data, base_url=public_url, headers={"Referer": f"{public_url}/sign-in"})
    assert answer.status_code == 302, answer.text
    set_now = cookies(answer)
    prefix = "__Host-" if public_url.startswith("https") else ""  # no other host of the domain can set such a cookie
    assert {f"{prefix}mani", f"{prefix}remember_token", f"{prefix}mani_known"} <= set_now.keys()
    for cookie in set_now.values():
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert ("Secure" in cookie) == public_url.startswith("https")


# --- guessing --------------------------------------------------------------------------------------------------------


def guess(client, email: str) -> int:
    """Without a password, so that argon2 isn't asked: it counts as a failure all the same."""
    return client.post("/sign-in", data={"email": email, "password": ""}).status_code


def test_guessing_at_many_accounts_from_one_address_is_slowed_down(app, client, owner):
    answers = [guess(client, f"somebody{number}@example.com") for number in range(21)]
    assert answers == [422] * 20 + [429]
    assert sign_in(client, owner.email).status_code == 429
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    data = {"email": owner.email, "password": PASSWORD}
    assert client.post("/sign-in", data=data, environ_base=elsewhere).status_code == 302


def test_changing_the_address_is_no_help_against_one_account(client, owner):
    for number in range(8):
        data = {"email": f" {owner.email.upper()} ", "password": ""}
        client.post("/sign-in", data=data, environ_base={"REMOTE_ADDR": f"192.0.2.{number}"})
    assert sign_in(client, owner.email).status_code == 429


def test_an_address_that_a_stranger_claims_counts_for_nothing(client):
    """Without TRUSTED_PROXIES nobody chooses the address they are counted under."""
    for number in range(20):
        headers = {"X-Forwarded-For": f"192.0.2.{number}"}
        client.post("/sign-in", data={"email": f"a{number}@example.com", "password": ""}, headers=headers)
    assert guess(client, "b@example.com") == 429


def test_guessing_is_slowed_down_while_redis_is_away_too(database_url):
    app = create_app(factories.make_settings(database_url, "redis://127.0.0.1:1/0"))
    app.config["WTF_CSRF_ENABLED"] = False
    client = app.test_client()
    assert [guess(client, "ada@example.com") for _ in range(9)] == [422] * 8 + [429]


def test_guessing_the_current_password_is_slowed_down(as_owner):
    answers = [as_owner.post("/settings/password", data={"password": ""}).status_code for _ in range(9)]
    assert answers == [422] * 8 + [429]
