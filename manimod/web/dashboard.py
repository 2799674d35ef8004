"""What the dashboard shows: where the setup stands, what has happened, and how quickly it became creatives."""

import time
import zlib
from dataclasses import dataclass
from datetime import UTC, date, datetime

from flask import Blueprint, Response, make_response, redirect, request, url_for

from manimod.creatives import review
from manimod.customers import statistics
from manimod.diagnostics import setup, sources
from manimod.extensions import db
from manimod.models import Account, Connection, Creative
from manimod.models.accounts import now
from manimod.models.states import SyncState
from manimod.moments import record
from manimod.stripe import connections
from manimod.web import render
from manimod.web.auth import owner_required
from manimod.web.labels import LABELS

DELAYS_SHOWN = 100
TIERS_SHOWN = 8
STOP_POLLING = 286  # htmx's own status
A_DAY = 86400

blueprint = Blueprint("dashboard", __name__)


@dataclass(frozen=True)
class Overview:
    """`connection` and `working` are None where the account isn't connected."""

    connection: Connection | None
    working: sources.WorkingSource | None
    sync_state: str  # "syncing", "never", "done" or "failed"
    creatives: dict[str, int]  # by status
    delays: list[float]  # seconds from Stripe's event to the queue, of the latest creatives, in order of size
    trend: list[tuple[date, dict[str, int]]]  # moments by kind for each of the last 30 days, today last
    tiers: list[tuple[str, int]]  # customers, the largest first, the smaller ones as one row
    segments: list[tuple[str, int]]  # customers
    steps: list[dict]

    @property
    def open_steps(self) -> list[dict]:
        return [step for step in self.steps if not step["done"]]

    @property
    def under_way(self) -> bool:
        """Whether the page will soon look different by itself."""
        return self.connection is not None and (self.sync_state == "syncing" or bool(self.open_steps))

    @property
    def fingerprint(self) -> str:
        """Changes with whatever the page shows, but not with the clock."""
        shown = [self.sync_state, self.creatives, self.trend, self.tiers, self.segments, self.steps]
        if self.working:
            shown.append(self.connection.last_error)
            for event in self.working.events[:1]:
                shown.append(event.stripe_id)
            for run in self.working.runs[:1]:
                shown += [run.state, run.customers, run.subscriptions]
        return f"{zlib.crc32(repr(shown).encode()):08x}"


def get_overview(account: Account) -> Overview:
    connection = connections.get_current(account)
    working, sync_state, sizes, trend = None, "never", [], []
    if connection:
        working = sources.working_source(connection)
        sizes = statistics.sizes(connection)
        trend = statistics.moments_by_day(connection)
        run = next(iter(working.runs), None)
        is_due = connection.next_sync_at is not None and connection.next_sync_at <= now()
        if is_due or (run and run.state == SyncState.RUNNING):
            sync_state = "syncing"
        elif run and run.finished_at:
            sync_state = run.state
    tiers = statistics.by_size([(tier, count) for tier, _, count in sizes])
    tiers = [(tier or "No subscription", count) for tier, count in tiers]
    others = tiers[TIERS_SHOWN:]
    if others:
        tiers = [*tiers[:TIERS_SHOWN], (f"{len(others)} more", sum(count for _, count in others))]
    by_segment = dict(statistics.by_size([(segment, count) for _, segment, count in sizes]))
    names = LABELS["SEGMENTS"] | {None: "Not ranked"}
    latest = review.latest(account, (Creative.occurred_at, Creative.generated_at), DELAYS_SHOWN)
    delays = sorted((generated - occurred).total_seconds() for occurred, generated in db.session.execute(latest))
    has_event = working is not None and bool(working.events)
    return Overview(
        connection=connection,
        working=working,
        sync_state=sync_state,
        creatives=review.counts(account),
        delays=delays,
        trend=trend,
        tiers=tiers,
        segments=[(name, by_segment[segment]) for segment, name in names.items() if by_segment.get(segment)],
        steps=setup.steps(account, connection, bool(sizes), has_event, bool(delays)),
    )


@blueprint.get("/")
@owner_required
def show(account: Account) -> Response:
    """The page; and for itself, while something is under way, what has changed since."""
    overview = get_overview(account)
    if render.wants_fragment() and request.args.get("seen") == overview.fingerprint:
        return make_response("", 204)
    done = len(overview.steps) - len(overview.open_steps)
    has_ticked = request.args.get("done", type=int) not in (None, done)
    return render.page(
        "dashboard/index.html",
        "overview",
        also=("_waiting_badge.html", "_announcer.html") if has_ticked else ("_waiting_badge.html",),
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
    if connections.get_current(account) is None:
        return make_response("", STOP_POLLING)
    count = review.counts(account)["waiting"]
    more = count - request.args.get("seen", 0, type=int)
    if not more:
        return make_response("", 204)
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
    today = int(time.time())
    if request.args.get("since") == "now":
        return redirect(url_for("dashboard.test", since=today))
    since = request.args.get("since", type=int)
    connection = connections.get_current(account)
    watched, stage = None, 0
    if connection and since is not None:
        begin = min(max(since, today - A_DAY), today)  # whatever somebody writes into the address
        watched = setup.watch_test(connection, datetime.fromtimestamp(begin, UTC))
        stage = watched.stage
    return render.page(
        "dashboard/test.html",
        "watch",
        also=("_announcer.html",) if request.args.get("stage", type=int) not in (None, stage) else (),
        account=account,
        connection=connection,
        switches=record.switches(account),
        watched=watched,
        since=since,
        announcement=f"Test: {setup.STAGES[stage].lower()}.",
    )


@blueprint.get("/help")
@owner_required
def help_page(account: Account) -> Response:
    return render.page("help/index.html", account=account)
