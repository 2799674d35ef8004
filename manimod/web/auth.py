"""Who is signed in and what they may see. The pages for it are Flask-Security's, with templates of ours."""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlsplit

from flask import Flask, Response, make_response, request, session, url_for
from flask_limiter.util import get_remote_address
from flask_security import auth_required, current_user
from werkzeug.exceptions import HTTPException

from manimod.errors import ManimodError
from manimod.extensions import limiter, security
from manimod.models import Account
from manimod.web import render

# Counted by failures only, so nobody is locked out by signing in often.
TRIES_AN_ADDRESS = "20 per minute; 100 per hour"
TRIES_AN_ACCOUNT = "8 per minute; 30 per hour"


def register(app: Flask) -> None:
    views = app.view_functions
    views["security.login"] = _limit_failures(_say_422(views["security.login"]))
    views["security.change_password"] = _limit_guesses(_say_422(views["security.change_password"]))
    views["security.two_factor_setup"] = _only_while_signing_in(views["security.two_factor_setup"])
    check_code = _limit_codes(_say_422(_land_on_support(views["security.two_factor_token_validation"])))
    views["security.two_factor_token_validation"] = _only_while_signing_in(check_code)
    for unused in ("two_factor_rescue", "two_factor_setup_validate", "tf_select", "verify"):
        views[f"security.{unused}"] = _not_here
    app.before_request_funcs.setdefault("security", []).append(_drop_odd_way_back)
    security.unauthn_handler(_ask_to_sign_in)
    # Flask-Security would look for a token in every request, in the body of each webhook too; nobody has one here.
    app.login_manager.request_loader(lambda _request: None)


def owner_required(view: Callable) -> Callable:
    """Gives the view the account of the person who is signed in; support staff have none and are turned away."""

    @wraps(view)
    @auth_required("session")
    def guarded(*args: object, **kwargs: object) -> Response:
        return view(current_account(), *args, **kwargs)

    return guarded


def current_account() -> Account:
    account = current_user.account
    if account is None or not current_user.has_role("owner"):
        raise ManimodError("FORBIDDEN")
    return account


def support_required(view: Callable) -> Callable:
    """For members of support, who have no account and have given a code at their sign-in."""

    @wraps(view)
    @auth_required("session")
    def guarded(*args: object, **kwargs: object) -> Response:
        if not current_user.has_role("support") or current_user.account or not current_user.tf_primary_method:
            raise ManimodError("FORBIDDEN")
        return view(*args, **kwargs)

    return guarded


def _only_while_signing_in(view: Callable) -> Callable:
    """An authenticator is set up at the first sign-in and changed by `flask reset-authenticator` only."""

    @wraps(view)
    def guarded(*args: object, **kwargs: object) -> Response:
        if current_user.is_authenticated:
            return _not_here()
        return view(*args, **kwargs)

    return guarded


def _land_on_support(view: Callable) -> Callable:
    """The password alone would open a remembered session, so those who need a code are never remembered."""

    @wraps(view)
    def landed(*args: object, **kwargs: object) -> Response:
        session.pop("tf_remember_login", None)
        response = make_response(view(*args, **kwargs))
        if current_user.is_authenticated and urlsplit(response.location).path in ("/", url_for("security.login")):
            response.location = url_for("support.index")
        return response

    return landed


def _not_here(**_arguments: object) -> Response:
    raise ManimodError("NOT_FOUND")


def _drop_odd_way_back() -> Response | None:
    """Flask-Security stumbles over a `next` that is no address."""
    try:
        for told in request.values.getlist("next"):
            urlsplit(told), urlsplit(told.replace("\\", "/"))
    except ValueError:
        return render.redirect_with_toast(url_for("security.login"))
    return None


def _ask_to_sign_in(mechanisms: list | None = None, headers: dict | None = None) -> Response:
    """Afterwards the person is back where they were: for htmx that is the page, not the fragment."""
    here = render.split_address(request.htmx.current_url if request.htmx else request.full_path.rstrip("?"))
    back = "/" + here.path.lstrip("/\\") + (f"?{here.query}" if here.query else "")
    if request.method != "GET" and not request.htmx:
        back = "/"
    address = url_for("security.login", next=back if back != "/" else None)
    response = render.redirect_with_toast(address)
    if render.wants_fragment():
        response.status_code = 401
    return response


def _limit_failures(view: Callable) -> Callable:
    by_address = limiter.limit(TRIES_AN_ADDRESS, methods=["POST"], deduct_when=_failed)
    by_account = limiter.limit(TRIES_AN_ACCOUNT, key_func=_named_account, methods=["POST"], deduct_when=_failed)
    return by_address(by_account(view))


def _limit_guesses(view: Callable) -> Callable:
    """Somebody at an unlocked screen must not be able to guess the current password either."""
    return limiter.limit(TRIES_AN_ACCOUNT, key_func=_session_user, methods=["POST"], deduct_when=_failed)(view)


def _limit_codes(view: Callable) -> Callable:
    """Whoever knows the password must not be able to guess the code."""
    return limiter.limit(TRIES_AN_ACCOUNT, key_func=_half_signed_in, methods=["POST"], deduct_when=_failed)(view)


def _half_signed_in() -> str:
    return f"code:{session.get('tf_user_id') or get_remote_address()}"


def _named_account() -> str:
    return "sign-in:" + request.form.get("email", "").strip().casefold()[:255]


def _session_user() -> str:
    return f"user:{session.get('_user_id') or get_remote_address()}"


def _failed(response: Response) -> bool:
    return response.status_code != 302


def _say_422(view: Callable) -> Callable:
    """Flask-Security answers a form it didn't accept with 200; ours say 422."""

    @wraps(view)
    def said(*args: object, **kwargs: object) -> Response:
        try:
            response = make_response(view(*args, **kwargs))
        except HTTPException as error:
            if error.response is None:
                raise
            response = make_response(error.response)
        if request.method == "POST" and response.status_code == 200:
            response.status_code = 422
        return response

    return said
