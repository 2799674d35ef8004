"""The names of tiers: from Stripe's products where the key may read them, else as the owner calls them."""

from sqlalchemy import select

from manimod.extensions import db
from manimod.models import Connection, Tier

LONGEST_NAME = 80
NONE, UNNAMED = "No subscription", "Unnamed tier"


def get_for_connection(connection: Connection) -> list[Tier]:
    """Every tier, those without a name first."""
    query = select(Tier).where(Tier.connection_id == connection.id).order_by(Tier.id)
    return sorted(db.session.scalars(query), key=lambda tier: (tier.name is not None, tier.name or ""))


def names(connection: Connection) -> dict[str, str | None]:
    """By product, as pages call them."""
    return {tier.stripe_product_id: tier.name for tier in get_for_connection(connection)}


def display_name(names: dict[str, str | None], product: str | None) -> str | None:
    """None without a product. To the owner several products may be one tier."""
    return product and (names.get(product) or UNNAMED)
