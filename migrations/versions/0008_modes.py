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


def downgrade() -> None:
    op.drop_index("ix_creative_queue", "creative")
    op.create_index("ix_creative_queue", "creative", QUEUE_INDEX)
    for table, column in reversed(NEW_COLUMNS):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column.name}")
