"""The audience page: how many customers each tier and segment holds, and which creatives have been made for them."""

from collections import Counter
from dataclasses import dataclass, field

from sqlalchemy import func, select

from manimod.extensions import db
from manimod.flow import connections
from manimod.models import Account, AudienceSize, Connection, Creative, Tier

SEGMENTS = ("high", "core", "low", "new")
NO_TIER, UNNAMED = "No subscription", "Unnamed tier"


@dataclass
class Audience:
    """The customers of one tier and segment. `made`: kind of event -> status -> number of creative sets."""

    tier: str | None
    segment: str | None
    customers: int = 0
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

    @property
    def columns(self) -> list[str | None]:
        """The segments, and None where some customers have none."""
        unranked = any(None in cells for _, cells in self.rows)
        return [*SEGMENTS, None] if unranked else list(SEGMENTS)

    @property
    def listed(self) -> list[Audience]:
        """Those that an ad can speak to by name, the largest first."""
        found = [audience for _, cells in self.rows for audience in cells.values() if audience.tier]
        return sorted(found, key=lambda audience: -audience.customers)

    @property
    def missing(self) -> list[Audience]:
        return [audience for audience in self.listed if audience.customers and not audience.sets]


def of_account(account: Account, connection: Connection) -> Audiences:
    audiences: dict[tuple[str | None, str | None], Audience] = {}

    def audience(tier: str | None, segment: str | None) -> Audience:
        return audiences.setdefault((tier, segment), Audience(tier, segment))

    for tier, segment, customers in sizes(connection):
        audience(tier, segment).customers += customers
    for tier, segment, kind, status, count in _made(account):
        # A set that was made before a tier was renamed or known speaks to nobody who is counted here.
        if (tier, segment) in audiences:
            audience(tier, segment).made.setdefault(kind, Counter())[status] += count
    switches = connections.switches(account)
    return Audiences(
        rows=_rows(list(audiences.values())),
        kinds=[kind for kind, enabled in switches.items() if enabled],
        customers=sum(audience.customers for audience in audiences.values()),
    )


def sizes(connection: Connection) -> list[tuple[str | None, str | None, int]]:
    """(tier's name or None without a subscription, segment, customers) as the last sync counted them."""
    tiers = db.session.scalars(select(Tier).where(Tier.connection_id == connection.id))
    names = {tier.stripe_product_id: tier.name or UNNAMED for tier in tiers}
    query = select(AudienceSize.stripe_product_id, AudienceSize.segment, AudienceSize.customers)
    rows = db.session.execute(query.where(AudienceSize.connection_id == connection.id))
    return [(product and names.get(product, UNNAMED), segment, customers) for product, segment, customers in rows]


def by_size(counts: list[tuple[str | None, int]]) -> list[tuple[str | None, int]]:
    """Added up by name, the most first; what has no name comes last."""
    total: Counter = Counter()
    for name, count in counts:
        total[name] += count
    return sorted(total.items(), key=lambda row: (row[0] is None, -row[1]))


def _made(account: Account) -> list:
    by = (Creative.tier, Creative.segment, Creative.event, Creative.status)
    query = select(*by, func.count()).where(Creative.account_id == account.id).group_by(*by)
    return db.session.execute(query.where(Creative.status.in_(("waiting", "approved")))).all()


def _rows(audiences: list[Audience]) -> list[tuple[str, dict[str | None, Audience]]]:
    tiers = by_size([(audience.tier, audience.customers) for audience in audiences])
    return [
        (tier or NO_TIER, {audience.segment: audience for audience in audiences if audience.tier == tier})
        for tier, _ in tiers
    ]
