"""The checks behind "why is nothing moment?", in the order in which they are shown."""

from datetime import timedelta
from functools import partial

from manimod.diagnostics.check_context import DAY, CheckContext
from manimod.diagnostics.check_runner import ATTENTION, BROKEN, GOOD, NOT_APPLICABLE, Action, Check, check
from manimod.diagnostics.setup import PROMISE
from manimod.jobs import FAST, SLOW
from manimod.models import RejectedDelivery
from manimod.models.accounts import now
from manimod.stripe import connections
from manimod.stripe.gateway import PERMISSIONS, restricted_key_link

STRIPE_PAGE = "stripe_settings.show"
STRIPE_WEBHOOKS = {True: "https://dashboard.stripe.com/webhooks", False: "https://dashboard.stripe.com/test/webhooks"}
STRIPE_CUSTOMERS = {
    True: "https://dashboard.stripe.com/customers",
    False: "https://dashboard.stripe.com/test/customers",
}
MODES = {True: "live", False: "test"}
START = timedelta(minutes=5)  # after connecting, during which nothing is late
LATE_POLL = timedelta(minutes=5)
LATE_SYNC = timedelta(minutes=10)  # beyond the interval
STRIPE_ERROR_GRACE = timedelta(minutes=15)
LATE_JOB, LOST_JOB = timedelta(seconds=60), timedelta(minutes=5)
MIN_EVENTS = 3
MANY_REDELIVERIES, OFTEN_REDELIVERED = 5, 2
GENERIC_SHARE, FEWEST_JUDGED = 0.2, 5


RUN_NOW = Action("Run the checks now", "troubleshooting.run", posts=True)


# --- the connection --------------------------------------------------------------------------------------------------


@check("plan", "Plan")
def plan(s: CheckContext) -> Check:
    evidence = f"{s.account.plan.capitalize()} plan"
    see_plans = Action("See the plans", STRIPE_PAGE)
    if s.account.may_connect_stripe:
        return Check(GOOD, "The plan includes Stripe.", evidence)
    if s.connection:
        ignored = "This plan doesn't include Stripe: events are ignored until the account is on Pro or Scale again."
        return Check(BROKEN, ignored, evidence, action=see_plans)
    return Check(ATTENTION, "Stripe is part of the Pro and Scale plans.", evidence, action=see_plans)


@check("connection", "Stripe account", needs=("plan",))
def connection(s: CheckContext) -> Check:
    if s.connection:
        name = s.connection.stripe_account_name or s.connection.stripe_account_id or "Stripe"
        return Check(GOOD, "The account is connected.", f"{name}, {s.mode} mode", s.connection.connected_at)
    if not s.account.may_connect_stripe:
        return Check(NOT_APPLICABLE, "Stripe can be connected once the plan includes it.")
    connect = Action("Connect Stripe", STRIPE_PAGE, "connect")
    return Check(ATTENTION, "No Stripe account is connected, so nothing can happen yet.", action=connect, stops=True)


@check("key", "API key", needs=("connection",))
def key(s: CheckContext) -> Check:
    code = s.connection.last_error or ""
    if code.startswith(("STRIPE_KEY_", "KEY_")):
        replace_key = Action("Replace the key", STRIPE_PAGE, "connect", {"replace": 1})
        return Check(
            BROKEN, connections.explain_last_error(s.connection), code, s.connection.failing_since, replace_key
        )
    return Check(GOOD, "Stripe accepts the key.", f"{s.connection.key_type}_…", s.read_at)


@check("stripe", "Stripe answers", needs=("key",))
def stripe(s: CheckContext) -> Check:
    code, since = s.connection.last_error, s.connection.failing_since
    if code in (None, "STRIPE_PERMISSION_MISSING"):
        return Check(GOOD, "Stripe answers mani's questions.", seen_at=s.read_at)
    lasts = since is not None and now() - since > STRIPE_ERROR_GRACE
    action = Action("See Stripe's status", address="https://status.stripe.com")
    return Check(BROKEN if lasts else ATTENTION, connections.explain_last_error(s.connection), code, since, action)


def _permission(name: str, s: CheckContext) -> Check:
    permission = PERMISSIONS[name]
    if s.connection.permissions.get(name):
        return Check(GOOD, f"The key may read this. It adds {permission.adds}.", seen_at=s.read_at)
    if not permission.required:
        return Check(NOT_APPLICABLE, f"The key may not read this. It would add {permission.adds}.")
    meaning = f"The key has lost “{permission.label}”. mani needs it for {permission.adds}."
    action = Action("Allow it in Stripe, under Developers > API keys", address=restricted_key_link())
    return Check(BROKEN, meaning, permission.scope, s.connection.failing_since, action)


for _name, _entry in PERMISSIONS.items():
    check(f"permission_{_name}", f"Permission {_entry.label}", needs=("key", "stripe"))(partial(_permission, _name))


@check("mode", "Test or live mode", needs=("key",))
def mode(s: CheckContext) -> Check:
    other = [event for event in s.events if event.livemode != s.connection.livemode]
    if not other:
        return Check(GOOD, "Events come in the key's mode.", f"{s.mode} mode")
    seen_at, evidence = other[0].received_at, f"{len(other)} of the last {len(s.events)} events"
    theirs = MODES[other[0].livemode]
    if s.events[0] is not other[0]:
        return Check(
            GOOD, f"Some {theirs}-mode events were ignored; the latest came in {s.mode} mode.", evidence, seen_at
        )
    meaning = f"The latest event was a {theirs}-mode event, but the key is a {s.mode}-mode key, so it was ignored."
    action = Action(f"Use a {theirs}-mode key", STRIPE_PAGE, "connect", {"replace": 1})
    return Check(BROKEN, meaning, evidence, seen_at, action)


@check("events_chosen", "Events that matter", needs=("connection",))
def events_chosen(s: CheckContext) -> Check:
    chosen = sum(s.switches.values())
    evidence = f"{chosen} of {len(s.switches)} switched on"
    if chosen:
        return Check(GOOD, "mani writes ads for the events that are switched on.", evidence)
    choose = Action("Choose events", STRIPE_PAGE, "events")
    return Check(ATTENTION, "Every event is switched off, so no ads are written.", evidence, action=choose)


# --- how news arrives ------------------------------------------------------------------------------------------------


@check("signature", "Signing secret", needs=("key",))
def signature(s: CheckContext) -> Check:
    unset, wrong = s.refusals.get("WEBHOOK_NO_SECRET"), s.refusals.get("WEBHOOK_BAD_SIGNATURE")
    paste = Action("Paste the signing secret", STRIPE_PAGE, "webhook")
    if s.connection.encrypted_signing_secret is None:
        if unset is None:
            return Check(NOT_APPLICABLE, "No webhook is set up.")
        meaning = "Stripe delivers to mani's endpoint, but mani has no signing secret to check it with."
        return Check(BROKEN, meaning, _times(unset), unset.last_at, paste)
    set_at = s.connection.signing_secret_set_at
    if wrong is None or (set_at and wrong.last_at < set_at):
        return Check(GOOD, "Deliveries carry the right signature.", seen_at=s.delivered_at)
    meaning = "Deliveries are refused: they are signed with another secret than the one in mani."
    return Check(BROKEN, meaning, _times(wrong), wrong.last_at, paste)


@check("clock", "Clock", needs=("signature",))
def clock(s: CheckContext) -> Check:
    stale = s.refusals.get("WEBHOOK_STALE")
    if stale is None:
        return Check(GOOD, "Stripe's clock and mani's agree.", seen_at=s.delivered_at)
    skew = stale.clock_skew_seconds or 0
    meaning = (
        "Deliveries are refused: their time is more than five minutes from mani's. If they are not old deliveries "
        "that somebody sends again, the clock of mani's server is wrong."
    )
    evidence = f"{abs(skew):,} seconds {'ahead of' if skew > 0 else 'behind'} Stripe"
    return Check(BROKEN, meaning, evidence, stale.last_at, Action("Set the clock of mani's server (NTP)"))


@check("webhook", "Webhook", needs=("key", "signature", "clock"))
def webhook(s: CheckContext) -> Check:
    look = Action("Look at the deliveries in Stripe", address=STRIPE_WEBHOOKS[s.connection.livemode])
    latest = [event for event in s.events if event.state != "ignored"][:MIN_EVENTS]
    if latest and not any(event.source == "webhook" or event.repeated_at for event in latest):
        meaning = "The latest events had to be fetched from Stripe: they were not delivered to mani's endpoint."
        return Check(BROKEN, meaning, _count(len(latest), "event"), latest[0].received_at, look)
    if s.delivered_at is None:
        return Check(ATTENTION, "The webhook is set up, but nothing has been delivered yet.", action=look)
    return Check(GOOD, "Stripe delivers to mani's endpoint.", seen_at=s.delivered_at)


@check("quick_way", "A quick way for news", needs=("key",))
def fast_source(s: CheckContext) -> Check:
    if s.connection.encrypted_signing_secret or s.connection.permissions.get("events"):
        return Check(GOOD, "News comes by webhook within seconds, or by the event check within a minute.")
    meaning = "Without a webhook, and with a key that may not read events, news waits for the hourly sync."
    return Check(ATTENTION, meaning, action=Action("Set up the webhook", STRIPE_PAGE, "webhook"))


@check("repeats", "Deliveries succeed at once", needs=("webhook",))
def redeliveries(s: CheckContext) -> Check:
    often = [e for e in s.events if e.repeats >= OFTEN_REDELIVERED and e.repeated_at > now() - DAY]
    if len(often) < MANY_REDELIVERIES:
        return Check(GOOD, "Stripe rarely has to deliver an event twice.")
    meaning = (
        "Stripe delivers the same events again and again, as if mani's answers didn't reach it. Nothing is doubled."
    )
    look = Action("Look at the deliveries in Stripe", address=STRIPE_WEBHOOKS[s.connection.livemode])
    return Check(ATTENTION, meaning, _count(len(often), "event"), max(e.repeated_at for e in often), look)


@check("poll", "Event check", needs=("stripe", "permission_events", "scheduler", "sync_worker"))
def poll(s: CheckContext) -> Check:
    read_at = s.connection.polled_at
    if read_at and now() - read_at < LATE_POLL:
        return Check(GOOD, "mani reads Stripe's events every minute.", seen_at=read_at)
    if now() - s.connection.connected_at < START:
        return Check(GOOD, "The first check of Stripe's events is on its way.")
    return Check(BROKEN, "Stripe's events should be read every minute, but were not.", seen_at=read_at, action=RUN_NOW)


@check(
    "sync",
    "Customer sync",
    needs=("stripe", "permission_customers", "permission_subscriptions", "scheduler", "sync_worker"),
)
def sync(s: CheckContext) -> Check:
    latest = s.runs[0] if s.runs else None
    if s.synced_at and now() - s.synced_at < s.sync_interval + LATE_SYNC:
        return Check(GOOD, "Customers are read from Stripe every hour.", seen_at=s.synced_at)
    if latest and latest.state == "running" and latest.lease_until and latest.lease_until > now():
        return Check(
            GOOD, "Customers are being read from Stripe now.", f"{latest.customers:,} so far", latest.started_at
        )
    if now() - s.connection.connected_at < START:
        return Check(GOOD, "The first sync is about to start.")
    sync_now = Action("Sync now", "stripe_settings.sync_now", "sync", posts=True)
    return Check(BROKEN, "Customers should be read every hour, but were not.", seen_at=s.synced_at, action=sync_now)


# --- what mani knows -------------------------------------------------------------------------------------------------


@check("customers", "Customers", needs=("sync",))
def customers(s: CheckContext) -> Check:
    if s.synced_at is None:
        return Check(NOT_APPLICABLE, "Customers are counted once the first sync is done.")
    evidence = _count(s.customers, "customer")
    if s.customers:
        return Check(GOOD, "mani knows your customers.", evidence, s.synced_at)
    create = Action("Create a customer in Stripe", address=STRIPE_CUSTOMERS[s.connection.livemode])
    return Check(ATTENTION, f"Stripe lists no customers in {s.mode} mode.", evidence, s.synced_at, create)


@check("tiers", "Names of the tiers", needs=("key",))
def tiers(s: CheckContext) -> Check:
    unnamed = [tier for tier in s.tiers if not tier.name]
    bad = len(unnamed) + len(s.unprintable)
    if not bad:
        return Check(GOOD, "Ads can name every tier.", _count(len(s.tiers), "tier"))
    why = "has no name" if unnamed else f"has a name that no ad may print: {next(iter(s.unprintable.values()))}"
    name_them = Action("Name the tiers", STRIPE_PAGE, "tiers")
    return Check(ATTENTION, f"A tier {why}. Its ads stay generic.", f"{bad} of {len(s.tiers)} tiers", action=name_them)


@check("generic", "Ads speak to somebody", needs=("tiers",))
def generic(s: CheckContext) -> Check:
    count = sum(creative.is_generic for creative in s.creatives)
    if len(s.creatives) < FEWEST_JUDGED or count / len(s.creatives) < GENERIC_SHARE:
        return Check(
            GOOD, "Ads name the tier and speak to the value segment.", f"{count} of {len(s.creatives)} are generic"
        )
    meaning = (
        "Many ads are generic, because the customer's tier or segment wasn't known. Verify that Stripe data is syncing."
    )
    sync_now = Action("Sync now", "stripe_settings.sync_now", "sync", posts=True)
    return Check(ATTENTION, meaning, f"{count} of {len(s.creatives)} are generic", action=sync_now)


@check("blocked", "Ads can be written", needs=("connection",))
def blocked(s: CheckContext) -> Check:
    if not s.open_work.blocked:
        return Check(GOOD, "Nothing waits for a change of the brand kit.")
    meaning = f"mani found no words that the platforms allow: {s.open_work.why_blocked}"
    return Check(
        BROKEN, meaning, _count(s.open_work.blocked, "moment"), action=Action("Change the brand kit", "brand.show")
    )


@check("failed_events", "Events can be processed", needs=("key",))
def failed_events(s: CheckContext) -> Check:
    if not s.open_work.failed:
        return Check(GOOD, "No event was given up.")
    see = Action("See these events", "troubleshooting.deliveries", query={"result": "failed"})
    return Check(
        BROKEN,
        "mani gave up on some events after five tries. They can be replayed.",
        _count(s.open_work.failed, "event"),
        action=see,
    )


# --- mani itself -----------------------------------------------------------------------------------------------------


@check("redis", "Job server", everywhere=True)
def redis(s: CheckContext) -> Check:
    if s.signs.redis_answers:
        return Check(GOOD, "The job server (Redis or Valkey) answers.")
    meaning = "The job server (Redis or Valkey) doesn't answer. Events are kept and worked off when it is back."
    return Check(BROKEN, meaning, action=Action("Start the job server"))


@check("worker", "Workers", needs=("redis",), everywhere=True)
def worker(s: CheckContext) -> Check:
    gone = "No worker is running, so events wait. They are kept and worked off when one is."
    return _staff(s.signs.workers[FAST], "There are workers for events.", gone)


@check("sync_worker", "Workers for the sync", needs=("redis",), everywhere=True)
def sync_worker(s: CheckContext) -> Check:
    gone = "No worker for the sync is running, so customers and polled events wait."
    return _staff(s.signs.workers[SLOW], "There are workers for the sync and the event check.", gone)


def _staff(count: int, there: str, gone: str) -> Check:
    if count:
        return Check(GOOD, there, f"{count} running")
    return Check(BROKEN, gone, "0 running", action=Action("Start a worker (python worker.py work)"))


@check("scheduler", "Scheduler", needs=("redis",), everywhere=True)
def scheduler(s: CheckContext) -> Check:
    if s.signs.scheduler_at:
        return Check(GOOD, "The scheduler is running.", seen_at=s.signs.scheduler_at)
    meaning = "The scheduler isn't running, so nothing starts by itself: no sync, no event check, no second try."
    return Check(BROKEN, meaning, action=Action("Start the scheduler (python worker.py schedule)"))


@check("jobs", "Nothing waits", needs=("connection", "worker", "scheduler"), everywhere=True)
def waiting(s: CheckContext) -> Check:
    since = s.waiting_since
    if since is None or now() - since < LATE_JOB:
        return Check(GOOD, "Whatever arrived is worked off.")
    outcome = BROKEN if now() - since > LOST_JOB else ATTENTION
    return Check(
        outcome, "Events wait longer than they should for a worker.", seen_at=since, action=Action("Add a worker")
    )


@check("promise", "Within five minutes", needs=("connection",))
def promise(s: CheckContext) -> Check:
    """What mani itself took, from hearing of it to the queue; Stripe's part is each path's own delay."""
    today = [row for row in s.creatives if row.generated_at > now() - DAY]
    took = max((row.generated_at - row.received_at for row in today), default=None)
    if took is None:
        return Check(GOOD, "No ads were asked for in the last day.")
    evidence = f"{max(took.total_seconds(), 0):,.1f} seconds was the slowest of the last {len(today)}"
    if took < PROMISE:
        return Check(GOOD, "Ads were in the queue within five minutes.", evidence)
    return Check(ATTENTION, "Some ads came later than the promised five minutes.", evidence)


def _times(refusal: RejectedDelivery) -> str:
    return f"{refusal.count:,} refused in the last hour they came"


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"
