"""Creatives > Export: the approved sets as one ZIP, streamed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

from flask import Blueprint, Response, request, stream_with_context

from manimod.creatives import briefs, bulk_sheets, export
from manimod.creatives.engine import brief
from manimod.extensions import db
from manimod.models import Account
from manimod.web import render
from manimod.web.auth import owner_required

blueprint = Blueprint("exports", __name__, url_prefix="/creatives")


@blueprint.get("/export")
@owner_required
def show(account: Account) -> Response:
    asked = _asked()
    part = export.get_page(account, asked)
    tests_only = not part.items and not asked.with_test and export.count(account, replace(asked, with_test=True))
    return render.page(
        "creatives/export.html",
        account=account,
        asked=asked,
        part=part,
        total=export.count(account, replace(asked, before=None)),
        most=export.MAX_CREATIVES,
        kit=briefs.get_brand_kit(account),
        tests_only=tests_only,
    )


@blueprint.get("/export.zip")
@owner_required
def download(account: Account) -> Response:
    """The part with its pictures, or the texts of all that follow."""
    asked, with_pictures, left_out = _asked(), "without_pictures" not in request.args, {}
    part = export.get_page(account, asked)
    export.require_ready(account, part)
    items = export.all_items(account, asked, left_out)
    if with_pictures:
        items, left_out = iter(part.items), part.blocked
    chunks = bulk_sheets.stream(_one_by_one(items), with_pictures, left_out)
    response = Response(stream_with_context(chunk for chunk in chunks if chunk), mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="mani-creatives-{date.today()}.zip"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _asked() -> export.ExportSelection:
    numbers = {name: request.args.get(name, type=int) for name in ("only", "before")}
    return export.ExportSelection("with_test" in request.args, **numbers)


def _one_by_one(items: Iterator[brief.ExportItem]) -> Iterator[brief.ExportItem]:
    """Between two sets no transaction stays open, for drawing their pictures takes seconds."""
    for item in items:
        db.session.rollback()
        yield item
