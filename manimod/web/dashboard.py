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
from manimod.lifecycle import KINDS
from manimod.models import Account, Connection, Creative, StripeEvent, SyncRun
from manimod.models.accounts import now
from manimod.moments import record
from manimod.stripe import connections
from manimod.web import render
from manimod.web.auth import owner_required
from manimod.web.labels import LABELS

DELAYS_LOOKED_AT = 100
TIERS_SHOWN = 8


@dataclass(frozen=True)
class Overview:
    """`connection` is None where the account isn't connected. Delays are seconds from Stripe's event to the queue."""

    connection: Connection | None
    creatives: dict[str, int]  # by status
    trend: list[tuple[date, dict[str, int]]]  # moments by kind for each of the last 30 days, today last
    tiers: list[tuple[str | None, int]]  # customers, the largest first; None: without a subscription
    segments: dict[str | None, int]  # customers
    last_event: StripeEvent | None
    source: str | None  # the quickest on which news arrives now: webhook, poll, sync
    run: SyncRun | None
    median_delay: float | None
    slowest_delay: float | None
    steps: list[setup.Step]

    @property
    def customers(self) -> int:
        return sum(count for _, count in self.tiers)

    @property
    def moments_by_kind(self) -> dict[str, int]:
        return {kind: sum(counts[kind] for _, counts in self.trend) for kind in KINDS}

    @property
    def open_steps(self) -> list[setup.Step]:
        return [step for step in self.steps if not step.done]

    @property
    def is_syncing(self) -> bool:
        if self.connection is None:
            return False
        is_due = self.connection.next_sync_at is not None and self.connection.next_sync_at <= now()
        return is_due or bool(self.run and self.run.state == "running")

    @property
    def sync_state(self) -> str:
        """`syncing`, `never`, `done` or `failed`."""
        if self.is_syncing:
            return "syncing"
        return self.run.state if self.run and self.run.finished_at else "never"

    @property
    def tier_rows(self) -> list[tuple[str, int]]:
        """The largest tiers by name, and the others as one row."""
        rows = [(tier or "No subscription", count) for tier, count in self.tiers[:TIERS_SHOWN]]
        others = self.tiers[TIERS_SHOWN:]
        if others:
            rows.append((f"{len(others)} more", sum(count for _, count in others)))
        return rows

    @property
    def segment_rows(self) -> list[tuple[str, int]]:
        """Customers by segment, those without one last."""
        names = LABELS["SEGMENTS"] | {None: "Not ranked"}
        return [(name, self.segments[segment]) for segment, name in names.items() if self.segments.get(segment)]

    @property
    def under_way(self) -> bool:
        """Whether the page will soon look different by itself."""
        return self.connection is not None and (self.is_syncing or bool(self.open_steps))

    @property
    def fingerprint(self) -> str:
        """Changes with whatever the page shows, but not with the clock."""
        run = (self.run.state, self.run.customers, self.run.subscriptions) if self.run else None
        event = self.last_event and self.last_event.stripe_id
        trouble = self.connection and self.connection.last_error
        shown = (self.creatives, self.trend, self.tiers, self.segments, self.steps, run, event, trouble)
        return f"{zlib.crc32(repr(shown).encode()):08x}"


def get_overview(account: Account) -> Overview:
    connection = connections.get_current(account)
    creatives = review.counts(account)
    sizes = statistics.sizes(connection) if connection else []
    delays = _delays(account)
    working = sources.working_source(connection) if connection else None
    last_event = next(iter(working.events), None) if working else None
    return Overview(
        connection=connection,
        creatives=creatives,
        trend=statistics.moments_by_day(connection) if connection else [],
        tiers=statistics.by_size([(tier, count) for tier, _, count in sizes]),
        segments=dict(statistics.by_size([(segment, count) for _, segment, count in sizes])),
        last_event=last_event,
        source=working.name if working else None,
        run=next(iter(working.runs), None) if working else None,
        median_delay=delays[len(delays) // 2] if delays else None,
        slowest_delay=delays[-1] if delays else None,
        steps=setup.steps(account, connection, bool(sizes), last_event is not None, bool(delays)),
    )


def _delays(account: Account) -> list[float]:
    """Seconds from Stripe's event to the queue of the latest creatives, in order of size."""
    query = review.latest(account, (Creative.occurred_at, Creative.generated_at), DELAYS_LOOKED_AT)
    return sorted((generated - occurred).total_seconds() for occurred, generated in db.session.execute(query))


blueprint = Blueprint("dashboard", __name__)

STOP_POLLING = 286  # htmx's own status


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
    if connections.get_current(account) is None:
        return make_response("", STOP_POLLING)
    seen, count = request.args.get("seen", 0, type=int), review.counts(account)["waiting"]
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
    connection = connections.get_current(account)
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
        switches=record.switches(account),
        watched=watched,
        since=since,
        announcement=f"Test: {setup.STAGES[stage].lower()}.",
    )


@blueprint.get("/help")
@owner_required
def help_page(account: Account) -> Response:
    return render.page("help/index.html", account=account)


def _moment_of(seconds: int) -> datetime:
    """An address that somebody made up begins now at the latest and a day ago at the earliest."""
    today = int(time.time())
    return datetime.fromtimestamp(min(max(seconds, today - 86400), today), UTC)
