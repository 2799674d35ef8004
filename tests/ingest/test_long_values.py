"""Values that are longer than their columns are cut where they come in: PostgreSQL refuses what SQLite keeps whole."""

import itertools
import time
from collections.abc import Iterator

import pytest
from sqlalchemy import String, select

from manimod.extensions import db
from manimod.models import StripeEvent
from manimod.models.states import EventState
from tests.stripe_events import customer, event, invoice, price, subscription

LONG = "l" * 255  # the longest that is read at all
KEPT = {"object", "customer", "subscription"}  # by these the objects find each other


def lengthen(value: object, name: str = "") -> object:
    """The same JSON with long texts."""
    if isinstance(value, dict):
        return {key: lengthen(member, key) for key, member in value.items()}
    if isinstance(value, list):
        return [lengthen(member, name) for member in value]
    return LONG if isinstance(value, str) and name not in KEPT else value


def long_events() -> Iterator[dict]:
    details = {"feedback": "too_expensive", "reason": "cancellation_requested"}
    sold = price(billing_scheme="per_unit", transform_quantity={"divide_by": 1, "round": "up"})
    bodies = {
        "customer.created": customer(),
        "customer.subscription.updated": subscription(cancellation_details=details, of=sold),
        "invoice.updated": invoice(),
    }
    seconds = itertools.count(int(time.time()) - 1000)  # each is newer than the one before
    for kind, body in bodies.items():
        yield event(kind, lengthen(body) | {"id": body["id"]}, next(seconds))
        yield event(kind, lengthen(body), next(seconds))
        for name, value in body.items():  # each by itself: another long one may have it ignored as a whole
            if lengthen(value, name) != value:
                yield event(kind, body | {name: lengthen(value, name)}, next(seconds))


@pytest.mark.both_databases
def test_no_event_fails_for_a_long_value_and_what_is_stored_fits_its_column(deliver, drain) -> None:
    for sent in long_events():
        deliver(sent)
        drain()
        db.session.rollback()
        state = db.session.scalar(select(StripeEvent.state).filter_by(stripe_id=sent["id"]))
        assert state in (EventState.DONE, EventState.IGNORED), sent
        assert too_long() == set(), sent


def too_long() -> set[str]:
    """The columns with a value that PostgreSQL would refuse."""
    return {
        f"{table.name}.{column.name}"
        for table in db.metadata.sorted_tables
        for column in table.columns
        if isinstance(column.type, String) and column.type.length
        for value in db.session.scalars(select(column))
        if value and len(value) > column.type.length
    }
