"""Creatives > Export: the approved sets as one ZIP, streamed."""

from collections.abc import Iterator
from datetime import date

from flask import Blueprint, Response, request, stream_with_context

from manimod.extensions import db
from manimod.flow import exports
from manimod.models import Account
from manimod.studio import export
from manimod.web import render
from manimod.web.auth import owner_required

blueprint = Blueprint("exports", __name__, url_prefix="/creatives")


@blueprint.get("/export")
@owner_required
def show(account: Account) -> Response:
    with_test, only = _asked()
    choice = exports.choose(account, with_test, only)
    tests_only = not choice.ids and not with_test and bool(exports.choose(account, True, only).ids)
    return render.page(
        "creatives/export.html",
        account=account,
        choice=choice,
        most=exports.A_SHEET,
        with_test=with_test,
        only=only,
        tests_only=tests_only,
    )


@blueprint.get("/export.zip")
@owner_required
def download(account: Account) -> Response:
    with_test, only = _asked()
    choice = exports.choose(account, with_test, only)
    exports.require_ready(choice)
    items = _one_by_one(exports.items(account, choice))
    chunks = export.stream(items, with_pictures="without_pictures" not in request.args)
    response = Response(stream_with_context(chunk for chunk in chunks if chunk), mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="mani-creatives-{date.today()}.zip"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _asked() -> tuple[bool, int | None]:
    return "with_test" in request.args, request.args.get("only", type=int)


def _one_by_one(items: Iterator[export.Item]) -> Iterator[export.Item]:
    """Between two sets no transaction stays open, for drawing their pictures takes seconds."""
    for item in items:
        db.session.rollback()
        yield item
