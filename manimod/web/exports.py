"""The export: what will be in it, how far it is, and the file, which a worker makes."""

from flask import Blueprint, Response, request, stream_with_context, url_for
from flask_security import current_user

from manimod.creatives import briefs, export
from manimod.creatives.engine import ad_names
from manimod.creatives.engine.policy import policy
from manimod.jobs import transaction
from manimod.models import Account
from manimod.models.states import ExportState
from manimod.web import modes, render
from manimod.web.auth import owner_required

blueprint = Blueprint("exports", __name__, url_prefix="/creatives/export")


@blueprint.get("", strict_slashes=False)
@owner_required
def show(account: Account) -> Response:
    return _page(account, request.args.get("watched", type=int))


@blueprint.post("", strict_slashes=False)
@owner_required
def start(account: Account) -> Response:
    """While an export is being made, a second press shows that one."""
    selection = _selection(account, request.values.get("wanted", export.ALL))
    with transaction():
        export.request(account, selection, current_user)
    if render.wants_fragment():
        return _page(account)
    return render.redirect_with_toast(url_for("exports.show"))


@blueprint.get("/<int:export_id>.zip")
@owner_required
def download(account: Account, export_id: int) -> Response:
    made = export.get_ready(account, export_id)
    name = f"mani-{'test-' if made.is_test else ''}creatives-{made.finished_at:%Y-%m-%d}-{made.id}.zip"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Content-Length": str(made.size)}
    chunks = stream_with_context(export.stream(made.parts, made.sheets))
    return Response(filter(None, chunks), headers=headers, mimetype="application/zip")


def _selection(account: Account, wanted: str) -> export.ExportSelection:
    ids = tuple(request.values.getlist("id", type=int)[: export.MAX_TEXTS])
    with_pictures = "without_pictures" not in request.values
    return export.ExportSelection(modes.shows_test(account), wanted, ids, with_pictures)


def _page(account: Account, watched: int | None = None) -> Response:
    """`watched`: the export that the page has seen being made."""
    is_test, chosen = modes.shows_test(account), _selection(account, export.CHOSEN)
    accounts, page = export.get_ad_accounts(account), briefs.get_brand_kit(account).landing_page
    recent = export.list_recent(account, is_test)
    choices = {}
    for wanted in (export.CHOSEN,) if chosen.ids else (export.NEW, export.ALL):
        choices[wanted] = export.estimate(account, _selection(account, wanted))
    finished = [made for made in recent if made.id == watched and made.state != ExportState.MAKING]
    return render.page(
        "creatives/export.html",
        "export",
        also=("_announcer.html",) if finished else (),
        announcement="The export is ready." if finished and finished[0].size else "The export could not be made.",
        is_test=is_test,
        chosen=chosen,
        choices=choices,
        missing=accounts.left_out(),
        link_findings=policy.check_link(accounts.example_link(page)) if page else [],
        names=[(ad_names.tier_code(tier), tier) for _, tier in briefs.tier_choices(account)] + ad_names.legend([]),
        approved=export.count(account, _selection(account, export.ALL)),
        of_other_mode=export.count(account, export.ExportSelection(not is_test)),
        making=export.get_making(account),
        recent=recent,
        most=export.MAX_CREATIVES,
        lasts=export.LASTS,
        default=export.NEW,
    )
