"""Settings > Account: its name, and the time zone in which the pages tell exact times."""

from flask import Blueprint, Response, request, url_for

from manimod.errors import ManimodError
from manimod.flow import accounts
from manimod.jobs import transaction
from manimod.models import Account
from manimod.web import render
from manimod.web.auth import owner_required

blueprint = Blueprint("account", __name__, url_prefix="/settings/account")


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
            accounts.change(account, **entered)
    except ManimodError as failure:
        if failure.status != 422:
            raise
        return _page(account, entered, 422, errors={failure.code: str(failure)})
    return render.send_to(url_for("account.show"), "Account saved.")


def _page(account: Account, entered: dict, status: int = 200, errors: dict | None = None) -> Response:
    return render.page(
        "settings/account.html",
        status=status,
        account=account,
        entered=entered,
        errors=errors or {},
        time_zones=accounts.time_zones(),
    )
