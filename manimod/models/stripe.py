"""What mani keeps of a Stripe account: the connection, the stored events, the moments, and the replica.

The replica (customers, subscriptions, prices, tiers) holds ids, names, statuses, periods and list prices only.
"""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    and_,
    false,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from manimod.extensions import db
from manimod.models.accounts import PLANS_WITH_STRIPE, Account, now
from manimod.models.states import ConnectionStatus, EventState, SyncState

# SQLite counts up by itself only for a plain INTEGER primary key.
BigId = BigInteger().with_variant(Integer, "sqlite")
LAST_LETTER = chr(0x10FFFF)  # sorts behind whatever may follow in a name
LOWER_NAME = func.lower(text("name")).label("lower_name")


def partial_index(name: str, *columns: str, where: str) -> Index:
    """An index of the rows that match `where`. SQLite uses it only for a query that repeats the condition."""
    return Index(name, *columns, sqlite_where=text(where), postgresql_where=text(where))


class Connection(db.Model):
    """An account's live or test connection to Stripe.

    It stays as a row after a disconnect, so that its webhook answers 410.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    webhook_token: Mapped[str] = mapped_column(String(64), unique=True)
    status: Mapped[str] = mapped_column(String(20), default=ConnectionStatus.CONNECTED)
    stripe_account_id: Mapped[str | None] = mapped_column(String(64))
    stripe_account_name: Mapped[str | None]
    livemode: Mapped[bool] = mapped_column(default=False)
    key_type: Mapped[str | None] = mapped_column(String(20))  # rk_live, rk_test, sk_test
    encrypted_api_key: Mapped[str | None] = mapped_column(String(1000))
    encrypted_signing_secret: Mapped[str | None] = mapped_column(String(1000))
    encrypted_old_signing_secret: Mapped[str | None] = mapped_column(String(1000))  # until the owner removes it
    signing_secret_set_at: Mapped[datetime | None]
    permissions: Mapped[dict] = mapped_column(default=dict)  # permission -> granted? As Stripe last said
    not_asked: Mapped[list] = mapped_column(default=list, server_default="[]")  # those it gave no answer about
    key_edit_link: Mapped[str | None] = mapped_column(String(400))  # Stripe's page of the key
    connected_at: Mapped[datetime] = mapped_column(default=now)  # by Stripe's clock
    next_sync_at: Mapped[datetime | None] = mapped_column(index=True)
    next_poll_at: Mapped[datetime | None] = mapped_column(index=True)
    planned_at: Mapped[datetime | None]  # when one of these two was last set
    polled_until: Mapped[int | None] = mapped_column(BigInteger)  # Unix seconds of the newest event that was polled
    polled_at: Mapped[datetime | None]  # when the last poll succeeded
    poll_progress: Mapped[dict] = mapped_column(default=dict)  # of a poll without events, see ingest/recent.py
    permissions_checked_at: Mapped[datetime | None]
    profile: Mapped[dict] = mapped_column(default=dict, server_default="{}")  # of stripe.catalogue.read_profile
    monthly_payments: Mapped[int] = mapped_column(default=0)  # as the last sync estimated them, of 30 days
    last_error: Mapped[str | None] = mapped_column(String(50))  # a code of errors.toml; None: Stripe could be read
    failing_since: Mapped[datetime | None]

    account: Mapped[Account] = relationship()

    @property
    def is_connected(self) -> bool:
        return self.status == ConnectionStatus.CONNECTED

    @property
    def mode(self) -> str:
        return "live" if self.livemode else "test"

    @classmethod
    def may_be_read(cls) -> ColumnElement[bool]:
        """Whether it is connected and its account's plan includes Stripe."""
        with_stripe = select(Account.id).where(Account.plan.in_(PLANS_WITH_STRIPE))
        return and_(cls.status == ConnectionStatus.CONNECTED, cls.account_id.in_(with_stripe))


class ConnectionRow:
    """The columns of what is kept for one connection, until it is disconnected."""

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))


class Trigger(db.Model):
    """Whether moments of one kind make creatives for an account."""

    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    enabled: Mapped[bool] = mapped_column(default=True)


class StripeEvent(db.Model, ConnectionRow):
    """A stored event, minimised, unique on connection, Stripe's event id, type and time.

    Events of Stripe's fixtures and test sends share one id.
    """

    stripe_id: Mapped[str]
    type: Mapped[str] = mapped_column(String(100))
    livemode: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(String(10))  # a Source
    is_thin: Mapped[bool] = mapped_column(default=False, server_default=false())
    stripe_customer_id: Mapped[str | None]
    facts: Mapped[dict]
    fields_read: Mapped[list] = mapped_column(default=list)
    fields_dropped: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]  # by Stripe's clock, whole seconds
    received_at: Mapped[datetime]
    processed_at: Mapped[datetime | None]
    state: Mapped[str] = mapped_column(String(10), default=EventState.PENDING)
    reason: Mapped[str | None]
    attempts: Mapped[int] = mapped_column(default=0)
    # Webhook deliveries after it was stored: repeats, or of an event that the poll found first.
    repeats: Mapped[int] = mapped_column(default=0, server_default="0")
    repeated_at: Mapped[datetime | None]

    __table_args__ = (
        UniqueConstraint("connection_id", "stripe_id", "type", "created_at"),
        partial_index("ix_stripe_event_pending", "connection_id", "state", "id", where="state = 'pending'"),
        partial_index("ix_stripe_event_thin", "connection_id", "state", "id", where="state = 'thin'"),
        Index("ix_stripe_event_log", "connection_id", "received_at"),
        partial_index("ix_stripe_event_failed", "connection_id", "state", where="state = 'failed'"),
        Index("ix_stripe_event_customer", "connection_id", "stripe_customer_id"),
    )


class RejectedDelivery(db.Model, ConnectionRow):
    """Deliveries to the webhook that were not accepted, counted by hour and reason, so that a flood stays small."""

    code: Mapped[str] = mapped_column(String(50))  # of errors, such as WEBHOOK_BAD_SIGNATURE
    hour: Mapped[datetime]
    count: Mapped[int] = mapped_column(default=1)
    last_at: Mapped[datetime]
    clock_skew_seconds: Mapped[int | None]  # mani's clock minus the signature's, of the last one

    __table_args__ = (UniqueConstraint("connection_id", "hour", "code"),)


class Moment(db.Model, ConnectionRow):
    """Something that happened in a customer's life, exactly once: unique on connection and key."""

    key: Mapped[str] = mapped_column(String(300))
    kind: Mapped[str] = mapped_column(String(20))
    stripe_customer_id: Mapped[str | None]
    stripe_subscription_id: Mapped[str | None]
    livemode: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(String(10))  # a Source
    occurred_at: Mapped[datetime]
    received_at: Mapped[datetime]
    detected_at: Mapped[datetime] = mapped_column(default=now)
    state: Mapped[str] = mapped_column(String(10))  # a MomentState
    ready_at: Mapped[datetime | None]  # the end of the grace period of one that waits
    reason: Mapped[str | None]
    creative_id: Mapped[int | None] = mapped_column(ForeignKey("creative.id"), index=True)

    __table_args__ = (
        UniqueConstraint("connection_id", "key"),
        partial_index("ix_moment_open", "connection_id", "state", "ready_at", where="state IN ('waiting', 'ready')"),
        partial_index("ix_moment_blocked", "connection_id", "state", where="state = 'blocked'"),
        Index("ix_moment_customer", "connection_id", "stripe_customer_id"),
        Index("ix_moment_day", "connection_id", "occurred_at", "kind"),
        partial_index("ix_moment_found_in_lists", "connection_id", "id", where="source IN ('sync', 'recent')"),
    )


# The condition of ix_moment_open. A query repeats it beside the state it asks for, or SQLite doesn't use the index.
OPEN_MOMENTS = text("moment.state IN ('waiting', 'ready')")
FOUND_IN_LISTS = text("moment.source IN ('sync', 'recent')")  # in the same way of ix_moment_found_in_lists


class MomentDay(db.Model):
    """How many moments of a kind happened on a day, counted when they are recorded, for the trend."""

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)  # in the account's time zone
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    moments: Mapped[int]


class Customer(db.Model, ConnectionRow):
    """A synced customer: the name for the dashboard, and the value segment."""

    stripe_id: Mapped[str]
    name: Mapped[str | None]
    created_at: Mapped[datetime]
    segment: Mapped[str | None] = mapped_column(String(10))  # a Segment
    observed_at: Mapped[datetime] = mapped_column(default=now)  # Stripe's time of what this row says
    seen_in_run: Mapped[int | None] = mapped_column(BigId)  # the sync run that saw it last

    __table_args__ = (
        UniqueConstraint("connection_id", "stripe_id"),
        Index("ix_customer_name", "connection_id", LOWER_NAME, postgresql_ops={"lower_name": "text_pattern_ops"}),
    )

    @classmethod
    def is_named(cls, beginning: str) -> ColumnElement[bool]:
        """Whether the name begins like this in either case. Compares bytes, as the index does."""
        or_more, less = (">=", "<") if db.engine.dialect.name == "sqlite" else ("~>=~", "~<~")
        name, first, end = func.lower(cls.name), func.lower(beginning), func.lower(beginning + LAST_LETTER)
        return and_(name.bool_op(or_more)(first), name.bool_op(less)(end))


class Subscription(db.Model, ConnectionRow):
    """A synced subscription: status, price and period; `started_at` and `ended_at` give the tenure."""

    stripe_id: Mapped[str]
    stripe_customer_id: Mapped[str]
    stripe_price_id: Mapped[str | None]
    stripe_product_id: Mapped[str | None]
    quantity: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(String(30))
    created_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    trial_end: Mapped[int | None] = mapped_column(BigInteger)  # Unix seconds, as a moment's key has periods
    billing_anchor: Mapped[int | None] = mapped_column(BigInteger)  # Unix seconds
    recovered_at: Mapped[int | None] = mapped_column(BigInteger)  # Unix seconds; when it was last no longer past due
    period_start: Mapped[int | None] = mapped_column(BigInteger)  # Unix seconds, as is the end
    period_end: Mapped[int | None] = mapped_column(BigInteger)
    cancels_at: Mapped[datetime | None]  # when it is to end
    cancellation_feedback: Mapped[str | None] = mapped_column(String(40))  # as the customer chose, never their comment
    cancellation_reason: Mapped[str | None] = mapped_column(String(40))
    observed_at: Mapped[datetime]  # Stripe's time of what this row says
    # What the last sync saw. Events leave these alone, so that the sync also finds what no event reported.
    synced_status: Mapped[str | None] = mapped_column(String(30))
    synced_period_start: Mapped[int | None] = mapped_column(BigInteger)  # Unix seconds, of the last decided period
    synced_invoice: Mapped[str | None]  # the latest invoice at that time
    seen_in_run: Mapped[int | None] = mapped_column(BigId)

    __table_args__ = (
        UniqueConstraint("connection_id", "stripe_id"),
        Index("ix_subscription_customer", "connection_id", "stripe_customer_id"),
    )


class Invoice(db.Model, ConnectionRow):
    """The status of a subscription's invoice, by which a failed payment or a renewal holds or not. No amount."""

    stripe_id: Mapped[str]
    stripe_customer_id: Mapped[str]
    stripe_subscription_id: Mapped[str | None]
    status: Mapped[str] = mapped_column(String(20))  # draft, open, paid, void, uncollectible
    billing_reason: Mapped[str | None] = mapped_column(String(40))
    period_start: Mapped[int | None] = mapped_column(BigInteger)  # Unix seconds; of the period that it opens
    observed_at: Mapped[datetime]  # Stripe's time of what this row says

    __table_args__ = (
        UniqueConstraint("connection_id", "stripe_id"),
        Index("ix_invoice_customer", "connection_id", "stripe_customer_id"),
        Index("ix_invoice_age", "connection_id", "observed_at"),
    )


class ErasedCustomer(db.Model):
    """The id of a customer who was deleted in Stripe: whatever still arrives about them is not stored."""

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"), primary_key=True)
    stripe_id: Mapped[str] = mapped_column(primary_key=True)
    erased_at: Mapped[datetime] = mapped_column(default=now)


class SyncRun(db.Model, ConnectionRow):
    """One run of the sync, with the cursors from which a killed run continues."""

    state: Mapped[str] = mapped_column(String(10), default=SyncState.RUNNING)
    is_first: Mapped[bool] = mapped_column(default=False)  # records no moment for what is already there
    # List -> the cursor of its next page: "" at the start, None once it has been read to its end.
    cursors: Mapped[dict] = mapped_column(default=dict)
    checkpoints: Mapped[dict] = mapped_column(default=dict, server_default="{}")  # by list, see stripe.paginator
    customers: Mapped[int] = mapped_column(default=0)
    subscriptions: Mapped[int] = mapped_column(default=0)
    gone: Mapped[int] = mapped_column(default=0)
    started_at: Mapped[datetime] = mapped_column(default=now)
    listed_at: Mapped[datetime | None]  # when Stripe gave the first page of customers, by its clock
    lease_until: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    error_code: Mapped[str | None] = mapped_column(String(50))

    __table_args__ = (Index("ix_sync_run_connection", "connection_id", "id"),)


class AudienceDay(db.Model, ConnectionRow):
    """How many customers each tier and segment held at the last sync of a day."""

    day: Mapped[date]  # in UTC
    stripe_product_id: Mapped[str | None]
    segment: Mapped[str | None] = mapped_column(String(10))
    customers: Mapped[int]

    __table_args__ = (Index("ix_audience_day_connection", "connection_id", "day"),)
