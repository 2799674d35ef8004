"""Every failure is something a person can use."""

import pytest
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
def broken(app):
    app.testing = False
    app.config["PROPAGATE_EXCEPTIONS"] = False

    def fail():
        raise ValueError("a secret that somebody sent")

    app.view_functions["dashboard.help_page"] = fail
    return "/help"


def test_a_surprise_is_our_mistake_and_logged_with_its_place_only(as_owner, broken):
    with capture_logs() as logs:
        answer = as_owner.get(broken)
    assert answer.status_code == 500
    assert "Our mistake" in answer.text
    entry = next(entry for entry in logs if entry["event"] == "unexpected_error")
    assert entry["place"][-1].endswith(" fail")
    assert "a secret that somebody sent" not in answer.text + str(logs)
