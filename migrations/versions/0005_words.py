"""columns, tables and states in the words that the field uses"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

# table, column before, column after
RENAMED = [
    ("connection", "sealed_api_key", "encrypted_api_key"),
    ("connection", "sealed_signing_secret", "encrypted_signing_secret"),
    ("connection", "sealed_old_signing_secret", "encrypted_old_signing_secret"),
    ("connection", "trouble", "last_error"),
    ("connection", "trouble_since", "failing_since"),
    ("stripe_event", "path", "source"),
    ("moment", "path", "source"),
    ("moment", "settle_by", "ready_at"),
    ("creative", "path", "source"),
    ("subscription", "told_at", "observed_at"),
]
# Written on every change and read by nobody.
DROPPED = [
    ("connection", sa.Column("disconnected_at", sa.DateTime(timezone=True))),
    ("subscription", sa.Column("latest_invoice_id", sa.String(255))),
]
# table, index and state before, index and state after
STATES = [
    ("stripe_event", "ix_stripe_event_parked", "parked", "ix_stripe_event_failed", "failed"),
    ("moment", "ix_moment_held", "held", "ix_moment_blocked", "blocked"),
]
# name of a check before, and after
CHECKS = [("parked", "failed_events"), ("held", "blocked"), ("jobs", "job_backlog")]


def upgrade() -> None:
    for table, before, after in RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {before} TO {after}")
    for table, column in DROPPED:
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column.name}")
    for table, index_before, state_before, index_after, state_after in STATES:
        change_state(table, index_before, state_before, index_after, state_after, ["connection_id", "state"])
    index_pending_events(["connection_id", "state", "id"])
    rename_checks(CHECKS)
    keep_when_a_mail_is_due()
    move_deliveries("refused_delivery", "rejected_delivery")
    keep_audiences_by_day()
    op.drop_index("ix_stripe_event_ignored", table_name="stripe_event")  # no query asks for it any more


def downgrade() -> None:
    index_events("ix_stripe_event_ignored", ["connection_id", "received_at"], "ignored")
    keep_audiences_of_the_last_sync_apart()
    move_deliveries("rejected_delivery", "refused_delivery")
    for table, index_before, state_before, index_after, state_after in STATES:
        change_state(table, index_after, state_after, index_before, state_before, ["connection_id"])
    index_pending_events(["connection_id", "id"])
    rename_checks([(after, before) for before, after in CHECKS])
    keep_when_mails_were_sent()
    for table, column in DROPPED:
        op.add_column(table, column._copy())
    for table, before, after in RENAMED:
        op.execute(f"ALTER TABLE {table} RENAME COLUMN {after} TO {before}")


def change_state(
    table: str, old_index: str, old_state: str, new_index: str, new_state: str, columns: list[str]
) -> None:
    op.drop_index(old_index, table_name=table)
    state = sa.table(table, sa.column("state"))
    op.execute(sa.update(state).where(state.c.state == old_state).values(state=new_state))
    where = sa.text(f"state = '{new_state}'")
    op.create_index(new_index, table, columns, sqlite_where=where, postgresql_where=where)


def index_pending_events(columns: list[str]) -> None:
    op.drop_index("ix_stripe_event_pending", table_name="stripe_event")
    index_events("ix_stripe_event_pending", columns, "pending")


def index_events(name: str, columns: list[str], state: str) -> None:
    where = sa.text(f"state = '{state}'")
    op.create_index(name, "stripe_event", columns, sqlite_where=where, postgresql_where=where)


def rename_checks(names: list[tuple[str, str]]) -> None:
    """Of open alerts, so that they end when the check is good again."""
    alert = sa.table("alert", sa.column("check"), sa.column("open_key"))
    for before, after in names:
        open_key = sa.func.replace(alert.c.open_key, f":{before}", f":{after}")
        op.execute(sa.update(alert).where(alert.c.check == before).values(check=after, open_key=open_key))


def keep_when_a_mail_is_due() -> None:
    op.add_column("alert", sa.Column("mail_at", sa.DateTime(timezone=True)))
    op.execute("UPDATE alert SET mail_at = began_at WHERE began_mailed_at IS NULL AND ended_at IS NULL")
    op.execute("UPDATE alert SET mail_at = ended_at WHERE began_mailed_at IS NOT NULL AND ended_mailed_at IS NULL")
    for column in ("began_mailed_at", "ended_mailed_at"):
        op.execute(f"ALTER TABLE alert DROP COLUMN {column}")


def keep_when_mails_were_sent() -> None:
    for column in ("began_mailed_at", "ended_mailed_at"):
        op.add_column("alert", sa.Column(column, sa.DateTime(timezone=True)))
    op.execute("UPDATE alert SET began_mailed_at = began_at WHERE mail_at IS NULL OR ended_at IS NOT NULL")
    op.execute("UPDATE alert SET ended_mailed_at = ended_at WHERE mail_at IS NULL")
    op.execute("ALTER TABLE alert DROP COLUMN mail_at")


def move_deliveries(old_name: str, new_name: str) -> None:
    """A new table instead of a renamed one, because SQLite cannot rename the constraints."""
    op.create_table(
        new_name,
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=50), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_skew_seconds", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f(f"fk_{new_name}_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{new_name}")),
        sa.UniqueConstraint("connection_id", "hour", "code", name=op.f(f"uq_{new_name}_connection_id")),
    )
    # Without the id: the new table numbers its rows by itself.
    columns = ["connection_id", "code", "hour", "count", "last_at", "clock_skew_seconds"]
    old, new = (sa.table(name, *map(sa.column, columns)) for name in (old_name, new_name))
    op.execute(new.insert().from_select(columns, sa.select(old).order_by(old.c.hour)))
    op.drop_table(old_name)


SIZE_COLUMNS = ["connection_id", "stripe_product_id", "segment", "customers"]
SIZE = sa.table("audience_size", *map(sa.column, SIZE_COLUMNS))
DAY = sa.table("audience_day", sa.column("day", sa.Date), *map(sa.column, SIZE_COLUMNS))


def keep_audiences_by_day() -> None:
    """The sizes are those of the last day; a connection that has no day yet gets today."""
    has_days = sa.exists().where(DAY.c.connection_id == SIZE.c.connection_id)
    op.execute(
        DAY.insert().from_select(["day", *SIZE_COLUMNS], sa.select(sa.func.current_date(), SIZE).where(~has_days))
    )
    op.drop_table("audience_size")


def keep_audiences_of_the_last_sync_apart() -> None:
    op.create_table(
        "audience_size",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("stripe_product_id", sa.String(length=255), nullable=True),
        sa.Column("segment", sa.String(length=10), nullable=True),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_audience_size_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audience_size")),
    )
    op.create_index(op.f("ix_audience_size_connection_id"), "audience_size", ["connection_id"])
    other = DAY.alias()
    last = sa.select(sa.func.max(other.c.day)).where(other.c.connection_id == DAY.c.connection_id).scalar_subquery()
    sizes = sa.select(*(DAY.c[name] for name in SIZE_COLUMNS)).where(DAY.c.day == last)
    op.execute(SIZE.insert().from_select(SIZE_COLUMNS, sizes))
