"""The review queue: cards, one creative with its variants, their pictures, and the decisions."""

import hashlib
from collections.abc import Callable

from flask import Blueprint, Response, abort, g, make_response, redirect, request, url_for
from flask_security import current_user

from manimod.flow import brands, connections, generation, review
from manimod.jobs import transaction
from manimod.models import Account, Creative
from manimod.studio.specifications import CANVASES, PLACEMENTS
from manimod.web import render
from manimod.web.auth import owner_required

blueprint = Blueprint("creatives", __name__, url_prefix="/creatives")

TABS = ("waiting", "approved", "rejected")
A_PAGE = 24
PICTURE_POLICY = "default-src 'none'; img-src data:; style-src 'none'"
STOP_POLLING = 286  # htmx's own status


@blueprint.get("", strict_slashes=False)
@owner_required
def queue(account: Account) -> Response:
    tab = request.args.get("status", "waiting")
    if tab not in TABS:
        abort(404)
    before = request.args.get("before", type=int)
    cards = review.waiting(account, status=tab, before=before, limit=A_PAGE)
    counts = review.counts(account)
    return render.page(
        "creatives/index.html",
        "cards" if before else None,
        account=account,
        cards=cards,
        tab=tab,
        counts=counts,
        newest_id=cards[0].id if cards else 0,
        oldest_id=cards[-1].id if len(cards) == A_PAGE else None,
        connection=connections.of_account(account),
    )


@blueprint.get("/new")
@owner_required
def arrivals(account: Account) -> Response:
    """Asked every second by an open queue: what has come since, which is mostly nothing."""
    if not render.wants_fragment():
        return redirect(url_for("creatives.queue"))
    connection = connections.of_account(account)
    if connection is None or not connection.is_connected:
        return make_response("", STOP_POLLING)
    cards = review.newer(account, request.args.get("since", 0, type=int))
    if not cards:
        return make_response("", 204)
    counts = review.counts(account)
    return render.page(
        "creatives/index.html",
        "cards",
        also=("creatives/_arrivals.html", "creatives/_tabs.html", "_waiting_badge.html", "_announcer.html"),
        cards=cards,
        newest_id=max(card.id for card in cards),
        counts=counts,
        waiting=counts.get("waiting", 0),
        tab="waiting",
        announcement="New creative ready for review." if len(cards) == 1 else f"{len(cards)} new creatives ready.",
    )


@blueprint.get("/<int:creative_id>")
@owner_required
def show(account: Account, creative_id: int) -> Response:
    creative = review.get(account, creative_id)
    return render.page("creatives/show.html", account=account, creative=creative, placements=PLACEMENTS)


@blueprint.post("/<int:creative_id>/approve")
@owner_required
def approve(account: Account, creative_id: int) -> Response:
    return _decide(account, creative_id, review.approve, "Approved.")


@blueprint.post("/<int:creative_id>/reject")
@owner_required
def reject(account: Account, creative_id: int) -> Response:
    reason = request.form.get("reason", "").strip()[:255]
    return _decide(account, creative_id, review.reject, "Rejected.", reason=reason)


@blueprint.post("/<int:creative_id>/reopen")
@owner_required
def reopen(account: Account, creative_id: int) -> Response:
    return _decide(account, creative_id, review.reopen, "Back in the queue.")


@blueprint.get("/<int:creative_id>/<canvas>.svg")
@owner_required
def svg(account: Account, creative_id: int, canvas: str) -> Response:
    return _picture(account, creative_id, canvas, generation.picture_of, "image/svg+xml")


@blueprint.get("/<int:creative_id>/<canvas>.png")
@owner_required
def png(account: Account, creative_id: int, canvas: str) -> Response:
    return _picture(account, creative_id, canvas, generation.png_of, "image/png")


@blueprint.app_template_global()
def picture_url(creative: Creative, variant: int = 0, canvas: str = "1080x1080", kind: str = "svg", **more) -> str:
    """The version in the address changes with the picture, so browsers may keep each one for good."""
    address = {"creative_id": creative.id, "canvas": canvas, "variant": variant or None, "v": _version(creative)}
    return url_for(f"creatives.{kind}", **address, **more)


@blueprint.app_template_global()
def waiting_count() -> int:
    """For the navigation, on every page of an owner."""
    return review.counts(current_user.account).get("waiting", 0) if current_user.account else 0


def _decide(account: Account, creative_id: int, decide: Callable, said: str, **more: str) -> Response:
    """A decision on a card (`tab` is the list it stands in) or on the creative's own page (no `tab`)."""
    tab = request.values.get("tab")
    with transaction():
        creative = review.get(account, creative_id)
        decide(creative, by=current_user, **more)
    undo = {
        "address": url_for("creatives.reopen", creative_id=creative_id, tab=tab),
        "target": "#queue-cards" if tab else "#review",
        "swap": "afterbegin" if tab else "outerHTML",
    }
    partial, also = "creatives/_review.html", ()
    if tab:
        partial = "creatives/_card.html" if creative.status == tab else None
        also = ("creatives/_tabs.html", "_waiting_badge.html")
    counts = review.counts(account)
    return render.changed(
        partial,
        url_for("creatives.queue", status=tab) if tab else url_for("creatives.show", creative_id=creative_id),
        said,
        undo=None if creative.status == "waiting" else undo,
        also=also,
        creative=creative,
        counts=counts,
        waiting=counts.get("waiting", 0),
        tab=tab,
    )


def _picture(account: Account, creative_id: int, canvas: str, draw: Callable, mimetype: str) -> Response:
    creative = review.get(account, creative_id)
    variant = request.args.get("variant", 0, type=int)
    if canvas not in CANVASES or not 0 <= variant < len(creative.content["variants"]):
        abort(404)
    little_text = "little_text" in request.args
    version = _version(creative)
    etag = f"{version}-{variant}-{canvas}-{mimetype[-3:]}{'-little' * little_text}"
    if request.if_none_match.contains_weak(etag):
        response = make_response("", 304)
    else:
        response = make_response(draw(creative, variant, canvas, little_text=little_text))
        response.mimetype = mimetype
    response.set_etag(etag, weak=True)
    is_kept = request.args.get("v") == version
    response.headers["Cache-Control"] = "private, max-age=31536000, immutable" if is_kept else "private, no-cache"
    response.headers["Content-Security-Policy"] = PICTURE_POLICY
    return response


def _version(creative: Creative) -> str:
    """Changes with the creative and with the account's brand, which colours the picture."""
    if "brand" not in g:
        g.brand = repr(brands.brand_of(creative.account))
    return hashlib.sha256(f"{creative.id}:{creative.generated_at.timestamp()}:{g.brand}".encode()).hexdigest()[:10]
