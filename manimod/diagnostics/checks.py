"""The judgements behind "why is nothing happening?": one method for each row of checks.toml, which has the sentences.

`broken`: something that worked, or should work, does not. `attention`: somebody should look or decide.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import func, not_, select

from manimod import jobs
from manimod.creatives import brand_kit, review
from manimod.customers import statistics, tiers
from manimod.customers.pace import every, within
from manimod.diagnostics import metrics, sources
from manimod.diagnostics.metrics import constant
from manimod.diagnostics.setup import PROMISE
from manimod.diagnostics.sources import MIN_EVENTS, SourceState
from manimod.extensions import db
from manimod.models import Account, AudienceDay, Connection, Creative, Moment, RejectedDelivery
from manimod.models.accounts import is_future, is_recent, now
from manimod.models.states import EventState, GenericReason, MomentState, Outcome, Source, SyncState
from manimod.moments import record
from manimod.stripe import connections, gateway
from manimod.stripe.gateway import PERMISSIONS, restricted_key_link

MAX_CREATIVES = 100
DAY = timedelta(days=1)
STRIPE_ERROR_GRACE = timedelta(minutes=15)
LATE_JOB, LOST_JOB = timedelta(seconds=60), timedelta(minutes=5)
MAX_GENERIC_SHARE, MIN_CREATIVES = 0.2, 5
NOT_OURS = "the event is about another "  # how ingest/events.py says whose or what an event is that it ignores
SHOWN_FOR, MAX_REASONS = timedelta(days=7), 5


@dataclass(frozen=True)
class CheckResult:
    """`evidence` is what was seen, `seen_at` when. `says` names the sentence if it is not the outcome's."""

    outcome: Outcome
    evidence: str = ""
    seen_at: datetime | None = None
    says: str | None = None
    slots: dict[str, str] = field(default_factory=dict)


# A result with each outcome.
good = partial(CheckResult, Outcome.GOOD)
attention = partial(CheckResult, Outcome.ATTENTION)
broken = partial(CheckResult, Outcome.BROKEN)
not_applicable = partial(CheckResult, Outcome.NOT_APPLICABLE)


def good_if(
    condition: object, otherwise: Callable[..., CheckResult], evidence: str = "", seen_at: datetime | None = None
) -> CheckResult:
    judge = good if condition else otherwise
    return judge(evidence, seen_at)


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


class Checks:
    """What several checks look at, read once; then a method for each row of checks.toml.

    Without an account, those of the whole installation. `connection` is None while it is not connected.
    """

    def __init__(self, account: Account | None = None, connection: Connection | None = None) -> None:
        self.account, self.connection, self.heartbeats = account, connection, jobs.Heartbeats()
        self.words = {"key_link": restricted_key_link()}  # what every sentence of checks.toml may hold in braces
        if self.connection:
            self._read_connection(self.connection)

    def _read_connection(self, connection: Connection) -> None:
        self.words["webhooks_page"] = connections.dashboard_link(connection, "webhooks")
        self.words["customers_page"] = connections.dashboard_link(connection, "customers")
        self.words["key_page"] = connection.key_edit_link or connections.dashboard_link(connection, "apikeys")
        self.words |= {"error": "", "mode": "test", "other_mode": "live"}
        if connection.last_error:
            self.words["error"] = connections.explain_last_error(connection)
        if connection.livemode:
            self.words |= {"mode": "live", "other_mode": "test"}
        self.sources = sources.WorkingSource(connection)
        pace = self.sources.pace
        self.words |= {"poll": every(pace.poll()), "sync": every(self.sources.sync_interval)}
        self.words |= {"found": within(pace.until_creative()), "reads": f"{pace.reads:,}"}
        self.words["allowance"] = f"{pace.allowance:,}"
        self.synced_at = next((run.finished_at for run in self.sources.runs if run.state == SyncState.DONE), None)
        # When Stripe was last read without an error.
        self.read_at = max(filter(None, (self.synced_at, connection.polled_at, connection.connected_at)))
        # The latest rejection of the last day by reason, unless a delivery was accepted since.
        after = max(now() - DAY, self.sources.delivered_at or now() - DAY)
        rejected = select(RejectedDelivery).where(RejectedDelivery.connection_id == connection.id)
        rejected = rejected.where(RejectedDelivery.last_at > after, not_(is_future(RejectedDelivery.last_at)))
        rejected = rejected.order_by(RejectedDelivery.last_at)
        self.rejections = {row.code: row for row in db.session.scalars(rejected)}
        columns = (Creative.is_generic, Creative.generic_reason, Creative.received_at, Creative.generated_at)
        latest = review.latest(self.account, not connection.livemode, columns, MAX_CREATIVES)
        self.creatives = db.session.execute(latest).all()

    def check_plan(self) -> CheckResult:
        evidence = f"{self.account.plan.capitalize()} plan"
        if self.account.may_connect_stripe:
            return good(evidence)
        return broken(evidence) if self.connection else attention(evidence)

    def check_connection(self) -> CheckResult:
        if self.connection is None:
            return attention()
        name = self.connection.stripe_account_name or self.connection.stripe_account_id or "Stripe"
        return good(f"{name}, {self.words['mode']} mode", self.connection.connected_at)

    def check_key(self) -> CheckResult:
        code = self.connection.last_error or ""
        if code.startswith(("STRIPE_KEY_", "KEY_")):
            return broken(code, self.connection.failing_since)
        return good(f"{self.connection.key_type}_…", self.read_at)

    def check_stripe(self) -> CheckResult:
        code, since = self.connection.last_error, self.connection.failing_since
        if code in (None, "STRIPE_PERMISSION_MISSING"):
            return good(seen_at=self.read_at)
        if since and not is_recent(since, STRIPE_ERROR_GRACE):
            return broken(code, since)
        return attention(code, since)

    def check_permission(self, name: str) -> CheckResult:
        wanted = PERMISSIONS[name]
        slots = {"label": wanted.label, "adds": wanted.adds}
        if name in self.connection.not_asked:
            return not_applicable(slots=slots, says="not_asked")
        if self.connection.permissions.get(name):
            return good(seen_at=self.read_at, slots=slots)
        if not wanted.required:
            return not_applicable(slots=slots)
        return broken(wanted.scope, self.connection.failing_since, slots=slots)

    def check_events_chosen(self) -> CheckResult:
        switches = record.switches(self.account)
        chosen = sum(switches.values())
        return good_if(chosen, attention, f"{chosen} of {len(switches)} switched on")

    def check_mode(self) -> CheckResult:
        others, latest = self.sources.other_mode_events, self.sources.events[:1]
        if others and others[0] in latest:
            return broken(f"{len(others)} of the last {len(self.sources.events)} events", others[0].received_at)
        return good(f"{self.words['mode']} mode")

    def check_fast_source(self) -> CheckResult:
        states = self.sources.states
        return good_if({states[Source.WEBHOOK], states[Source.POLL]} != {SourceState.NOT_READY}, attention)

    def check_signature(self) -> CheckResult:
        code, sentence, otherwise = "WEBHOOK_BAD_SIGNATURE", None, good(seen_at=self.sources.delivered_at)
        if self.sources.states[Source.WEBHOOK] == SourceState.NOT_READY:
            code, sentence, otherwise = "WEBHOOK_NO_SECRET", "no_secret", not_applicable()
        rejected, set_at = self.rejections.get(code), self.connection.signing_secret_set_at
        if rejected is None or (set_at and rejected.last_at < set_at and not is_future(set_at)):
            return otherwise
        return broken(f"{rejected.count:,} rejected in the last hour they came", rejected.last_at, says=sentence)

    def check_clock(self) -> CheckResult:
        stale = self.rejections.get("WEBHOOK_STALE")
        if stale is None:
            return good(seen_at=self.sources.delivered_at)
        skew = stale.clock_skew_seconds or 0
        direction = "ahead of" if skew > 0 else "behind"
        return broken(f"{abs(skew):,} seconds {direction} Stripe", stale.last_at)

    def check_webhook(self) -> CheckResult:
        delivered_at = self.sources.delivered_at
        if self.sources.states[Source.WEBHOOK] == SourceState.FAILS:
            return broken(f"Looked at the latest {MIN_EVENTS}", delivered_at)
        return good_if(delivered_at, attention, seen_at=delivered_at)

    def check_poll(self) -> CheckResult:
        return good_if(self.sources.works(Source.POLL), broken, seen_at=self.connection.polled_at)

    def check_payload_style(self) -> CheckResult:
        """Thin events of invoices need a permission of their own."""
        style, unread = self.sources.payload_style, []
        if style is None:
            return not_applicable()
        for event in self.sources.events:
            if event.reason and event.reason.startswith(gateway.NO_PERMISSION):
                unread.append(event)
        if style == "thin" and unread:
            return attention(_count(len(unread), "event"), unread[0].received_at, slots={"reason": unread[0].reason})
        return good(says=style)

    def check_own_events(self) -> CheckResult:
        reasons, newest_at = Counter(), None
        for event in self.sources.events:  # newest first
            if event.reason and event.reason.startswith(NOT_OURS) and event.received_at > now() - SHOWN_FOR:
                reasons[event.reason] += 1
                newest_at = newest_at or event.received_at
        if not reasons:
            return good()
        listed = [f"{_count(count, 'event')}: {reason}" for reason, count in reasons.most_common(MAX_REASONS)]
        evidence = f"{_count(reasons.total(), 'event')} of the latest {len(self.sources.events):,}"
        return attention(evidence, newest_at, slots={"reasons": "; ".join(listed)})

    def check_reads(self) -> CheckResult:
        if not self.connection.livemode:
            return good(says="test_mode")
        return good_if(not self.sources.pace.is_spent, attention)

    def check_failed_events(self) -> CheckResult:
        count = metrics.count_events(EventState.FAILED, self.connection)
        if count:
            return broken(_count(count, "event"))
        return good()

    def check_sync(self) -> CheckResult:
        return good_if(self.sources.works(Source.SYNC), broken, seen_at=self.synced_at)

    def check_customers(self) -> CheckResult:
        if self.synced_at is None:
            return not_applicable()
        query = select(func.sum(AudienceDay.customers)).where(statistics.is_latest(self.connection.id))
        count = db.session.scalar(query) or 0
        return good_if(count, attention, _count(count, "customer"), self.synced_at)

    def check_promise(self) -> CheckResult:
        """Counts from the arrival at mani: the delay before that is each source's own."""
        since = now() - DAY
        delays = [row.generated_at - row.received_at for row in self.creatives if row.generated_at > since]
        slowest = max(delays, default=timedelta())
        evidence = f"{slowest.total_seconds():,.1f} seconds was the slowest of the last {len(delays)}"
        return good_if(slowest < PROMISE, attention, evidence)

    def check_blocked(self) -> CheckResult:
        query = select(func.count(), func.min(Moment.reason)).where(Moment.connection_id == self.connection.id)
        count, reason = db.session.execute(query.where(Moment.state == constant(MomentState.BLOCKED))).one()
        if count:
            return broken(_count(count, "moment"), slots={"reason": reason})
        return good()

    def check_tiers(self) -> CheckResult:
        found = tiers.get_for_connection(self.connection)
        unnamed = [tier for tier in found if not tier.product_name and not tier.name]
        unprintable = brand_kit.unprintable_tiers(self.connection, found)
        if not unnamed and not unprintable:
            return good(_count(len(found), "tier"))
        evidence = f"{len(unnamed) + len(unprintable)} of {len(found)} tiers"
        if unnamed:
            return attention(evidence)
        return attention(evidence, says="unprintable", slots={"reason": next(iter(unprintable.values()))})

    def check_generic(self) -> CheckResult:
        reasons = Counter(creative.generic_reason for creative in self.creatives if creative.is_generic)
        count, total = reasons.total(), len(self.creatives)
        without = reasons[GenericReason.NO_SUBSCRIPTION]
        evidence = f"{count} of {total} are generic"
        if total >= MIN_CREATIVES and (count - without) / total >= MAX_GENERIC_SHARE:
            return attention(evidence)
        return good(evidence, says="no_subscription" if without else None)

    def check_redis(self) -> CheckResult:
        return good_if(self.heartbeats.workers, broken, self.heartbeats.server)

    def check_worker(self, queue: str = jobs.FAST) -> CheckResult:
        count = self.heartbeats.workers[queue]
        return good_if(count, broken, f"{count} running")

    def check_sync_worker(self) -> CheckResult:
        return self.check_worker(jobs.SLOW)

    def check_scheduler(self) -> CheckResult:
        return good_if(self.heartbeats.scheduler_at, broken, seen_at=self.heartbeats.scheduler_at)

    def check_job_backlog(self) -> CheckResult:
        since = metrics.oldest_waiting_at(self.connection)
        if since is None or is_recent(since, LATE_JOB):
            return good()
        if is_recent(since, LOST_JOB):
            return attention(seen_at=since)
        return broken(seen_at=since)
