"""Every failure as something a person can use: a page, or a toast for htmx."""

import traceback

import structlog
from flask import Flask, Response, abort, current_app, g, request
from flask_security import current_user
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, InterfaceError, OperationalError
from werkzeug.exceptions import HTTPException

from manimod.creatives.engine.picture.text_layout import PictureRefused
from manimod.errors import FAILURES, ManimodError
from manimod.extensions import db
from manimod.web import auth, render

log = structlog.get_logger()

CODES = {
    400: "MALFORMED", 403: "FORBIDDEN", 404: "NOT_FOUND", 405: "METHOD", 410: "GONE", 413: "TOO_LARGE", 429: "TOO_MANY"
}  # fmt: skip


def register(app: Flask) -> None:
    app.before_request(_refuse_json)
    app.register_error_handler(ManimodError, lambda failure: _respond(failure.code, sentence=str(failure)))
    app.register_error_handler(CSRFError, _on_expired_form)
    app.register_error_handler(PictureRefused, lambda refusal: Response(f"{refusal}\n", 422, mimetype="text/plain"))
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(OverflowError, _on_unstorable_value)
    app.register_error_handler(DataError, _on_unstorable_value)
    for error in (OperationalError, InterfaceError):
        app.register_error_handler(error, _on_database_error)
    app.register_error_handler(Exception, _on_unexpected_error)


def _refuse_json() -> None:
    """FlaskForm and Flask-Security would read it like a form."""
    if request.is_json:
        abort(415)


def _on_expired_form(_error: CSRFError) -> Response:
    """The session has ended, or only the form's token: then its own page, which has a new one, comes back."""
    if not current_user.is_authenticated and request.blueprint != "security":
        return auth.ask_to_sign_in()
    back = auth.page_before()
    if back and not render.wants_fragment():
        return render.redirect_with_toast(back, "This form had expired and nothing was saved. Please press once more.")
    return _respond("FORM_EXPIRED")


def _on_http_error(error: HTTPException) -> Response:
    if error.response is not None or error.code is None or error.code < 400:
        return error.get_response()
    if error.code == 429 and request.endpoint in auth.SECRET_FORMS:
        return auth.respond_to_guessing()
    response = _respond(CODES.get(error.code, "MALFORMED" if error.code < 500 else "INTERNAL"), error.code)
    for name, value in error.get_headers(request.environ):
        if name in ("Allow", "Retry-After"):
            response.headers[name] = value
    if error.code == 429:
        response.headers.setdefault("Retry-After", "60")
    return response


def _on_unstorable_value(_error: Exception) -> Response:
    """A number or a character in the request that no column takes, such as an id of thirty digits."""
    db.session.rollback()
    return _respond("NOT_FOUND" if request.method == "GET" else "UNSTORABLE")


def _on_database_error(error: Exception) -> Response:
    """It is the installation's failure, and its page must not ask the database who is signed in."""
    db.session.rollback()
    g._login_user = current_app.login_manager.anonymous_user()
    log.warning("database_away", error=type(error).__name__, endpoint=request.endpoint)
    return _respond("DATABASE_AWAY")


def _on_unexpected_error(error: Exception) -> Response:
    """The log gets the place, never the error's own text, which may quote what a person sent."""
    db.session.rollback()
    frames = traceback.extract_tb(error.__traceback__)
    place = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-8:]]
    log.error("unexpected_error", error=type(error).__name__, endpoint=request.endpoint, place=place)
    return _respond("INTERNAL")


def _respond(code: str, status: int | None = None, sentence: str | None = None) -> Response:
    status, sentence = status or FAILURES[code].status, sentence or FAILURES[code].message
    if render.wants_fragment():
        response = render.partial("_toast.html", status, message={"text": sentence, "is_error": True})
        response.headers["HX-Reswap"] = "none"  # the page keeps what it shows
    else:
        template = "connect_first.html" if code == "STRIPE_NOT_CONNECTED" else "error.html"
        response = render.page(template, status=status, code=code, number=status, sentence=sentence)
    response.headers["X-Error-Code"] = code
    return response
