"""Where Stripe delivers. An answer of 200 means that the event is in the database."""

import threading
from collections import deque
from dataclasses import dataclass

from flask import Blueprint, Response, g, request
from limits import parse
from redis.exceptions import RedisError

from manimod.errors import ManimodError
from manimod.extensions import connect_for_single_statements, csrf, limiter
from manimod.flow import deliveries, inbox
from manimod.flow.deliveries import Checked, Delivery
from manimod.jobs import transaction

LARGEST_BODY = 1024 * 1024
MOST_AT_ONCE = 50
REFUSALS_OF_AN_ADDRESS = parse("1200 per minute")

blueprint = Blueprint("webhooks", __name__)


@blueprint.post("/webhooks/stripe/<token>")
@csrf.exempt
def stripe(token: str) -> Response:
    request.max_content_length = LARGEST_BODY
    delivery = Delivery(token, request.get_data(), request.headers.get("Stripe-Signature"))
    checked = desk.hand_in(delivery, g.request_id)
    if checked.failure:
        raise _refusal(token, checked)
    return Response("ok\n", mimetype="text/plain")


def _refusal(token: str, checked: Checked) -> ManimodError:
    """Noted so many times a minute at most: the address alone shall not keep the database writing.

    Only refusals are counted. What Stripe signed is never held up, whoever else knows the address.
    """
    if not checked.connection_id:
        return checked.failure
    if not _may_note(token):
        return ManimodError("TOO_MANY")
    with transaction():
        deliveries.note_refusal(checked.connection_id, checked.failure)
    return checked.failure


def _may_note(token: str) -> bool:
    try:
        return limiter.limiter.hit(REFUSALS_OF_AN_ADDRESS, "webhook", token)
    except RedisError:
        return True


@dataclass(eq=False)
class Waiting:
    """A delivery at the desk, and what came of it."""

    delivery: Delivery
    request_id: str
    checked: Checked | None = None
    error: Exception | None = None
    is_done: bool = False


class Desk:
    """Deliveries of one moment share a commit: the thread whose turn it is stores all that wait, its own among them.

    Nobody waits for company: a delivery that comes alone is stored alone. Under load a commit takes as long for eight
    as for one, and the database sees an eighth of them.
    """

    def __init__(self) -> None:
        self._waiting: deque[Waiting] = deque()
        self._turn = threading.Lock()

    def hand_in(self, delivery: Delivery, request_id: str) -> Checked:
        """Returns once the delivery is committed or refused. Raises what the database raised."""
        mine = Waiting(delivery, request_id)
        self._waiting.append(mine)
        with self._turn:
            while not mine.is_done:
                self._store_those_who_wait()
        if mine.error:
            raise mine.error
        return mine.checked

    def _store_those_who_wait(self) -> None:
        batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST_AT_ONCE))]
        try:
            _store(batch)
        except Exception:
            for one in batch:  # so that nobody fails through another's delivery
                _store_alone(one)
        finally:
            for one in batch:
                one.is_done = True


def _store(batch: list[Waiting]) -> None:
    with connect_for_single_statements() as database:
        checked = deliveries.receive(database, [one.delivery for one in batch])
    for one, result in zip(batch, checked, strict=True):
        one.checked = result
    accepted = [one for one in batch if not one.checked.failure]
    stored = [(one.checked.connection_id, one.checked.event, one.checked.is_new) for one in accepted]
    inbox.tell_stored(stored, "webhook", [one.request_id for one in accepted])


def _store_alone(one: Waiting) -> None:
    try:
        _store([one])
    except Exception as error:
        one.error = error


desk = Desk()
