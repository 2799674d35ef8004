"""The names of tiers: from Stripe's products where the key may read them, else as the owner calls them."""

from sqlalchemy import select

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Connection, Tier

LONGEST_NAME = 80


def of_connection(connection: Connection) -> list[Tier]:
    """Every tier, those without a name first."""
    query = select(Tier).where(Tier.connection_id == connection.id).order_by(Tier.id)
    return sorted(db.session.scalars(query), key=lambda tier: (tier.name is not None, tier.name or ""))


def rename(connection: Connection, tier_id: int, name: str) -> Tier:
    """Give a tier the owner's name, which the next creative uses; an empty name goes back to Stripe's."""
    tier = db.session.scalar(select(Tier).where(Tier.connection_id == connection.id, Tier.id == tier_id))
    if tier is None:
        raise ManimodError("NOT_FOUND")
    name = " ".join(name.split())
    if len(name) > LONGEST_NAME or (not name and not tier.product_name):
        raise ManimodError("TIER_NAME_MISSING")
    tier.owner_name = name or None
    return tier
