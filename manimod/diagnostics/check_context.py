"""What the checks look at: the facts of one account, or of the whole installation, each read once and only if asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import Row, func, literal, select

from manimod import jobs
from manimod.config import settings
from manimod.creatives import brand_kit, review
from manimod.customers import tiers
from manimod.diagnostics import metrics
from manimod.extensions import db
from manimod.ingest import sync
from manimod.models import (
    OPEN_MOMENTS,
    Account,
    AudienceSize,
    Connection,
    Creative,
    Moment,
    RejectedDelivery,
    StripeEvent,
    SyncRun,
    Tier,
)
from manimod.models.accounts import now
from manimod.moments import record
from manimod.stripe import connections

MAX_EVENTS = 300
MAX_CREATIVES = 100
DAY = timedelta(days=1)


@dataclass
class CheckContext:
    """Without an account it is that of the whole installation."""

    account: Account | None = None

    @cached_property
    def connection(self) -> Connection | None:
        """None where the account isn't connected."""
        return connections.get_current(self.account)

    @property
    def mode(self) -> str:
        return "live" if self.connection.livemode else "test"

    @cached_property
    def signs(self) -> jobs.Heartbeats:
        return jobs.heartbeats()

    @cached_property
    def switches(self) -> dict[str, bool]:
        return record.switches(self.account)

    # --- what Stripe delivered ---------------------------------------------------------------------------------------

    @cached_property
    def events(self) -> list[Row]:
        """The latest events, the newest first."""
        columns = (
            StripeEvent.source,
            StripeEvent.livemode,
            StripeEvent.state,
            StripeEvent.received_at,
            StripeEvent.repeats,
            StripeEvent.repeated_at,
        )
        query = select(*columns).where(StripeEvent.connection_id == self.connection.id)
        return list(db.session.execute(query.order_by(StripeEvent.received_at.desc()).limit(MAX_EVENTS)))

    @cached_property
    def delivered_at(self) -> datetime | None:
        """When the webhook last accepted a delivery."""
        first = [event.received_at for event in self.events if event.source == "webhook"]
        again = [event.repeated_at for event in self.events if event.repeated_at]
        return max(first + again, default=None)

    @cached_property
    def refusals(self) -> dict[str, RejectedDelivery]:
        """The latest refusal of each reason within a day, unless a delivery was accepted since."""
        query = select(RejectedDelivery).where(
            RejectedDelivery.connection_id == self.connection.id, RejectedDelivery.last_at > now() - DAY
        )
        latest = {row.code: row for row in db.session.scalars(query.order_by(RejectedDelivery.last_at))}
        return {code: row for code, row in latest.items() if not self.delivered_at or row.last_at > self.delivered_at}

    # --- what the sync found -----------------------------------------------------------------------------------------

    @cached_property
    def runs(self) -> list[SyncRun]:
        return sync.list_latest(self.connection)

    @cached_property
    def synced_at(self) -> datetime | None:
        return next((run.finished_at for run in self.runs if run.state == "done"), None)

    @cached_property
    def read_at(self) -> datetime:
        """When Stripe was last read without trouble."""
        return max(filter(None, (self.synced_at, self.connection.polled_at, self.connection.connected_at)))

    @cached_property
    def customers(self) -> int:
        query = select(func.sum(AudienceSize.customers)).where(AudienceSize.connection_id == self.connection.id)
        return db.session.scalar(query) or 0

    @cached_property
    def tiers(self) -> list[Tier]:
        return tiers.get_for_connection(self.connection)

    @cached_property
    def unprintable(self) -> dict[int, str]:
        return brand_kit.unprintable_tiers(self.connection, self.tiers)

    # --- what became of it -------------------------------------------------------------------------------------------

    @cached_property
    def open_work(self) -> Row:
        """Counts of failed and blocked; why_blocked of one of them; since when the first event and moment wait."""
        event, moment = StripeEvent, Moment
        ours, theirs = event.connection_id == self.connection.id, moment.connection_id == self.connection.id
        held = theirs & _state(moment, "blocked")
        # Of two indexes by the connection SQLite takes the younger, which may be that of all events: + 0 rules it out.
        parked = (event.connection_id + 0 == self.connection.id) & _state(event, "failed")
        parts = {
            "failed": select(func.count(event.id)).where(parked),
            "blocked": select(func.count(moment.id)).where(held),
            "why_blocked": select(moment.reason).where(held).limit(1),
            "event_at": select(event.received_at).where(ours, _state(event, "pending")).order_by(event.id).limit(1),
            "moment_at": select(func.min(moment.detected_at)).where(theirs, _state(moment, "ready"), OPEN_MOMENTS),
        }
        return db.session.execute(select(*(part.scalar_subquery().label(name) for name, part in parts.items()))).one()

    @cached_property
    def creatives(self) -> list[Row]:
        """The latest ones, the newest first: is_generic, source, occurred_at, received_at, generated_at."""
        columns = (
            Creative.is_generic,
            Creative.source,
            Creative.occurred_at,
            Creative.received_at,
            Creative.generated_at,
        )
        return list(db.session.execute(review.latest(self.account, columns, MAX_CREATIVES)))

    @cached_property
    def waiting_since(self) -> datetime | None:
        """Since when the oldest event or moment waits for a worker; of all accounts where none is named."""
        if self.account is None:
            return metrics.backlog().oldest_at
        return min(filter(None, (self.open_work.event_at, self.open_work.moment_at)), default=None)

    @property
    def sync_interval(self) -> timedelta:
        return timedelta(minutes=settings().sync_interval_minutes)


def _state(model: type, state: str):
    """Written into the statement, so that either database sees that its partial index fits."""
    return model.state == literal(state, literal_execute=True)
