"""What Stripe delivers to the webhook: checked, minimised, and stored once, many deliveries with one statement."""

from collections import Counter
from dataclasses import dataclass

from sqlalchemy import Connection as DatabaseConnection
from sqlalchemy import Row, bindparam, select, update

from manimod.errors import ManimodError
from manimod.ingest import events
from manimod.models import Connection, RejectedDelivery, StripeEvent
from manimod.models.accounts import now
from manimod.models.bulk import upsert
from manimod.stripe import connections
from manimod.stripe.gateway import verify
from manimod.stripe.payloads import MinimisedEvent

# Built once, and read as plain rows: this is the path of every event.
RECEIVERS = select(
    Connection.id,
    Connection.webhook_token,
    Connection.status,
    Connection.encrypted_signing_secret,
    Connection.encrypted_old_signing_secret,
).where(Connection.webhook_token.in_(bindparam("tokens", expanding=True)))
LONGEST_SKEW = 2**31 - 1  # seconds; a signature without a time has one of decades


@dataclass(frozen=True)
class Delivery:
    """A request to the webhook: the token of its address, the raw body, the header Stripe-Signature."""

    token: str
    body: bytes
    signature: str | None


@dataclass
class CheckedDelivery:
    """A delivery's event, or why it is refused. `connection_id` is None where the token is nobody's, or given up."""

    connection_id: int | None = None
    event: MinimisedEvent | None = None
    failure: ManimodError | None = None
    is_new: bool = True


def receive(database: DatabaseConnection, deliveries: list[Delivery]) -> list[CheckedDelivery]:
    """Store the events of those that are Stripe's, or count their repeats; what came of each, in their order.

    `database` commits each statement by itself: nothing needs more than one, and a batch only waits for two.
    """
    tokens = {delivery.token for delivery in deliveries}
    known = {row.webhook_token: _Receiver(row) for row in database.execute(RECEIVERS, {"tokens": list(tokens)})}
    checked = [_check(known.get(delivery.token), delivery) for delivery in deliveries]
    _store(database, [item for item in checked if item.event])
    return checked


class _Receiver:
    """A connection as deliveries see it, its secrets opened once for all of them."""

    def __init__(self, connection: Row) -> None:
        self.id, self.secrets, self.failure = connection.id, [], None
        if connection.status != "connected":
            self.id, self.failure = None, ManimodError("WEBHOOK_DISCONNECTED")
            return
        try:
            self.secrets = connections.signing_secrets(connection)
        except ManimodError as failure:
            self.failure = failure


def _check(receiver: _Receiver | None, delivery: Delivery) -> CheckedDelivery:
    if receiver is None:
        return CheckedDelivery(failure=ManimodError("WEBHOOK_UNKNOWN"))
    if receiver.failure:
        return CheckedDelivery(receiver.id, failure=receiver.failure)
    try:
        return CheckedDelivery(receiver.id, verify(delivery.body, delivery.signature, receiver.secrets))
    except ManimodError as failure:
        return CheckedDelivery(receiver.id, failure=failure)


def _store(database: DatabaseConnection, checked: list[CheckedDelivery]) -> None:
    arrived = [(item.connection_id, item.event) for item in checked]
    not_stored = Counter(events.store(arrived, "webhook", database))
    for item in reversed(checked) if not_stored else ():  # of two alike, the first was stored
        key = (item.connection_id, item.event.facts.id)
        if not_stored[key]:
            not_stored[key] -= 1
            _count_redelivery(database, item)


def _count_redelivery(database: DatabaseConnection, item: CheckedDelivery) -> None:
    """Stripe delivered what is here already: once more, or after the poll had found it. Otherwise, who received it has
    disconnected meanwhile.
    """
    item.is_new = False
    query = update(StripeEvent).where(
        StripeEvent.connection_id == item.connection_id, StripeEvent.stripe_id == item.event.facts.id
    )
    if not database.execute(query.values(repeats=StripeEvent.repeats + 1, repeated_at=now())).rowcount:
        item.connection_id, item.failure = None, ManimodError("WEBHOOK_DISCONNECTED")


def count_rejected(connection_id: int, failure: ManimodError) -> None:
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
    upsert(RejectedDelivery, [row], ("connection_id", "hour", "code"), add=("count",))
