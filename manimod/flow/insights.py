"""What the dashboard shows: where the setup stands, what has happened, and how quickly it became creatives."""

import zlib
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select

from manimod.extensions import db
from manimod.flow import audiences, connections, history, paths, review, setup, sync
from manimod.lifecycle import KINDS
from manimod.models import Account, Connection, Creative, StripeEvent, SyncRun
from manimod.models.accounts import now

DELAYS_LOOKED_AT = 100


@dataclass(frozen=True)
class Overview:
    """`connection` is None where the account isn't connected. Delays are seconds from Stripe's event to the queue."""

    connection: Connection | None
    creatives: dict[str, int]  # by status
    trend: list[tuple[date, dict[str, int]]]  # moments by kind for each of the last 30 days, today last
    tiers: list[tuple[str | None, int]]  # customers, the largest first; None: without a subscription
    segments: dict[str | None, int]  # customers
    last_event: StripeEvent | None
    path: str | None  # the quickest on which news arrives now: webhook, poll, sync
    run: SyncRun | None
    median_delay: float | None
    slowest_delay: float | None
    steps: list[setup.Step]

    @property
    def customers(self) -> int:
        return sum(count for _, count in self.tiers)

    @property
    def moments_by_kind(self) -> dict[str, int]:
        return {kind: sum(counts[kind] for _, counts in self.trend) for kind in KINDS}

    @property
    def open_steps(self) -> list[setup.Step]:
        return [step for step in self.steps if not step.done]

    @property
    def is_syncing(self) -> bool:
        if self.connection is None:
            return False
        is_due = self.connection.next_sync_at is not None and self.connection.next_sync_at <= now()
        return is_due or bool(self.run and self.run.state == "running")

    @property
    def under_way(self) -> bool:
        """Whether the page will soon look different by itself."""
        return self.connection is not None and (self.is_syncing or bool(self.open_steps))

    @property
    def fingerprint(self) -> str:
        """Changes with whatever the page shows, but not with the clock."""
        run = (self.run.state, self.run.customers, self.run.subscriptions) if self.run else None
        event = self.last_event and self.last_event.stripe_id
        trouble = self.connection and self.connection.trouble
        shown = (self.creatives, self.trend, self.tiers, self.segments, self.steps, run, event, trouble)
        return f"{zlib.crc32(repr(shown).encode()):08x}"


def overview(account: Account) -> Overview:
    connection = connections.of_account(account)
    if connection and not connection.is_connected:
        connection = None
    creatives = review.counts(account)
    sizes = audiences.sizes(connection) if connection else []
    last_event = _last_event(connection) if connection else None
    delays = _delays(account)
    return Overview(
        connection=connection,
        creatives=creatives,
        trend=history.happened(connection) if connection else [],
        tiers=audiences.by_size([(tier, count) for tier, _, count in sizes]),
        segments=dict(audiences.by_size([(segment, count) for _, segment, count in sizes])),
        last_event=last_event,
        path=paths.working_path(connection).name if connection else None,
        run=sync.latest(connection) if connection else None,
        median_delay=delays[len(delays) // 2] if delays else None,
        slowest_delay=delays[-1] if delays else None,
        steps=setup.steps(account, connection, bool(sizes), last_event is not None, bool(delays)),
    )


def _last_event(connection: Connection) -> StripeEvent | None:
    query = select(StripeEvent).where(StripeEvent.connection_id == connection.id)
    return db.session.scalar(query.order_by(StripeEvent.received_at.desc()).limit(1))


def _delays(account: Account) -> list[float]:
    """Seconds from Stripe's event to the queue of the latest creatives, in order of size."""
    query = review.latest(account, (Creative.occurred_at, Creative.generated_at), DELAYS_LOOKED_AT)
    return sorted((generated - occurred).total_seconds() for occurred, generated in db.session.execute(query))
