"""The names of tiers: from Stripe's products where the key may read them, else as the owner calls them."""

from collections.abc import Iterable

from sqlalchemy import select

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.flow import brands
from manimod.models import Connection, Tier
from manimod.studio.lint import LintContext
from manimod.studio.writer import printable_tier

LONGEST_NAME = 80
NONE, UNNAMED = "No subscription", "Unnamed tier"


def of_connection(connection: Connection) -> list[Tier]:
    """Every tier, those without a name first."""
    query = select(Tier).where(Tier.connection_id == connection.id).order_by(Tier.id)
    return sorted(db.session.scalars(query), key=lambda tier: (tier.name is not None, tier.name or ""))


def names(connection: Connection) -> dict[str, str | None]:
    """By product, as pages call them."""
    return {tier.stripe_product_id: tier.name for tier in of_connection(connection)}


def called(names: dict[str, str | None], product: str | None) -> str | None:
    """None without a product. To the owner several products may be one tier."""
    return product and (names.get(product) or UNNAMED)


def unprintable(connection: Connection, tiers: list[Tier]) -> dict[int, str]:
    """Why the ads leave a tier's name out, by the tier's id; tiers whose name an ad may print are not in it."""
    names = {tier.id: tier.name for tier in tiers if tier.name}
    context = _context(connection, names.values())
    why = {tier_id: printable_tier(name, context)[1] for tier_id, name in names.items()}
    return {tier_id: reason.rstrip(".") for tier_id, reason in why.items() if reason}


def rename(connection: Connection, tier_id: int, name: str) -> Tier:
    """Give a tier the owner's name, which the next creative uses; an empty name goes back to Stripe's."""
    tier = db.session.scalar(select(Tier).where(Tier.connection_id == connection.id, Tier.id == tier_id))
    if tier is None:
        raise ManimodError("NOT_FOUND")
    name = " ".join(name.split())
    if len(name) > LONGEST_NAME or (not name and not tier.product_name):
        raise ManimodError("TIER_NAME_MISSING")
    why = printable_tier(name, _context(connection, [name]))[1] if name else None
    if why:
        raise ManimodError("TIER_NAME_UNPRINTABLE", why=why.rstrip("."))
    tier.owner_name = name or None
    return tier


def _context(connection: Connection, names: Iterable[str]) -> LintContext:
    account = connection.account
    return LintContext(brands.brand_of(account), customer_names=brands.customers_in_full(account, names))
