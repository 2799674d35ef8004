"""The start page, the test run, and help."""

import time
from datetime import UTC, datetime

from flask import Blueprint, Response, make_response, redirect, request, url_for

from manimod.flow import connections, insights, review, setup
from manimod.models import Account
from manimod.web import render
from manimod.web.auth import owner_required

blueprint = Blueprint("dashboard", __name__)

STOP_POLLING = 286  # htmx's own status
STAGES = ("Waiting for the event", "Received", "Detected", "Generated", "In the queue")


@blueprint.get("/")
@owner_required
def show(account: Account) -> Response:
    """The page; and for itself, while something is under way, what has changed since."""
    overview = insights.overview(account)
    if render.wants_fragment() and request.args.get("seen") == overview.fingerprint:
        return make_response("", 204)
    done = len(overview.steps) - len(overview.open_steps)
    has_ticked = request.args.get("done", type=int) not in (None, done)
    return render.page(
        "dashboard/index.html",
        "overview",
        also=("_waiting_badge.html", *(("_announcer.html",) if has_ticked else ())),
        account=account,
        overview=overview,
        waiting=overview.creatives["waiting"],
        done=done,
        announcement=f"Setup: {done} of {len(overview.steps)} steps done.",
    )


@blueprint.get("/waiting")
@owner_required
def waiting(account: Account) -> Response:
    """Asked by every page but the queue now and then: the number beside “Creatives”, where it is no longer `seen`."""
    if not render.wants_fragment():
        return redirect(url_for("creatives.queue"))
    connection = connections.of_account(account)
    if connection is None or not connection.is_connected:
        return make_response("", STOP_POLLING)
    seen, count = request.args.get("seen", 0, type=int), review.waiting_count(account)
    if count == seen:
        return make_response("", 204)
    more = count - seen
    response = render.partial(
        "_waiting_badge.html",
        also=("_announcer.html",) if more > 0 else (),
        waiting=count,
        announcement=f"{more} more creatives are ready for review." if more > 1 else "A creative is ready for review.",
    )
    response.headers["HX-Trigger"] = "queue-changed"
    return response


@blueprint.get("/test")
@owner_required
def test(account: Account) -> Response:
    """Watches for the first event after `since` (Unix seconds); `since=now` begins."""
    if request.args.get("since") == "now":
        return redirect(url_for("dashboard.test", since=int(time.time())))
    since = request.args.get("since", type=int)
    connection = connections.of_account(account)
    connection = connection if connection and connection.is_connected else None
    watched = None
    if connection and since is not None:
        watched = setup.watch_test(connection, _moment_of(since))
    stage = watched.stage if watched else 0
    return render.page(
        "dashboard/test.html",
        "watch",
        also=("_announcer.html",) if request.args.get("stage", type=int) not in (None, stage) else (),
        account=account,
        connection=connection,
        switches=connections.switches(account),
        watched=watched,
        since=since,
        stages=STAGES[1:],
        announcement=f"Test: {STAGES[stage].lower()}.",
    )


@blueprint.get("/help")
@owner_required
def help_page(account: Account) -> Response:
    return render.page("help/index.html", account=account)


def _moment_of(seconds: int) -> datetime:
    """An address that somebody made up begins now at the latest and a day ago at the earliest."""
    today = int(time.time())
    return datetime.fromtimestamp(min(max(seconds, today - 86400), today), UTC)
