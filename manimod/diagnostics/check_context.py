"""What several checks look at, for one account or for the installation. Each fact is read once and only if needed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property

from sqlalchemy import Row, select

from manimod import jobs
from manimod.creatives import review
from manimod.diagnostics import sources
from manimod.extensions import db
from manimod.models import Account, Connection, Creative, RejectedDelivery
from manimod.models.accounts import now
from manimod.models.states import SyncState
from manimod.stripe import connections
from manimod.stripe.gateway import restricted_key_link

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
    def words(self) -> dict[str, str]:
        """What every sentence of checks.toml may hold in braces."""
        words = {"key_link": restricted_key_link()}
        if self.connection:
            words["error"] = connections.explain_last_error(self.connection) if self.connection.last_error else ""
            words["mode"] = self.mode
            words["other_mode"], words["test"] = ("live", "test/") if self.mode == "test" else ("test", "")
        return words

    @cached_property
    def heartbeats(self) -> jobs.Heartbeats:
        return jobs.heartbeats()

    @cached_property
    def sources(self) -> sources.WorkingSource:
        return sources.working_source(self.connection)

    @cached_property
    def rejections(self) -> dict[str, RejectedDelivery]:
        """The latest rejection of the last day by reason, unless a delivery was accepted since."""
        after = max(now() - DAY, self.sources.delivered_at or now() - DAY)
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
    def creatives(self) -> list[Row]:
        """The latest ones, newest first."""
        columns = (Creative.is_generic, Creative.received_at, Creative.generated_at)
        return list(db.session.execute(review.latest(self.account, columns, MAX_CREATIVES)))
