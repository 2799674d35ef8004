"""Who is signed in and what they may see. The pages for it are Flask-Security's, with our own templates."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from time import time
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, request, session, url_for
from flask_limiter.util import get_remote_address
from flask_security import LoginForm, TwoFactorVerifyCodeForm, auth_required, current_user, user_authenticated
from itsdangerous import BadSignature, URLSafeSerializer

from manimod.accounts import sign_in_limits
from manimod.errors import ManimodError
from manimod.extensions import db, limiter, security
from manimod.models import Account, User
from manimod.web import render
from manimod.web.forms import PasswordForm
from manimod.web.labels import duration

# Only failures count, so nobody is locked out by signing in often.
FAILURES = {"methods": ["POST"], "deduct_when": lambda response: response.status_code == 422}
# Where passwords and codes are tried: the page and its form.
SECRET_FORMS = {
    "security.login": ("login_user", LoginForm),
    "security.two_factor_token_validation": ("two_factor_verify_code", TwoFactorVerifyCodeForm),
    "security.change_password": ("change_password", PasswordForm),
}
# A signed list of the accounts that have signed in with this browser, as in `sign_in_limits.account_key`.
KNOWN_BROWSER_DAYS = 365
MAX_KNOWN_ACCOUNTS = 5

# An authenticator is set up at the first sign-in and reset by `flask reset-authenticator` only.
SIGNING_IN_ONLY = ("security.two_factor_setup", "security.two_factor_token_validation")
NOT_USED = ("security.two_factor_rescue", "security.two_factor_setup_validate", "security.tf_select", "security.verify")


def register(app: Flask) -> None:
    blueprint = app.blueprints["security"]
    per_address, per_account = sign_in_limits.MAX_FAILURES_PER_ADDRESS, sign_in_limits.MAX_FAILURES_PER_ACCOUNT
    limiter.limit(per_address, key_func=_get_address_key, exempt_when=_is_known_browser, **FAILURES)(blueprint)
    limiter.limit(per_account, key_func=_get_account_key, **FAILURES)(blueprint)
    user_authenticated.connect(_begin_session, app)
    app.before_request_funcs.setdefault("security", []).append(_check_request)
    app.after_request_funcs.setdefault("security", []).append(_adjust_response)
    security.unauthn_handler(ask_to_sign_in)
    security.want_json(lambda _request: False)
    security.tf_token_validation_context_processor(_get_setup_values)
    app.context_processor(lambda: {"account": getattr(current_user, "account", None)})
    app.context_processor(lambda: {"for_support": request.blueprint == "support"})
    # Flask-Security would look for a token in every request; nobody has one here.
    app.login_manager.request_loader(lambda _request: None)


def respond_to_guessing() -> Response:
    """The form again, with what was typed but for the password, and when one may try once more."""
    seconds = max(1, limiter.current_limit.reset_at - int(time()))
    name, form = SECRET_FORMS[request.endpoint]
    wait = f"Too many wrong tries. Wait {duration(seconds)} and try again."
    response = render.page(f"security/{name}.html", status=429, wait=wait, **{f"{name}_form": form(request.form)})
    response.headers["Retry-After"] = str(seconds)
    return response


def owner_required(view: Callable) -> Callable:
    """Gives the view the account of the person who is signed in. Support staff have none and are turned away."""

    @wraps(view)
    @auth_required("session")
    def guarded(**kwargs: object) -> Response:
        if current_user.account is None or not current_user.has_role("owner"):
            raise ManimodError("FORBIDDEN")
        return view(current_user.account, **kwargs)

    return guarded


def support_required(view: Callable) -> Callable:
    """For support staff, who have given a code at their sign-in. Gives the view the account that the address names."""

    @wraps(view)
    @auth_required("session")
    def guarded(**kwargs: object) -> Response:
        if not current_user.has_role("support") or current_user.account or not current_user.tf_primary_method:
            raise ManimodError("FORBIDDEN")
        if "account_id" in kwargs:
            kwargs["account"] = db.get_or_404(Account, kwargs.pop("account_id"))
        return view(**kwargs)

    return guarded


def ask_to_sign_in(mechanisms: list | None = None, headers: dict | None = None) -> Response:
    """Afterwards the person is back on the page where they were. The pages' scripts ask in a dialog of their own."""
    if render.wants_fragment():
        return Response(status=401, headers={"X-Error-Code": "SIGNED_OUT"})
    if request.method == "GET":
        back = own_path(request.full_path)
        return render.redirect_with_toast(url_for("security.login", next=back if back != "/" else None))
    return render.redirect_with_toast(url_for("security.login", next=page_before(), signed_out="press"))


def page_before() -> str | None:
    """The page of mani from which the request comes, as a path."""
    if request.referrer and request.referrer.startswith(request.host_url):
        return own_path(request.referrer)
    return None


def own_path(address: str) -> str | None:
    """The path and query of an address, which cannot lead to another site; None for what is no address."""
    with suppress(ValueError):
        parts = urlsplit(address)
        path = "/" + parts.path.lstrip("/\\")
        return f"{path}?{parts.query}" if parts.query else path
    return None


def _check_request() -> Response | None:
    if request.endpoint in NOT_USED or (request.endpoint in SIGNING_IN_ONLY and current_user.is_authenticated):
        raise ManimodError("NOT_FOUND")
    if request.endpoint == "security.two_factor_setup" and _is_setting_up():
        return _show_setup()
    # The password alone would open a remembered session, so those who need a code are never remembered.
    if request.endpoint in SIGNING_IN_ONLY:
        session.pop("tf_remember_login", None)
    # Flask-Security fails on a `next` that is not an address.
    try:
        for address in request.values.getlist("next"):
            urlsplit(address), urlsplit(address.replace("\\", "/"))
    except ValueError:
        return render.redirect_with_toast(url_for("security.login"))
    return None


def _is_setting_up() -> bool:
    """Whether an authenticator has been shown its key and has not given a right code yet."""
    return session.get("tf_state") == "validating_profile"


def _show_setup() -> Response:
    """The page for the code, which has the key as well: a wrong code, Back or a reload leaves it as it is."""
    next_page = request.args.get("next")
    return redirect(url_for("security.two_factor_token_validation", next=next_page), 303)


def _get_setup_values() -> dict[str, str]:
    if not _is_setting_up():
        return {}
    user = security.datastore.find_user(fs_uniquifier=session["tf_user_id"])
    values = security.totp_factory.fetch_setup_values(session["tf_totp_secret"], user)
    return {"qr_code": values["image"], "key": values["key"]}


def _adjust_response(response: Response) -> Response:
    """Say 422 for a refused form, and lead support to its own pages."""
    if request.method == "POST" and response.status_code == 200:
        if request.endpoint == "security.two_factor_setup" and _is_setting_up():
            return _show_setup()
        response.status_code = 422
    is_signed_in = request.endpoint == "security.two_factor_token_validation" and current_user.is_authenticated
    if is_signed_in and urlsplit(response.location).path in ("/", url_for("security.login")):
        response.location = url_for("support.index")
    if request.endpoint == "security.logout":
        response.headers["Clear-Site-Data"] = '"cache"'
    if "signed_in" in g:
        _remember_browser(response, g.signed_in)
    return response


def _begin_session(app: Flask, user: User, **_named: object) -> None:
    """The forms of the session before are worth nothing now: another may have planted it."""
    session.pop("csrf_token", None)
    g.pop("csrf_token", None)
    g.signed_in = sign_in_limits.account_key(user.email)


def _remember_browser(response: Response, account: str) -> None:
    accounts = [account, *(other for other in _known_accounts() if other != account)]
    config = current_app.config
    response.set_cookie(
        config["KNOWN_BROWSER_COOKIE_NAME"],
        _known_browsers().dumps(accounts[:MAX_KNOWN_ACCOUNTS]),
        max_age=KNOWN_BROWSER_DAYS * 24 * 3600,
        secure=config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite=config["SESSION_COOKIE_SAMESITE"],
    )


def _known_accounts() -> list[str]:
    try:
        return _known_browsers().loads(request.cookies.get(current_app.config["KNOWN_BROWSER_COOKIE_NAME"], ""))
    except BadSignature:
        return []


def _known_browsers() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.secret_key, salt="known browser")


def _get_address_key() -> str:
    return sign_in_limits.address_key(get_remote_address())


def _is_known_browser() -> bool:
    return _get_meant_account() in _known_accounts()


def _get_account_key() -> str:
    account = _get_meant_account()
    if account in _known_accounts():
        return sign_in_limits.known_browser_key(account)
    return account


def _get_meant_account() -> str:
    """Whose password or code is tried: of the address typed at the sign-in, then of the user, signed in or halfway."""
    if request.endpoint == "security.login":
        return sign_in_limits.account_key(request.form.get("email", ""))
    user_id = session.get("tf_user_id") or session.get("_user_id")
    user = user_id and security.datastore.find_user(fs_uniquifier=user_id)
    return sign_in_limits.account_key(user.email) if user else _get_address_key()
