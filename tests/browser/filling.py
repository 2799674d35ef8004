"""An account with enough in it to look at: for the screenshots and for the tests that look at full pages."""

from datetime import date, timedelta

from sqlalchemy import insert

from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Account, AudienceDay, AudienceSize, Connection, Creative, Moment, StripeEvent, SyncRun, Tier
from manimod.models.accounts import now
from manimod.studio import writer
from manimod.studio.brief import Brand, Brief, objective_of
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
CUSTOMERS = {
    "prod_starter": {"low": 96, "core": 71, "high": 12, "new": 35},
    "prod_team": {"low": 18, "core": 64, "high": 27, "new": 17},
    "prod_business": {"core": 9, "high": 26, "new": 3},
    None: {None: 17},
}
AUDIENCES = (
    ("new_customer", "Team", "middle", "new", "waiting"),
    ("cancelled", "Business", "top", "high", "waiting"),
    ("renewed", "Starter", "entry", "high", "waiting"),
    ("payment_failed", "Team", "middle", "core", "waiting"),
    ("new_customer", "Starter", "entry", "new", "waiting"),
    ("renewed", "Team", "middle", "core", "waiting"),
    ("cancelled", "Starter", "entry", "low", "waiting"),
    ("new_customer", None, None, None, "waiting"),
    ("renewed", "Business", "top", "high", "approved"),
    ("cancelled", "Team", "middle", "core", "rejected"),
)


def fill(account: Account) -> Connection:
    connection = factories.make_connection(account, permissions=PERMISSIONS)
    with transaction():
        _add_mirror(connection)
        _add_moments(connection)
        for number, audience in enumerate(reversed(AUDIENCES)):
            creative = make_creative(account, *audience, minutes_ago=7 * (len(AUDIENCES) - number) - 6)
            db.session.add(creative)
        db.session.flush()
        _add_its_moment(connection, creative)
    return connection


def make_creative(
    account: Account,
    event: str = "new_customer",
    tier: str | None = "Team",
    position: str | None = "middle",
    segment: str | None = "new",
    status: str = "waiting",
    minutes_ago: float = 1,
    is_test: bool = True,
) -> Creative:
    brief = Brief(
        event=event,
        brand=Brand(name=account.name, landing_page="https://example.com"),
        today=date(2026, 11, 22),
        tier=tier,
        tier_position=position,
        segment=segment,
    )
    content = writer.write(brief)
    happened = now() - timedelta(minutes=minutes_ago)
    return Creative(
        account_id=account.id,
        objective=objective_of(event, segment),
        event=event,
        tier=tier,
        segment=segment,
        is_generic=content.generic,
        is_test=is_test,
        status=status,
        content=content.to_json(),
        moments_count=1,
        path="webhook",
        run_from=happened,
        run_until=happened + timedelta(days=14),
        occurred_at=happened,
        received_at=happened + timedelta(milliseconds=310),
        detected_at=happened + timedelta(milliseconds=580),
        generated_at=happened + timedelta(milliseconds=830),
    )


def _add_mirror(connection: Connection) -> None:
    for product, (name, position) in TIERS.items():
        tier = {"stripe_product_id": product, "product_name": name, "position": position}
        db.session.add(Tier(connection_id=connection.id, **tier))
    for product, sizes in CUSTOMERS.items():
        for segment, customers in sizes.items():
            size = {"stripe_product_id": product, "segment": segment, "customers": customers}
            db.session.add(AudienceSize(connection_id=connection.id, **size))
            own = size | {"connection_id": connection.id}
            db.session.execute(insert(AudienceDay), [_day(own, days_ago) for days_ago in range(75)])
    done = {"state": "done", "customers": 395, "subscriptions": 378, "finished_at": now() - timedelta(minutes=12)}
    db.session.add(SyncRun(connection_id=connection.id, **done))
    connection.next_sync_at = now() + timedelta(minutes=48)


def _day(size: dict, days_ago: int) -> dict:
    """The longer ago the fewer, except that nobody of the low values is new."""
    customers = size["customers"] * (400 + days_ago * (1 if size["segment"] == "low" else -2)) // 400
    return size | {"day": now().date() - timedelta(days=days_ago), "customers": customers}


def _add_moments(connection: Connection) -> None:
    for kind, count in (("new_customer", 40), ("renewed", 128), ("payment_failed", 9), ("cancelled", 14)):
        for number in range(count):
            # Over the month, some days busier than others.
            at = now() - timedelta(hours=1 + (number / count) ** 1.1 * 690 + 5 * (number % 3))
            moment = {"kind": kind, "path": "webhook", "state": "generated", "occurred_at": at, "received_at": at}
            db.session.add(Moment(connection_id=connection.id, key=f"{kind}:{number}", **moment))


def _add_its_moment(connection: Connection, creative: Creative) -> None:
    """The way of the newest creative, from its event on."""
    told = {"connection_id": connection.id, "path": "webhook", "stripe_customer_id": "cus_1"}
    at, heard_at = creative.occurred_at, creative.received_at
    event = {"stripe_id": "evt_1", "type": "customer.created", "facts": {}, "state": "done"}
    db.session.add(StripeEvent(created_at=at, received_at=heard_at, **event, **told))
    moment = {"key": "new_customer:cus_1", "kind": creative.event, "state": "generated", "creative_id": creative.id}
    times = {"occurred_at": at, "received_at": heard_at, "detected_at": creative.detected_at}
    db.session.add(Moment(**moment, **times, **told))
