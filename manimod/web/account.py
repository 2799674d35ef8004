"""Settings > Account: its name, and the time zone of exact times. Beside it a person's own choice: light or dark."""

import json

from flask import Blueprint, Response, current_app, g, redirect, request, url_for
from flask_security import auth_required

from manimod.accounts import support
from manimod.jobs import transaction
from manimod.models import Account
from manimod.web import render
from manimod.web.auth import owner_required
from manimod.web.forms import AccountForm, ThemeForm
from manimod.web.labels import LABELS

blueprint = Blueprint("account", __name__, url_prefix="/settings/account")

A_YEAR = 365 * 86400


@blueprint.route("", methods=["GET", "POST"], strict_slashes=False)
@owner_required
def show(account: Account) -> Response:
    form = AccountForm(obj=account)
    if form.validate_on_submit():
        with transaction():
            form.populate_obj(account)
        return render.redirect_with_toast(url_for("account.show"), "Account saved.")
    entries, status = support.audit_entries(account), 422 if form.is_submitted() else 200
    return render.page("settings/account.html", status=status, account=account, form=form, entries=entries)


@blueprint.post("/theme")
@auth_required("session")
def choose_theme() -> Response:
    """Kept by the browser, for screens differ. Anything unknown is the system's theme."""
    form = ThemeForm()
    g.theme = form.theme.data if form.validate() else ""
    if render.wants_fragment():
        response = render.partial("settings/_theme.html")
        response.headers["HX-Trigger"] = json.dumps({"mani:theme": g.theme})
    else:
        response = redirect(render.referrer() or url_for("dashboard.show"), 303)
    secure = current_app.config["SESSION_COOKIE_SECURE"]
    max_age = A_YEAR if g.theme else 0
    response.set_cookie("theme", g.theme, max_age=max_age, secure=secure, httponly=True, samesite="Lax")
    return response


@blueprint.app_template_global()
def chosen_theme() -> str:
    """`light`, `dark`, or nothing for the system's."""
    chosen = g.get("theme", request.cookies.get("theme"))
    return chosen if chosen in LABELS["THEMES"] else ""
