"""The judgements behind "why is nothing happening?": one function for each check of checks.toml.

A result is `broken` where something that worked, or should work, does not; `attention` where somebody should look or
decide.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from manimod.diagnostics.check_context import DAY, CheckContext
from manimod.diagnostics.setup import PROMISE
from manimod.diagnostics.sources import MIN_EVENTS, SourceState
from manimod.jobs import FAST, SLOW
from manimod.models import RejectedDelivery
from manimod.models.accounts import now
from manimod.models.states import Outcome, SyncState
from manimod.stripe import connections
from manimod.stripe.gateway import PERMISSIONS

STRIPE_ERROR_GRACE = timedelta(minutes=15)
LATE_JOB, LOST_JOB = timedelta(seconds=60), timedelta(minutes=5)
MIN_REDELIVERIES, MIN_REDELIVERED_EVENTS = 2, 5
MAX_GENERIC_SHARE, MIN_CREATIVES = 0.2, 5


@dataclass(frozen=True)
class CheckResult:
    """`meaning` is a sentence for people, `evidence` is what was seen, `seen_at` when."""

    outcome: Outcome
    meaning: str
    evidence: str = ""
    seen_at: datetime | None = None


def plan(context: CheckContext) -> CheckResult:
    evidence = f"{context.account.plan.capitalize()} plan"
    if context.account.may_connect_stripe:
        return CheckResult(Outcome.GOOD, "The plan includes Stripe.", evidence)
    if context.connection:
        meaning = "This plan doesn't include Stripe: events are ignored until the account is on Pro or Scale again."
        return CheckResult(Outcome.BROKEN, meaning, evidence)
    return CheckResult(Outcome.ATTENTION, "Stripe is part of the Pro and Scale plans.", evidence)


def connection(context: CheckContext) -> CheckResult:
    if context.connection is None:
        return CheckResult(Outcome.ATTENTION, "No Stripe account is connected, so nothing can happen yet.")
    name = context.connection.stripe_account_name or context.connection.stripe_account_id or "Stripe"
    evidence = f"{name}, {context.mode} mode"
    return CheckResult(Outcome.GOOD, "The account is connected.", evidence, context.connection.connected_at)


def key(context: CheckContext) -> CheckResult:
    code = context.connection.last_error or ""
    if code.startswith(("STRIPE_KEY_", "KEY_")):
        meaning = connections.explain_last_error(context.connection)
        return CheckResult(Outcome.BROKEN, meaning, code, context.connection.failing_since)
    return CheckResult(Outcome.GOOD, "Stripe accepts the key.", f"{context.connection.key_type}_…", context.read_at)


def stripe(context: CheckContext) -> CheckResult:
    code, since = context.connection.last_error, context.connection.failing_since
    if code in (None, "STRIPE_PERMISSION_MISSING"):
        return CheckResult(Outcome.GOOD, "Stripe answers mani's requests.", seen_at=context.read_at)
    is_lasting = since is not None and now() - since > STRIPE_ERROR_GRACE
    outcome = Outcome.BROKEN if is_lasting else Outcome.ATTENTION
    return CheckResult(outcome, connections.explain_last_error(context.connection), code, since)


def permission(name: str, context: CheckContext) -> CheckResult:
    wanted = PERMISSIONS[name]
    if context.connection.permissions.get(name):
        return CheckResult(Outcome.GOOD, f"The key may read this. It adds {wanted.adds}.", seen_at=context.read_at)
    if not wanted.required:
        return CheckResult(Outcome.NOT_APPLICABLE, f"The key may not read this. It would add {wanted.adds}.")
    meaning = f"The key has lost “{wanted.label}”. mani needs it for {wanted.adds}."
    return CheckResult(Outcome.BROKEN, meaning, wanted.scope, context.connection.failing_since)


def events_chosen(context: CheckContext) -> CheckResult:
    chosen = sum(context.switches.values())
    evidence = f"{chosen} of {len(context.switches)} switched on"
    if chosen:
        return CheckResult(Outcome.GOOD, "mani writes ads for the events that are switched on.", evidence)
    return CheckResult(Outcome.ATTENTION, "Every event is switched off, so no ads are written.", evidence)


def mode(context: CheckContext) -> CheckResult:
    others = [event for event in context.sources.events if event.livemode != context.connection.livemode]
    if not others:
        return CheckResult(Outcome.GOOD, "Events arrive in the key's mode.", f"{context.mode} mode")
    evidence = f"{len(others)} of the last {len(context.sources.events)} events"
    if context.sources.events[0] is not others[0]:
        meaning = f"Some {context.other_mode}-mode events were ignored. The latest one is in {context.mode} mode."
        return CheckResult(Outcome.GOOD, meaning, evidence, others[0].received_at)
    meaning = f"The latest event is a {context.other_mode}-mode event, but the key is a {context.mode}-mode key, "
    return CheckResult(Outcome.BROKEN, meaning + "so it was ignored.", evidence, others[0].received_at)


def fast_source(context: CheckContext) -> CheckResult:
    if context.sources.webhook.is_ready or context.sources.poll.is_ready:
        return CheckResult(
            Outcome.GOOD, "Events arrive by webhook within seconds, or by the event check within a minute."
        )
    meaning = "Without a webhook, and with a key that may not read events, events wait for the hourly sync."
    return CheckResult(Outcome.ATTENTION, meaning)


def signature(context: CheckContext) -> CheckResult:
    unset, wrong = context.rejections.get("WEBHOOK_NO_SECRET"), context.rejections.get("WEBHOOK_BAD_SIGNATURE")
    set_at = context.connection.signing_secret_set_at
    if not context.sources.webhook.is_ready:
        if unset is None:
            return CheckResult(Outcome.NOT_APPLICABLE, "No webhook is set up.")
        meaning = "Stripe delivers to mani's endpoint, but mani has no signing secret to verify it with."
        return CheckResult(Outcome.BROKEN, meaning, _times(unset), unset.last_at)
    if wrong is None or (set_at and wrong.last_at < set_at):
        return CheckResult(Outcome.GOOD, "Deliveries carry the right signature.", seen_at=context.delivered_at)
    meaning = "Deliveries are rejected: they are signed with another secret than the one in mani."
    return CheckResult(Outcome.BROKEN, meaning, _times(wrong), wrong.last_at)


def clock(context: CheckContext) -> CheckResult:
    stale = context.rejections.get("WEBHOOK_STALE")
    if stale is None:
        return CheckResult(Outcome.GOOD, "Stripe's clock and mani's agree.", seen_at=context.delivered_at)
    skew = stale.clock_skew_seconds or 0
    meaning = (
        "Deliveries are rejected: their time is more than five minutes from mani's. Either somebody resends old "
        "deliveries, or the clock of mani's server is wrong."
    )
    evidence = f"{abs(skew):,} seconds {'ahead of' if skew > 0 else 'behind'} Stripe"
    return CheckResult(Outcome.BROKEN, meaning, evidence, stale.last_at)


def webhook(context: CheckContext) -> CheckResult:
    if context.sources.webhook.state == SourceState.FAILS:
        meaning = "The latest events had to be fetched from Stripe: they were not delivered to mani's endpoint."
        return CheckResult(Outcome.BROKEN, meaning, f"Looked at the latest {MIN_EVENTS}", context.delivered_at)
    if context.delivered_at is None:
        return CheckResult(Outcome.ATTENTION, "The webhook is set up, but nothing has been delivered yet.")
    return CheckResult(Outcome.GOOD, "Stripe delivers to mani's endpoint.", seen_at=context.delivered_at)


def redeliveries(context: CheckContext) -> CheckResult:
    repeated = [event for event in context.sources.events if event.repeats >= MIN_REDELIVERIES]
    often = [event for event in repeated if event.repeated_at > now() - DAY]
    if len(often) < MIN_REDELIVERED_EVENTS:
        return CheckResult(Outcome.GOOD, "Stripe rarely has to deliver an event twice.")
    meaning = "Stripe delivers the same events repeatedly, as if it didn't get mani's answers. Each counts once."
    last_at = max(event.repeated_at for event in often)
    return CheckResult(Outcome.ATTENTION, meaning, _count(len(often), "event"), last_at)


def poll(context: CheckContext) -> CheckResult:
    polled_at = context.connection.polled_at
    if not context.sources.poll.works:
        meaning = "Stripe's events should be read every minute, but were not."
        return CheckResult(Outcome.BROKEN, meaning, seen_at=polled_at)
    if polled_at is None:
        return CheckResult(Outcome.GOOD, "The first check of Stripe's events is about to start.")
    return CheckResult(Outcome.GOOD, "mani reads Stripe's events every minute.", seen_at=polled_at)


def failed_events(context: CheckContext) -> CheckResult:
    if not context.failed_events:
        return CheckResult(Outcome.GOOD, "All events could be processed.")
    meaning = "mani gave up on some events after five attempts. They can be replayed."
    return CheckResult(Outcome.BROKEN, meaning, _count(context.failed_events, "event"))


def sync(context: CheckContext) -> CheckResult:
    latest = next(iter(context.sources.runs), None)
    if not context.sources.sync.works:
        meaning = "Customers should be read every hour, but were not."
        return CheckResult(Outcome.BROKEN, meaning, seen_at=context.synced_at)
    if latest and latest.state == SyncState.RUNNING:
        evidence = f"{latest.customers:,} so far"
        return CheckResult(Outcome.GOOD, "Customers are being read from Stripe now.", evidence, latest.started_at)
    if context.synced_at is None:
        return CheckResult(Outcome.GOOD, "The first sync is about to start.")
    return CheckResult(Outcome.GOOD, "Customers are read from Stripe every hour.", seen_at=context.synced_at)


def customers(context: CheckContext) -> CheckResult:
    if context.synced_at is None:
        return CheckResult(Outcome.NOT_APPLICABLE, "Customers are counted once the first sync is done.")
    evidence = _count(context.customers, "customer")
    if context.customers:
        return CheckResult(Outcome.GOOD, "mani knows your customers.", evidence, context.synced_at)
    meaning = f"Stripe lists no customers in {context.mode} mode."
    return CheckResult(Outcome.ATTENTION, meaning, evidence, context.synced_at)


def promise(context: CheckContext) -> CheckResult:
    """Counts from the arrival at mani: the delay before that is each source's own."""
    since = now() - DAY
    delays = [row.generated_at - row.received_at for row in context.creatives if row.generated_at > since]
    if not delays:
        return CheckResult(Outcome.GOOD, "No ads were due in the last day.")
    slowest = max(delays)
    evidence = f"{max(slowest.total_seconds(), 0):,.1f} seconds was the slowest of the last {len(delays)}"
    if slowest < PROMISE:
        return CheckResult(Outcome.GOOD, "Ads were in the queue within five minutes.", evidence)
    return CheckResult(Outcome.ATTENTION, "Some ads came later than the promised five minutes.", evidence)


def blocked(context: CheckContext) -> CheckResult:
    moments = context.blocked_moments
    if not moments.count:
        return CheckResult(Outcome.GOOD, "No ads wait for a change of the brand kit.")
    meaning = f"mani found no words that the platforms allow: {moments.reason}"
    return CheckResult(Outcome.BROKEN, meaning, _count(moments.count, "moment"))


def tiers(context: CheckContext) -> CheckResult:
    unnamed = [tier for tier in context.tiers if not tier.name]
    bad = len(unnamed) + len(context.unprintable)
    if not bad:
        return CheckResult(Outcome.GOOD, "Ads can name every tier.", _count(len(context.tiers), "tier"))
    problem = "has no name"
    if not unnamed:
        problem = f"has a name that no ad may print: {next(iter(context.unprintable.values()))}"
    evidence = f"{bad} of {len(context.tiers)} tiers"
    return CheckResult(Outcome.ATTENTION, f"A tier {problem}. Its ads stay generic.", evidence)


def generic(context: CheckContext) -> CheckResult:
    count, total = sum(creative.is_generic for creative in context.creatives), len(context.creatives)
    evidence = f"{count} of {total} are generic"
    if total < MIN_CREATIVES or count / total < MAX_GENERIC_SHARE:
        return CheckResult(Outcome.GOOD, "Ads name the tier and fit the value segment.", evidence)
    meaning = "Many ads are generic, because the customer's tier or segment wasn't known. "
    return CheckResult(Outcome.ATTENTION, meaning + "Verify that Stripe data is syncing.", evidence)


def redis(context: CheckContext) -> CheckResult:
    if context.heartbeats.redis_answers:
        return CheckResult(Outcome.GOOD, "The job server (Redis or Valkey) answers.")
    meaning = "The job server (Redis or Valkey) doesn't answer. Events are stored and processed when it is back."
    return CheckResult(Outcome.BROKEN, meaning)


def worker(context: CheckContext) -> CheckResult:
    evidence = f"{context.heartbeats.workers[FAST]} running"
    if context.heartbeats.workers[FAST]:
        return CheckResult(Outcome.GOOD, "Workers for events are running.", evidence)
    meaning = "No worker for events is running. Events are stored and processed when one is."
    return CheckResult(Outcome.BROKEN, meaning, evidence)


def sync_worker(context: CheckContext) -> CheckResult:
    evidence = f"{context.heartbeats.workers[SLOW]} running"
    if context.heartbeats.workers[SLOW]:
        return CheckResult(Outcome.GOOD, "Workers for the sync and the event check are running.", evidence)
    return CheckResult(
        Outcome.BROKEN, "No worker for the sync is running, so customers and polled events wait.", evidence
    )


def scheduler(context: CheckContext) -> CheckResult:
    if context.heartbeats.scheduler_at:
        return CheckResult(Outcome.GOOD, "The scheduler is running.", seen_at=context.heartbeats.scheduler_at)
    meaning = "The scheduler isn't running, so nothing starts by itself: no sync, no event check, no retry."
    return CheckResult(Outcome.BROKEN, meaning)


def job_backlog(context: CheckContext) -> CheckResult:
    since = context.waiting_since
    if since is None or now() - since < LATE_JOB:
        return CheckResult(Outcome.GOOD, "No event waits for a worker.")
    outcome = Outcome.BROKEN if now() - since > LOST_JOB else Outcome.ATTENTION
    return CheckResult(outcome, "Events wait too long for a worker.", seen_at=since)


def _times(rejected: RejectedDelivery) -> str:
    return f"{rejected.count:,} rejected in the last hour they came"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
