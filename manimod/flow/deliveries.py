"""What Stripe delivers to the webhook: checked, minimised, and stored once, many deliveries in one transaction."""

from dataclasses import dataclass

from sqlalchemy import Row, bindparam, select, update

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.flow import connections, inbox
from manimod.models import Connection, RefusedDelivery, StripeEvent
from manimod.models.accounts import now
from manimod.models.upsert import upsert
from manimod.stripe_facts import MinimisedEvent
from manimod.stripe_gateway import verify

# Built once, and read as plain rows: this is the path of every event.
KNOWN = select(Connection.__table__).where(Connection.webhook_token.in_(bindparam("tokens", expanding=True)))
STILL_CONNECTED = select(Connection.id).where(
    Connection.id.in_(bindparam("ids", expanding=True)), Connection.status == "connected"
)
LONGEST_SKEW = 2**31 - 1  # seconds; a signature without a time has one of decades


@dataclass(frozen=True)
class Delivery:
    """A request to the webhook: the token of its address, the raw body, the header Stripe-Signature."""

    token: str
    body: bytes
    signature: str | None


@dataclass
class Checked:
    """A delivery's event, or why it is refused. `connection_id` is None where the token is nobody's."""

    connection_id: int | None = None
    event: MinimisedEvent | None = None
    failure: ManimodError | None = None
    is_new: bool = True


def check(deliveries: list[Delivery]) -> list[Checked]:
    """Whether each is Stripe's, in their order. Reads the connections and writes nothing."""
    tokens = {delivery.token for delivery in deliveries}
    known = {row.webhook_token: row for row in db.session.execute(KNOWN, {"tokens": list(tokens)})}
    return [_check(known.get(delivery.token), delivery) for delivery in deliveries]


def _check(connection: Row | None, delivery: Delivery) -> Checked:
    if connection is None:
        return Checked(failure=ManimodError("WEBHOOK_UNKNOWN"))
    if connection.status != "connected":
        return Checked(failure=ManimodError("WEBHOOK_DISCONNECTED"))
    try:
        secrets = connections.signing_secrets(connection)
        return Checked(connection.id, verify(delivery.body, delivery.signature, secrets))
    except ManimodError as failure:
        return Checked(connection.id, failure=failure)


def store(checked: list[Checked]) -> None:
    """Store the events of those that were not refused, or count their repeats.

    Who has disconnected meanwhile is refused now.
    """
    good = [item for item in checked if item.event]
    connected = set(db.session.scalars(STILL_CONNECTED, {"ids": list({item.connection_id for item in good})}))
    for item in good:
        if item.connection_id not in connected:
            item.failure = ManimodError("WEBHOOK_DISCONNECTED")
    arrived = [(item.connection_id, item.event) for item in good if item.failure is None]
    for connection_id, stripe_id in (repeated := inbox.store(arrived, "webhook")):
        _count_repeat(connection_id, stripe_id)
    for item in good:
        item.is_new = (item.connection_id, item.event.facts.id) not in repeated


def _count_repeat(connection_id: int, stripe_id: str) -> None:
    """Stripe delivered what is here already: once more, or after the poll had found it."""
    query = update(StripeEvent).where(StripeEvent.connection_id == connection_id, StripeEvent.stripe_id == stripe_id)
    db.session.execute(query.values(repeats=StripeEvent.repeats + 1, repeated_at=now()))


def note_refusal(connection_id: int, failure: ManimodError) -> None:
    """Count a delivery that was refused, for troubleshooting: one row an hour and reason, however many there are."""
    skew = failure.slots.get("skew")
    row = {
        "connection_id": connection_id,
        "code": failure.code,
        "hour": now().replace(minute=0, second=0, microsecond=0),
        "count": 1,
        "last_at": now(),
        "clock_skew_seconds": None if skew is None else max(-LONGEST_SKEW, min(skew, LONGEST_SKEW)),
    }
    upsert(RefusedDelivery, [row], ("connection_id", "hour", "code"), add=("count",))
