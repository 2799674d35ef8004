"""The audience page: how many customers each tier and segment holds, and which creatives have been made for them."""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import func, select

from manimod.extensions import db
from manimod.flow import connections, history, tiers
from manimod.models import Account, AudienceSize, Connection, Creative

SEGMENTS = ("high", "core", "low", "new")


@dataclass
class Audience:
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
class Audiences:
    """`rows` has one entry a tier, the largest first: its name and its audiences by segment."""

    rows: list[tuple[str, dict[str | None, Audience]]]
    kinds: list[str]  # the events that are switched on
    customers: int
    knows_week_before: bool

    @property
    def columns(self) -> list[str | None]:
        """The segments, and None where some customers have none."""
        unranked = any(None in cells for _, cells in self.rows)
        return [*SEGMENTS, None] if unranked else list(SEGMENTS)

    @property
    def listed(self) -> list[Audience]:
        """Those that an ad can speak to by name, the largest first."""
        found = [
            audience for _, cells in self.rows for audience in cells.values() if audience.tier and audience.customers
        ]
        return sorted(found, key=lambda audience: -audience.customers)

    @property
    def missing(self) -> list[Audience]:
        return [audience for audience in self.listed if not audience.sets]


def of_account(account: Account, connection: Connection) -> Audiences:
    audiences: dict[tuple[str | None, str | None], Audience] = {}
    names = tiers.names(connection)

    def audience(product: str | None, segment: str | None) -> Audience:
        tier = tiers.called(names, product)
        return audiences.setdefault((tier, segment), Audience(tier, segment))

    for product, segment, customers in _sizes(connection):
        audience(product, segment).customers += customers
    week_before = history.a_week_before(connection) if audiences else []
    for product, segment, customers in week_before:
        audience(product, segment).week_before += customers
    for tier, segment, kind, status, count in _made(account):
        # A set that was made before a tier was renamed or known speaks to nobody who is counted here.
        if (tier, segment) in audiences:
            audiences[tier, segment].made.setdefault(kind, Counter())[status] += count
    switches = connections.switches(account)
    return Audiences(
        rows=_rows(list(audiences.values())),
        kinds=[kind for kind, enabled in switches.items() if enabled],
        customers=sum(audience.customers for audience in audiences.values()),
        knows_week_before=bool(week_before),
    )


def sizes(connection: Connection) -> list[tuple[str | None, str | None, int]]:
    """(tier's name or None without a subscription, segment, customers) as the last sync counted them."""
    names = tiers.names(connection)
    return [(tiers.called(names, product), segment, customers) for product, segment, customers in _sizes(connection)]


def by_size(counts: list[tuple[str | None, int]]) -> list[tuple[str | None, int]]:
    """Added up by name, the most first; what has no name comes last."""
    total: Counter = Counter()
    for name, count in counts:
        total[name] += count
    return sorted(total.items(), key=lambda row: (row[0] is None, -row[1]))


def _sizes(connection: Connection) -> list:
    query = select(AudienceSize.stripe_product_id, AudienceSize.segment, AudienceSize.customers)
    return db.session.execute(query.where(AudienceSize.connection_id == connection.id)).all()


def _made(account: Account) -> list:
    by = (Creative.tier, Creative.segment, Creative.event, Creative.status)
    query = select(*by, func.count()).where(Creative.account_id == account.id).group_by(*by)
    return db.session.execute(query.where(Creative.status.in_(("waiting", "approved")))).all()


def _rows(audiences: list[Audience]) -> list[tuple[str, dict[str | None, Audience]]]:
    by_tier = by_size([(audience.tier, audience.customers) for audience in audiences])
    return [
        (tier or tiers.NONE, {audience.segment: audience for audience in audiences if audience.tier == tier})
        for tier, _ in by_tier
    ]
