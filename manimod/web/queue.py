"""The review queue: lists by status with their filters and search, what has come or left, and decisions about many."""

from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, request, url_for
from flask_security import current_user

from manimod.creatives import review
from manimod.creatives.review import Place
from manimod.customers import pace
from manimod.diagnostics import check_runner
from manimod.diagnostics.check_runner import Check
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account, Connection, Creative
from manimod.models.states import CreativeStatus
from manimod.web import modes, polling, render
from manimod.web.auth import owner_required

blueprint = Blueprint("creatives", __name__, url_prefix="/creatives")

PAGE_SIZE = 12  # cards; the next ones come when a person scrolls to their end, or has decided the last ones
MAX_SHOWN = 480  # cards of one page, where somebody comes back to it
MAX_ARRIVALS = 50
FILTERS = ("q", "objective", "event", "segment", "tier")
DECISIONS = {
    "approve": (CreativeStatus.APPROVED, "approved"),
    "reject": (CreativeStatus.REJECTED, "rejected"),
    "reopen": (CreativeStatus.WAITING, "back in the queue"),
}
# Of the checks, those that say nothing about whether the next creative comes.
NOT_IN_THE_WAY = ("reads", "payload_style", "customers", "promise", "tiers", "generic")


@blueprint.get("", strict_slashes=False)
@owner_required
def queue(account: Account) -> Response:
    tab, before = request.args.get("status", CreativeStatus.WAITING), Place.read(request.args.get("before", ""))
    if tab not in review.TABS:
        abort(404)
    shown = min(max(request.args.get("shown", PAGE_SIZE, type=int), PAGE_SIZE), MAX_SHOWN)
    address = queue_address(tab, shown)
    if not render.wants_fragment():
        if "" in request.args.values():  # a form without JavaScript sends the filters that are not set as well
            return redirect(address)
        return render.page("creatives/index.html", **queue_context(account, tab, shown=shown))
    if before:
        context = queue_context(account, tab, before, shown)
        response = render.page("creatives/_queue.html", "cards", **context)
        response.headers["HX-Replace-Url"] = address
    else:
        context = queue_context(account, tab, shown=shown)
        response = render.page("creatives/index.html", "queue", also=("_waiting_badge.html",), **context)
        if not (request.headers.get("HX-Current-URL") or "").endswith(address):
            response.headers["HX-Push-Url"] = address
    return response


@blueprint.get("/new")
@owner_required
@polling.marked
def arrivals(account: Account) -> Response:
    """An open queue asks for what has come, changed or left since; mostly nothing has."""
    if not render.wants_fragment():
        return redirect(url_for("creatives.queue"))
    connection, filters = modes.connection_of(account), read_filters(account)
    if connection:
        pace.mark_watched(connection)
    state = review.get_state(account, CreativeStatus.WAITING, **filters)
    if state.version == request.args.get("seen") or not connection:
        return nothing_new(account)
    since = Place.read(request.args.get("since", ""))
    cards = review.get_page(account, CreativeStatus.WAITING, after=since, limit=MAX_ARRIVALS, **filters)
    if len(cards) == MAX_ARRIVALS:
        state = state._replace(version="")  # the others come with the next poll
    announcement, announcer = f"{len(cards)} new creatives ready.", ("_announcer.html",) if cards else ()
    if len(cards) == 1:
        announcement = "New creative ready for review."
    return render.page(
        "creatives/_queue.html",
        "cards",
        also=("creatives/_arrivals.html", *announcer, *CHANGED_WITH_THE_QUEUE),
        cards=cards,
        newest=str(Place.of(cards[0]) if cards else since or ""),
        ids=review.list_ids(account, CreativeStatus.WAITING, **filters),
        announcement=announcement,
        **counts_context(account, CreativeStatus.WAITING) | {"state": state},
    )


def nothing_new(account: Account) -> Response:
    """Until the next poll; without a connection nothing can come, and htmx stops polling at its own status 286."""
    return make_response("", 204 if modes.connection_of(account) else 286)


@blueprint.post("/<any(approve, reject):decision>")
@owner_required
def decide_many(account: Account, decision: str) -> Response:
    """Decide about the cards that are selected, or about `all` that match the filters and whose ids are no higher than
    the newest one that the page counted. Answers with the first page of what still waits."""
    status, said = DECISIONS[decision]
    newest_id, ids = request.form.get("all", type=int), set(request.form.getlist("id", type=int))
    filters = read_filters(account) if newest_id is not None else {}
    which, asked = review.matching(account, CreativeStatus.WAITING, **filters), len(ids)
    if newest_id is None:
        which = which.where(Creative.id.in_(ids))
    else:
        which, asked = which.where(Creative.id <= newest_id), request.form.get("matching", 0, type=int)
    with transaction():
        reviews = review.decide_many(which, status, current_user)
    toast, undo = f"{len(reviews):,} {said}.", None
    if asked == 0:
        toast = f"Nothing was {said}: select a creative first."
    elif asked > len(reviews):
        toast += f" {asked - len(reviews):,} had been decided meanwhile."
    if reviews:
        undo = undo_of(reviews[0], reviews[-1])
    return _waiting_list(account, toast, undo)


@blueprint.post("/reopen")
@owner_required
def reopen_many(account: Account) -> Response:
    """Take back the decisions whose `reviews` are given as ranges of ids, such as 7-7 or 12-75."""
    ranges = []
    for text in request.args.getlist("reviews"):
        first, _, last = text.partition("-")
        if first.isdecimal() and last.isdecimal():
            ranges.append((int(first), int(last)))
    with transaction():
        reviews = review.reopen_many(account, ranges, current_user) if ranges else []
    toast = f"{len(reviews):,} back in the queue." if reviews else "Nothing to undo: it was decided again since."
    return _waiting_list(account, toast)


def _waiting_list(account: Account, toast: str, undo: dict | None = None) -> Response:
    context = queue_context(account, CreativeStatus.WAITING)
    address, also = queue_address(CreativeStatus.WAITING), ("_waiting_badge.html",)
    return render.success_response("creatives/_queue.html", address, toast, undo, also, **context)


def undo_of(first: int, last: int) -> dict[str, str]:
    """What the toast of a decision takes back, by the ids of its reviews."""
    reviews = f"{first}-{last}"
    address = url_for("creatives.reopen_many", reviews=reviews, **chosen_filters())
    return {"address": address, "target": "#queue", "swap": "outerHTML", "reviews": reviews}


def queue_address(tab: str, shown: int = PAGE_SIZE, anchor: str | None = None) -> str:
    """The address of a list with its filters; only what is set stands in it."""
    own = {"status": None if tab == CreativeStatus.WAITING else tab, "shown": shown if shown > PAGE_SIZE else None}
    return url_for("creatives.queue", **own, **chosen_filters(), _anchor=anchor)


def queue_context(account: Account, tab: str, before: Place | None = None, shown: int = PAGE_SIZE) -> dict[str, Any]:
    """What the list shows: a page `before` a place, or the first `shown` cards."""
    limit = PAGE_SIZE if before else shown
    cards = review.get_page(account, tab, before, limit=limit + 1, **read_filters(account))
    has_more = len(cards) > limit
    return {
        "cards": cards[:limit],
        "newest": str(Place.of(cards[0])) if cards else None,
        "oldest": str(Place.of(cards[limit - 1])) if has_more else None,
        "shown": shown,
        "tiers": review.tiers(account, modes.shows_test(account)),
        **counts_context(account, tab),
    }


CHANGED_WITH_THE_QUEUE = ("creatives/_tabs.html", "creatives/_select_all.html", "creatives/_empty.html")
CHANGED_WITH_THE_QUEUE += ("_waiting_badge.html",)


def counts_context(account: Account, tab: str) -> dict[str, Any]:
    """The counts of the tabs, which are filtered, those of all creatives, and what an empty list says."""
    chosen, is_test = chosen_filters(), modes.shows_test(account)
    all_counts = review.counts(account, is_test=is_test)
    context = {
        "tab": tab,
        "chosen": chosen,
        "connection": modes.connection_of(account),
        "all_counts": all_counts,
        "tab_counts": review.counts(account, **read_filters(account)) if chosen else all_counts,
        "waiting": all_counts["waiting"],
        "state": review.get_state(account, tab, **read_filters(account)),
        "has_creatives": True,
        "PAGE_SIZE": PAGE_SIZE,
    }
    if tab == CreativeStatus.WAITING and not all_counts["waiting"] and context["connection"]:
        context["has_creatives"] = db.session.scalar(review.latest(account, is_test, (Creative.id,), 1)) is not None
        context |= what_comes_next(context["connection"])
    return context


def what_comes_next(connection: Connection) -> dict[str, Check | None]:
    """`trouble`: what keeps the next creative from coming, the worst first; `source`: how events arrive."""
    found = {check.name: check for check in check_runner.run_checks(connection.account, connection)}
    failing = [check for check in found.values() if check.is_failing and check.name not in NOT_IN_THE_WAY]
    return {"trouble": min(failing, key=lambda check: check.severity, default=None), "source": found["fast_source"]}


def chosen_filters() -> dict[str, str]:
    """The filters of the address, also those whose value no creative has any more."""
    found = {name: request.args.get(name, "").strip()[:255] for name in FILTERS}
    return {name: value for name, value in found.items() if value}


def read_filters(account: Account) -> dict[str, Any]:
    """The same as `review.matching` takes them, with the mode that is shown."""
    filters = chosen_filters() | {"is_test": modes.shows_test(account)}
    if "q" in filters:
        filters["search"] = filters.pop("q")
    return filters
