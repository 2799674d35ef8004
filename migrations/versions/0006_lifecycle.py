"""invoices, erased customers, and what a subscription says about trials, recoveries and its end"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NEW_COLUMNS = [
    ("subscription", sa.Column("trial_end", sa.BigInteger())),
    ("subscription", sa.Column("recovered_at", sa.BigInteger())),
    ("subscription", sa.Column("cancels_at", sa.DateTime(timezone=True))),
    ("subscription", sa.Column("cancellation_feedback", sa.String(40))),
    ("subscription", sa.Column("cancellation_reason", sa.String(40))),
    ("subscription", sa.Column("synced_invoice", sa.String(255))),
    ("subscription", sa.Column("period_start", sa.BigInteger())),
    ("subscription", sa.Column("period_end", sa.BigInteger())),
    ("connection", sa.Column("poll_progress", sa.JSON(), nullable=False, server_default="{}")),
    ("connection", sa.Column("permissions_checked_at", sa.DateTime(timezone=True))),
    ("connection", sa.Column("monthly_payments", sa.Integer(), nullable=False, server_default="0")),
    ("connection", sa.Column("not_asked", sa.JSON(), nullable=False, server_default="[]")),
    ("connection", sa.Column("key_edit_link", sa.String(400))),
    ("creative", sa.Column("generic_reason", sa.String(20))),
    ("stripe_event", sa.Column("is_thin", sa.Boolean(), nullable=False, server_default=sa.false())),
    ("price", sa.Column("unit_amount", sa.Double())),
    ("price", sa.Column("pack_size", sa.Integer(), nullable=False, server_default="1")),
    ("price", sa.Column("rounds_up", sa.Boolean(), nullable=False, server_default=sa.false())),
    ("price", sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true())),
    ("tier", sa.Column("active", sa.Boolean(), nullable=False, server_default=sa.true())),
]
EVENT_KEY = ["connection_id", "stripe_id", "type", "created_at"]
BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IS_THIN = sa.text("state = 'thin'")
IS_PAID = sa.text("paid_invoice_id IS NOT NULL")
# Of the index of moments that no event brought: its name and its condition.
FOUND_BY_SYNC = "ix_moment_found_by_sync", sa.text("source = 'sync'")
FOUND_IN_LISTS = "ix_moment_found_in_lists", sa.text("source IN ('sync', 'recent')")


UNREAD_COLUMNS = ["new", "changed"]  # of sync_run


def replace_index(old: tuple[str, sa.TextClause], new: tuple[str, sa.TextClause]) -> None:
    op.drop_index(old[0], "moment")
    name, condition = new
    columns = ["connection_id", "id"]
    op.create_index(name, "moment", columns, sqlite_where=condition, postgresql_where=condition)


def upgrade() -> None:
    for name in UNREAD_COLUMNS:
        op.execute(f"ALTER TABLE sync_run DROP COLUMN {name}")
    for table, column in NEW_COLUMNS:
        op.add_column(table, column._copy())
    replace_index(FOUND_BY_SYNC, FOUND_IN_LISTS)
    op.execute("UPDATE connection SET next_poll_at = next_sync_at WHERE next_poll_at IS NULL")
    op.execute("UPDATE price SET unit_amount = list_amount")
    op.execute("ALTER TABLE price DROP COLUMN list_amount")
    op.execute("ALTER TABLE subscription RENAME COLUMN synced_billing_anchor TO billing_anchor")
    # SQLite adds a required column only with a default; a copy of the table would lose its index of an expression.
    observed_at = sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False, server_default="1970-01-01")
    op.add_column("customer", observed_at)
    op.execute("UPDATE customer SET observed_at = created_at")
    op.create_table(
        "erased_customer",
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("stripe_id", sa.String(255), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name="fk_erased_customer_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "stripe_id", name="pk_erased_customer"),
    )
    op.create_table(
        "invoice",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("stripe_id", sa.String(255), nullable=False),
        sa.Column("stripe_customer_id", sa.String(255), nullable=False),
        sa.Column("stripe_subscription_id", sa.String(255)),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("billing_reason", sa.String(40)),
        sa.Column("period_start", sa.BigInteger()),
        sa.Column("observed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name="fk_invoice_connection_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invoice"),
        sa.UniqueConstraint("connection_id", "stripe_id", name="uq_invoice_connection_id"),
    )
    op.create_index("ix_invoice_customer", "invoice", ["connection_id", "stripe_customer_id"])
    op.create_index("ix_invoice_age", "invoice", ["connection_id", "observed_at"])
    op.execute(
        "INSERT INTO invoice (connection_id, stripe_id, stripe_customer_id, status, observed_at)"
        " SELECT connection_id, paid_invoice_id, min(stripe_customer_id), 'paid', max(created_at) FROM stripe_event"
        " WHERE paid_invoice_id IS NOT NULL AND stripe_customer_id IS NOT NULL GROUP BY connection_id, paid_invoice_id"
    )
    op.create_index(
        "ix_stripe_event_thin",
        "stripe_event",
        ["connection_id", "state", "id"],
        sqlite_where=IS_THIN,
        postgresql_where=IS_THIN,
    )
    op.drop_index("ix_stripe_event_paid", "stripe_event")
    with op.batch_alter_table("stripe_event") as table:
        table.drop_constraint("uq_stripe_event_connection_id", type_="unique")
        table.create_unique_constraint("uq_stripe_event_connection_id", EVENT_KEY)
    op.execute("ALTER TABLE stripe_event DROP COLUMN paid_invoice_id")


def downgrade() -> None:
    for name in UNREAD_COLUMNS:
        op.add_column("sync_run", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.add_column("stripe_event", sa.Column("paid_invoice_id", sa.String(255)))
    op.create_index(
        "ix_stripe_event_paid",
        "stripe_event",
        ["connection_id", "paid_invoice_id"],
        sqlite_where=IS_PAID,
        postgresql_where=IS_PAID,
    )
    op.drop_index("ix_stripe_event_thin", "stripe_event")
    # Of events that share an id, the latest stays.
    op.execute(
        "DELETE FROM stripe_event WHERE id NOT IN (SELECT max(id) FROM stripe_event GROUP BY connection_id, stripe_id)"
    )
    with op.batch_alter_table("stripe_event") as table:
        table.drop_constraint("uq_stripe_event_connection_id", type_="unique")
        table.create_unique_constraint("uq_stripe_event_connection_id", EVENT_KEY[:2])
    op.execute("DELETE FROM stripe_event WHERE state = 'thin'")  # the sync finds what they said
    op.drop_table("invoice")
    op.drop_table("erased_customer")
    op.execute("ALTER TABLE customer DROP COLUMN observed_at")
    replace_index(FOUND_IN_LISTS, FOUND_BY_SYNC)
    for table in ("moment", "creative"):
        op.execute(f"UPDATE {table} SET source = 'sync' WHERE source = 'recent'")  # noqa: S608
    op.execute("ALTER TABLE subscription RENAME COLUMN billing_anchor TO synced_billing_anchor")
    op.add_column("price", sa.Column("list_amount", sa.BigInteger()))
    op.execute("UPDATE price SET list_amount = round(unit_amount)")
    for table, column in NEW_COLUMNS:
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column.name}")
