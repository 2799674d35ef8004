import re

from tests.factories import PASSWORD

NEW = "four other random words"


def change(client, current=PASSWORD, new=NEW, again=None):
    fields = {"password": current, "new_password": new, "new_password_confirm": again or new}
    return client.post("/settings/password", data=fields)


def test_the_new_password_counts_from_now_on(client, as_owner, owner):
    assert change(as_owner).status_code == 302
    assert client.post("/sign-in", data={"email": owner.email, "password": PASSWORD}).status_code == 422
    assert client.post("/sign-in", data={"email": owner.email, "password": NEW}).status_code == 302


def test_other_sessions_end(app, as_owner, owner):
    elsewhere = app.test_client().sign_in(owner)
    change(as_owner)
    assert elsewhere.get("/").status_code == 303
    assert as_owner.get("/").status_code == 200


def test_the_current_password_is_asked_for(as_owner):
    answer = change(as_owner, current="not this one")
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


def test_a_short_password_and_a_slip_of_the_hand_are_refused(as_owner):
    assert change(as_owner, new="short").status_code == 422
    assert change(as_owner, again="something else").status_code == 422


def test_support_may_change_its_password_too(as_support):
    assert as_support.get("/settings/password").status_code == 200


def test_every_mistake_is_told_at_once_and_no_password_comes_back(as_owner):
    page = change(as_owner, current="not this one", new="short", again="shorter").text
    for sentence in ("This password isn&#39;t right.", "needs at least 12 characters", "The two new passwords differ."):
        assert sentence in page
    for typed in ("not this one", 'value="short', 'value="shorter'):
        assert typed not in page


def test_too_many_tries_are_told_above_the_form_with_the_time_left(as_owner):
    answers = [change(as_owner, current=f"guess number {number}") for number in range(9)]
    assert answers[-1].status_code == 429
    assert re.search(r"Too many wrong tries\. Wait \d+ (s|min) and try again\.", answers[-1].text)
    assert "Current password" in answers[-1].text
    assert int(answers[-1].headers["Retry-After"]) > 1
