"""The review queue: cards, one creative with its variants, their pictures, and the decisions."""

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import groupby
from urllib.parse import urlsplit

from flask import Blueprint, Response, abort, g, make_response, redirect, request, url_for
from flask_security import current_user

from manimod.creatives import briefs, review
from manimod.creatives.engine.brief import EVENTS
from manimod.creatives.engine.policy.platforms import CANVASES, PLACEMENTS
from manimod.creatives.engine.policy.rules import WARN
from manimod.ingest import sync
from manimod.jobs import transaction
from manimod.lifecycle import Objective, Segment
from manimod.models import Account, BrandKit, Creative
from manimod.stripe import connections
from manimod.web import pictures, render
from manimod.web.auth import owner_required

blueprint = Blueprint("creatives", __name__, url_prefix="/creatives")

A_PAGE = 12  # cards; the next ones come when a person scrolls to their end
STOP_POLLING = 286  # htmx's own status
VIEWS = {"texts": "Texts", "feed": "Feed post", "story": "Story", "search": "Search result"}
LANDING_PAGE_RULE = "URL-01"  # told of what is stored today, not of when the ad was written


@blueprint.get("", strict_slashes=False)
@owner_required
def queue(account: Account) -> Response:
    tab = request.args.get("status", "waiting")
    if tab not in review.TABS:
        abort(404)
    before = request.args.get("before", type=int)
    fragment = "cards" if before else "queue" if request.headers.get("HX-Target") == "queue" else None
    return _queue(account, tab, _filters(), before, fragment)


@blueprint.get("/new")
@owner_required
def arrivals(account: Account) -> Response:
    """Asked every second by an open queue: what has come since, which is mostly nothing."""
    if not render.wants_fragment():
        return redirect(url_for("creatives.queue"))
    if connections.get_current(account) is None:
        return make_response("", STOP_POLLING)
    filters = _filters()
    cards = review.newer(account, request.args.get("since", 0, type=int), filters=filters)
    if not cards:
        return make_response("", 204)
    return render.page(
        "creatives/index.html",
        "cards",
        also=("creatives/_arrivals.html", "creatives/_tabs.html", "_waiting_badge.html", "_announcer.html"),
        cards=cards,
        newest_id=max(card.id for card in cards),
        tab="waiting",
        announcement="New creative ready for review." if len(cards) == 1 else f"{len(cards)} new creatives ready.",
        **_counted(account, filters),
    )


@blueprint.get("/<int:creative_id>")
@owner_required
def show(account: Account, creative_id: int) -> Response:
    return render.page(
        "creatives/show.html", _variants_only(), **page_context(account, review.get(account, creative_id))
    )


@blueprint.post("/<int:creative_id>/approve")
@owner_required
def approve(account: Account, creative_id: int) -> Response:
    return _decide(account, creative_id, review.approve, "Approved.", revision=request.form.get("revision", type=int))


@blueprint.post("/<int:creative_id>/reject")
@owner_required
def reject(account: Account, creative_id: int) -> Response:
    more = {"reason": request.form.get("reason", ""), "revision": request.form.get("revision", type=int)}
    return _decide(account, creative_id, review.reject, "Rejected.", **more)


@blueprint.post("/<int:creative_id>/reopen")
@owner_required
def reopen(account: Account, creative_id: int) -> Response:
    return _decide(account, creative_id, review.reopen, "Back in the queue.")


@blueprint.post("/approve")
@owner_required
def approve_many(account: Account) -> Response:
    """The cards that are ticked."""
    ids = request.form.getlist("id", type=int)
    with transaction():
        approved = review.approve_many(account, ids, by=current_user)
    said = f"{len(approved)} approved." if approved else "Nothing was approved: tick a creative first."
    missed = len(set(ids)) - len(approved)
    if missed:
        said += f" {missed} had been decided meanwhile."
    undo = url_for("creatives.reopen_many", id=approved, **request.args) if approved else None
    return _queue_changed(account, said, undo)


@blueprint.post("/reopen")
@owner_required
def reopen_many(account: Account) -> Response:
    """Undo of approve_many."""
    with transaction():
        reopened = review.reopen_many(account, request.args.getlist("id", type=int), by=current_user)
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


@blueprint.get("/<int:creative_id>/<canvas>.svg")
@owner_required
def svg(account: Account, creative_id: int, canvas: str) -> Response:
    return _picture(account, creative_id, canvas, review.render_svg, "svg")


@blueprint.get("/<int:creative_id>/<canvas>.png")
@owner_required
def png(account: Account, creative_id: int, canvas: str) -> Response:
    return _picture(account, creative_id, canvas, review.render_png, "png")


@blueprint.app_template_global()
def picture_url(creative: Creative, variant: int = 0, canvas: str = "1080x1080", kind: str = "svg", **more) -> str:
    """The version in the address changes with the picture, so browsers may keep each one for good."""
    version = review.picture_version(creative, kit_of(creative.account))
    address = {"creative_id": creative.id, "canvas": canvas, "variant": variant or None, "v": version}
    return url_for(f"creatives.{kind}", **address, **more)


@blueprint.app_template_global()
def starts_on(creative: Creative, variant: dict) -> datetime:
    """When an ad for later in the window may start for the first of its customers."""
    return creative.occurred_at + timedelta(days=variant["from_day"])


@blueprint.app_template_global()
def waiting_count() -> int:
    """For the navigation, on every page of an owner."""
    return review.waiting_count(current_user.account) if current_user.account else 0


@blueprint.app_template_filter()
def warnings(creative: Creative) -> list[str]:
    """What a person should know before approving, each sentence once."""
    variants = creative.content["variants"]
    found = [rule for variant in variants for rule in variant["rules"]]
    said = [f["message"] for f in found if f["severity"] == WARN and f["rule_id"] != LANDING_PAGE_RULE]
    return list(dict.fromkeys(said))


@blueprint.app_template_filter()
def capped(count: int) -> str:
    """`1,000+` where counting has stopped."""
    return f"{review.MAX_COUNTED:,}+" if count > review.MAX_COUNTED else f"{count:,}"


@blueprint.app_template_filter()
def host(address: str) -> str:
    """What an ad shows of its landing page."""
    return (urlsplit(address).hostname or "").removeprefix("www.")


@blueprint.app_template_filter()
def text_groups(texts: dict[str, str]) -> list[tuple[str, list[str]]]:
    """The keys of a variant's texts, those of one placement together."""
    return [
        (name, list(keys)) for name, keys in groupby(texts, lambda key: key.partition(".")[0] if "." in key else "")
    ]


@blueprint.app_template_global()
def lacks_landing_page(account: Account) -> bool:
    return not kit_of(account).landing_page


def _queue(
    account: Account, tab: str, filters: review.QueueFilters, before: int | None, fragment: str | None
) -> Response:
    return render.page(
        "creatives/index.html",
        fragment,
        also=("_waiting_badge.html",) if fragment == "queue" else (),
        **_queue_context(account, tab, filters, before),
    )


def _queue_context(account: Account, tab: str, filters: review.QueueFilters, before: int | None = None) -> dict:
    counted = _counted(account, filters)
    # What was counted to be none is not looked for once more among all.
    has_some = counted["tab_counts"][tab] > 0
    cards = review.waiting(account, tab, before, A_PAGE, filters) if has_some else []
    return {
        "account": account,
        "cards": cards,
        "tab": tab,
        "newest_id": cards[0].id if cards else 0,
        "oldest_id": cards[-1].id if len(cards) == A_PAGE else None,
        "connection": connections.get_current(account),
        "tiers": [(tier, tier) for tier in review.tiers(account)],
        **counted,
    }


def _queue_changed(account: Account, said: str, undo: str | None = None) -> Response:
    """The first page of the waiting queue again, after an action on several cards."""
    filters = _filters()
    if not render.wants_fragment():
        return render.success_response(
            None, url_for("creatives.queue", **_chosen(filters)), said, undo and {"address": undo}
        )
    back = undo and {"address": undo, "target": "#queue", "swap": "outerHTML"}
    return render.page(
        "creatives/index.html",
        "queue",
        also=("_waiting_badge.html", "_toast.html"),
        message={"text": said, "undo": back},
        **_queue_context(account, "waiting", filters),
    )


def _counted(account: Account, filters: review.QueueFilters) -> dict:
    """The counts of the tabs, which are filtered, and the number of the navigation, which is not."""
    counts = review.counts(account)
    chosen = _chosen(filters)
    shown = review.counts(account, filters) if chosen else counts
    return {"tab_counts": shown, "chosen": chosen, "waiting": counts["waiting"]}


def _filters() -> review.QueueFilters:
    """What the address asks for; what it doesn't know is left open."""
    asked = request.args
    known = {"objective": tuple(Objective), "event": EVENTS, "segment": tuple(Segment)}
    picked = {name: asked[name] for name, values in known.items() if asked.get(name) in values}
    modes = {"yes": True, "no": False}
    return review.QueueFilters(**picked, tier=asked.get("tier", "")[:255] or None, is_test=modes.get(asked.get("test")))


def _chosen(filters: review.QueueFilters) -> dict[str, str]:
    """The filters as they stand in an address."""
    chosen = {name: value for name, value in vars(filters).items() if isinstance(value, str)}
    return chosen if filters.is_test is None else chosen | {"test": "yes" if filters.is_test else "no"}


def page_context(account: Account, creative: Creative) -> dict:
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
    }


def _variants_only() -> str | None:
    return "variants" if request.headers.get("HX-Target") == "variants" else None


def _change(account: Account, creative_id: int, change: Callable, said: str, **more: int) -> Response:
    """A change of the texts; the whole page is another one then, with the way back in its toast."""
    with transaction():
        creative = review.get(account, creative_id)
        change(creative, by=current_user, revision=request.form.get("revision", creative.revision, type=int), **more)
    last = creative.reviews[-1]
    undo = url_for("creatives.restore", creative_id=creative_id, review_id=last.id)
    return render.redirect_with_toast(url_for("creatives.show", creative_id=creative_id), said, undo={"address": undo})


def _decide(account: Account, creative_id: int, decide: Callable, said: str, **more: object) -> Response:
    """A decision on a card (`tab` is the list it stands in) or on the creative's own page (no `tab`)."""
    tab, filters = request.values.get("tab"), _filters()
    with transaction():
        creative = review.get(account, creative_id)
        decide(creative, by=current_user, **more)
    undo = {
        "address": url_for("creatives.reopen", creative_id=creative_id, tab=tab, **_chosen(filters)),
        "target": "#queue-cards" if tab else "#review",
        "swap": "afterbegin" if tab else "outerHTML",
    }
    partial, also = "creatives/_review.html", ("creatives/_history.html",)
    if tab:
        partial = "creatives/_card.html" if creative.status == tab else None
        also = ("creatives/_tabs.html", "_waiting_badge.html")
    return render.success_response(
        partial,
        url_for("creatives.queue", status=tab, **_chosen(filters))
        if tab
        else url_for("creatives.show", creative_id=creative_id),
        said,
        undo=None if creative.status == "waiting" else undo,
        also=also,
        creative=creative,
        changes=review.CHANGES,
        tab=tab,
        **_counted(account, filters),
    )


def _picture(account: Account, creative_id: int, canvas: str, draw: Callable, kind: str) -> Response:
    creative = review.get(account, creative_id)
    variant = request.args.get("variant", 0, type=int)
    if canvas not in CANVASES or not 0 <= variant < len(creative.content["variants"]):
        abort(404)
    little_text = "little_text" in request.args
    version = review.picture_version(creative, kit_of(account))
    name = f"{variant}-{canvas}{'-little' * little_text}"
    return pictures.answer(lambda: draw(creative, variant, canvas, little_text=little_text), kind, version, name)


def kit_of(account: Account) -> BrandKit:
    """The brand kit, looked up once a request."""
    if "kit" not in g:
        g.kit = briefs.get_brand_kit(account)
    return g.kit
