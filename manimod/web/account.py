"""Settings > Account: its name, and the time zone of exact times. Beside it a person's own choice: light or dark."""

import json

from flask import Blueprint, Response, current_app, g, redirect, request, url_for
from flask_security import auth_required

from manimod.accounts import audit, users
from manimod.errors import ManimodError
from manimod.jobs import transaction
from manimod.models import Account
from manimod.web import render
from manimod.web.auth import owner_required

blueprint = Blueprint("account", __name__, url_prefix="/settings/account")

THEMES = {"light": "Light", "dark": "Dark", "": "System"}
YEAR = 365 * 86400


@blueprint.get("", strict_slashes=False)
@owner_required
def show(account: Account) -> Response:
    return _page(account, {"name": account.name, "time_zone": account.time_zone})


@blueprint.post("")
@owner_required
def save(account: Account) -> Response:
    entered = {"name": request.form.get("name", ""), "time_zone": request.form.get("time_zone", "")}
    try:
        with transaction():
            users.change_account(account, **entered)
    except ManimodError as failure:
        if failure.status != 422:
            raise
        return _page(account, entered, 422, errors={failure.code: str(failure)})
    return render.redirect_with_toast(url_for("account.show"), "Account saved.")


@blueprint.post("/theme")
@auth_required("session")
def choose_theme() -> Response:
    """Kept by the browser, for screens differ; anything unknown is the system's theme."""
    g.theme = request.form.get("theme") if request.form.get("theme") in THEMES else ""
    if render.wants_fragment():
        response = render.partial("settings/_theme.html")
        response.headers["HX-Trigger"] = json.dumps({"mani:theme": g.theme})
    else:
        response = redirect(render.referrer() or url_for("dashboard.show"), 303)
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    response.set_cookie("theme", g.theme, max_age=YEAR if g.theme else 0, secure=secure, httponly=True, samesite="Lax")
    return response


@blueprint.app_template_global()
def chosen_theme() -> str:
    """`light`, `dark`, or nothing for the system's."""
    chosen = g.get("theme", request.cookies.get("theme"))
    return chosen if chosen in THEMES else ""


@blueprint.app_context_processor
def _themes() -> dict:
    return {"THEMES": THEMES}


def _page(account: Account, entered: dict, status: int = 200, errors: dict | None = None) -> Response:
    return render.page(
        "settings/account.html",
        status=status,
        account=account,
        entered=entered,
        errors=errors or {},
        time_zones=users.time_zones(),
        entries=audit.get_for_account(account),
    )
