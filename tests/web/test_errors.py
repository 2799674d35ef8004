"""Every failure is something a person can use."""

import pytest
from flask import abort
from structlog.testing import capture_logs


def test_nothing_here_is_a_friendly_page(as_owner):
    answer = as_owner.get("/nowhere")
    assert answer.status_code == 404
    assert "Nothing here" in answer.text
    assert "Go to the dashboard" in answer.text


def test_htmx_gets_a_toast_and_keeps_its_page(as_owner):
    answer = as_owner.htmx("get", "/nowhere")
    assert answer.status_code == 404
    assert answer.headers["HX-Reswap"] == "none"
    assert 'id="toasts"' in answer.text
    assert "<html" not in answer.text


def test_too_much_is_said_to_be_too_much(as_owner):
    answer = as_owner.post("/settings/integrations/stripe/connect", data={"api_key": "k" * 4_000_000})
    assert answer.status_code == 413


@pytest.fixture
def failing(app, monkeypatch):
    """`failing(view)` is an address at which the view runs as it does for users."""
    monkeypatch.setattr(app, "testing", False)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)

    def answer_with(view) -> str:
        monkeypatch.setitem(app.view_functions, "dashboard.help_page", view)
        return "/help?from=here"

    return answer_with


@pytest.mark.parametrize(
    ("status", "title", "what_to_do"),
    [
        (400, "That didn&#39;t come through", "reload the page and try again"),
        (403, "Not for this account", "doesn&#39;t have access"),
        (404, "Nothing here", "Go to the dashboard"),
        (410, "Gone for good", "Go to the dashboard"),
        (413, "Too large", "a form may have 3 MB"),
        (429, "A little too fast", "Wait a minute and try again"),
        (500, "Our mistake", "Try again in a minute"),
    ],
)
def test_every_error_has_a_page_and_a_toast_that_say_what_to_do(as_owner, failing, status, title, what_to_do):
    address = failing(lambda: abort(status) if status != 500 else 1 / 0)
    page = as_owner.get(address)
    assert page.status_code == status
    assert f"<h1>{title}</h1>" in page.text
    assert what_to_do in page.text
    toast = as_owner.htmx("get", address)
    assert toast.status_code == status
    assert 'class="toast show" role="alert"' in toast.text
    assert toast.headers["HX-Reswap"] == "none"
    assert ("Retry-After" in toast.headers) == (status == 429)


@pytest.mark.parametrize("status", [429, 500])
def test_what_passes_can_be_tried_again_at_the_same_place(as_owner, failing, status):
    address = failing(lambda: abort(status) if status != 500 else 1 / 0)
    assert 'href="/help?from=here">Try again</a>' in as_owner.get(address).text


def test_an_expired_form_comes_back_with_a_new_token(as_owner):
    as_owner.sends_csrf = False
    answer = as_owner.post("/settings/account", headers={"Referer": "http://localhost/settings/account"})
    assert (answer.status_code, answer.location) == (303, "/settings/account")
    assert "This form had expired and nothing was saved." in as_owner.get("/settings/account").text
    assert as_owner.post("/settings/account", headers={"Referer": "https://evil.example/"}).status_code == 400
    assert as_owner.htmx("post", "/settings/account").headers["X-Error-Code"] == "FORM_EXPIRED"


def test_a_form_that_failed_leads_back_to_its_page(as_owner):
    too_much = {"data": {"name": "n" * 4_000_000}}
    answer = as_owner.post("/settings/account", headers={"Referer": "http://localhost/settings/account"}, **too_much)
    assert 'href="http://localhost/settings/account">Go back</a>' in answer.text
    answer = as_owner.post("/settings/account", headers={"Referer": "http://elsewhere.example/"}, **too_much)
    assert "Go back" not in answer.text


def test_a_surprise_is_our_mistake_and_logged_with_its_place_only(as_owner, failing):
    def fail():
        raise ValueError("a secret that somebody sent")

    with capture_logs() as logs:
        answer = as_owner.get(failing(fail))
    assert answer.status_code == 500
    assert "Our mistake" in answer.text
    entry = next(entry for entry in logs if entry["event"] == "unexpected_error")
    assert entry["place"][-1].endswith(" fail")
    assert "a secret that somebody sent" not in answer.text + str(logs)
