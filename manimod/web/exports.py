"""Creatives > Export: the approved creatives as one ZIP, streamed."""

from dataclasses import replace
from datetime import date

from flask import Blueprint, Response, request, stream_with_context

from manimod.creatives import briefs, bulk_sheets, export
from manimod.extensions import db
from manimod.models import Account
from manimod.web import render
from manimod.web.auth import owner_required

blueprint = Blueprint("exports", __name__, url_prefix="/creatives")


@blueprint.get("/export")
@owner_required
def show(account: Account) -> Response:
    selection = _selection()
    page = export.get_page(account, selection)
    with_test = export.count(account, replace(selection, with_test=True))
    return render.page(
        "creatives/export.html",
        account=account,
        selection=selection,
        page=page,
        total=export.count(account, replace(selection, before=None)),
        max_creatives=export.MAX_CREATIVES,
        kit=briefs.get_brand_kit(account),
        tests_only=not page.items and not selection.with_test and with_test > 0,
    )


@blueprint.get("/export.zip")
@owner_required
def download(account: Account) -> Response:
    """One page with its pictures, or the texts of all that follow."""
    selection, with_pictures, left_out = _selection(), "without_pictures" not in request.args, {}
    page = export.get_page(account, selection)
    export.require_ready(account, page)
    items = export.all_items(account, selection, left_out)
    if with_pictures:
        items, left_out = page.items, page.blocked
        db.session.rollback()  # no transaction stays open while pictures are drawn, which takes seconds
    chunks = bulk_sheets.stream(items, with_pictures, left_out)
    response = Response(stream_with_context(filter(None, chunks)), mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="mani-creatives-{date.today()}.zip"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _selection() -> export.ExportSelection:
    only, before = request.args.get("only", type=int), request.args.get("before", type=int)
    return export.ExportSelection("with_test" in request.args, only, before)
