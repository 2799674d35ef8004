"""Who the ads speak to: customers by tier and segment, and what has been made for each."""

from flask import Blueprint, Response, request

from manimod.customers import statistics
from manimod.ingest import sync
from manimod.models import Account
from manimod.moments import record
from manimod.stripe import connections
from manimod.web import render
from manimod.web.auth import owner_required

blueprint = Blueprint("audience", __name__)

A_PAGE = 40  # audiences; a shop with many tiers sees the rest on demand


@blueprint.get("/audience")
@owner_required
def show(account: Account) -> Response:
    connection = connections.get_current(account)
    return render.page(
        "audience/index.html",
        "audience",
        connection=connection,
        run=sync.get_latest(connection) if connection else None,
        audiences=statistics.get_audiences(connection) if connection else None,
        switches=record.switches(account),
        trend=statistics.get_trend(connection) if connection else None,
        only_missing=request.args.get("show") == "missing",
        limit=None if "all" in request.args else A_PAGE,
    )
