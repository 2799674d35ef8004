"""The review queue: cards, one creative with its variants, their pictures, and the decisions."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, make_response, redirect, request, url_for
from flask_security import current_user

from manimod.creatives import briefs, review
from manimod.creatives.engine.policy.platforms import CANVASES, PLACEMENTS
from manimod.creatives.engine.policy.rules import WARN
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.lifecycle import KINDS, Objective, Segment
from manimod.models import Account, BrandKit, Creative
from manimod.models.states import CreativeStatus
from manimod.stripe import connections
from manimod.web import pictures, render
from manimod.web.auth import owner_required
from manimod.web.forms import DecisionForm

blueprint = Blueprint("creatives", __name__, url_prefix="/creatives")

PAGE_SIZE = 12  # cards; the next ones come when a person scrolls to their end
STOP_POLLING = 286  # htmx's own status
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
    tab = request.args.get("status", CreativeStatus.WAITING)
    if tab not in review.TABS:
        abort(404)
    before, fragment, also = request.args.get("before", type=int), None, ()
    if before:
        fragment = "cards"
    elif request.headers.get("HX-Target") == "queue":
        fragment, also = "queue", ("_waiting_badge.html",)
    return render.page("creatives/index.html", fragment, also=also, **_queue_context(account, tab, before))


@blueprint.get("/new")
@owner_required
def arrivals(account: Account) -> Response:
    """An open queue asks every second for what has come since; mostly nothing has."""
    if not render.wants_fragment():
        return redirect(url_for("creatives.queue"))
    if connections.get_current(account) is None:
        return make_response("", STOP_POLLING)
    cards = review.get_page(account, CreativeStatus.WAITING, after=request.args.get("since", 0, type=int), **_filters())
    if not cards:
        return make_response("", 204)
    return render.page(
        "creatives/index.html",
        "cards",
        also=("creatives/_arrivals.html", "creatives/_tabs.html", "_waiting_badge.html", "_announcer.html"),
        cards=cards,
        newest_id=cards[0].id,
        tab=CreativeStatus.WAITING,
        announcement="New creative ready for review." if len(cards) == 1 else f"{len(cards)} new creatives ready.",
        **_counts_context(account),
    )


@blueprint.get("/<int:creative_id>")
@owner_required
def show(account: Account, creative_id: int) -> Response:
    context = page_context(account, review.get(account, creative_id))
    is_other_view = request.headers.get("HX-Target") == "variants"
    return render.page("creatives/show.html", "variants" if is_other_view else None, **context)


@blueprint.post("/<int:creative_id>/<any(approve, reject, reopen):decision>")
@owner_required
def decide(account: Account, creative_id: int, decision: str) -> Response:
    """A decision on a card (`tab` is the list it stands in) or on the creative's own page (no `tab`)."""
    tab, chosen = request.values.get("tab"), _chosen()
    status, toast = DECISIONS[decision]
    form = DecisionForm()
    with transaction():
        creative = review.get(account, creative_id)
        review.decide(creative, status, current_user, form.reason.data or "", form.revision.data)
    if tab:
        partial = "creatives/_card.html" if creative.status == tab else None
        also = ("creatives/_tabs.html", "_waiting_badge.html")
        address = url_for("creatives.queue", status=tab, **chosen)
        undo = {"target": "#queue-cards", "swap": "afterbegin"}
    else:
        partial, also = "creatives/_review.html", ("creatives/_history.html",)
        address = url_for("creatives.show", creative_id=creative_id)
        undo = {"target": "#review", "swap": "outerHTML"}
    undo["address"] = url_for("creatives.decide", creative_id=creative_id, decision="reopen", tab=tab, **chosen)
    return render.success_response(
        partial,
        address,
        toast,
        undo=None if status == CreativeStatus.WAITING else undo,
        also=also,
        creative=creative,
        changes=review.CHANGES,
        decision_form=DecisionForm(formdata=None),
        tab=tab,
        **_counts_context(account),
    )


@blueprint.post("/approve")
@owner_required
def approve_many(account: Account) -> Response:
    """The cards that are ticked."""
    ids = request.form.getlist("id", type=int)
    with transaction():
        approved = review.decide_many(account, ids, CreativeStatus.APPROVED, current_user)
    toast = f"{len(approved)} approved." if approved else "Nothing was approved: tick a creative first."
    missed = len(set(ids)) - len(approved)
    if missed:
        toast += f" {missed} had been decided meanwhile."
    undo = url_for("creatives.reopen_many", id=approved, **request.args) if approved else None
    return _queue_changed(account, toast, undo)


@blueprint.post("/reopen")
@owner_required
def reopen_many(account: Account) -> Response:
    """Undo of approve_many."""
    with transaction():
        ids = request.args.getlist("id", type=int)
        reopened = review.decide_many(account, ids, CreativeStatus.WAITING, current_user)
    return _queue_changed(account, f"{len(reopened)} back in the queue.")


@blueprint.post("/<int:creative_id>/rewrite")
@owner_required
def rewrite(account: Account, creative_id: int) -> Response:
    """A new version of all variants."""
    return _change(account, creative_id, review.rewrite, "New version written.")


@blueprint.post("/<int:creative_id>/reviews/<int:review_id>/restore")
@owner_required
def restore(account: Account, creative_id: int, review_id: int) -> Response:
    return _change(account, creative_id, review.restore, "The earlier texts are back.", review_id=review_id)


@blueprint.post("/sync")
@owner_required
def sync_data(account: Account) -> Response:
    """The button of a generic set: read customers and tiers from Stripe now."""
    connection = connections.require_current(account)
    with transaction():
        sync.request_sync(connection)
    return render.success_response(
        "creatives/_syncing.html", url_for("creatives.queue"), "Sync started. A new version will name the tier then."
    )


@blueprint.get("/<int:creative_id>/<canvas>.<any(svg, png):file_format>")
@owner_required
def picture(account: Account, creative_id: int, canvas: str, file_format: str) -> Response:
    creative = review.get(account, creative_id)
    variant, little_text = request.args.get("variant", 0, type=int), "little_text" in request.args
    if canvas not in CANVASES or not 0 <= variant < len(creative.content["variants"]):
        abort(404)
    draw = review.render_svg if file_format == "svg" else review.render_png
    version = review.picture_version(creative, kit_of(account))
    name = f"{variant}-{canvas}{'-little' * little_text}"
    return pictures.versioned(lambda: draw(creative, variant, canvas, little_text), file_format, version, name)


@blueprint.app_template_global()
def picture_url(creative: Creative, variant: int = 0, canvas: str = "1080x1080", file_format: str = "svg") -> str:
    """The version in the address changes with the picture, so browsers may keep each one for good."""
    version = review.picture_version(creative, kit_of(creative.account))
    address = {"creative_id": creative.id, "canvas": canvas, "file_format": file_format}
    return url_for("creatives.picture", **address, variant=variant or None, v=version)


@blueprint.app_template_global()
def starts_on(creative: Creative, variant: dict) -> datetime:
    """When an ad for later in the window may start for the first of its customers."""
    return creative.occurred_at + timedelta(days=variant["from_day"])


@blueprint.app_template_global()
def waiting_count() -> int:
    """For the navigation, on every page of an owner."""
    return review.counts(current_user.account)["waiting"] if current_user.account else 0


@blueprint.app_template_filter()
def warnings(creative: Creative) -> list[str]:
    """What a person should know before approving, each sentence once."""
    sentences = []
    for variant in creative.content["variants"]:
        for finding in variant["rules"]:
            if finding["severity"] == WARN and finding["rule_id"] != LANDING_PAGE_RULE:
                sentences.append(finding["message"])
    return list(dict.fromkeys(sentences))


@blueprint.app_template_filter()
def host(address: str) -> str:
    """What an ad shows of its landing page."""
    return (urlsplit(address).hostname or "").removeprefix("www.")


@blueprint.app_template_filter()
def text_groups(texts: dict[str, str]) -> list[tuple[str, list[str]]]:
    """The keys of a variant's texts, those of one placement together."""
    groups = {}
    for key in texts:
        groups.setdefault(review.split_key(key)[0], []).append(key)
    return list(groups.items())


@blueprint.app_template_global()
def lacks_landing_page(account: Account) -> bool:
    return not kit_of(account).landing_page


def _queue_context(account: Account, tab: str, before: int | None = None) -> dict[str, Any]:
    cards = review.get_page(account, tab, before, limit=PAGE_SIZE, **_filters())
    return {
        "account": account,
        "cards": cards,
        "tab": tab,
        "newest_id": cards[0].id if cards else 0,
        "oldest_id": cards[-1].id if len(cards) == PAGE_SIZE else None,
        "connection": connections.get_current(account),
        "tiers": [(tier, tier) for tier in review.tiers(account)],
        **_counts_context(account),
    }


def _counts_context(account: Account) -> dict[str, Any]:
    """The counts of the tabs, which are filtered, and the number of the navigation, which is not."""
    counts = review.counts(account)
    chosen = _chosen()
    shown = review.counts(account, **_filters()) if chosen else counts
    return {"tab_counts": shown, "chosen": chosen, "waiting": counts["waiting"]}


def _queue_changed(account: Account, toast: str, undo: str | None = None) -> Response:
    """The first page of the waiting queue again, after an action on several cards."""
    if not render.wants_fragment():
        return render.redirect_with_toast(url_for("creatives.queue", **_chosen()), toast, undo and {"address": undo})
    button = undo and {"address": undo, "target": "#queue", "swap": "outerHTML"}
    return render.page(
        "creatives/index.html",
        "queue",
        also=("_waiting_badge.html", "_toast.html"),
        message={"text": toast, "undo": button},
        **_queue_context(account, CreativeStatus.WAITING),
    )


def _chosen() -> dict[str, str]:
    """The filters of the address. What it asks for and mani doesn't know is left out."""
    choices = {"objective": Objective, "event": KINDS, "segment": Segment, "test": ("yes", "no")}
    chosen = {}
    for name, values in choices.items():
        if request.args.get(name) in tuple(values):
            chosen[name] = request.args[name]
    if request.args.get("tier"):
        chosen["tier"] = request.args["tier"][:255]
    return chosen


def _filters() -> dict[str, Any]:
    """The same as columns of Creative."""
    filters = _chosen()
    return filters | {"is_test": filters.pop("test") == "yes"} if "test" in filters else filters


def page_context(account: Account, creative: Creative) -> dict[str, Any]:
    """What the pages of one creative, and its editor, show."""
    view = request.args.get("view")
    return {
        "account": account,
        "creative": creative,
        "placements": PLACEMENTS,
        "brand": briefs.to_brand(kit_of(account)),
        "connection": connections.get_current(account),
        "views": VIEWS,
        "view": view if view in VIEWS else "texts",
        "changes": review.CHANGES,
        "decision_form": DecisionForm(formdata=None),
    }


def _change(account: Account, creative_id: int, change: Callable, toast: str, **more: int) -> Response:
    """Change the texts. The whole page is another one then; its toast offers to undo it."""
    with transaction():
        creative = review.get(account, creative_id)
        seen = DecisionForm().revision.data
        revision = creative.revision if seen is None else seen
        change(creative, by=current_user, revision=revision, **more)
    undo = url_for("creatives.restore", creative_id=creative_id, review_id=creative.reviews[-1].id)
    return render.redirect_with_toast(url_for("creatives.show", creative_id=creative_id), toast, {"address": undo})


def kit_of(account: Account) -> BrandKit:
    """The brand kit, looked up once a request."""
    if "kit" not in g:
        g.kit = briefs.get_brand_kit(account)
    return g.kit
