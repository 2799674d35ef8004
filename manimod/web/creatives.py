"""The review queue: cards, one creative with its variants, their pictures, and the decisions."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, make_response, redirect, request, url_for
from flask_security import current_user

from manimod.creatives import briefs, editing, review
from manimod.creatives.engine.brief import Claim
from manimod.creatives.engine.copy import claims
from manimod.creatives.engine.policy.platforms import CANVASES
from manimod.creatives.engine.policy.rules import WARN
from manimod.customers import pace
from manimod.jobs import transaction
from manimod.lifecycle import KINDS, Objective, Segment
from manimod.models import Account, BrandKit, Creative
from manimod.models.states import CreativeStatus, RejectionReason
from manimod.web import modes, render
from manimod.web.auth import owner_required
from manimod.web.forms import DecisionForm
from manimod.web.sources import Sources

blueprint = Blueprint("creatives", __name__, url_prefix="/creatives")

PAGE_SIZE = 12  # cards; the next ones come when a person scrolls to their end
VIEWS = {"texts": "Texts", "feed": "Feed post", "story": "Story", "search": "Search result"}
DECISIONS = {
    "approve": (CreativeStatus.APPROVED, "Approved."),
    "reject": (CreativeStatus.REJECTED, "Rejected."),
    "reopen": (CreativeStatus.WAITING, "Back in the queue."),
}
LANDING_PAGE_RULE = "URL-01"  # pages look at the landing page of today, not at that of the day the ad was written


@blueprint.get("", strict_slashes=False)
@owner_required
def queue(account: Account) -> Response:
    tab, before = request.args.get("status", CreativeStatus.WAITING), request.args.get("before", type=int)
    if tab not in review.TABS:
        abort(404)
    context = _queue_context(account, tab, before)
    if before and render.wants_fragment():
        return render.page("creatives/_queue.html", "cards", **context)
    return render.page("creatives/index.html", "queue", also=("_waiting_badge.html",), **context)


@blueprint.get("/new")
@owner_required
def arrivals(account: Account) -> Response:
    """An open queue asks every second for what has come since; mostly nothing has."""
    if not render.wants_fragment():
        return redirect(url_for("creatives.queue"))
    pace.mark_watched(account)
    cards = review.get_page(
        account, CreativeStatus.WAITING, after=request.args.get("since", 0, type=int), **_filters(account)
    )
    if not cards:
        return nothing_new(account)
    return render.page(
        "creatives/_queue.html",
        "cards",
        also=("creatives/_arrivals.html", "creatives/_tabs.html", "_waiting_badge.html", "_announcer.html"),
        cards=cards,
        newest_id=cards[0].id,
        tab=CreativeStatus.WAITING,
        announcement="New creative ready for review." if len(cards) == 1 else f"{len(cards)} new creatives ready.",
        **_counts_context(account),
    )


def nothing_new(account: Account) -> Response:
    """Until the next poll; without a connection nothing can come, and htmx stops polling at its own status 286."""
    return make_response("", 204 if modes.connection_of(account) else 286)


@blueprint.get("/<int:creative_id>")
@owner_required
def show(account: Account, creative_id: int) -> Response:
    return render.page("creatives/show.html", "variants", **page_context(account, review.get(account, creative_id)))


@blueprint.post("/<int:creative_id>/<any(approve, reject, reopen):decision>")
@owner_required
def decide(account: Account, creative_id: int, decision: str) -> Response:
    """A decision on a card (`tab` is the list it stands in) or on the creative's own page (no `tab`)."""
    tab, chosen = request.values.get("tab"), _chosen()
    status, toast = DECISIONS[decision]
    form = DecisionForm()
    with transaction():
        creative = review.get(account, creative_id)
        about = RejectionReason(form.about.data) if form.about.data in [*RejectionReason] else None
        review.decide(creative, status, current_user, form.reason.data or "", about, form.revision.data)
    if tab:
        partial = "creatives/_card.html" if creative.status == tab else ""
        also = ("creatives/_tabs.html", "_waiting_badge.html")
        address = url_for("creatives.queue", status=tab, **chosen)
        undo = {"target": "#queue-cards", "swap": "afterbegin"}
    else:
        partial, also = "creatives/_review.html", ("creatives/_history.html",)
        address = url_for("creatives.show", creative_id=creative_id)
        undo = {"target": "#review", "swap": "outerHTML"}
    undo["address"] = url_for("creatives.decide", creative_id=creative_id, decision="reopen", tab=tab, **chosen)
    if status == CreativeStatus.WAITING:
        undo = None
    context = page_context(account, creative) | _counts_context(account)
    return render.success_response(partial, address, toast, undo, also, tab=tab, **context)


@blueprint.post("/<any(approve, reopen):decision>")
@owner_required
def decide_many(account: Account, decision: str) -> Response:
    """Approve the cards that are ticked, or undo that. Answers with the first page of the waiting queue."""
    ids, undo = set(request.values.getlist("id", type=int)), None
    status, _ = DECISIONS[decision]
    with transaction():
        decided = review.decide_many(account, ids, status, current_user)
    if decision == "reopen":
        toast = f"{len(decided)} back in the queue."
    elif decided:
        toast = f"{len(decided)} approved."
        address = url_for("creatives.decide_many", decision="reopen", id=decided, **_chosen())
        undo = {"address": address, "target": "#queue", "swap": "outerHTML"}
    else:
        toast = "Nothing was approved: tick a creative first."
    if decision == "approve" and len(ids) > len(decided):
        toast += f" {len(ids) - len(decided)} had been decided meanwhile."
    context = _queue_context(account, CreativeStatus.WAITING)
    address, also = url_for("creatives.queue", **_chosen()), ("_waiting_badge.html",)
    return render.success_response("creatives/_queue.html", address, toast, undo, also, **context)


@blueprint.post("/<int:creative_id>/rewrite", endpoint="rewrite")
@blueprint.post("/<int:creative_id>/reviews/<int:review_id>/restore", endpoint="restore")
@owner_required
def change(account: Account, creative_id: int, review_id: int | None = None) -> Response:
    """A new version of all variants, or the texts from before a change. The page's toast offers to undo it."""
    revision, toast = DecisionForm().revision.data, "New version written."
    with transaction():
        creative = review.get(account, creative_id)
        if review_id is None:
            editing.rewrite(creative, current_user, revision)
        else:
            editing.restore(creative, review_id, current_user, revision)
            toast = "The earlier texts are back."
    undo = url_for("creatives.restore", creative_id=creative_id, review_id=creative.reviews[-1].id)
    return render.redirect_with_toast(url_for("creatives.show", creative_id=creative_id), toast, {"address": undo})


@blueprint.get("/<int:creative_id>/<canvas>.<any(svg, png):file_format>")
@owner_required
def picture(account: Account, creative_id: int, canvas: str, file_format: str) -> Response:
    variant = request.args.get("variant", 0, type=int)
    creative = review.get(account, creative_id, variant)
    if canvas not in CANVASES:
        abort(404)
    drawn = review.render_picture(creative, variant, canvas, file_format, stored_facts(account))
    return render.picture(drawn, file_format, _picture_version(creative))


@blueprint.app_template_global()
def picture_url(creative: Creative, variant: int = 0, canvas: str = "1080x1080", file_format: str = "svg") -> str:
    """The version in the address changes with the picture, so browsers may keep each one for good."""
    address = {"creative_id": creative.id, "canvas": canvas, "file_format": file_format}
    return url_for("creatives.picture", **address, variant=variant or None, v=_picture_version(creative))


def _picture_version(creative: Creative) -> str:
    stored = stored_facts(creative.account)
    return review.picture_version(creative, stored.kit, stored.picture_of(creative))


@blueprint.app_template_global()
def waiting_count() -> int:
    """For the navigation, on every page of an owner."""
    account = current_user.account
    return review.counts(account, is_test=modes.shows_test(account))["waiting"] if account else 0


@blueprint.app_template_filter()
def warnings(creative: Creative) -> list[str]:
    """What a person should know before approving, each sentence once."""
    sentences = [editing.say_lost(claim) for claim in lost_claims(creative)]
    for variant in creative.content["variants"]:
        for finding in variant["rules"]:
            if finding["severity"] == WARN and finding["rule_id"] != LANDING_PAGE_RULE:
                sentences.append(finding["message"])
    return list(dict.fromkeys(sentences))


@blueprint.app_template_global()
def lost_claims(creative: Creative) -> list[Claim]:
    """What its ads state and today's facts don't hold; of sets that may still be used."""
    if creative.status not in (CreativeStatus.WAITING, CreativeStatus.APPROVED):
        return []
    return stored_facts(creative.account).lost_claims(creative)


blueprint.add_app_template_filter(claims.say_lost, "lost_sentence")


@blueprint.app_template_global()
def sources_of(creative: Creative, variant: dict[str, Any]) -> Sources:
    return Sources(variant, stored_facts(creative.account).tiers[creative.is_test])


@blueprint.app_template_global()
def kit_of(account: Account) -> BrandKit:
    return stored_facts(account).kit


def stored_facts(account: Account) -> briefs.StoredFacts:
    """What the account's ads rest on, read once a request."""
    if "stored_facts" not in g:
        g.stored_facts = briefs.StoredFacts(account)
    return g.stored_facts


def _queue_context(account: Account, tab: str, before: int | None = None) -> dict[str, Any]:
    cards = review.get_page(account, tab, before, limit=PAGE_SIZE, **_filters(account))
    return {
        "cards": cards,
        "tab": tab,
        "newest_id": cards[0].id if cards else 0,
        "oldest_id": cards[-1].id if len(cards) == PAGE_SIZE else None,
        "connection": modes.connection_of(account),
        "tiers": review.tiers(account, modes.shows_test(account)),
        **_counts_context(account),
    }


def _counts_context(account: Account) -> dict[str, Any]:
    """The counts of the tabs, which are filtered, and the number of the navigation, which is not."""
    return {
        "tab_counts": review.counts(account, **_filters(account)),
        "chosen": _chosen(),
        "waiting": waiting_count(),
    }


def _chosen() -> dict[str, str]:
    """The filters of the address. What it asks for and mani doesn't know is left out."""
    choices = {"objective": [*Objective], "event": KINDS, "segment": [*Segment]}
    chosen = {}
    for name, value in request.args.items():
        if value in choices.get(name, ()) or (name == "tier" and value):
            chosen[name] = value[:255]
    return chosen


def _filters(account: Account) -> dict[str, Any]:
    """The same as columns of Creative, with the mode that is shown."""
    return _chosen() | {"is_test": modes.shows_test(account)}


def page_context(account: Account, creative: Creative) -> dict[str, Any]:
    """What the pages of one creative, and its editor, show: live or test data as the creative is."""
    modes.show(not creative.is_test)
    view, brand = request.args.get("view"), briefs.to_brand(kit_of(account))
    return {
        "creative": creative,
        "brand": brand,
        "why_they_left": review.why_they_left(creative),
        "host": (urlsplit(brand.landing_page).hostname or "your-page").removeprefix("www."),
        "views": VIEWS,
        "view": view if view in VIEWS else "texts",
    }
