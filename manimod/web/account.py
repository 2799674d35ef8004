"""Settings > Account: its name, and the time zone of exact times."""

from flask import Blueprint, Response, url_for

from manimod.accounts import support
from manimod.jobs import transaction
from manimod.models import Account
from manimod.web import render
from manimod.web.auth import owner_required
from manimod.web.forms import AccountForm

blueprint = Blueprint("account", __name__, url_prefix="/settings/account")


@blueprint.route("", methods=["GET", "POST"], strict_slashes=False)
@owner_required
def show(account: Account) -> Response:
    form = AccountForm(obj=account)
    if form.validate_on_submit():
        with transaction():
            form.populate_obj(account)
        return render.redirect_with_toast(url_for("account.show"), "Account saved.")
    entries, status = support.audit_entries(account), 422 if form.is_submitted() else 200
    return render.page("settings/account.html", status=status, form=form, entries=entries)
