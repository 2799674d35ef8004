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
from manimod.models import Account, Connection, Creative
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
    held_out, from_day = (request.form.get(name, 0, type=int) for name in ("held_out", "from_day"))
    if from_day not in _days(creative) or not 0 <= held_out <= audience_lists.MAX_HELD_OUT:
        return _page(connection, creative, 422, held_out=held_out)
    with transaction():
        made = audience_lists.make(connection, creative, current_user, held_out, from_day)
        name = _name(creative, from_day)
        facts = {"list": made.id, "audience": name, "customers": made.customers, "held_out": held_out}
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
    made = lists[list_id]
    in_list, held_out = audience_lists.split(made, audience_lists.get_customers(creative, made.from_day))
    response = render.page(
        "audience/list.html",
        creative=creative,
        name=_name(creative, made.from_day),
        made=made,
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
        customers={day: audience_lists.count_customers(creative, day) for day in _days(creative)},
        lists=lists,
        held_out=held_out,
        most=audience_lists.MAX_HELD_OUT,
    )


def _days(creative: Creative) -> list[int]:
    """How many days after the event the ads start: some of a creative's ads have an audience of their own later."""
    return sorted({ad.get("from_day") or 0 for ad in creative.ads} | {0})


def _name(creative: Creative, from_day: int) -> str:
    """What the campaigns of the export call the audience."""
    return audience_name(creative.event, creative.tier, segments_of(creative.content), from_day)
