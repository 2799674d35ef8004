"""What is new by Stripe's lists, for accounts that no webhook serves and whose key may not read events.

Each look asks for what may have changed since the last one, and for nothing else:

| list          | asks for                            | when                                         | finds          |
|---------------|-------------------------------------|----------------------------------------------|----------------|
| customers     | created since                       | each time                                    | new customers  |
| subscriptions | created since                       | for a while after somebody was found; at a   | their tiers    |
|               |                                     | quick pace now and then                      |                |
| failures      | periods that began 58 to 75 minutes | a period that is known began then: Stripe    | failed         |
|               | ago                                 | charges after an hour                        | payments       |
| renewals      | periods that began two hours ago    | a period that is known began then            | renewals       |
| cancellations | canceled ones whose period ends now | at the pace of the account, unless there are | cancellations  |
|               | or later                            | too many of them                             |                |

All times are Stripe's. What a look doesn't find, or leaves unread for the sake of Stripe's limits, the sync does.
Source: docs.stripe.com/api/subscriptions/list, docs.stripe.com/billing/invoices/subscription.
"""

from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import not_, or_, select

from manimod import jobs
from manimod.customers import statistics
from manimod.customers.pace import MINUTE, Pace, get_pace
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import FOUND_IN_LISTS, Connection, Moment, StripeEvent, Subscription, SyncRun
from manimod.models.accounts import is_future, now
from manimod.models.states import EventState, Source, SyncState
from manimod.moments import listed
from manimod.moments.compare import PAYMENT_SECONDS
from manimod.stripe import connections, paginator
from manimod.stripe.gateway import Page, StripeGateway
from manimod.stripe.payloads import LIVE_STATUSES, UNPAID_STATUSES

log = structlog.get_logger()

LISTS = ("customers", "subscriptions", "failures", "renewals", "cancellations")
PERIOD_LISTS = ("failures", "renewals")
MAX_PAGES = 5  # of one look
MAX_CANCELLATION_PAGES = 2
MAX_AGE = timedelta(days=1)  # what is older was the sync's to find
MIN_ARRIVALS = 3  # a webhook works while it brings one of the latest three
OVERLAP_SECONDS = 120
ENDING_OVERLAP_SECONDS = 900  # Stripe ends a subscription some minutes after its period
FAILS_FROM, FAILS_UNTIL = 58 * 60, 75 * 60  # after a period has begun
FOLLOW_UP_SECONDS = 900  # a subscription often follows its customer within minutes
SUBSCRIPTIONS_EVERY_SECONDS = 900
TOLERANCE_SECONDS = 30  # looks come a little earlier or later
PAUSE_SECONDS = 3600  # of cancellations, if there are too many of them
RUNNING_STATUSES = (*LIVE_STATUSES, *UNPAID_STATUSES)


@dataclass(frozen=True)
class Look:
    """One look: `since` when each list was last read to its end, and the present time `until`, Unix seconds."""

    pace: Pace
    since: dict[str, int]
    until: int
    found_at: int = 0  # when a customer was last found

    def period_range(self, name: str) -> tuple[int, int]:
        """When the periods began that the list asks for."""
        if name == "failures":
            return min(self.until - FAILS_UNTIL, self.since[name] - FAILS_FROM), self.until - FAILS_FROM
        return self.since[name] - OVERLAP_SECONDS - PAYMENT_SECONDS, self.until - PAYMENT_SECONDS

    def wants(self, name: str, has_period: bool) -> bool:
        """`has_period`: whether a period that is known began in the list's range."""
        passed = timedelta(seconds=self.until - self.since[name] + TOLERANCE_SECONDS)
        if name == "customers":
            return True
        if name in PERIOD_LISTS:
            return has_period
        if name == "cancellations":
            pause = self.pace.cancellations
            return pause is not None and passed >= pause
        is_quick = self.pace.poll() <= MINUTE
        every = timedelta(seconds=SUBSCRIPTIONS_EVERY_SECONDS if self.pace.livemode else 0)
        return self.until - self.found_at < FOLLOW_UP_SECONDS or (is_quick and passed >= every)

    def filters(self, name: str) -> dict[str, Any]:
        created = {"gte": self.since[name] - OVERLAP_SECONDS}
        if name == "customers":
            return {"created": created}
        if name == "subscriptions":
            return {"created": created, "status": "all"}
        if name == "cancellations":
            return {"status": "canceled", "current_period_end": {"gte": self.since[name] - ENDING_OVERLAP_SECONDS}}
        first, last = self.period_range(name)
        return {"current_period_start": {"gte": first, "lte": last}}


def is_needed(connection: Connection) -> bool:
    """Whether nothing faster than the sync brings events: also while a webhook has not delivered anything yet."""
    if connection.permissions.get("events"):
        return False
    done = select(SyncRun.id).where(SyncRun.connection_id == connection.id, SyncRun.state == SyncState.DONE)
    if db.session.scalar(done.limit(1)) is None:  # then there is nothing to compare with
        return False
    if connection.encrypted_signing_secret is None:
        return True
    events = select(StripeEvent.received_at, StripeEvent.source).where(
        StripeEvent.connection_id == connection.id, StripeEvent.state != EventState.IGNORED
    )
    found = select(Moment.received_at, Moment.source).where(Moment.connection_id == connection.id, FOUND_IN_LISTS)
    # Those of a clock that was ahead would stay the latest ones for days.
    events = events.where(not_(is_future(StripeEvent.received_at)))
    found = found.where(not_(is_future(Moment.received_at)))
    arrivals = db.session.execute(events.order_by(StripeEvent.received_at.desc()).limit(MIN_ARRIVALS)).all()
    arrivals += db.session.execute(found.order_by(Moment.id.desc()).limit(MIN_ARRIVALS)).all()
    latest = sorted(tuple(arrival) for arrival in arrivals)[-MIN_ARRIVALS:]
    return all(source != Source.WEBHOOK for _, source in latest)


def look(connection_id: int, gateway: StripeGateway) -> dict[str, dict[str, Any]]:
    """Read what is new, MAX_PAGES pages at most: a list that has more goes on with the next look.

    Returns how far each list has been read. Raises ManimodError.
    """
    connection = db.session.get(Connection, connection_id)
    oldest = int(max(connection.connected_at, now() - MAX_AGE).timestamp())
    progress, since = {}, {}
    for name in LISTS:
        progress[name] = dict(connection.poll_progress.get(name, {}))
        since[name] = max(progress[name].get("until", 0), oldest)
    this = Look(get_pace(connection), since, int(now().timestamp()), progress["customers"].get("found_at", 0))
    db.session.commit()  # no transaction stays open while Stripe is read
    pages = 0
    for name in LISTS:
        own = progress[name]
        if "cursor" not in own:
            has_period = name in PERIOD_LISTS and _has_period(connection_id, *this.period_range(name))
            if this.until >= own.get("paused_until", 0) and this.wants(name, has_period):
                own |= {"cursor": "", "filters": this.filters(name), "next": this.until, "pages": 0}
            elif name in PERIOD_LISTS:
                own["until"] = this.until  # no period began in between
        while "cursor" in own and pages < MAX_PAGES:
            page = _read_page(gateway, name, own)
            pages += 1
            if name == "customers":
                asked_at = int(page.asked_at.timestamp())
                if page.rows:
                    own["found_at"] = asked_at
                this = replace(this, until=asked_at, found_at=own.get("found_at", 0))
                if own["pages"] == 0:
                    own["next"] = asked_at
            _advance(name, own, page)
            _write(connection_id, name, page, progress)
    return progress


def _has_period(connection_id: int, first: int, last: int) -> bool:
    """Whether a period of a running subscription began then, as far as is known."""
    running = select(Subscription.id).where(
        Subscription.connection_id == connection_id, Subscription.status.in_(RUNNING_STATUSES)
    )
    began = or_(Subscription.period_start.between(first, last), Subscription.period_end.between(first, last))
    return db.session.scalar(running.where(began).limit(1)) is not None


def _read_page(gateway: StripeGateway, name: str, own: dict[str, Any]) -> Page:
    ask = gateway.customers if name == "customers" else gateway.subscriptions
    try:
        return ask(own["cursor"] or None, **own["filters"])
    except ManimodError as failure:
        if name != "cancellations" or failure.code != "STRIPE_FAILED":
            raise
        # Stripe doesn't say that the filters may be combined: without them, the sync finds cancellations.
        log.warning("cancellations_not_read", code=failure.code)
        own["paused_until"] = own["next"] + PAUSE_SECONDS
        return Page([], None, now())


def _advance(name: str, own: dict[str, Any], page: Page) -> None:
    """Remember where the list goes on, or that it was read to its end. Raises STRIPE_LIST_ENDLESS."""
    if paginator.goes_round(own.setdefault("checkpoint", {}), page.next_cursor):
        raise ManimodError("STRIPE_LIST_ENDLESS")
    own["pages"] += 1
    own["cursor"] = page.next_cursor
    if name == "cancellations" and page.next_cursor and own["pages"] == MAX_CANCELLATION_PAGES:
        own |= {"cursor": None, "paused_until": own["next"] + PAUSE_SECONDS}
    if own["cursor"] is None:
        own["until"] = own.pop("next")
        del own["cursor"], own["filters"], own["pages"], own["checkpoint"]


def _write(connection_id: int, name: str, page: Page, progress: dict[str, dict[str, Any]]) -> None:
    with jobs.transaction():
        connection = connections.lock(connection_id)
        if connection is None:
            raise ManimodError("STRIPE_NOT_CONNECTED")
        if name == "customers":
            listed.write_customers(connection, page)
        else:
            listed.write_subscriptions(connection, page)
        if page.rows and name not in PERIOD_LISTS:
            statistics.count_audiences(connection_id)
        connection.poll_progress = deepcopy(progress)
