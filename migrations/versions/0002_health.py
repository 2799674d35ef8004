"""health, alerts, audit log, refused deliveries, audience days, a second signing secret"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "alert",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("check", sa.String(length=50), nullable=False),
        sa.Column("open_key", sa.String(length=80), nullable=True),
        sa.Column("meaning", sa.String(length=500), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("began_mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_alert_account_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
        sa.UniqueConstraint("open_key", name=op.f("uq_alert_open_key")),
    )
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.create_index("ix_alert_open", ["account_id", "ended_at"], unique=False)

    op.create_table(
        "health",
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=15), nullable=False),
        sa.Column("checks", sa.JSON(), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_health_account_id")),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_health")),
    )
    with op.batch_alter_table("health", schema=None) as batch_op:
        batch_op.create_index("ix_health_outcome", ["outcome", "changed_at"], unique=False)

    op.create_table(
        "audience_day",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("stripe_product_id", sa.String(length=255), nullable=True),
        sa.Column("segment", sa.String(length=10), nullable=True),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_audience_day_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audience_day")),
    )
    with op.batch_alter_table("audience_day", schema=None) as batch_op:
        batch_op.create_index("ix_audience_day_connection", ["connection_id", "day"], unique=False)

    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_audit_entry_account_id")),
        sa.ForeignKeyConstraint(["user_id"], ["user.id"], name=op.f("fk_audit_entry_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entry_account", ["account_id", "id"], unique=False)

    op.create_table(
        "refused_delivery",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=50), nullable=False),
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("clock_skew_seconds", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_refused_delivery_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_delivery")),
        sa.UniqueConstraint("connection_id", "hour", "code", name=op.f("uq_refused_delivery_connection_id")),
    )
    with op.batch_alter_table("connection", schema=None) as batch_op:
        batch_op.add_column(sa.Column("sealed_old_signing_secret", sa.String(length=1000), nullable=True))
        batch_op.add_column(sa.Column("signing_secret_set_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("polled_at", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("trouble_since", sa.DateTime(timezone=True), nullable=True))

    with op.batch_alter_table("stripe_event", schema=None) as batch_op:
        batch_op.add_column(sa.Column("repeats", sa.Integer(), server_default="0", nullable=False))
        batch_op.add_column(sa.Column("repeated_at", sa.DateTime(timezone=True), nullable=True))

        batch_op.create_index(
            "ix_stripe_event_parked",
            ["connection_id"],
            unique=False,
            sqlite_where=sa.text("state = 'parked'"),
            postgresql_where=sa.text("state = 'parked'"),
        )
    with op.batch_alter_table("moment", schema=None) as batch_op:
        batch_op.create_index(
            "ix_moment_held",
            ["connection_id"],
            unique=False,
            sqlite_where=sa.text("state = 'held'"),
            postgresql_where=sa.text("state = 'held'"),
        )


def downgrade() -> None:
    with op.batch_alter_table("moment", schema=None) as batch_op:
        batch_op.drop_index("ix_moment_held")
    with op.batch_alter_table("stripe_event", schema=None) as batch_op:
        batch_op.drop_index("ix_stripe_event_parked")
    with op.batch_alter_table("stripe_event", schema=None) as batch_op:
        batch_op.drop_column("repeated_at")
        batch_op.drop_column("repeats")

    with op.batch_alter_table("connection", schema=None) as batch_op:
        batch_op.drop_column("trouble_since")
        batch_op.drop_column("polled_at")
        batch_op.drop_column("signing_secret_set_at")
        batch_op.drop_column("sealed_old_signing_secret")

    op.drop_table("refused_delivery")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entry_account")

    op.drop_table("audit_entry")
    with op.batch_alter_table("audience_day", schema=None) as batch_op:
        batch_op.drop_index("ix_audience_day_connection")

    op.drop_table("audience_day")
    with op.batch_alter_table("health", schema=None) as batch_op:
        batch_op.drop_index("ix_health_outcome")

    op.drop_table("health")
    with op.batch_alter_table("alert", schema=None) as batch_op:
        batch_op.drop_index("ix_alert_open")

    op.drop_table("alert")
