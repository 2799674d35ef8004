"""The start page, and help."""

from flask import Blueprint, Response

from manimod.flow import insights
from manimod.models import Account
from manimod.web import render
from manimod.web.auth import owner_required

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/")
@owner_required
def show(account: Account) -> Response:
    return render.page("dashboard/index.html", account=account, overview=insights.overview(account))


@blueprint.get("/help")
@owner_required
def help_page(account: Account) -> Response:
    return render.page("help/index.html", account=account)
