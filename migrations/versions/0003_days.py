"""moments counted by day, customers found by name"""

from collections import Counter
from datetime import UTC
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment_day = op.create_table(
        "moment_day",
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("moments", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_moment_day_connection_id")),
        sa.PrimaryKeyConstraint("connection_id", "day", "kind", name=op.f("pk_moment_day")),
    )
    op.create_index(
        "ix_customer_name",
        "customer",
        ["connection_id", sa.literal_column("lower(name)").label("lower_name")],
        unique=False,
        postgresql_ops={"lower_name": "text_pattern_ops"},
    )
    if rows := list(count_moments()):
        op.bulk_insert(moment_day, rows)


def count_moments():
    """The rows of the days on which moments happened before this table was there."""
    account = sa.table("account", sa.column("id"), sa.column("time_zone"))
    connection = sa.table("connection", sa.column("id"), sa.column("account_id"))
    occurred_at = sa.column("occurred_at", sa.DateTime(timezone=True))
    moment = sa.table("moment", sa.column("connection_id"), sa.column("kind"), occurred_at)
    bind = op.get_bind()
    zones = sa.select(connection.c.id, account.c.time_zone).join(account, account.c.id == connection.c.account_id)
    for connection_id, time_zone in bind.execute(zones).all():
        zone, of_it = ZoneInfo(time_zone), moment.c.connection_id == connection_id
        query = sa.select(moment.c.occurred_at, moment.c.kind).where(of_it)
        happened = bind.execute(query.execution_options(yield_per=10_000))
        days = Counter(
            ((at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(zone).date(), kind) for at, kind in happened
        )
        for (day, kind), number in days.items():
            yield {"connection_id": connection_id, "day": day, "kind": kind, "moments": number}


def downgrade() -> None:
    op.drop_index("ix_customer_name", table_name="customer")
    op.drop_table("moment_day")
