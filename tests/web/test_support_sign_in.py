"""Support signs in with a password and a code: what an account's owner never needs, and nobody of support can skip."""

from urllib.parse import urlsplit

import pytest
from flask_security import Totp

from manimod.extensions import db, security
from tests import factories
from tests.applications import send_redis_away
from tests.factories import PASSWORD, code


def password(client, user, **more):
    return client.post("/sign-in", data={"email": user.email, "password": PASSWORD, **more})


def enter(client, code):
    return client.post("/sign-in/code", data={"code": code})


def show_key(client):
    return client.get(client.post("/sign-in/authenticator", data={"setup": "authenticator"}).location)


@pytest.fixture
def newcomer(app):
    return factories.make_support(authenticator=False)


def test_the_password_alone_opens_nothing(client, support):
    answer = password(client, support)
    assert (answer.status_code, urlsplit(answer.location).path) == (302, "/sign-in/code")
    assert client.get("/support").location.startswith("/sign-in")


def test_the_code_opens_the_accounts(client, support):
    answer = client.post(password(client, support).location, data={"code": code()})
    assert (answer.status_code, answer.location) == (302, "/support")
    assert client.get("/support").status_code == 200


def test_after_the_code_the_person_is_back_where_they_wanted_to_go(client, support, account):
    wanted = f"/support/accounts/{account.id}"
    answer = client.post(f"/sign-in?next={wanted}", data={"email": support.email, "password": PASSWORD})
    assert client.post(answer.location, data={"code": code()}).location == wanted


def test_a_wrong_code_says_so_and_may_be_tried_again(client, support):
    password(client, support)
    wrong = enter(client, "000000")
    assert wrong.status_code == 422
    assert "That code isn" in wrong.text
    assert enter(client, code()).status_code == 302


def test_without_redis_support_can_still_sign_in(app, client, support):
    send_redis_away(app)
    password(client, support)
    assert enter(client, code()).status_code == 302


def test_guessing_codes_is_slowed_down(client, support):
    password(client, support)
    assert [enter(client, f"{number:06}").status_code for number in range(9)] == [422] * 8 + [429]


def test_support_is_never_remembered_by_a_device(client, support):
    password(client, support, remember="y")
    answer = enter(client, code())
    assert not [cookie for cookie in answer.headers.getlist("Set-Cookie") if cookie.startswith("remember_token")]


def test_the_first_sign_in_sets_up_the_authenticator(client, newcomer):
    assert password(client, newcomer).location == "/sign-in/authenticator"
    shown = show_key(client)
    assert shown.status_code == 200
    assert 'src="data:image/svg+xml;base64,' in shown.text
    with client.session_transaction() as session:
        shown_now = security.totp_factory.generate_totp_password(session["tf_totp_secret"])
    assert enter(client, "000000").status_code == 422
    assert enter(client, shown_now).location == "/support"
    assert newcomer.tf_primary_method == "authenticator"


def key_on(page: str) -> str:
    return page.partition('id="authenticator-key">')[2].partition("<")[0]


def test_the_same_key_stays_until_one_code_was_right(client, newcomer):
    password(client, newcomer)
    key = key_on(show_key(client).text)
    wrong = enter(client, "000000")
    assert wrong.status_code == 422
    assert "That code isn" in wrong.text
    assert "Lost your phone" not in wrong.text
    seen = [wrong, client.get("/sign-in/code"), client.get(client.get("/sign-in/authenticator").location)]
    seen.append(show_key(client))
    assert {key_on(page.text) for page in seen} == {key}


def test_a_new_sign_in_gets_another_key(client, newcomer):
    keys = set()
    for _ in range(2):
        password(client, newcomer)
        page = show_key(client)
        keys.add(key_on(page.text))
    assert len(keys) == 2


def test_the_authenticators_secret_is_stored_sealed(client, newcomer):
    password(client, newcomer)
    page = show_key(client).text
    shown = page.partition('id="authenticator-key">')[2].partition("<")[0]
    with client.session_transaction() as session:
        assert len(shown.replace("-", "")) >= 32
        assert shown.replace("-", "") not in session["tf_totp_secret"].replace("-", "")
        assert '"enckey"' in session["tf_totp_secret"]


def test_a_session_without_an_authenticator_opens_nothing(app, newcomer):
    assert app.test_client().sign_in(newcomer).get("/support").status_code == 403


@pytest.mark.parametrize("address", ["/sign-in/authenticator", "/sign-in/code"])
def test_without_the_password_there_is_no_second_step(client, address):
    assert client.get(address).location == "/sign-in"
    assert client.post(address, data={"code": "123456", "setup": "authenticator"}).location == "/sign-in"


@pytest.mark.parametrize("address", ["/sign-in/authenticator", "/tf-rescue", "/tf-select", "/sign-in/authenticator/x"])
def test_whoever_is_signed_in_cannot_change_the_authenticator(as_support, address):
    assert as_support.get(address).status_code in (404, 405)
    assert as_support.post(address, data={"setup": "disable"}).status_code == 404


def test_a_lost_authenticator_is_reset_by_a_command_and_ends_every_session(app, client, as_support, support):
    done = app.test_cli_runner().invoke(args=["reset-authenticator", support.email.upper()])
    assert done.stdout == f"{support.email} sets up an authenticator at the next sign-in.\n"
    assert as_support.get("/support").location.startswith("/sign-in")
    assert password(client, support).location == "/sign-in/authenticator"


def test_only_support_has_an_authenticator_to_reset(app, owner):
    done = app.test_cli_runner().invoke(args=["reset-authenticator", owner.email])
    assert done.exit_code == 1
    assert done.stderr == f"Error: There is no support user {owner.email}.\n"


def test_an_owner_signs_in_with_the_password_alone(client, owner):
    assert password(client, owner).location == "/"
    assert client.get("/").status_code == 200


def test_rotating_the_keys_re_encrypts_the_authenticators_so_that_the_old_key_may_go(app, client, support):
    old = app.config["SECURITY_TOTP_SECRETS"]
    new = {"a1": "another key"}  # the first one encrypts, not the one that sorts last
    app.config["SECURITY_TOTP_SECRETS"] = new | old
    assert app.test_cli_runner().invoke(args=["rotate-keys"]).exit_code == 0
    db.session.rollback()
    assert '"t":"a1"' in support.tf_totp_secret
    security._totp_factory = Totp(new, "mani")
    password(client, support)
    assert enter(client, code()).location == "/support"


def test_an_authenticator_that_no_key_decrypts_is_left_to_be_reset(app, support):
    before = support.tf_totp_secret
    app.config["SECURITY_TOTP_SECRETS"] = {"a1": "another key"}
    assert app.test_cli_runner().invoke(args=["rotate-keys"]).exit_code == 0
    db.session.rollback()
    assert support.tf_totp_secret == before


def test_a_code_for_an_authenticator_that_no_key_decrypts_is_a_wrong_code(client, support):
    right = code()
    security._totp_factory = type(security._totp_factory)({"a1": "another key"}, "mani")
    password(client, support)
    wrong = enter(client, right)
    assert wrong.status_code == 422
    assert "That code isn" in wrong.text
