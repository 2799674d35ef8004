"""What the dashboard shows: where the setup stands, what has happened, and how quickly it became creatives."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select

from manimod.extensions import db
from manimod.flow import connections, review
from manimod.models import KINDS, Account, AudienceSize, Connection, Creative, Moment, StripeEvent, Tier
from manimod.models.accounts import now

WINDOW = timedelta(days=30)
DELAYS_LOOKED_AT = 200


@dataclass(frozen=True)
class Step:
    """One step of the setup, as in the guide. `endpoint` is where it is done."""

    title: str
    done: bool
    what_good_looks_like: str
    common_error: str
    endpoint: str


@dataclass(frozen=True)
class Overview:
    connection: Connection | None
    creatives: dict[str, int]  # by status
    moments_by_kind: dict[str, int]  # of the last 30 days
    customers: int
    customers_by_tier: list[tuple[str, int]]
    last_event_at: datetime | None
    median_delay_seconds: float | None  # from Stripe's event to the queue
    slowest_delay_seconds: float | None
    steps: list[Step]

    @property
    def is_set_up(self) -> bool:
        return all(step.done for step in self.steps)


def overview(account: Account) -> Overview:
    connection = connections.of_account(account)
    creatives = review.counts(account)
    sizes = _customers_by_tier(connection) if connection else []
    last_event_at = _last_event_at(connection) if connection else None
    delays = _delays(account)
    return Overview(
        connection=connection,
        creatives=creatives,
        moments_by_kind=_moments_by_kind(connection) if connection else dict.fromkeys(KINDS, 0),
        customers=sum(count for _, count in sizes),
        customers_by_tier=sizes,
        last_event_at=last_event_at,
        median_delay_seconds=delays[len(delays) // 2] if delays else None,
        slowest_delay_seconds=delays[-1] if delays else None,
        steps=_steps(account, connection, bool(sizes), last_event_at, sum(creatives.values())),
    )


def _moments_by_kind(connection: Connection) -> dict[str, int]:
    query = (
        select(Moment.kind, func.count())
        .where(Moment.connection_id == connection.id, Moment.occurred_at > now() - WINDOW)
        .group_by(Moment.kind)
    )
    return dict.fromkeys(KINDS, 0) | dict(db.session.execute(query).all())


def _customers_by_tier(connection: Connection) -> list[tuple[str, int]]:
    """Customers of each tier at the last sync, the most first; those without a running subscription come last."""
    query = (
        select(AudienceSize.stripe_product_id, func.sum(AudienceSize.customers))
        .where(AudienceSize.connection_id == connection.id)
        .group_by(AudienceSize.stripe_product_id)
        .order_by(AudienceSize.stripe_product_id.is_(None), func.sum(AudienceSize.customers).desc())
    )
    tiers = db.session.scalars(select(Tier).where(Tier.connection_id == connection.id))
    names = {tier.stripe_product_id: tier.name or "Unnamed tier" for tier in tiers}
    return [(names.get(product, "No subscription"), int(count)) for product, count in db.session.execute(query)]


def _last_event_at(connection: Connection) -> datetime | None:
    query = select(func.max(StripeEvent.received_at)).where(StripeEvent.connection_id == connection.id)
    return db.session.scalar(query)


def _delays(account: Account) -> list[float]:
    """Seconds from Stripe's event to the queue of the latest creatives, in order of size."""
    query = select(Creative.occurred_at, Creative.generated_at).where(Creative.account_id == account.id)
    rows = db.session.execute(query.order_by(Creative.id.desc()).limit(DELAYS_LOOKED_AT))
    return sorted((generated - occurred).total_seconds() for occurred, generated in rows)


def _steps(
    account: Account, connection: Connection | None, has_customers: bool, last_event_at: datetime | None, creatives: int
) -> list[Step]:
    is_connected = bool(connection and connection.is_connected)
    settings = "stripe_settings.show"
    return [
        Step(
            "A plan with the Stripe integration",
            account.may_connect_stripe,
            "Your account is on Pro or Scale.",
            "On Free and Starter the Stripe page offers the upgrade instead.",
            settings,
        ),
        Step(
            "Connect with a restricted key",
            is_connected,
            "Status: Connected, with your Stripe account's name.",
            "A restricted key needs Customers: Read and Subscriptions: Read.",
            settings,
        ),
        Step(
            "At least one customer",
            has_customers,
            "Your customers are counted by tier below.",
            "A customer created a moment ago appears with the next sync, within the hour.",
            settings,
        ),
        Step(
            "Choose the events that matter",
            is_connected and any(connections.switches(account).values()),
            "The switches of the events you chose are green.",
            "With every switch off, nothing is written.",
            settings,
        ),
        Step(
            "Hear from Stripe",
            last_event_at is not None,
            "Stripe's deliveries to mani's endpoint succeed.",
            "The signing secret must be the one of this very endpoint.",
            settings,
        ),
        Step(
            "See the first creative",
            creatives > 0,
            "A test customer's creative is in the queue within five minutes.",
            "Test events need a test-mode key: rk_test_ or sk_test_.",
            "creatives.queue",
        ),
    ]
