"""An account with enough in it to look at: for the screenshots and for the tests that look at full pages."""

from datetime import date, timedelta

from sqlalchemy import insert, select, update

from manimod.accounts import support
from manimod.creatives import briefs
from manimod.creatives.engine.brief import Brand, Brief
from manimod.creatives.engine.copy import copywriter
from manimod.creatives.engine.facts.model import TierFacts
from manimod.customers import statistics
from manimod.diagnostics import check_runner
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import (
    Account,
    AudienceDay,
    BrandKit,
    Connection,
    Creative,
    Customer,
    Moment,
    StripeEvent,
    SyncRun,
    Tier,
    User,
)
from manimod.models.accounts import now
from manimod.stripe import connections
from manimod.stripe.payloads import CustomerFacts, EventFacts
from tests import factories

PERMISSIONS = {
    "customers": True,
    "subscriptions": True,
    "events": True,
    "products": True,
    "prices": True,
    "account": False,
}
TIERS = {"prod_starter": ("Starter", "entry"), "prod_team": ("Team", "middle"), "prod_business": ("Business", "top")}
WHAT_THEY_DO = {
    "prod_starter": {"features": ["3 boards", "Calendar view", "Email support"], "next_product": "prod_team"},
    "prod_team": {
        "features": ["Everything in Starter, plus:", "Unlimited boards", "Timeline view", "Mobile app (coming soon)"],
        "next_product": "prod_business",
        "lighter_product": "prod_starter",
    },
    "prod_business": {"description": "Workload reports, approvals and an audit log.", "lighter_product": "prod_team"},
}
CUSTOMERS = {
    "prod_starter": {"low": 96, "core": 71, "high": 12, "new": 35},
    "prod_team": {"low": 18, "core": 64, "high": 27, "new": 17},
    "prod_business": {"core": 9, "high": 26, "new": 3},
    None: {None: 17},
}
AUDIENCES = (
    ("new_customer", "Team", "new", "waiting"),
    ("cancelled", "Business", "high", "waiting"),
    ("renewed", "Starter", "high", "waiting"),
    ("payment_failed", "Team", "core", "waiting"),
    ("new_customer", "Starter", "new", "waiting"),
    ("renewed", "Team", "core", "waiting"),
    ("cancelled", "Starter", "low", "waiting"),
    ("new_customer", None, None, "rejected"),
    ("renewed", "Business", "high", "approved"),
    ("cancelled", "Team", "core", "waiting"),
)


def fill(account: Account) -> Connection:
    connection = factories.make_connection(account, permissions=PERMISSIONS)
    with transaction():
        account.ad_accounts = {"countries": ["US", "GB"], "page_id": "102030405060"}
        brand = {"name": account.name, "landing_page": "https://example.com", "version": 1}
        db.session.add(BrandKit(account_id=account.id, **brand))
        _add_mirror(connection)
        _add_moments(connection)
        for number, audience in enumerate(reversed(AUDIENCES)):
            # The newest one is "5 minutes ago" for as long as a test takes: humanize rounds, so until 5.5 minutes.
            creative = make_creative(account, *audience, minutes_ago=7 * (len(AUDIENCES) - number) - 2)
            db.session.add(creative)
        db.session.flush()
        _add_its_moment(connection, creative)
    return connection


def fill_support(by: User) -> None:
    """What support finds and has done: the health of every account, and entries in the log of the first."""
    accounts = list(db.session.scalars(select(Account).order_by(Account.id)))
    with transaction():
        for account in accounts:
            connection = connections.get_for_account(account)
            if connection is None:
                continue
            health = check_runner.save_health(connection, check_runner.run_checks(account, connection))
            # What many accounts look like: the gallery runs without a job server, which breaks all of them.
            health.outcome = ("broken", "attention", "good")[account.id % 3]
            health.checks = {"signature": health.outcome} if account.id % 3 < 2 else {}
        support.record_action(
            by, accounts[0], "checked", "Ticket 4711: nothing has arrived since Monday", outcome="broken"
        )
        support.record_action(
            by, accounts[0], "set_plan", "Ticket 4711: lowered by mistake", before="starter", after="pro"
        )
        connection = connections.get_for_account(accounts[0])
        customer = {"stripe_id": "cus_1", "name": "Hazel Testford", "segment": "new", "created_at": now()}
        db.session.add(Customer(connection_id=connection.id, **customer))
        facts = EventFacts("evt_1", "customer.created", int(now().timestamp()), customer=CustomerFacts("cus_1"))
        given_up = {"state": "failed", "reason": "mani could not process it (OperationalError), try 5 of 5"}
        db.session.execute(update(StripeEvent).values(facts=facts.to_json(), **given_up))


def make_creative(
    account: Account,
    event: str = "new_customer",
    tier: str | None = "Team",
    segment: str | None = "new",
    status: str = "waiting",
    minutes_ago: float = 1,
    is_test: bool = True,
) -> Creative:
    tiers = briefs.get_tiers(account, name=tier)
    tiers = {part: tiers[part] for part in ("tier_facts", "next_tier", "lighter_tier")}
    if tier and not tiers["tier_facts"].facts:  # nothing is stored of it
        tiers = {"tier_facts": TierFacts(name=tier)}
    brief = Brief(
        event=event,
        brand=Brand(name=account.name, landing_page="https://example.com"),
        today=date(2026, 11, 22),
        segment=segment,
        **tiers,
    )
    content = copywriter.write(brief)
    happened = now() - timedelta(minutes=minutes_ago)
    return Creative(
        account_id=account.id,
        objective=content.objective,
        event=event,
        tier=tier,
        segment=segment,
        is_generic=content.generic,
        is_test=is_test,
        status=status,
        content=content.to_json(),
        moments_count=1,
        source="webhook",
        run_from=happened,
        run_until=happened + timedelta(days=14),
        occurred_at=happened,
        received_at=happened + timedelta(milliseconds=310),
        detected_at=happened + timedelta(milliseconds=580),
        generated_at=happened + timedelta(milliseconds=830),
        joined_at=happened + timedelta(milliseconds=830),
    )


def _add_mirror(connection: Connection) -> None:
    customer = {"stripe_id": "cus_0", "name": "Ada Testford", "segment": "core", "created_at": now()}
    db.session.add(Customer(connection_id=connection.id, **customer))
    for product, (name, position) in TIERS.items():
        tier = {"stripe_product_id": product, "product_name": name, "position": position}
        db.session.add(Tier(connection_id=connection.id, is_sold=True, **tier, **WHAT_THEY_DO[product]))
    for product, sizes in CUSTOMERS.items():
        for segment, customers in sizes.items():
            size = {"stripe_product_id": product, "segment": segment, "customers": customers}
            own = size | {"connection_id": connection.id}
            db.session.execute(insert(AudienceDay), [_day(own, days_ago) for days_ago in range(75)])
    done = {"state": "done", "customers": 395, "subscriptions": 378, "finished_at": now() - timedelta(minutes=12)}
    db.session.add(SyncRun(connection_id=connection.id, **done))
    connection.next_sync_at = now() + timedelta(minutes=48)


def _day(size: dict, days_ago: int) -> dict:
    """The longer ago the fewer, except that nobody of the low values is new."""
    customers = round(size["customers"] * (1 + days_ago * (0.0025 if size["segment"] == "low" else -0.005)))
    return size | {"day": now().date() - timedelta(days=days_ago), "customers": customers}


def _add_moments(connection: Connection) -> None:
    moments = []
    for kind, count in (("new_customer", 40), ("renewed", 128), ("payment_failed", 9), ("cancelled", 14)):
        for number in range(count):
            # Over the month, some days busier than others.
            at = now() - timedelta(hours=1 + (number / count) ** 1.1 * 690 + 5 * (number % 3))
            moment = {"kind": kind, "source": "webhook", "state": "generated", "occurred_at": at, "received_at": at}
            db.session.add(Moment(connection_id=connection.id, key=f"{kind}:{number}", **moment))
            moments.append(moment)
    statistics.count_moments(connection, moments)


def _add_its_moment(connection: Connection, creative: Creative) -> None:
    """The way of the newest creative, from its event on."""
    told = {"connection_id": connection.id, "source": "webhook", "stripe_customer_id": "cus_1"}
    at, heard_at = creative.occurred_at, creative.received_at
    event = {"stripe_id": "evt_1", "type": "customer.created", "facts": {}, "state": "done"}
    db.session.add(StripeEvent(created_at=at, received_at=heard_at, **event, **told))
    moment = {"key": "new_customer:cus_1", "kind": creative.event, "state": "generated", "creative_id": creative.id}
    times = {"occurred_at": at, "received_at": heard_at, "detected_at": creative.detected_at}
    db.session.add(Moment(**moment, **times, **told))
