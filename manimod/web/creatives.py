"""One creative with its variants, their pictures, and the decisions about it."""

from typing import Any
from urllib.parse import urlsplit

from flask import Response, abort, g, request, url_for
from flask_security import current_user

from manimod.creatives import briefs, editing, review
from manimod.creatives.engine.brief import Claim
from manimod.creatives.engine.copy import claims
from manimod.creatives.engine.policy.platforms import CANVASES
from manimod.creatives.engine.policy.rules import WARN
from manimod.errors import FAILURES, ManimodError
from manimod.jobs import transaction
from manimod.models import Account, BrandKit, Creative
from manimod.models.states import CreativeStatus, RejectionReason
from manimod.moments import audience_lists
from manimod.web import modes, render
from manimod.web.auth import owner_required
from manimod.web.forms import DecisionForm
from manimod.web.labels import audience
from manimod.web.queue import (
    CHANGED_WITH_THE_QUEUE,
    DECISIONS,
    PAGE_SIZE,
    blueprint,
    chosen_filters,
    counts_context,
    queue_address,
    read_filters,
)
from manimod.web.sources import Sources

VIEWS = {"texts": "Texts", "feed": "Feed post", "story": "Story", "search": "Search result"}
LANDING_PAGE_RULE = "URL-01"  # pages look at the landing page of today, not at that of the day the ad was written
DECIDED_MEANWHILE = ("CREATIVE_GONE", "CREATIVE_CHANGED")


@blueprint.get("/<int:creative_id>")
@owner_required
def show(account: Account, creative_id: int) -> Response:
    creative = review.get(account, creative_id)
    context = page_context(account, creative) | neighbours_context(creative)
    return render.page("creatives/show.html", "variants", **context)


@blueprint.post("/<int:creative_id>/<any(approve, reject, reopen):decision>")
@owner_required
def decide(account: Account, creative_id: int, decision: str) -> Response:
    """A decision on a card (`tab` is the list it stands in) or on the creative's own page (no `tab`), which leads on
    to the next one of the same filters."""
    tab, (status, said), form = request.values.get("tab"), DECISIONS[decision], DecisionForm()
    try:
        with transaction():
            creative = review.get(account, creative_id)
            about = RejectionReason(form.about.data) if form.about.data in [*RejectionReason] else None
            given = {"reason": form.reason.data or "", "about": about, "revision": form.revision.data}
            if "by_variant" in request.form and status == CreativeStatus.APPROVED:
                kept = request.form.getlist("variant", type=int)
                given["left_out"] = [n for n in range(len(creative.content["variants"])) if n not in kept]
            decided = review.decide(creative, status, current_user, **given)
    except ManimodError as failure:
        if failure.code not in DECIDED_MEANWHILE:
            raise
        return _as_it_stands(account, creative_id, tab, FAILURES[failure.code].meaning.format(**failure.slots))
    if tab:
        partial = "creatives/_card.html" if creative.status == tab else ""
        context = page_context(account, creative) | counts_context(account, tab)
        undo = {"target": "#queue-cards", "swap": "afterbegin", "reviews": f"{decided.id}-{decided.id}"}
        undo["address"] = _undo_address(creative, tab=tab)
        return render.success_response(
            partial,
            queue_address(tab),
            f"{said.capitalize()}.",
            undo if status != CreativeStatus.WAITING else None,
            CHANGED_WITH_THE_QUEUE,
            **context,
        )
    if status == CreativeStatus.WAITING:
        return _own_page(account, creative, f"{said.capitalize()}.")
    beside = neighbours_context(creative, CreativeStatus.WAITING)["neighbours"]
    following, address = beside.next or beside.previous, queue_address(CreativeStatus.WAITING)
    if following:
        address = url_for("creatives.show", creative_id=following, **chosen_filters())
    undo = {"address": _undo_address(creative)}
    return render.redirect_with_toast(address, f"{said.capitalize()}: {audience(creative)}.", undo)


def _undo_address(creative: Creative, **own: str) -> str:
    return url_for("creatives.decide", creative_id=creative.id, decision="reopen", **own, **chosen_filters())


def _as_it_stands(account: Account, creative_id: int, tab: str | None, sentence: str) -> Response:
    """A decision came too late: nothing has changed, and the card or the page shows why."""
    creative = review.get(account, creative_id)
    if not tab:
        return _own_page(account, creative, sentence)
    context = page_context(account, creative) | counts_context(account, tab)
    also = (*CHANGED_WITH_THE_QUEUE, "_announcer.html")
    if not render.wants_fragment():
        return render.redirect_with_toast(queue_address(tab), sentence)
    return render.partial("creatives/_card.html", also=also, sentence=sentence, announcement=sentence, **context)


def _own_page(account: Account, creative: Creative, toast: str) -> Response:
    address = url_for("creatives.show", creative_id=creative.id, **chosen_filters())
    context = page_context(account, creative) | neighbours_context(creative)
    return render.success_response(
        "creatives/_review.html", address, toast, None, ("creatives/_history.html",), **context
    )


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
    review_id = creative.reviews[-1].id
    undo = url_for("creatives.restore", creative_id=creative_id, review_id=review_id, **chosen_filters())
    address = url_for("creatives.show", creative_id=creative_id, **chosen_filters())
    return render.redirect_with_toast(address, toast, {"address": undo})


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
    for variant in creative.ads:
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


def neighbours_context(creative: Creative, tab: str | None = None) -> dict[str, Any]:
    """Which list somebody goes through, with its filters, and the creative's place in it."""
    tab = tab or request.args.get("status")
    if tab not in review.TABS:
        tab = creative.status if creative.status in review.TABS else CreativeStatus.WAITING
    filters, place = read_filters(creative.account) | {"is_test": creative.is_test}, {}
    neighbours = review.get_neighbours(creative, tab, **filters)
    if "status" in request.args:
        place["status"] = tab
    shown = (neighbours.number + PAGE_SIZE - 1) // PAGE_SIZE * PAGE_SIZE
    return {
        "list_tab": tab,
        "neighbours": neighbours,
        "chosen": chosen_filters() | place,
        "queue_address": queue_address(tab, shown, f"creative-{creative.id}"),
    }


def page_context(account: Account, creative: Creative) -> dict[str, Any]:
    """What the pages of one creative, and its editor, show: live or test data as the creative is."""
    modes.show(not creative.is_test)
    view, brand = request.args.get("view"), briefs.to_brand(kit_of(account))
    return {
        "creative": creative,
        "brand": brand,
        "why_they_left": review.why_they_left(creative),
        "people": audience_lists.count_customers(creative),
        "host": (urlsplit(brand.landing_page).hostname or "your-page").removeprefix("www."),
        "views": VIEWS,
        "view": view if view in VIEWS else "texts",
    }
