"""The names of tiers: from Stripe's products where the key may read them, else as the owner calls them."""

from sqlalchemy import select

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.flow import brands
from manimod.models import Connection, Tier
from manimod.studio import lint
from manimod.studio.lint import LintContext
from manimod.studio.tiers import speak

LONGEST_NAME = 80


def of_connection(connection: Connection) -> list[Tier]:
    """Every tier, those without a name first."""
    query = select(Tier).where(Tier.connection_id == connection.id).order_by(Tier.id)
    return sorted(db.session.scalars(query), key=lambda tier: (tier.name is not None, tier.name or ""))


def unprintable(connection: Connection, tiers: list[Tier]) -> dict[int, str]:
    """Why the ads leave a tier's name out, by the tier's id; tiers whose name an ad may print are not in it."""
    named = [tier for tier in tiers if tier.name]
    context = LintContext(brands.brand_of(connection.account)) if named else None
    why = {tier.id: _why_unprintable(tier.name, context) for tier in named}
    return {tier_id: reason for tier_id, reason in why.items() if reason}


def rename(connection: Connection, tier_id: int, name: str) -> Tier:
    """Give a tier the owner's name, which the next creative uses; an empty name goes back to Stripe's."""
    tier = db.session.scalar(select(Tier).where(Tier.connection_id == connection.id, Tier.id == tier_id))
    if tier is None:
        raise ManimodError("NOT_FOUND")
    name = " ".join(name.split())
    if len(name) > LONGEST_NAME or (not name and not tier.product_name):
        raise ManimodError("TIER_NAME_MISSING")
    why = _why_unprintable(name, LintContext(brands.brand_of(connection.account))) if name else None
    if why:
        raise ManimodError("TIER_NAME_UNPRINTABLE", why=why)
    tier.owner_name = name or None
    return tier


def _why_unprintable(name: str, context: LintContext) -> str | None:
    """As the writer judges it: a name that cannot be spoken, breaks a rule, or has letters that cannot be drawn."""
    tier, why = speak(name)
    if tier:
        findings = lint.check_name(tier.name, context)
        why = next((f.message for f in findings if f.severity == lint.BLOCK or f.rule_id == "IMG-05"), None)
    return why and why.rstrip(".")
