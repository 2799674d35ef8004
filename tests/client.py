"""The test client: like a browser it sends the page's CSRF token, and like a server it shares nothing with the test."""

import contextvars
import time

from flask.testing import FlaskClient
from itsdangerous import URLSafeTimedSerializer
from werkzeug.test import TestResponse

from manimod.extensions import db
from manimod.models import User

SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
CSRF_TOKEN = "c" * 40


class Client(FlaskClient):
    """`sends_csrf = False` makes it a form of another site."""

    sends_csrf = True

    def open(self, *args: object, **kwargs: object) -> TestResponse:
        if self.sends_csrf and kwargs.get("method", "GET").upper() not in SAFE_METHODS:
            kwargs["headers"] = {**dict(kwargs.get("headers") or {}), "X-CSRFToken": self._csrf_token()}
        # The test's transaction ends, so that each side sees what the other has committed. Without a context of its
        # own the request would take over the test's `g`, and with it who was signed in before.
        db.session.commit()
        return contextvars.Context().run(super().open, *args, **kwargs)

    def sign_in(self, user: User) -> "Client":
        """As after a sign-in just now, without waiting for argon2."""
        with self.session_transaction() as session:
            session.update({"_user_id": user.fs_uniquifier, "_fresh": True, "fs_cc": "set", "fs_paa": time.time()})
        return self

    def htmx(self, method: str, address: str, **kwargs: object) -> TestResponse:
        headers = {"HX-Request": "true", **dict(kwargs.pop("headers", None) or {})}
        return self.open(address, method=method.upper(), headers=headers, **kwargs)

    def _csrf_token(self) -> str:
        with self.session_transaction() as session:
            raw = session.setdefault("csrf_token", CSRF_TOKEN)
        return URLSafeTimedSerializer(self.application.secret_key, salt="wtf-csrf-token").dumps(raw)
