"""The names of tiers: from Stripe's products if the key may read them, else as the owner calls them."""

from datetime import timedelta

import structlog
from sqlalchemy import and_, not_, or_, select, text

from manimod import jobs
from manimod.customers import replica
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import UPLOAD, Connection, Tier
from manimod.models.accounts import is_recent
from manimod.models.tiers import clean_name
from manimod.stripe import catalogue, connections
from manimod.stripe.catalogue import ProductFacts
from manimod.stripe.payloads import LIVE_STATUSES, UNPAID_STATUSES

log = structlog.get_logger()

MAX_NAME_LENGTH = 80
NAMING_TIMEOUT_SECONDS = 3
ASK_AGAIN_AFTER = timedelta(days=1)  # about a product without a name
MAX_ASKED = 50  # at once
NONE, UNNAMED = "No subscription", "Unnamed tier"
RUNNING_STATUSES = LIVE_STATUSES + UNPAID_STATUSES
# The order of a customer's subscriptions in SQL: the ads name the tier of the first one.
NAMED_FIRST = text(f"subscription.status NOT IN {RUNNING_STATUSES}, subscription.created_at DESC, subscription.id DESC")


def get_for_connection(connection: Connection) -> list[Tier]:
    """Every tier, those without a name first."""
    query = select(Tier).where(Tier.connection_id == connection.id).order_by(Tier.id)
    return sorted(db.session.scalars(query), key=lambda tier: (tier.name is not None, tier.name or ""))


def names(connection: Connection) -> dict[str | None, str | None]:
    """By product, as pages call them; None without a product. To the owner several products may be one tier."""
    named = {tier.stripe_product_id: tier.name or UNNAMED for tier in get_for_connection(connection)}
    return named | {None: None}


def find_same(tier: Tier) -> list[Tier]:
    """The same tier in the account's other mode, with what the owner says of it."""
    return _same_among(_of_other_mode(tier.connection_id), tier)


def _of_other_mode(connection_id: int) -> list[Tier]:
    account = select(Connection.account_id).where(Connection.id == connection_id).scalar_subquery()
    query = select(Tier).join(Connection).where(Connection.account_id == account, Connection.id != connection_id)
    return list(db.session.scalars(query.order_by(Tier.id)))


def _same_among(others: list[Tier], tier: Tier) -> list[Tier]:
    """By the product's id, which a copy to live mode keeps, or by its name, as a sandbox has other ids."""
    name, same = _name_of_product(tier), []
    for other in others:
        if other.stripe_product_id == tier.stripe_product_id or (name and _name_of_product(other) == name):
            same.append(other)
    return same


def _name_of_product(tier: Tier) -> str:
    name, _ = clean_name(tier.product_name or "")
    return (name or tier.product_name or "").casefold()


def take_over_words(connection_id: int) -> None:
    """Give new tiers what the owner says of the same tier in the other mode: its name, its lines and its picture."""
    others = _of_other_mode(connection_id)
    if not others:
        return
    for tier in db.session.scalars(select(Tier).where(Tier.connection_id == connection_id)):
        for other in _same_among(others, tier):
            tier.owner_name = tier.owner_name or other.owner_name
            tier.owner_lines = tier.owner_lines or other.owner_lines
            if other.picture_from == UPLOAD and tier.picture_from != UPLOAD:
                copy_upload(other, tier)


def copy_upload(tier: Tier, other: Tier) -> None:
    other.picture, other.picture_from, other.picture_at = tier.picture, tier.picture_from, tier.picture_at
    other.picture_error = None


def name_new_tiers(connection_id: int) -> None:
    """Ask Stripe about the products that no list has brought since they were met."""
    connection = db.session.get(Connection, connection_id)
    if connection is None or not connection.is_connected or not connection.permissions.get("products"):
        return
    is_unnamed = and_(Tier.product_name.is_(None), not_(is_recent(Tier.asked_at, ASK_AGAIN_AFTER)))
    query = select(Tier.stripe_product_id).where(Tier.connection_id == connection_id)
    due = query.where(or_(Tier.asked_at.is_(None), is_unnamed)).limit(MAX_ASKED)
    for product_id in db.session.scalars(due).all():
        product = ProductFacts(product_id)
        try:
            gateway = connections.open_gateway(connection, NAMING_TIMEOUT_SECONDS)
            answer, _ = gateway.object("product", product_id)
            product = catalogue.read_product(answer) or product
        except ManimodError as failure:
            log.warning("tier_not_named", connection=connection_id, product=product_id, code=failure.code)
        with jobs.transaction():
            replica.update_tiers(connection_id, [product])
            take_over_words(connection_id)
