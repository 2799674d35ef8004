"""How the flow's tests deliver events and read what came of them."""

from collections.abc import Callable

import pytest
from sqlalchemy import select

from manimod.extensions import db
from manimod.ingest import events
from manimod.jobs import transaction
from manimod.models import Connection, Creative, Moment
from manimod.models.states import Source
from manimod.stripe import connections
from manimod.stripe.gateway import verify
from tests import factories


@pytest.fixture
def connected(connected: Connection, drain: Callable[[], None]) -> Connection:
    """The first sync is over, so that it does not meet customers who are only in the test's events."""
    drain()
    return connected


@pytest.fixture
def deliver(connected: Connection) -> Callable[..., bool]:
    """Receive signed events, as the webhook does; True where the last one was new."""

    def send(*sent: dict) -> bool:
        is_new = False
        for one in sent:
            request = factories.signed(one)
            secrets = connections.signing_secrets(connected)
            event = verify(request["data"], request["headers"]["Stripe-Signature"], secrets)
            with transaction():
                [is_new] = events.store([(connected.id, event)], Source.WEBHOOK)
        return is_new

    return send


@pytest.fixture
def moments(connected: Connection) -> Callable[[], dict[str, str]]:
    """Every moment's key and state."""

    def read() -> dict[str, str]:
        db.session.rollback()
        query = select(Moment.key, Moment.state).where(Moment.connection_id == connected.id)
        return dict(db.session.execute(query).all())

    return read


@pytest.fixture
def creatives(connected: Connection) -> Callable[[], list[Creative]]:
    def read() -> list[Creative]:
        db.session.rollback()
        query = select(Creative).where(Creative.account_id == connected.account_id).order_by(Creative.id)
        return list(db.session.scalars(query))

    return read


@pytest.fixture
def live(sandbox, account) -> Connection:
    """A live-mode connection: its moments share creatives by audience."""
    stripe_account = sandbox.create_account("Live Studio")
    return factories.connect(account, stripe_account, mode="live")
