"""a test and a live connection at once, and what was exported"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NEW_COLUMNS: list[tuple[str, sa.Column]] = []


def upgrade() -> None:
    for table, column in NEW_COLUMNS:
        op.add_column(table, column)


def downgrade() -> None:
    for table, column in reversed(NEW_COLUMNS):
        op.drop_column(table, column.name)
