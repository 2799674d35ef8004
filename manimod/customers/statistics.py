"""The audience page: how many customers each tier and segment holds, and which creatives have been made for them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Select,
    String,
    column,
    delete,
    func,
    insert,
    literal,
    null,
    select,
    true,
    union_all,
    values,
)

from manimod.customers import daily_statistics, tiers
from manimod.extensions import db
from manimod.lifecycle import KINDS
from manimod.models import Account, AudienceSize, Connection, Creative, Customer, Subscription
from manimod.stripe.payloads import LIVE_STATUSES, UNPAID_STATUSES

SEGMENTS = ("high", "core", "low", "new")
MAX_COUNTED = 99  # sets of one kind, audience and status; one more means "more than that"


@dataclass
class AudienceSummary:
    """The customers of one tier and segment. `made`: kind of event -> status -> number of creative sets."""

    tier: str | None
    segment: str | None
    customers: int = 0
    week_before: int = 0
    made: dict[str, Counter] = field(default_factory=dict)

    @property
    def sets(self) -> int:
        return sum(sum(statuses.values()) for statuses in self.made.values())


@dataclass(frozen=True)
class AudienceTable:
    """`rows` has one entry a tier, the largest first: its name and its audiences by segment."""

    rows: list[tuple[str, dict[str | None, AudienceSummary]]]
    customers: int
    knows_week_before: bool

    @property
    def columns(self) -> list[str | None]:
        """The segments, and None where some customers have none."""
        unranked = any(None in cells for _, cells in self.rows)
        return [*SEGMENTS, None] if unranked else list(SEGMENTS)

    @property
    def listed(self) -> list[AudienceSummary]:
        """Those that an ad can speak to by name, the largest first."""
        found = [
            audience for _, cells in self.rows for audience in cells.values() if audience.tier and audience.customers
        ]
        return sorted(found, key=lambda audience: -audience.customers)

    @property
    def missing(self) -> list[AudienceSummary]:
        return [audience for audience in self.listed if not audience.sets]


def get_audiences(connection: Connection) -> AudienceTable:
    audiences: dict[tuple[str | None, str | None], AudienceSummary] = {}
    names = tiers.names(connection)

    def audience(product: str | None, segment: str | None) -> AudienceSummary:
        tier = tiers.display_name(names, product)
        return audiences.setdefault((tier, segment), AudienceSummary(tier, segment))

    for product, segment, customers in _sizes(connection):
        audience(product, segment).customers += customers
    week_before = daily_statistics.a_week_before(connection) if audiences else []
    for product, segment, customers in week_before:
        audience(product, segment).week_before += customers
    for tier, segment, kind, status, count in _made(connection.account, {tier for tier, _ in audiences if tier}):
        # A set that was made before a tier was renamed or known speaks to nobody who is counted here.
        if (tier, segment) in audiences:
            audiences[tier, segment].made.setdefault(kind, Counter())[status] += count
    return AudienceTable(
        rows=_rows(list(audiences.values())),
        customers=sum(audience.customers for audience in audiences.values()),
        knows_week_before=bool(week_before),
    )


def count_audiences(connection_id: int) -> None:
    """At the end of a sync: customers by the tier of their running subscription and by segment."""
    products = (
        select(Subscription.stripe_customer_id, func.max(Subscription.stripe_product_id).label("product"))
        .where(
            Subscription.connection_id == connection_id,
            Subscription.status.in_(LIVE_STATUSES + UNPAID_STATUSES),
        )
        .group_by(Subscription.stripe_customer_id)
        .subquery()
    )
    counted = (
        select(Customer.connection_id, products.c.product, Customer.segment, func.count())
        .outerjoin(products, products.c.stripe_customer_id == Customer.stripe_id)
        .where(Customer.connection_id == connection_id)
        .group_by(Customer.connection_id, products.c.product, Customer.segment)
    )
    db.session.execute(delete(AudienceSize).where(AudienceSize.connection_id == connection_id))
    columns = ["connection_id", "stripe_product_id", "segment", "customers"]
    db.session.execute(insert(AudienceSize).from_select(columns, counted))
    daily_statistics.store_audience_sizes(connection_id)


def sizes(connection: Connection) -> list[tuple[str | None, str | None, int]]:
    """(tier's name or None without a subscription, segment, customers) as the last sync counted them."""
    names = tiers.names(connection)
    return [
        (tiers.display_name(names, product), segment, customers) for product, segment, customers in _sizes(connection)
    ]


def by_size(counts: list[tuple[str | None, int]]) -> list[tuple[str | None, int]]:
    """Added up by name, the most first; what has no name comes last."""
    total: Counter = Counter()
    for name, count in counts:
        total[name] += count
    return sorted(total.items(), key=lambda row: (row[0] is None, -row[1]))


def _sizes(connection: Connection) -> list:
    query = select(AudienceSize.stripe_product_id, AudienceSize.segment, AudienceSize.customers)
    return db.session.execute(query.where(AudienceSize.connection_id == connection.id)).all()


def _made(account: Account, tiers: set[str]) -> list:
    """(tier, segment, kind, status, number up to COUNTED + 1) of the sets that wait or are approved.

    The index is asked for each in turn: to add up all creatives takes longer the more there are.
    """
    if not tiers:
        return []
    tier, segment = _listed("tier", sorted(tiers)), _listed("segment", SEGMENTS)
    kind, status = _listed("kind", KINDS), _listed("status", ("waiting", "approved"))
    each = tier.join(kind, true()).join(status, true())

    def counted(of_segment: ColumnElement, those: FromClause) -> Select:
        about = {Creative.tier: tier.c.tier, Creative.event: kind.c.kind, Creative.status: status.c.status}
        same = [known == value for known, value in (about | {Creative.segment: of_segment}).items()]
        some = select(literal(1)).where(Creative.account_id == account.id, *same).limit(MAX_COUNTED + 1)
        number = select(func.count()).select_from(some.correlate(tier, segment, kind, status).subquery())
        columns = tier.c.tier, of_segment.label("segment"), kind.c.kind, status.c.status, number.scalar_subquery()
        return select(*columns).select_from(those)

    every = union_all(counted(segment.c.segment, each.join(segment, true())), counted(null(), each))
    return [row for row in db.session.execute(every) if row[-1]]


def _listed(name: str, texts: Iterable[str]) -> CTE:
    return values(column(name, String), name=name).data([(text,) for text in texts]).cte(name)


def _rows(audiences: list[AudienceSummary]) -> list[tuple[str, dict[str | None, AudienceSummary]]]:
    by_tier = by_size([(audience.tier, audience.customers) for audience in audiences])
    return [
        (tier or tiers.NONE, {audience.segment: audience for audience in audiences if audience.tier == tier})
        for tier, _ in by_tier
    ]
