"""What mani keeps of a Stripe account: the connection, the inbox of events, the moments, and the mirror.

The mirror (customers, subscriptions, prices, tiers) holds ids, names, statuses, periods and list prices only.
"""

from datetime import date, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    and_,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from manimod.extensions import UtcDateTime, db
from manimod.models.accounts import Account, now

# SQLite counts up by itself only for a plain INTEGER primary key.
BigId = BigInteger().with_variant(Integer, "sqlite")

LAST_LETTER = chr(0x10FFFF)  # sorts behind whatever may follow in a name


class Connection(db.Model):
    """One account's connection to Stripe. It stays as a row after a disconnect, so that its webhook answers 410."""

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), unique=True)
    webhook_token: Mapped[str] = mapped_column(String(64), unique=True)
    status: Mapped[str] = mapped_column(String(20), default="connected")  # connected, disconnected
    stripe_account_id: Mapped[str | None] = mapped_column(String(64))
    stripe_account_name: Mapped[str | None] = mapped_column(String(255))
    livemode: Mapped[bool] = mapped_column(default=False)
    key_type: Mapped[str | None] = mapped_column(String(20))  # rk_live, rk_test, sk_test
    encrypted_api_key: Mapped[str | None] = mapped_column(String(1000))
    encrypted_signing_secret: Mapped[str | None] = mapped_column(String(1000))
    # The secret before, accepted beside the new one until the owner removes it.
    encrypted_old_signing_secret: Mapped[str | None] = mapped_column(String(1000))
    signing_secret_set_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    permissions: Mapped[dict] = mapped_column(JSON, default=dict)  # permission -> granted?
    connected_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    next_sync_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    next_poll_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    polled_until: Mapped[int | None] = mapped_column(BigInteger)  # Unix seconds of the newest event that was polled
    polled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when the last poll succeeded
    last_error: Mapped[str | None] = mapped_column(
        String(50)
    )  # why Stripe could not be read last time, a code of errors
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)

    account: Mapped[Account] = relationship()

    @property
    def is_connected(self) -> bool:
        return self.status == "connected"


class Trigger(db.Model):
    """Whether moments of one kind make creatives for an account."""

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    enabled: Mapped[bool] = mapped_column(default=True)


class StripeEvent(db.Model):
    """The inbox: one row an event, minimised, unique on connection and Stripe's event id."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    stripe_id: Mapped[str] = mapped_column(String(255))
    type: Mapped[str] = mapped_column(String(100))
    livemode: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(String(10))  # webhook, poll
    stripe_customer_id: Mapped[str | None] = mapped_column(String(255))
    paid_invoice_id: Mapped[str | None] = mapped_column(
        String(255)
    )  # set where the event says that an invoice was paid
    facts: Mapped[dict] = mapped_column(JSON)
    fields_read: Mapped[list] = mapped_column(JSON, default=list)
    fields_dropped: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)  # by Stripe's clock, whole seconds
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    processed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    state: Mapped[str] = mapped_column(String(10), default="pending")  # pending, done, ignored, parked
    reason: Mapped[str | None] = mapped_column(String(255))
    attempts: Mapped[int] = mapped_column(default=0)
    # Stripe's deliveries of it to the webhook after it was stored: repeats, or what the poll had found first.
    repeats: Mapped[int] = mapped_column(default=0, server_default="0")
    repeated_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("connection_id", "stripe_id"),
        Index(
            "ix_stripe_event_pending",
            "connection_id",
            "id",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_stripe_event_log", "connection_id", "received_at"),
        Index(
            "ix_stripe_event_ignored",
            "connection_id",
            "received_at",
            sqlite_where=text("state = 'ignored'"),
            postgresql_where=text("state = 'ignored'"),
        ),
        Index(
            "ix_stripe_event_failed",
            "connection_id",
            sqlite_where=text("state = 'failed'"),
            postgresql_where=text("state = 'failed'"),
        ),
        Index("ix_stripe_event_customer", "connection_id", "stripe_customer_id"),
        Index(
            "ix_stripe_event_paid",
            "connection_id",
            "paid_invoice_id",
            sqlite_where=text("paid_invoice_id IS NOT NULL"),
            postgresql_where=text("paid_invoice_id IS NOT NULL"),
        ),
    )


class RejectedDelivery(db.Model):
    """Deliveries to the webhook that were not accepted, counted by hour and reason, so that a flood stays small."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    code: Mapped[str] = mapped_column(String(50))  # of errors, such as WEBHOOK_BAD_SIGNATURE
    hour: Mapped[datetime] = mapped_column(UtcDateTime)
    count: Mapped[int] = mapped_column(default=1)
    last_at: Mapped[datetime] = mapped_column(UtcDateTime)
    clock_skew_seconds: Mapped[int | None]  # mani's clock minus the signature's, of the last one

    __table_args__ = (UniqueConstraint("connection_id", "hour", "code"),)


class Moment(db.Model):
    """Something that happened in a customer's life, exactly once: unique on connection and key."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    key: Mapped[str] = mapped_column(String(300))
    kind: Mapped[str] = mapped_column(String(20))
    stripe_customer_id: Mapped[str | None] = mapped_column(String(255))
    stripe_subscription_id: Mapped[str | None] = mapped_column(String(255))
    livemode: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(String(10))  # webhook, poll, sync
    occurred_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    detected_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    # waiting (for the subscription, until ready_at), ready, generated, withdrawn, skipped (switched off),
    # held (nothing lawful could be written, until the brand changes)
    state: Mapped[str] = mapped_column(String(10))
    ready_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str | None] = mapped_column(String(255))
    creative_id: Mapped[int | None] = mapped_column(ForeignKey("creative.id"), index=True)

    __table_args__ = (
        UniqueConstraint("connection_id", "key"),
        Index(
            "ix_moment_open",
            "connection_id",
            "state",
            "ready_at",
            sqlite_where=text("state IN ('waiting', 'ready')"),
            postgresql_where=text("state IN ('waiting', 'ready')"),
        ),
        Index(
            "ix_moment_blocked",
            "connection_id",
            sqlite_where=text("state = 'blocked'"),
            postgresql_where=text("state = 'blocked'"),
        ),
        Index("ix_moment_customer", "connection_id", "stripe_customer_id"),
        Index("ix_moment_day", "connection_id", "occurred_at", "kind"),
        Index(
            "ix_moment_found_by_sync",
            "connection_id",
            "id",
            sqlite_where=text("source = 'sync'"),
            postgresql_where=text("source = 'sync'"),
        ),
    )


# Said in the words of the index of open moments, beside the state that is asked for: SQLite finds it by these alone.
OPEN_MOMENTS = text("moment.state IN ('waiting', 'ready')")


class MomentDay(db.Model):
    """How many moments of a kind happened on a day, counted as they are written, for the trend."""

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)  # in the account's time zone
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    moments: Mapped[int]


class Customer(db.Model):
    """A synced customer: the name for the dashboard, and the value segment."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    stripe_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str | None] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    segment: Mapped[str | None] = mapped_column(String(10))  # high, core, low, new
    seen_in_run: Mapped[int | None] = mapped_column(BigId)  # the sync run that saw it last

    __table_args__ = (
        UniqueConstraint("connection_id", "stripe_id"),
        Index(
            "ix_customer_name",
            "connection_id",
            func.lower(text("name")).label("lower_name"),
            postgresql_ops={"lower_name": "text_pattern_ops"},
        ),
    )

    @classmethod
    def is_named(cls, beginning: str) -> ColumnElement[bool]:
        """Whether the name begins like this, in capitals or not, byte by byte as the index has it."""
        or_more, less = (">=", "<") if db.engine.dialect.name == "sqlite" else ("~>=~", "~<~")
        name, first, end = func.lower(cls.name), func.lower(beginning), func.lower(beginning + LAST_LETTER)
        return and_(name.bool_op(or_more)(first), name.bool_op(less)(end))


class Subscription(db.Model):
    """A synced subscription: status, price and period; `started_at` and `ended_at` give the tenure."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    stripe_id: Mapped[str] = mapped_column(String(255))
    stripe_customer_id: Mapped[str] = mapped_column(String(255))
    stripe_price_id: Mapped[str | None] = mapped_column(String(255))
    stripe_product_id: Mapped[str | None] = mapped_column(String(255))
    quantity: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(String(30))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    latest_invoice_id: Mapped[str | None] = mapped_column(String(255))
    observed_at: Mapped[datetime] = mapped_column(UtcDateTime)  # Stripe's time of the news that this row holds
    # What the last sync saw; events leave it alone, so that the sync's comparison misses nothing they didn't tell.
    synced_status: Mapped[str | None] = mapped_column(String(30))
    synced_period_start: Mapped[int | None] = mapped_column(BigInteger)  # Unix seconds, as in the moment's key
    synced_billing_anchor: Mapped[int | None] = mapped_column(BigInteger)
    seen_in_run: Mapped[int | None] = mapped_column(BigId)

    __table_args__ = (
        UniqueConstraint("connection_id", "stripe_id"),
        Index("ix_subscription_customer", "connection_id", "stripe_customer_id"),
    )


class Price(db.Model):
    """A plan's list price: what a plan costs on the price list, never what a person paid."""

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    stripe_id: Mapped[str] = mapped_column(String(255))
    stripe_product_id: Mapped[str] = mapped_column(String(255))
    nickname: Mapped[str | None] = mapped_column(String(255))
    currency: Mapped[str | None] = mapped_column(String(3))
    list_amount: Mapped[int | None] = mapped_column(BigInteger)  # minor units; None: metered or tiered
    interval: Mapped[str | None] = mapped_column(String(10))  # day, week, month, year; None: one-time
    interval_count: Mapped[int] = mapped_column(default=1)

    __table_args__ = (UniqueConstraint("connection_id", "stripe_id"),)


class Tier(db.Model):
    """A Stripe product as a subscription tier. The owner's name for it wins over Stripe's."""

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    stripe_product_id: Mapped[str] = mapped_column(String(255))
    product_name: Mapped[str | None] = mapped_column(String(255))
    owner_name: Mapped[str | None] = mapped_column(String(80))
    nickname: Mapped[str | None] = mapped_column(String(255))  # of one of its prices
    position: Mapped[str | None] = mapped_column(String(10))  # entry, middle, top, single
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)  # when Stripe was asked for the name

    __table_args__ = (UniqueConstraint("connection_id", "stripe_product_id"),)

    @property
    def name(self) -> str | None:
        return self.owner_name or self.product_name or self.nickname


class SyncRun(db.Model):
    """One run of the sync, with the cursors from which a killed run goes on."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    state: Mapped[str] = mapped_column(String(10), default="running")  # running, done, failed
    is_first: Mapped[bool] = mapped_column(default=False)  # makes no moment of what is already there
    # List -> the cursor of its next page: "" at the start, None once it has been read to its end.
    cursors: Mapped[dict] = mapped_column(JSON, default=dict)
    customers: Mapped[int] = mapped_column(default=0)
    subscriptions: Mapped[int] = mapped_column(default=0)
    new: Mapped[int] = mapped_column(default=0)
    changed: Mapped[int] = mapped_column(default=0)
    gone: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error_code: Mapped[str | None] = mapped_column(String(50))

    __table_args__ = (Index("ix_sync_run_connection", "connection_id", "id"),)


class AudienceSize(db.Model):
    """How many customers each tier and segment held at the last sync."""

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"), index=True)
    stripe_product_id: Mapped[str | None] = mapped_column(String(255))
    segment: Mapped[str | None] = mapped_column(String(10))
    customers: Mapped[int]


class AudienceDay(db.Model):
    """What AudienceSize said at the end of a day, for the trend."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    day: Mapped[date]  # in UTC
    stripe_product_id: Mapped[str | None] = mapped_column(String(255))
    segment: Mapped[str | None] = mapped_column(String(10))
    customers: Mapped[int]

    __table_args__ = (Index("ix_audience_day_connection", "connection_id", "day"),)
