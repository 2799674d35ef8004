"""Every failure as something a person can use: a page, a toast for htmx, one plain line for a webhook sender."""

import traceback

import structlog
from flask import Flask, Response, make_response, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError
from werkzeug.exceptions import HTTPException

from manimod.errors import FAILURES, ManimodError
from manimod.extensions import db
from manimod.web import render

log = structlog.get_logger()

CODES = {
    400: "MALFORMED",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD",
    410: "GONE",
    413: "TOO_LARGE",
    429: "TOO_MANY",
}
PASSING = (429, 500, 503)
TITLES = {
    400: "That didn't come through",
    401: "Sign in first",
    403: "Not for this account",
    404: "Nothing here",
    405: "That doesn't work here",
    409: "Something changed meanwhile",
    410: "Gone for good",
    413: "Too large",
    422: "Something is missing",
    429: "A little too fast",
    500: "Our mistake",
    503: "Not right now",
}


def register(app: Flask) -> None:
    app.register_error_handler(ManimodError, _on_failure)
    app.register_error_handler(CSRFError, lambda _: _answer("FORM_EXPIRED"))
    app.register_error_handler(HTTPException, _on_http)
    app.register_error_handler(OverflowError, _on_unstorable)
    app.register_error_handler(DataError, _on_unstorable)
    app.register_error_handler(Exception, _on_surprise)


def _on_failure(failure: ManimodError) -> Response:
    return _answer(failure.code, sentence=str(failure))


def _on_http(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()
    response = _answer(CODES.get(error.code, "MALFORMED" if error.code < 500 else "INTERNAL"), error.code)
    for name, value in error.get_headers(request.environ):
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    if error.code == 429:
        response.headers.setdefault("Retry-After", "60")
    return response


def _on_unstorable(_error: Exception) -> Response:
    """A number or a character in the request that no column takes, such as an id of thirty digits."""
    db.session.rollback()
    code = "NOT_FOUND" if request.method == "GET" else "UNSTORABLE"
    return _answer(code)


def _on_surprise(error: Exception) -> Response:
    """The log gets the place, never the error's own text: it may quote what a person sent."""
    db.session.rollback()
    frames = traceback.extract_tb(error.__traceback__)
    place = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
    log.error("unexpected_error", error=type(error).__name__, endpoint=request.endpoint, place=place)
    return _answer("INTERNAL")


def _answer(code: str, status: int | None = None, sentence: str | None = None) -> Response:
    response = _say(code, status or FAILURES[code].status, sentence or FAILURES[code].message)
    response.headers["X-Error-Code"] = code
    return response


def _say(code: str, status: int, sentence: str) -> Response:
    if request.blueprint == "webhooks" or request.path.startswith("/webhooks/"):
        response = make_response(f"{sentence}\n", status)
        response.mimetype = "text/plain"
        return response
    if render.wants_fragment():
        return render.error_toast(sentence, status)
    return render.page(
        "error.html",
        status=status,
        code=code,
        number=status,
        title=TITLES.get(status, TITLES[500]),
        sentence=sentence,
        again=request.full_path.rstrip("?") if request.method == "GET" and status in PASSING else None,
        back=render.referrer() if request.method == "POST" else None,
    )
