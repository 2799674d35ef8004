"""The audience list: customers of an audience for the ad platforms, made in the owner's browser.

The page that makes it holds mani's customer ids of the audience and may send nothing; see docs/decisions/0042.
"""

from flask import Blueprint, Response, request, url_for
from flask_security import current_user

from manimod.accounts import support
from manimod.creatives import review
from manimod.creatives.engine.ad_names import audience_name, segments_of
from manimod.errors import ManimodError
from manimod.jobs import transaction
from manimod.models import Account, AudienceList, Connection, Creative
from manimod.models.states import CreativeStatus
from manimod.moments import audience_lists
from manimod.stripe import connections
from manimod.web import modes, render
from manimod.web.auth import owner_required

blueprint = Blueprint("audience_list", __name__, url_prefix="/creatives/<int:creative_id>/list")

# The frame inside inherits this and adds a policy of its own. What a policy doesn't cover, such as a page that is
# left for another address, the frame's sandbox and `frame-src` do.
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data:; "
        "connect-src 'none'; frame-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-DNS-Prefetch-Control": "off",
}


@blueprint.get("")
@owner_required
def show(account: Account, creative_id: int) -> Response:
    return _page(*_get(account, creative_id))


@blueprint.post("")
@owner_required
def make(account: Account, creative_id: int) -> Response:
    """Keeps that a list is made, and leads to the page that makes it."""
    connection, creative = _get(account, creative_id)
    held_out = request.form.get("held_out", 0, type=int)
    if not 0 <= held_out <= audience_lists.MAX_HELD_OUT:
        return _page(connection, creative, 422, held_out=held_out)
    with transaction():
        made = audience_lists.make(connection, creative, current_user, held_out)
        facts = {"list": made.id, "audience": _name(creative), "customers": made.customers, "held_out": held_out}
        support.record_action(current_user, account, "made_audience_list", "", **facts)
    return render.redirect_with_toast(url_for("audience_list.work", creative_id=creative.id, list_id=made.id))


@blueprint.get("/<int:list_id>")
@owner_required
def work(account: Account, creative_id: int, list_id: int) -> Response:
    """The page that makes the list. It says everything at once, since it can ask for nothing later."""
    connection, creative = _get(account, creative_id)
    lists = {made.id: made for made in audience_lists.list_recent(connection, creative)}
    if list_id not in lists:
        raise ManimodError("NOT_FOUND")
    in_list, held_out = audience_lists.split(lists[list_id], audience_lists.get_customers(creative))
    response = render.page(
        "audience/list.html",
        creative=creative,
        name=_file_name(creative, lists[list_id]),
        in_list=in_list,
        held_out=held_out,
    )
    response.headers.update(HEADERS)
    return response


def _get(account: Account, creative_id: int) -> tuple[Connection, Creative]:
    """Raises NOT_FOUND, STRIPE_NOT_CONNECTED, or LIST_NOT_APPROVED."""
    creative = review.get(account, creative_id)
    modes.show(not creative.is_test)
    if creative.status != CreativeStatus.APPROVED:
        raise ManimodError("LIST_NOT_APPROVED")
    return connections.require_current(account, not creative.is_test), creative


def _page(connection: Connection, creative: Creative, status: int = 200, held_out: int | None = None) -> Response:
    """`held_out`: what was typed and is refused."""
    lists = audience_lists.list_recent(connection, creative)
    if held_out is None:
        held_out = lists[0].held_out if lists else 0
    return render.page(
        "audience/lists.html",
        status=status,
        creative=creative,
        sets=audience_lists.count_sets(creative),
        customers=audience_lists.count_customers(creative),
        lists=lists,
        held_out=held_out,
        most=audience_lists.MAX_HELD_OUT,
        name=_name(creative),
    )


def _name(creative: Creative) -> str:
    return audience_name(creative.event, creative.tier, segments_of(creative.content))


def _file_name(creative: Creative, made: AudienceList) -> str:
    test = "test-" if creative.is_test else ""
    return f"{test}{_name(creative)}-{made.made_at:%Y%m%d}"
