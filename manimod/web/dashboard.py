"""The dashboard, the page of a test, the audience and the help: what has happened, and what has been made of it."""

import zlib
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from operator import attrgetter

from flask import Blueprint, Response, make_response, redirect, request, url_for

from manimod.config import settings
from manimod.creatives import review
from manimod.customers import pace, statistics
from manimod.diagnostics import check_runner, setup, sources
from manimod.extensions import db
from manimod.ingest import sync
from manimod.models import Account, Connection, Creative, SyncRun
from manimod.models.accounts import now
from manimod.models.states import SyncState
from manimod.moments import record
from manimod.web import modes, polling, render
from manimod.web.auth import owner_required
from manimod.web.labels import LABELS, sync_interval
from manimod.web.queue import nothing_new
from manimod.web.settings import is_syncing
from manimod.web.setup import setup_steps

TIMES, DELAYS_SHOWN = (Creative.occurred_at, Creative.generated_at), 100  # from Stripe's event to the queue
TIERS_SHOWN = 8
AUDIENCES_SHOWN = 40  # a shop with many tiers sees the rest on demand
A_DAY = 86400

blueprint = Blueprint("dashboard", __name__)


@blueprint.get("/")
@owner_required
def show(account: Account) -> Response:
    """The page; and for itself, while something is under way, what has changed since."""
    connection, is_test = modes.connection_of(account), modes.shows_test(account)
    shown = {"creatives": review.counts(account, is_test=is_test), "syncing": False}
    shown |= {"trend": [], "tiers": [], "segments": [], "joined": 0}  # joined: since the last sync
    working, last_event, run = None, None, None
    if connection:
        working = sources.WorkingSource(connection)
        last_event, run = next(iter(working.events), None), next(iter(working.runs), None)
        shown["syncing"] = is_syncing(connection, working.runs)
        shown["trend"] = statistics.moments_by_day(connection)
        shown["tiers"], shown["segments"] = _customers(connection)
        shown["joined"] = _count_joined(connection, working.runs)
    delays = []
    for occurred, generated in db.session.execute(review.latest(account, is_test, TIMES, DELAYS_SHOWN)):
        delays.append((generated - occurred).total_seconds())
    steps = setup_steps()
    if [step["name"] for step in steps if not step["done"]] == ["live"]:
        steps = steps[:-1]  # the test is set up
    done = sum(step["done"] for step in steps)
    # Changes with whatever the page shows, but not with the clock.
    facts = [shown, done, last_event and last_event.id, run and (run.state, run.customers, run.subscriptions)]
    fingerprint = f"{zlib.crc32(repr([*facts, connection and connection.last_error]).encode()):08x}"
    if render.wants_fragment() and request.args.get("seen") == fingerprint:
        return make_response("", 204)
    has_ticked = request.args.get("done", type=int) not in (None, done)
    return render.page(
        "dashboard/index.html",
        "overview",
        also=("_waiting_badge.html", "_announcer.html") if has_ticked else ("_waiting_badge.html",),
        connection=connection,
        working=working,
        delays=sorted(delays),
        steps=steps,
        done=done,
        fingerprint=fingerprint,
        waiting=shown["creatives"]["waiting"],
        announcement=f"Setup: {done} of {len(steps)} steps done.",
        **shown,
    )


def _count_joined(connection: Connection, runs: Sequence[SyncRun]) -> int:
    """New customers since the last sync."""
    done = [run for run in runs if run.state == SyncState.DONE]
    return statistics.count_new_customers(connection, done[0].started_at if done else connection.connected_at)


def _customers(connection: Connection) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
    """Customers by tier, the largest first and the smaller ones as one row, and by value segment."""
    by_tier, by_segment = [], Counter()
    for tier, segment, count in statistics.sizes(connection):
        by_tier.append((tier, count))
        by_segment[segment] += count
    tiers = [(tier or "No subscription", count) for tier, count in statistics.by_size(by_tier)]
    others = tiers[TIERS_SHOWN:]
    if others:
        tiers = [*tiers[:TIERS_SHOWN], (f"{len(others)} more", sum(count for _, count in others))]
    names = LABELS["SEGMENTS"] | {None: "Not ranked"}
    return tiers, [(name, by_segment[segment]) for segment, name in names.items() if by_segment[segment]]


@blueprint.get("/waiting")
@owner_required
@polling.marked
def waiting(account: Account) -> Response:
    """Asked by every page but the queue now and then: the number beside “Creatives”, where it is no longer `seen`."""
    if not render.wants_fragment():
        return redirect(url_for("creatives.queue"))
    count = review.counts(account, is_test=modes.shows_test(account))["waiting"]
    more = count - request.args.get("seen", 0, type=int)
    if not more:
        return nothing_new(account)
    announcement = "A creative is ready for review."
    if more > 1:
        announcement = f"{more} more creatives are ready for review."
    also = ("_announcer.html",) if more > 0 else ()
    response = render.partial("_waiting_badge.html", also=also, waiting=count, announcement=announcement)
    response.headers["HX-Trigger"] = "queue-changed"
    return response


@blueprint.get("/test")
@owner_required
def test(account: Account) -> Response:
    """Watches for the first event after `since` (Unix seconds); `since=now` begins."""
    today = int(now().timestamp())
    if request.args.get("since") == "now":
        return redirect(url_for("dashboard.test", since=today))
    since = request.args.get("since", type=int)
    connection = modes.connection_of(account)
    watched, stage, obstacle, working = None, 0, None, None
    if connection:
        working = sources.WorkingSource(connection)
        found = check_runner.run_checks(account, connection, names=setup.TEST_CHECKS)
        found.sort(key=attrgetter("severity"))
        obstacle = next((check for check in found if check.is_failing), None)
    if connection and since is not None:
        begin = min(max(since, today - A_DAY), today)  # whatever somebody writes into the address
        watched = setup.TestRun(connection, datetime.fromtimestamp(begin, UTC))
        stage = watched.stage
        pace.mark_watched(connection)
    return render.page(
        "dashboard/test.html",
        "watch",
        also=("_announcer.html",) if request.args.get("stage", type=int) not in (None, stage) else (),
        connection=connection,
        switches=record.switches(account),
        watched=watched,
        since=since,
        working=working,
        obstacle=obstacle,
        announcement=f"Test: {setup.STAGES[stage].lower()}.",
    )


@blueprint.get("/audience")
@owner_required
def audience(account: Account) -> Response:
    """Customers by tier and segment, and what has been made for each."""
    connection, context = modes.connection_of(account), {}
    if connection:
        runs = sync.list_latest(connection)
        context |= {"run": next(iter(runs), None), "joined": _count_joined(connection, runs)}
        context["audiences"] = statistics.get_audiences(connection)
        context["scheduled_ends"] = statistics.scheduled_ends(connection)
        context["trend"] = statistics.get_trend(connection)
    return render.page(
        "audience/index.html",
        "audience",
        connection=connection,
        switches=record.switches(account),
        only_missing=request.args.get("show") == "missing",
        limit=None if "all" in request.args else AUDIENCES_SHOWN,
        **context,
    )


@blueprint.get("/help")
@owner_required
def help_page(account: Account) -> Response:
    connection = modes.connection_of(account)
    length = sync_interval(connection) if connection else timedelta(minutes=settings().sync_interval_minutes)
    return render.page("help/index.html", connection=connection, sync_length=length)
