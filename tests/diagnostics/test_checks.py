"""One thing breaks at a time, and exactly its check fails, with what to do; repaired, all is good again."""

import time
from datetime import timedelta

import pytest
from redis import Redis
from rq import Worker
from rq.serializers import JSONSerializer
from sqlalchemy import select, update

from manimod import tasks
from manimod.diagnostics import check_runner
from manimod.extensions import db
from manimod.jobs import FAST, HEARTBEAT_KEY, SLOW, transaction
from manimod.lifecycle import KINDS
from manimod.models import Creative, Moment, StripeEvent, SyncRun, Tier
from manimod.models.accounts import now
from manimod.moments import record
from manimod.stripe import connections
from tests import factories, stripe_events
from tests.browser.filling import make_creative

ALL = ["rak_customer_read", "rak_subscription_read", "rak_event_read", "rak_product_read", "rak_plan_read"]


class World:
    """A connected account that is well, and the ways to break one thing about it."""

    def __init__(self, account, connection, stripe_account, sandbox, client, valkey, drain):
        self.account, self.connection, self.stripe_account = account, connection, stripe_account
        self.sandbox, self.client, self.valkey, self.drain = sandbox, client, valkey, drain
        self.key = stripe_account["keys"]["test"]["restricted"]
        self.workers = {name: Worker([name], connection=valkey, serializer=JSONSerializer) for name in (FAST, SLOW)}

    def staff(self):
        """All workers run; the one that drains the queues in the test is gone afterwards."""
        for worker in self.workers.values():
            if not self.valkey.sismember("rq:workers", worker.key):
                worker.register_birth()
        self.valkey.set(HEARTBEAT_KEY, int(time.time()))

    def deliver(self, event=None, **how):
        event = event or stripe_events.event("customer.created", stripe_events.customer(f"cus_{time.time_ns()}"))
        self.client.sends_csrf = False
        address = f"/webhooks/stripe/{self.connection.webhook_token}"
        return self.client.post(address, **factories.signed(event, **how)).status_code

    def change(self, row, **columns):
        with transaction():
            for name, value in columns.items():
                setattr(row, name, value)

    def checks(self):
        db.session.commit()
        return {check.name: check for check in check_runner.run_checks(self.account, self.connection, ask_stripe=True)}

    def failing(self):
        """Check -> outcome, of those that are not good."""
        return {
            name: check.outcome for name, check in self.checks().items() if check.outcome in ("attention", "broken")
        }


@pytest.fixture
def stripe_account(sandbox):
    stripe_account = sandbox.create_account("Brightside Studio", permissions=ALL)
    sandbox.seed_customers(stripe_account["id"], 6)
    return stripe_account


@pytest.fixture
def world(account, connected, stripe_account, sandbox, client, valkey, drain):
    tasks.reconcile()
    world = World(account, connected, stripe_account, sandbox, client, valkey, drain)
    assert world.deliver() == 200
    drain()
    world.staff()
    return world


# The ways to break it, and to repair it


def revoke_key(w):
    w.sandbox.delete_key(w.key)

    def replace_key():
        check = connections.check_key(w.sandbox.create_key(w.stripe_account["id"], permissions=ALL))
        with transaction():
            connections.connect(w.account, check)

    return replace_key


def expire_key(w):
    w.sandbox.change_key(w.key, state="expired")
    return lambda: w.sandbox.change_key(w.key, state="active")


def lose_permission(name):
    def lose(w):
        w.sandbox.change_key(w.key, permissions=[scope for scope in ALL if scope != name])
        return lambda: w.sandbox.change_key(w.key, permissions=ALL)

    return lose


def take_stripe_down(w):
    w.sandbox.fault(status=500)
    return w.sandbox.clear_faults


def keep_stripe_down(w):
    repair = take_stripe_down(w)
    w.change(w.connection, last_error="STRIPE_FAILED", failing_since=now() - timedelta(hours=1))
    return repair


def sign_with_another_secret(w):
    time.sleep(0.01)
    assert w.deliver(secret="whsec_of_another_endpoint") == 400
    return w.deliver


def forget_secret(w):
    secret = w.connection.encrypted_signing_secret
    w.change(w.connection, encrypted_signing_secret=None)
    assert w.deliver() == 400
    return lambda: (w.change(w.connection, encrypted_signing_secret=secret), w.deliver())


def skew_clock(w):
    time.sleep(0.01)
    assert w.deliver(at=time.time() - 3600) == 400
    return w.deliver


def send_live_events(w):
    assert w.deliver(stripe_events.event("customer.created", stripe_events.customer("cus_live"), livemode=True)) == 200
    w.drain()
    w.staff()

    def send_test_events():
        w.deliver()
        w.drain()
        w.staff()

    return send_test_events


def lose_webhook(w):
    """The endpoint was removed in Stripe: events have to be fetched."""
    events = update(StripeEvent).where(StripeEvent.connection_id == w.connection.id)
    with transaction():
        db.session.execute(events.values(source="poll"))
    return w.deliver


def never_set_up_a_webhook(w):
    secret = w.connection.encrypted_signing_secret
    w.sandbox.change_key(w.key, permissions=[scope for scope in ALL if scope != "rak_event_read"])
    w.change(w.connection, encrypted_signing_secret=None)

    def set_up():
        w.sandbox.change_key(w.key, permissions=ALL)
        w.change(w.connection, encrypted_signing_secret=secret)

    return set_up


def switch_everything_off(w):
    def switch(enabled):
        with transaction():
            for kind in KINDS:
                record.set_switch(w.account, kind, enabled)

    switch(False)
    return lambda: switch(True)


def lower_plan(w):
    w.change(w.account, plan="starter")
    return lambda: w.change(w.account, plan="pro")


def stop_worker(name):
    def stop(w):
        w.workers[name].register_death()
        return w.staff

    return stop


def stop_scheduler(w):
    w.valkey.delete(HEARTBEAT_KEY)
    return w.staff


def let_sync_go_stale(w):
    runs = update(SyncRun).where(SyncRun.connection_id == w.connection.id)
    at = w.connection.connected_at

    def age(hours):
        with transaction():
            db.session.execute(runs.values(finished_at=now() - timedelta(hours=hours)))
        w.change(w.connection, connected_at=at - timedelta(hours=hours))

    age(3)
    return lambda: age(0)


def let_poll_go_stale(w):
    w.change(w.connection, polled_at=now() - timedelta(hours=1), connected_at=now() - timedelta(hours=2))
    return lambda: w.change(w.connection, polled_at=now())


def forget_tier_name(w):
    tier = db.session.scalar(select(Tier).where(Tier.connection_id == w.connection.id))
    names = {"product_name": tier.product_name, "nickname": tier.nickname}
    w.change(tier, product_name=None, nickname=None)
    return lambda: w.change(tier, **names)


def give_up_event(w):
    event = db.session.scalar(select(StripeEvent).where(StripeEvent.connection_id == w.connection.id))
    w.change(event, state="failed")
    return lambda: w.change(event, state="done")


def block_moment(w):
    moment = db.session.scalar(select(Moment).where(Moment.connection_id == w.connection.id))
    w.change(moment, state="blocked", reason="The brand's name breaks a rule.")
    return lambda: w.change(moment, state="generated")


def leave_event_waiting(minutes):
    def leave(w):
        event = db.session.scalar(select(StripeEvent).where(StripeEvent.connection_id == w.connection.id))
        w.change(event, state="pending", received_at=now() - timedelta(minutes=minutes))
        return lambda: w.change(event, state="done", received_at=now())

    return leave


def be_slow(w):
    creative = db.session.scalar(select(Creative).where(Creative.account_id == w.account.id))
    w.change(creative, received_at=creative.generated_at - timedelta(minutes=7))
    return lambda: w.change(creative, received_at=creative.generated_at)


def write_generic_ads(w):
    with transaction():
        for _ in range(9):
            db.session.add(make_creative(w.account, tier=None, segment=None))
    creatives = update(Creative).where(Creative.account_id == w.account.id)

    def become(is_generic):
        with transaction():
            db.session.execute(creatives.values(is_generic=is_generic, generic_reason="not_synced"))

    become(True)
    return lambda: become(False)


BREAKAGES = {
    "a revoked key": (revoke_key, "key", "broken", "Replace the key"),
    "an expired key": (expire_key, "key", "broken", "Replace the key"),
    "lost customers:read": (
        lose_permission("rak_customer_read"),
        "permission_customers",
        "broken",
        "Allow it in Stripe",
    ),
    "lost subscriptions:read": (
        lose_permission("rak_subscription_read"),
        "permission_subscriptions",
        "broken",
        "Allow it in Stripe",
    ),
    "Stripe down": (take_stripe_down, "stripe", "attention", "See Stripe's status"),
    "Stripe down for an hour": (keep_stripe_down, "stripe", "broken", "See Stripe's status"),
    "a wrong secret": (sign_with_another_secret, "signature", "broken", "Paste the signing secret"),
    "no secret": (forget_secret, "signature", "broken", "Paste the signing secret"),
    "a clock that is off": (skew_clock, "clock", "broken", "Set the clock"),
    "the wrong mode": (send_live_events, "mode", "broken", "Connect live mode"),
    "a webhook that was removed": (lose_webhook, "webhook", "broken", "Look at the deliveries in Stripe"),
    "no webhook and no event check": (never_set_up_a_webhook, "fast_source", "attention", "Set up the webhook"),
    "toggles off": (switch_everything_off, "events_chosen", "attention", "Choose events"),
    "a lower plan": (lower_plan, "plan", "broken", "Upgrade"),
    "no worker": (stop_worker(FAST), "worker", "broken", "Start a worker"),
    "no worker for the sync": (stop_worker(SLOW), "sync_worker", "broken", "Start a worker"),
    "no scheduler": (stop_scheduler, "scheduler", "broken", "Start the scheduler"),
    "a stale sync": (let_sync_go_stale, "sync", "broken", "Sync now"),
    "a stale event check": (let_poll_go_stale, "poll", "broken", "Run the checks now"),
    "an unnamed tier": (forget_tier_name, "tiers", "attention", "Name the tiers"),
    "a failed event": (give_up_event, "failed_events", "broken", "See these events"),
    "a blocked moment": (block_moment, "blocked", "broken", "Change the brand kit"),
    "an event that waits": (leave_event_waiting(2), "job_backlog", "attention", "Add a worker"),
    "an event that nobody fetches": (leave_event_waiting(9), "job_backlog", "broken", "Add a worker"),
    "a slow day": (be_slow, "promise", "attention", None),
    "generic ads": (write_generic_ads, "generic", "attention", "Sync now"),
}


def test_no_check_of_a_healthy_account_fails(world):
    assert world.failing() == {}


@pytest.mark.parametrize("breakage", BREAKAGES)
def test_one_cause_fails_one_check_until_it_is_repaired(world, breakage):
    break_it, name, outcome, action = BREAKAGES[breakage]
    repair = break_it(world)
    assert world.failing() == {name: outcome}
    found = world.checks()[name]
    assert (found.action and found.action["label"].startswith(action)) if action else found.action is None
    assert found.meaning.endswith(".")
    repair()
    assert world.failing() == {}


def test_without_redis_only_the_job_server_fails(world, app, monkeypatch):
    monkeypatch.setitem(app.extensions, "redis", Redis.from_url("redis://127.0.0.1:1/0"))
    assert world.failing() == {"redis": "broken"}


def test_before_connecting_the_one_thing_to_do_is_to_connect(account, valkey):
    found = check_runner.run_checks(account)
    assert [check.name for check in found if check.outcome == "attention"] == ["connection"]


def test_below_pro_the_one_thing_to_do_is_to_upgrade(app, valkey):
    found = check_runner.run_checks(factories.make_account("free"))
    assert [check.name for check in found if check.outcome == "attention"] == ["plan"]


def test_the_outcome_is_saved_with_the_failing_checks(world):
    with transaction():
        health = check_runner.save_health(world.connection, check_runner.run_checks(world.account, world.connection))
    assert (health.outcome, health.checks) == ("good", {})
    since = health.changed_at
    repair = lower_plan(world)
    with transaction():
        health = check_runner.save_health(world.connection, check_runner.run_checks(world.account, world.connection))
    assert (health.outcome, health.checks) == ("broken", {"plan": "broken"})
    assert health.changed_at > since
    repair()
