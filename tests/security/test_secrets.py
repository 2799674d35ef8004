"""Secrets leave no trace: keys, signing secrets, passwords and the installation's own keys, typed right or wrong.

That no process has one among its arguments is shown on real processes, in tests/journeys/test_run.py.
"""

import base64

import pytest
from flask import request_finished

from tests import factories
from tests.factories import PASSWORD, SIGNING_SECRET
from tests.ingest.test_privacy import everything  # noqa: F401

__all__ = ["everything"]

SETTINGS = "/settings/integrations/stripe"
TYPED_WRONG = ("rk_test_" + "w" * 30, "sk_live_" + "v" * 30, "whsec_short!" + "u" * 20, "a wrong password canary")
ROLLED = "whsec_" + "r" * 32


@pytest.fixture
def answered(app):
    """The text of every answer, error pages too."""
    texts = []

    def keep(_app, response) -> None:
        texts.append(response.get_data(as_text=True))

    with request_finished.connected_to(keep, app):
        yield texts


@pytest.fixture
def used(
    app, everything, answered, connected, as_owner, owner, client, stripe_account, drain, monkeypatch
) -> list[str]:
    """Every secret that went through mani, after each was used in every way there is, while `everything` listens."""
    key = stripe_account["keys"]["test"]["restricted"]
    for typed in (*TYPED_WRONG, key):
        as_owner.post(f"{SETTINGS}/connect", data={"api_key": typed})
        as_owner.htmx("post", f"{SETTINGS}/connect", data={"api_key": typed})
    for typed in (*TYPED_WRONG, ROLLED):
        as_owner.post(f"{SETTINGS}/signing-secret", data={"signing_secret": typed})
    for typed in (TYPED_WRONG[3], PASSWORD):
        client.post("/sign-in", data={"email": owner.email, "password": typed})
        as_owner.post("/settings/password", data={"password": typed, "new_password": "short"})
    session = client.get_cookie("mani").value
    address = f"/webhooks/stripe/{connected.webhook_token}"
    client.post(address, **factories.signed({"id": "evt_1"}, secret=TYPED_WRONG[2]))
    client.get("/nowhere?token=" + session)
    drain()
    settings = app.extensions["settings"]
    raw = [base64.b64encode(one).decode() for one in settings.encryption_keys.values()]
    secrets = [key, ROLLED, SIGNING_SECRET, PASSWORD, settings.secret_key, session, *raw, *TYPED_WRONG]
    break_down(app, monkeypatch, as_owner, " ".join(secrets))
    return secrets


def break_down(app, monkeypatch, visitor, words: str) -> None:
    """An error of ours whose own words hold all of them."""

    def failing() -> None:
        raise RuntimeError(words)

    monkeypatch.setattr(app, "testing", False)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    with monkeypatch.context() as patch:
        patch.setitem(app.view_functions, "dashboard.help_page", failing)
        assert visitor.get("/help").status_code == 500


def test_no_secret_is_in_logs_database_redis_pages_or_metrics(used, answered, everything, client):
    haystack = everything() + client.get("/metrics").text + "".join(answered)
    assert len(haystack) > 10_000
    assert [secret[:12] for secret in used if secret in haystack] == []


def test_settings_and_keys_are_not_shown_by_printing_them(app, used):
    printed = repr(app.extensions["settings"]) + str(app.extensions["settings"]) + repr(app.extensions["keyring"])
    assert [secret[:12] for secret in used if secret in printed] == []
