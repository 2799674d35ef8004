"""The judgements behind "why is nothing happening?": one function for each row of checks.toml, which has the sentences.

`broken`: something that worked, or should work, does not. `attention`: somebody should look or decide.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import func, select

from manimod.creatives import brand_kit
from manimod.customers import tiers as customer_tiers
from manimod.diagnostics import metrics
from manimod.diagnostics.check_context import DAY, CheckContext
from manimod.diagnostics.metrics import constant
from manimod.diagnostics.setup import PROMISE
from manimod.diagnostics.sources import MIN_EVENTS, SourceState
from manimod.extensions import db
from manimod.jobs import FAST, SLOW
from manimod.models import AudienceSize, Moment, RejectedDelivery
from manimod.models.accounts import now
from manimod.models.states import EventState, MomentState, Outcome, SyncState
from manimod.moments import record
from manimod.stripe.gateway import PERMISSIONS

STRIPE_ERROR_GRACE = timedelta(minutes=15)
LATE_JOB, LOST_JOB = timedelta(seconds=60), timedelta(minutes=5)
MIN_REDELIVERIES, MIN_REDELIVERED_EVENTS = 2, 5
MAX_GENERIC_SHARE, MIN_CREATIVES = 0.2, 5


@dataclass(frozen=True)
class CheckResult:
    """`evidence` is what was seen, `seen_at` when. `says` names the sentence if it is not the outcome's."""

    outcome: Outcome
    evidence: str = ""
    seen_at: datetime | None = None
    says: str | None = None
    slots: dict[str, str] = field(default_factory=dict)


good = partial(CheckResult, Outcome.GOOD)
attention = partial(CheckResult, Outcome.ATTENTION)
broken = partial(CheckResult, Outcome.BROKEN)
not_applicable = partial(CheckResult, Outcome.NOT_APPLICABLE)


def good_if(
    condition: object, otherwise: Callable[..., CheckResult], evidence: str = "", seen_at: datetime | None = None
) -> CheckResult:
    return (good if condition else otherwise)(evidence, seen_at)


def plan(context: CheckContext) -> CheckResult:
    otherwise = broken if context.connection else attention
    return good_if(context.account.may_connect_stripe, otherwise, f"{context.account.plan.capitalize()} plan")


def connection(context: CheckContext) -> CheckResult:
    if context.connection is None:
        return attention()
    name = context.connection.stripe_account_name or context.connection.stripe_account_id or "Stripe"
    return good(f"{name}, {context.mode} mode", context.connection.connected_at)


def key(context: CheckContext) -> CheckResult:
    code = context.connection.last_error or ""
    if code.startswith(("STRIPE_KEY_", "KEY_")):
        return broken(code, context.connection.failing_since)
    return good(f"{context.connection.key_type}_…", context.read_at)


def stripe(context: CheckContext) -> CheckResult:
    code, since = context.connection.last_error, context.connection.failing_since
    if code in (None, "STRIPE_PERMISSION_MISSING"):
        return good(seen_at=context.read_at)
    is_lasting = since and now() - since > STRIPE_ERROR_GRACE
    return (broken if is_lasting else attention)(code, since)


def permission(name: str, context: CheckContext) -> CheckResult:
    wanted = PERMISSIONS[name]
    slots = {"label": wanted.label, "adds": wanted.adds}
    if context.connection.permissions.get(name):
        return good(seen_at=context.read_at, slots=slots)
    if not wanted.required:
        return not_applicable(slots=slots)
    return broken(wanted.scope, context.connection.failing_since, slots=slots)


def events_chosen(context: CheckContext) -> CheckResult:
    switches = record.switches(context.account)
    chosen = sum(switches.values())
    return good_if(chosen, attention, f"{chosen} of {len(switches)} switched on")


def mode(context: CheckContext) -> CheckResult:
    events = context.sources.events
    others = [event for event in events if event.livemode != context.connection.livemode]
    if not others:
        return good(f"{context.mode} mode")
    evidence = f"{len(others)} of the last {len(events)} events"
    if events[0] is others[0]:
        return broken(evidence, others[0].received_at)
    return good(evidence, others[0].received_at, says="some_ignored")


def fast_source(context: CheckContext) -> CheckResult:
    return good_if({context.sources.webhook.state, context.sources.poll.state} != {SourceState.NOT_READY}, attention)


def signature(context: CheckContext) -> CheckResult:
    unset, wrong = context.rejections.get("WEBHOOK_NO_SECRET"), context.rejections.get("WEBHOOK_BAD_SIGNATURE")
    set_at = context.connection.signing_secret_set_at
    if context.sources.webhook.state == SourceState.NOT_READY:
        return broken(_times(unset), unset.last_at, says="no_secret") if unset else not_applicable()
    if wrong is None or (set_at and wrong.last_at < set_at):
        return good(seen_at=context.sources.delivered_at)
    return broken(_times(wrong), wrong.last_at)


def clock(context: CheckContext) -> CheckResult:
    stale = context.rejections.get("WEBHOOK_STALE")
    if stale is None:
        return good(seen_at=context.sources.delivered_at)
    skew = stale.clock_skew_seconds or 0
    return broken(f"{abs(skew):,} seconds {'ahead of' if skew > 0 else 'behind'} Stripe", stale.last_at)


def webhook(context: CheckContext) -> CheckResult:
    delivered_at = context.sources.delivered_at
    if context.sources.webhook.state == SourceState.FAILS:
        return broken(f"Looked at the latest {MIN_EVENTS}", delivered_at)
    return good_if(delivered_at, attention, seen_at=delivered_at)


def redeliveries(context: CheckContext) -> CheckResult:
    times = []
    for event in context.sources.events:
        if event.repeats >= MIN_REDELIVERIES and event.repeated_at > now() - DAY:
            times.append(event.repeated_at)
    return good() if len(times) < MIN_REDELIVERED_EVENTS else attention(_count(len(times), "event"), max(times))


def poll(context: CheckContext) -> CheckResult:
    polled_at = context.connection.polled_at
    if context.sources.poll.works and polled_at is None:
        return good(says="first")
    return good_if(context.sources.poll.works, broken, seen_at=polled_at)


def failed_events(context: CheckContext) -> CheckResult:
    count = metrics.count_events(EventState.FAILED, context.connection)
    return broken(_count(count, "event")) if count else good()


def sync(context: CheckContext) -> CheckResult:
    if not context.sources.sync.works:
        return broken(seen_at=context.synced_at)
    latest = next(iter(context.sources.runs), None)
    if latest and latest.state == SyncState.RUNNING:
        return good(f"{latest.customers:,} so far", latest.started_at, says="running")
    return good(seen_at=context.synced_at) if context.synced_at else good(says="first")


def customers(context: CheckContext) -> CheckResult:
    if context.synced_at is None:
        return not_applicable()
    query = select(func.sum(AudienceSize.customers)).where(AudienceSize.connection_id == context.connection.id)
    count = db.session.scalar(query) or 0
    return good_if(count, attention, _count(count, "customer"), context.synced_at)


def promise(context: CheckContext) -> CheckResult:
    """Counts from the arrival at mani: the delay before that is each source's own."""
    since = now() - DAY
    delays = [row.generated_at - row.received_at for row in context.creatives if row.generated_at > since]
    if not delays:
        return good(says="none_due")
    slowest = max(*delays, timedelta())
    evidence = f"{slowest.total_seconds():,.1f} seconds was the slowest of the last {len(delays)}"
    return good_if(slowest < PROMISE, attention, evidence)


def blocked(context: CheckContext) -> CheckResult:
    query = select(func.count(), func.min(Moment.reason)).where(Moment.connection_id == context.connection.id)
    count, reason = db.session.execute(query.where(Moment.state == constant(MomentState.BLOCKED))).one()
    return broken(_count(count, "moment"), slots={"reason": reason}) if count else good()


def tiers(context: CheckContext) -> CheckResult:
    found = customer_tiers.get_for_connection(context.connection)
    unnamed = [tier for tier in found if not tier.name]
    unprintable = brand_kit.unprintable_tiers(context.connection, found)
    if not unnamed and not unprintable:
        return good(_count(len(found), "tier"))
    evidence = f"{len(unnamed) + len(unprintable)} of {len(found)} tiers"
    if unnamed:
        return attention(evidence)
    return attention(evidence, says="unprintable", slots={"reason": next(iter(unprintable.values()))})


def generic(context: CheckContext) -> CheckResult:
    count, total = sum(creative.is_generic for creative in context.creatives), len(context.creatives)
    is_rare = total < MIN_CREATIVES or count / total < MAX_GENERIC_SHARE
    return good_if(is_rare, attention, f"{count} of {total} are generic")


def redis(context: CheckContext) -> CheckResult:
    return good_if(context.heartbeats.redis_answers, broken)


def worker(context: CheckContext, queue: str = FAST) -> CheckResult:
    count = context.heartbeats.workers[queue]
    return good_if(count, broken, f"{count} running")


def sync_worker(context: CheckContext) -> CheckResult:
    return worker(context, SLOW)


def scheduler(context: CheckContext) -> CheckResult:
    return good_if(context.heartbeats.scheduler_at, broken, seen_at=context.heartbeats.scheduler_at)


def job_backlog(context: CheckContext) -> CheckResult:
    since = metrics.oldest_waiting_at(context.connection)
    if since is None or now() - since < LATE_JOB:
        return good()
    return (broken if now() - since > LOST_JOB else attention)(seen_at=since)


def _times(rejected: RejectedDelivery) -> str:
    return f"{rejected.count:,} rejected in the last hour they came"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
