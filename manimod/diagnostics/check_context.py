"""What several checks look at, for one account or for the installation. Each fact is read once and only if needed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import Row, func, select

from manimod import jobs
from manimod.creatives import review
from manimod.diagnostics import sources
from manimod.diagnostics.metrics import constant
from manimod.extensions import db
from manimod.models import Account, AudienceSize, Connection, Creative, Moment, RejectedDelivery, StripeEvent
from manimod.models.accounts import now
from manimod.models.states import EventState, MomentState, Source, SyncState
from manimod.stripe import connections

MAX_CREATIVES = 100
DAY = timedelta(days=1)


@dataclass
class CheckContext:
    """Without an account, that of the whole installation."""

    account: Account | None = None

    @cached_property
    def connection(self) -> Connection | None:
        """None while the account is not connected."""
        return connections.get_current(self.account) if self.account else None

    @property
    def mode(self) -> str:
        return "live" if self.connection.livemode else "test"

    @cached_property
    def heartbeats(self) -> jobs.Heartbeats:
        return jobs.heartbeats()

    @cached_property
    def sources(self) -> sources.WorkingSource:
        return sources.working_source(self.connection)

    @cached_property
    def delivered_at(self) -> datetime | None:
        """When the webhook last accepted a delivery."""
        first = [event.received_at for event in self.sources.events if event.source == Source.WEBHOOK]
        again = [event.repeated_at for event in self.sources.events if event.repeated_at]
        return max(first + again, default=None)

    @cached_property
    def rejections(self) -> dict[str, RejectedDelivery]:
        """The latest rejection of the last day by reason, unless a delivery was accepted since."""
        after = max(now() - DAY, self.delivered_at or now() - DAY)
        query = select(RejectedDelivery).where(
            RejectedDelivery.connection_id == self.connection.id, RejectedDelivery.last_at > after
        )
        return {row.code: row for row in db.session.scalars(query.order_by(RejectedDelivery.last_at))}

    @cached_property
    def synced_at(self) -> datetime | None:
        return next((run.finished_at for run in self.sources.runs if run.state == SyncState.DONE), None)

    @cached_property
    def read_at(self) -> datetime:
        """When Stripe was last read without an error."""
        return max(filter(None, (self.synced_at, self.connection.polled_at, self.connection.connected_at)))

    @cached_property
    def customers(self) -> int:
        query = select(func.sum(AudienceSize.customers)).where(AudienceSize.connection_id == self.connection.id)
        return db.session.scalar(query) or 0

    @cached_property
    def failed_events(self) -> int:
        query = select(func.count()).where(StripeEvent.connection_id == self.connection.id)
        return db.session.scalar(query.where(StripeEvent.state == constant(EventState.FAILED)))

    @cached_property
    def blocked_moments(self) -> Row:
        """How many, and the reason of one of them."""
        query = select(func.count(), func.min(Moment.reason)).where(Moment.connection_id == self.connection.id)
        return db.session.execute(query.where(Moment.state == constant(MomentState.BLOCKED))).one()

    @cached_property
    def creatives(self) -> list[Row]:
        """The latest ones, newest first."""
        columns = (Creative.is_generic, Creative.received_at, Creative.generated_at)
        return list(db.session.execute(review.latest(self.account, columns, MAX_CREATIVES)))
