"""The names of tiers: from Stripe's products if the key may read them, else as the owner calls them."""

import structlog
from sqlalchemy import select

from manimod import jobs
from manimod.customers import replica
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Connection, Tier
from manimod.stripe import connections

log = structlog.get_logger()

MAX_NAME_LENGTH = 80
NAMING_TIMEOUT_SECONDS = 3
NONE, UNNAMED = "No subscription", "Unnamed tier"


def get_for_connection(connection: Connection) -> list[Tier]:
    """Every tier, those without a name first."""
    query = select(Tier).where(Tier.connection_id == connection.id).order_by(Tier.id)
    return sorted(db.session.scalars(query), key=lambda tier: (tier.name is not None, tier.name or ""))


def names(connection: Connection) -> dict[str | None, str | None]:
    """By product, as pages call them; None without a product. To the owner several products may be one tier."""
    named = {tier.stripe_product_id: tier.name or UNNAMED for tier in get_for_connection(connection)}
    return named | {None: None}


def name_new_tiers(connection_id: int) -> None:
    """Ask Stripe, once per product, for the name of a tier that an event mentioned first."""
    connection = db.session.get(Connection, connection_id)
    if connection is None or not connection.is_connected or not connection.account.may_connect_stripe:
        return
    if not connection.permissions.get("products"):
        return
    unnamed = select(Tier.stripe_product_id).where(
        Tier.connection_id == connection_id, Tier.product_name.is_(None), Tier.asked_at.is_(None)
    )
    for product_id in db.session.scalars(unnamed).all():
        name = None
        try:
            name = connections.open_gateway(connection, NAMING_TIMEOUT_SECONDS).product_name(product_id)
        except ManimodError as failure:
            log.warning("tier_not_named", connection=connection_id, product=product_id, code=failure.code)
        with jobs.transaction():
            replica.set_product_name(connection_id, product_id, name)
