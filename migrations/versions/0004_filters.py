"""the index of audiences leads to a tier and segment of a status, for the queue's filters"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INDEX = "ix_creative_audience"


def upgrade() -> None:
    op.drop_index(INDEX, table_name="creative")
    op.create_index(INDEX, "creative", ["account_id", "tier", "segment", "status", "event"])


def downgrade() -> None:
    op.drop_index(INDEX, table_name="creative")
    op.create_index(INDEX, "creative", ["account_id", "tier", "event", "segment", "status"])
