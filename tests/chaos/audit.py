"""The audit: what has to be true once the storm is over. Each check returns findings, one sentence each."""

import time
from collections import Counter
from dataclasses import dataclass

from rq import Queue
from rq.serializers import JSONSerializer
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError

from manimod.creatives import review
from manimod.creatives.engine.brief import CreativeSet
from manimod.extensions import db
from manimod.jobs import FAST, SLOW
from manimod.models import Connection, Creative, Customer, Moment, StripeEvent, SyncRun
from manimod.models.accounts import now
from tests.chaos.lives import Happening, expected_moments
from tests.chaos.scene import Business, Scene, describe

SAMPLES = 3  # of the rows that a finding names
LEAST_VARIANTS = 1  # where names are all that is known
WORDS_OF_PEOPLE = ("Hazel", "Testford")


@dataclass(frozen=True)
class Truth:
    """What happened at Stripe, and what mani acknowledged of it."""

    moments: list[Happening]
    acknowledged: set[str]

    def of(self, business: Business) -> list[dict]:
        return [it.event for it in self.moments if it.business == business]


def open_work(scene: Scene, truth: Truth) -> Counter:
    """What is still to be done, by kind; empty when mani is at rest and knows of everything.

    What brings news is asked first: a poll may still store an event that nobody delivered.
    """
    with scene.app.app_context():
        try:
            return +Counter(
                {
                    "polls due": _polls_due(scene),
                    "running syncs": _count(SyncRun, SyncRun.state == "running"),
                    "syncs due": _count(Connection, Connection.next_sync_at <= now()),
                    "pending events": _count(StripeEvent, StripeEvent.state == "pending"),
                    "open moments": _count(Moment, Moment.state.in_(("waiting", "ready"))),
                    "moments not found": sum(len(_missing(business, truth)) for business in scene.businesses),
                }
            )
        except SQLAlchemyError as error:
            return Counter({type(error).__name__: 1})


def _polls_due(scene: Scene) -> int:
    """A webhook that delivers needs no poll of the lists: that is only put off."""
    due = 0
    for connection in db.session.scalars(select(Connection).where(Connection.next_poll_at.is_not(None))):
        if connection.permissions.get("events"):
            due += connection.polled_at is None or connection.polled_at < scene.hurried_at
        else:
            due += connection.next_poll_at <= now()
    return due


def pending(scene: Scene) -> int:
    with scene.app.app_context():
        return _count(StripeEvent, StripeEvent.state == "pending")


def paths(scene: Scene) -> Counter:
    """By which path the moments were found first."""
    with scene.app.app_context():
        return Counter(dict(db.session.execute(select(Moment.source, func.count()).group_by(Moment.source)).all()))


def wait_for_rest(scene: Scene, truth: Truth, seconds: float) -> float:
    """How long it took; gives up after `seconds`, and the findings say what was left."""
    began = time.monotonic()
    while open_work(scene, truth) and time.monotonic() - began < seconds:
        time.sleep(0.2)
    return time.monotonic() - began


def findings(scene: Scene, truth: Truth) -> list[str]:
    with scene.app.app_context():
        checks = [check_queues(scene)]
        for business in scene.businesses:
            checks += [
                check_events(business, truth),
                check_moments(business, truth),
                check_creatives(business),
                check_syncs(business),
                check_customers(business, truth),
            ]
        return [finding for found in checks for finding in found] + check_log(scene)


def check_events(business: Business, truth: Truth) -> list[str]:
    """Whatever was answered with 200 is there and processed; nothing is parked, and nothing was ignored."""
    query = select(StripeEvent.stripe_id, StripeEvent.state).where(StripeEvent.connection_id == business.connection_id)
    states = dict(db.session.execute(query).all())
    acknowledged = {event["id"] for event in truth.of(business)} & truth.acknowledged
    unfinished = {f"{state} {event_id}" for event_id, state in states.items() if state != "done"}
    return [
        *_finding(business, "acknowledged events are not in the database", acknowledged - states.keys()),
        *_finding(business, "events are not done", unfinished),
    ]


def check_moments(business: Business, truth: Truth) -> list[str]:
    """Exactly those that follow from what happened at Stripe, each once and in the state in which it has to end."""
    query = select(Moment.key, Moment.state).where(Moment.connection_id == business.connection_id)
    rows = db.session.execute(query).all()
    states, expected = dict(rows), expected_moments(truth.of(business))
    wrong = {f"{key} is {states[key]}" for key in states.keys() & expected.keys() if states[key] != expected[key]}
    return [
        *_finding(business, "moments are lost", expected.keys() - states.keys()),
        *_finding(business, "moments are invented", states.keys() - expected.keys()),
        *_finding(business, "moments are doubled", {key for key, n in Counter(r.key for r in rows).items() if n > 1}),
        *_finding(business, "moments ended in the wrong state", wrong),
    ]


def check_creatives(business: Business) -> list[str]:
    """Each is complete, counts its moments right, and no audience has two that are live."""
    account_id = db.session.get(Connection, business.connection_id).account_id
    creatives = db.session.scalars(select(Creative).where(Creative.account_id == account_id)).all()
    ours = Moment.connection_id == business.connection_id
    query = select(Moment.creative_id, func.count()).where(ours).group_by(Moment.creative_id)
    moments = dict(db.session.execute(query).all())
    live = [(it.event, it.tier, it.segment, it.is_test) for it in creatives if it.status == "waiting"]
    orphans = select(Moment.key).where(ours, Moment.state == "generated", Moment.creative_id.is_(None))
    return [
        *_finding(business, "moments have no creative", db.session.scalars(orphans)),
        *_finding(business, "creatives are not complete", [it.id for it in creatives if not _is_complete(it)]),
        *_finding(
            business,
            "creatives count their moments wrong",
            [f"{it.id}: {it.moments_count}" for it in creatives if it.moments_count != moments.get(it.id, 0)],
        ),
        *_finding(business, "audiences have two live sets", [it for it, n in Counter(live).items() if n > 1]),
    ]


def _is_complete(creative: Creative) -> bool:
    variants = CreativeSet.from_json(creative.content).variants
    drawings = [review.render_picture(creative, number, "1080x1080") for number in range(len(variants))]
    return len(variants) >= LEAST_VARIANTS and all("</svg>" in drawing for drawing in drawings)


def check_syncs(business: Business) -> list[str]:
    """No run is left behind holding its lease, and the last one went to its end."""
    ours = SyncRun.connection_id == business.connection_id
    held = select(SyncRun.id).where(ours, (SyncRun.state == "running") | (SyncRun.lease_until > now()))
    last = db.session.scalar(select(SyncRun).where(ours).order_by(SyncRun.id.desc()).limit(1))
    return [
        *_finding(business, "syncs are stuck", db.session.scalars(held)),
        *_finding(business, "last syncs failed", [last.error_code] if last.state == "failed" else []),
    ]


def check_customers(business: Business, truth: Truth) -> list[str]:
    """A sync that was broken off must not take its half of the list for the whole and erase the rest."""
    query = select(Customer.stripe_id).where(Customer.connection_id == business.connection_id)
    joined = {it["data"]["object"]["id"] for it in truth.of(business) if it["type"] == "customer.created"}
    return _finding(business, "customers are missing", joined - set(db.session.scalars(query)))


def check_queues(scene: Scene) -> list[str]:
    """The jobs that wait are gone soon, so what is left in Redis doesn't grow with the events."""
    with scene.redis() as redis:
        queues = [Queue(name, connection=redis, serializer=JSONSerializer) for name in (FAST, SLOW)]
        deadline = time.monotonic() + 20
        while any(len(queue) for queue in queues) and time.monotonic() < deadline:
            time.sleep(0.05)
        return [f"{len(queue)} jobs wait in {queue.name}" for queue in queues if len(queue)]


def check_log(scene: Scene) -> list[str]:
    return [f"the log names a customer: {word}" for word in WORDS_OF_PEOPLE if word in scene.stack.log()]


def check_end(scene: Scene) -> list[str]:
    """Asked to stop, mani ends with status 0 and leaves no process behind."""
    status = scene.stack.stop(seconds=60)
    left = scene.wait_until_nothing_lives(seconds=2)
    return [f"mani ended with status {status}"] * bool(status) + [f"left behind: {describe(left)}"] * bool(left)


def _missing(business: Business, truth: Truth) -> set[str]:
    query = select(Moment.key).where(Moment.connection_id == business.connection_id)
    return expected_moments(truth.of(business)).keys() - set(db.session.scalars(query))


def _count(model: type, condition: object) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(condition))


def _finding(business: Business, what: str, rows: object) -> list[str]:
    rows = sorted(map(str, rows))
    return [f"{business.name}: {len(rows)} {what}: {'; '.join(rows[:SAMPLES])}"] if rows else []
