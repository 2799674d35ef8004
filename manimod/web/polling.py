"""Open pages ask whether something has come. While nothing has changed, the answer costs no session, user or database.

The answer "nothing new" carries a mark, an unguessable word that Redis keeps for the account until its creatives
change, for two minutes at most. static/polling.js sends it with the next question. Whoever has a mark was allowed to
see the account's page within these two minutes, and all that they are told is that nothing has changed.
"""

from collections.abc import Callable, Iterable
from functools import wraps

from flask import Flask, Response

from manimod import jobs
from manimod.extensions import db
from manimod.models import Account

HEADER = "Queue-Mark"
HEADERS = [("Cache-Control", "no-store"), ("X-Content-Type-Options", "nosniff")]


def register(app: Flask) -> None:
    answer, cookie = app.wsgi_app, f"{app.config['SESSION_COOKIE_NAME']}="

    def answer_unchanged(environ: dict, start_response: Callable) -> Iterable[bytes]:
        mark = environ.get("HTTP_QUEUE_MARK")
        has_session = cookie in environ.get("HTTP_COOKIE", "")
        if mark and has_session and jobs.is_unchanged(app.extensions["redis"], mark):
            start_response("204 No Content", HEADERS)
            return [b""]
        return answer(environ, start_response)

    app.wsgi_app = answer_unchanged


def marked(view: Callable) -> Callable:
    """For a view whose answer depends on the account's creatives and its own address only."""

    @wraps(view)
    def with_mark(account: Account, **kwargs: object) -> Response:
        mark = jobs.get_mark(account.id)
        db.session.rollback()  # SQLite's view reads what is newer than the mark, not what was when the user was loaded
        response = view(account, **kwargs)
        if response.status_code == 204:
            response.headers[HEADER] = mark
        return response

    return with_mark
