from urllib.parse import urlsplit

import pytest

from tests.factories import PASSWORD


def sign_in(client, email, password=PASSWORD, next=None):
    return client.post(
        "/sign-in", query_string={"next": next} if next else {}, data={"email": email, "password": password}
    )


def test_the_right_password_opens_the_dashboard(client, owner):
    answer = sign_in(client, owner.email)
    assert (answer.status_code, answer.location) == (302, "/")
    assert client.get("/").status_code == 200


def test_the_address_may_be_written_in_capitals(client, owner):
    assert sign_in(client, owner.email.upper()).status_code == 302


def test_a_wrong_password_and_an_unknown_address_are_told_alike(client, owner):
    wrong, unknown = sign_in(client, owner.email, "wrong password"), sign_in(client, "nobody@example.com")
    assert wrong.status_code == unknown.status_code == 422
    assert "isn&#39;t right" in wrong.text or "isn't right" in wrong.text
    assert wrong.text.count("Check both") == unknown.text.count("Check both") == 1


def test_the_password_is_never_echoed(client, owner):
    assert "wrong password" not in sign_in(client, owner.email, "wrong password").text


def test_guessing_at_one_account_is_slowed_down(client, owner):
    answers = [sign_in(client, owner.email, f"guess {number}").status_code for number in range(9)]
    assert answers == [422] * 8 + [429]
    late = sign_in(client, owner.email)
    assert late.status_code == 429
    assert "Too many wrong tries. Wait " in late.text
    assert f'value="{owner.email}"' in late.text
    assert PASSWORD not in late.text


def test_signing_in_often_locks_nobody_out(client, owner):
    for _ in range(10):
        assert sign_in(client, owner.email).status_code == 302
        client.post("/sign-out")


def test_a_stranger_is_sent_to_the_sign_in_and_back(client, owner):
    answer = client.get("/creatives?status=approved")
    assert answer.status_code == 303
    assert answer.location == "/sign-in?next=/creatives?status%3Dapproved"
    assert sign_in(client, owner.email, next="/creatives?status=approved").location.endswith(
        "/creatives?status=approved"
    )


@pytest.mark.parametrize(
    "elsewhere",
    ["https://evil.example/", "//evil.example", "///evil.example", "/\\evil.example", "javascript:alert(1)"],
)
def test_the_way_back_never_leads_to_another_site(client, owner, elsewhere):
    target = urlsplit(sign_in(client, owner.email, next=elsewhere).location or "/")
    assert (target.scheme, target.netloc) in (("", ""), ("http", "localhost"))
    assert target.path.startswith("/")
    assert not target.path.startswith("//")


def test_a_script_of_a_page_is_told_that_the_session_has_ended(client):
    answer = client.htmx("get", "/creatives/new")
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (401, "SIGNED_OUT")
    client.sends_csrf = False
    answer = client.htmx("post", "/creatives/1/approve")
    assert (answer.status_code, answer.headers["X-Error-Code"]) == (401, "SIGNED_OUT")


def test_a_form_of_a_lost_session_leads_to_the_sign_in_and_back_to_its_page(client):
    client.sends_csrf = False
    answer = client.post("/settings/account", headers={"Referer": "http://localhost/settings/account?a=1"})
    assert answer.status_code == 303
    assert answer.location == "/sign-in?next=/settings/account?a%3D1&signed_out=press"
    assert "your last press was not saved" in client.get(answer.location).text
    assert client.post("/settings/account", headers={"Referer": "http://evil.example/"}).location.count("next") == 0


def test_signing_out_needs_a_post(as_owner):
    assert as_owner.get("/sign-out").status_code == 405
    assert as_owner.get("/").status_code == 200
    assert as_owner.post("/sign-out").location == "/sign-in"
    assert as_owner.get("/").status_code == 303
