"""a test and a live connection at once, what was exported, and what a queue is sorted and searched by"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

LONG_AGO = "1970-01-01 00:00:00"
NEW_COLUMNS: list[tuple[str, sa.Column]] = [
    ("creative", sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False, server_default=LONG_AGO)),
    ("creative", sa.Column("search_text", sa.String(500), nullable=False, server_default="")),
    ("creative", sa.Column("left_out", sa.JSON(), nullable=False, server_default="[]")),
    ("creative", sa.Column("exported_at", sa.DateTime(timezone=True), nullable=True)),
    ("creative", sa.Column("exported_revision", sa.Integer(), nullable=True)),
]
QUEUE_INDEX = ["account_id", "status", "id", "objective", "event", "segment", "tier", "is_test"]
NEW_QUEUE_INDEX = [*QUEUE_INDEX[:2], "joined_at", *QUEUE_INDEX[2:], "search_text"]


def upgrade() -> None:
    for table, column in NEW_COLUMNS:
        op.add_column(table, column._copy())
    op.execute("UPDATE creative SET joined_at = generated_at")
    fill_search_text()
    op.drop_index("ix_creative_queue", "creative")
    op.create_index("ix_creative_queue", "creative", NEW_QUEUE_INDEX)
    create_exports()


def fill_search_text() -> None:
    """The tier and the headlines of each creative, in small letters."""
    columns = sa.column("id"), sa.column("tier"), sa.column("content", sa.JSON), sa.column("search_text")
    creatives = sa.table("creative", *columns)
    connection, last_id = op.get_bind(), 0
    while rows := connection.execute(
        sa.select(*columns[:3]).select_from(creatives).where(columns[0] > last_id).order_by(columns[0]).limit(1000)
    ).all():
        for creative_id, tier, content in rows:
            headlines = [variant["headline"] for variant in content.get("variants", ())]
            text = "\n".join(filter(None, [tier, *headlines])).lower()[:500]
            connection.execute(creatives.update().where(columns[0] == creative_id).values(search_text=text))
        last_id = rows[-1].id


def create_exports() -> None:
    op.create_table(
        "export",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("requested_by", sa.Integer(), nullable=True),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("with_pictures", sa.Boolean(), nullable=False),
        sa.Column("creative_ids", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error_code", sa.String(50), nullable=True),
        sa.Column("left_out", sa.JSON(), nullable=False),
        sa.Column("parts", sa.JSON(), nullable=False),
        sa.Column("sheets", sa.LargeBinary(), nullable=True),
        sa.Column("creatives", sa.Integer(), nullable=False),
        sa.Column("pictures", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name="fk_export_account_id"),
        sa.ForeignKeyConstraint(["requested_by"], ["user.id"], name="fk_export_requested_by"),
        sa.PrimaryKeyConstraint("id", name="pk_export"),
    )
    op.create_index("ix_export_account", "export", ["account_id", "created_at"])
    op.create_index("ix_export_state", "export", ["state", "lease_until"])
    op.create_table(
        "drawn_pictures",
        sa.Column("creative_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(20), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("pictures", sa.Integer(), nullable=False),
        sa.Column("refused", sa.JSON(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["creative_id"], ["creative.id"], name="fk_drawn_pictures_creative_id"),
        sa.PrimaryKeyConstraint("creative_id", "version", name="pk_drawn_pictures"),
    )
    op.create_index("ix_drawn_pictures_used_at", "drawn_pictures", ["used_at"])


def downgrade() -> None:
    op.drop_table("drawn_pictures")
    op.drop_table("export")
    op.drop_index("ix_creative_queue", "creative")
    op.create_index("ix_creative_queue", "creative", QUEUE_INDEX)
    for table, column in reversed(NEW_COLUMNS):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column.name}")
