"""Who is in an audience: the customers whose moments its approved creatives were made for, while the ads may run.

Their e-mail addresses are not known here. The owner's browser finds them in a file of Stripe's and makes the list; what
is kept is that a list was made.
"""

import hmac
import secrets
from datetime import timedelta

from sqlalchemy import Select, func, or_, select

from manimod.extensions import db
from manimod.lifecycle import KINDS
from manimod.models import AudienceList, Connection, Creative, Moment, User
from manimod.models.accounts import CLOCK_TOLERANCE, now
from manimod.models.states import CreativeStatus, MomentState

MAX_HELD_OUT = 50  # percent
LISTS_SHOWN = 10


def count_sets(creative: Creative) -> int:
    """How many approved creatives the audience has."""
    return db.session.scalar(_sets(creative).with_only_columns(func.count()))


def count_customers(creative: Creative, from_day: int = 0) -> int:
    """`from_day`: those whose moment is at least so many days old."""
    return db.session.scalar(_customers(creative, from_day, func.count(Moment.stripe_customer_id.distinct())))


def get_customers(creative: Creative, from_day: int) -> list[str]:
    """Stripe's ids, in no order that says anything."""
    ids = Moment.stripe_customer_id
    return list(db.session.scalars(_customers(creative, from_day, ids).distinct().order_by(ids)))


def _sets(creative: Creative) -> Select:
    """The approved creatives of the same audience, written one after another, all of which run; and this one."""
    audience = {column: getattr(creative, column) for column in ("account_id", "is_test", "event", "tier", "segment")}
    is_meant = or_(Creative.status == CreativeStatus.APPROVED, Creative.id == creative.id)
    return select(Creative.id).filter_by(**audience).where(is_meant)


def _customers(creative: Creative, from_day: int, column: object) -> Select:
    last_day = timedelta(days=KINDS[creative.event].runs[1])
    return select(column).where(
        Moment.creative_id.in_(_sets(creative)),
        Moment.state == MomentState.GENERATED,
        Moment.stripe_customer_id.is_not(None),
        Moment.occurred_at > now() - last_day,
        Moment.occurred_at <= now() - timedelta(days=from_day) + CLOCK_TOLERANCE,
    )


def make(connection: Connection, creative: Creative, by: User, held_out: int, from_day: int = 0) -> AudienceList:
    """Keep that a list is made. `held_out`: percent of the customers that it leaves out, 0 to MAX_HELD_OUT."""
    earlier = list_recent(connection, creative)
    made = AudienceList(
        connection_id=connection.id,
        event=creative.event,
        tier=creative.tier,
        segment=creative.segment,
        from_day=from_day,
        customers=count_customers(creative, from_day),
        held_out=held_out,
        key=earlier[0].key if earlier else secrets.token_hex(16),
        made_by=by.id,
    )
    db.session.add(made)
    db.session.flush()
    return made


def list_recent(connection: Connection, creative: Creative) -> list[AudienceList]:
    """The lists of the creative's audience, the latest first."""
    audience = {"event": creative.event, "tier": creative.tier, "segment": creative.segment}
    query = select(AudienceList).filter_by(connection_id=connection.id, **audience)
    return list(db.session.scalars(query.order_by(AudienceList.id.desc()).limit(LISTS_SHOWN)))


def split(made: AudienceList, customers: list[str]) -> tuple[list[str], list[str]]:
    """Those in the list and those held out. The same customer falls on the same side in each list of an audience; a
    larger share holds out those of a smaller one and more."""
    if not made.held_out:
        return customers, []
    share, key, sides = made.held_out / 100, made.key.encode(), ([], [])
    for customer in customers:
        sides[place(key, customer) < share].append(customer)
    return sides


def place(key: bytes, customer: str) -> float:
    """Where the keyed hash puts a customer, from 0 up to 1, evenly spread."""
    return int.from_bytes(hmac.digest(key, customer.encode(), "sha256")[:8], "big") / 2**64
