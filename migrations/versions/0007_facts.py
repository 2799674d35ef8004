"""what Stripe and the owner say about each tier and its place, and how the account presents itself"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NEW_COLUMNS = [
    ("tier", sa.Column("features", sa.JSON(), nullable=False, server_default="[]")),
    ("tier", sa.Column("description", sa.String(2000))),
    ("tier", sa.Column("notes", sa.JSON(), nullable=False, server_default="{}")),
    ("tier", sa.Column("unit_label", sa.String(40))),
    ("tier", sa.Column("url", sa.String(500))),
    ("tier", sa.Column("images", sa.JSON(), nullable=False, server_default="[]")),
    ("tier", sa.Column("picture", sa.LargeBinary())),
    ("tier", sa.Column("picture_from", sa.String(500))),
    ("tier", sa.Column("picture_at", sa.DateTime(timezone=True))),
    ("tier", sa.Column("picture_error", sa.String(50))),
    ("tier", sa.Column("owner_lines", sa.JSON(), nullable=False, server_default="[]")),
    ("tier", sa.Column("next_product", sa.String(255))),
    ("tier", sa.Column("lighter_product", sa.String(255))),
    ("tier", sa.Column("is_sold", sa.Boolean(), nullable=False, server_default=sa.false())),
    ("tier", sa.Column("has_year", sa.Boolean(), nullable=False, server_default=sa.false())),
    ("tier", sa.Column("by_the_seat", sa.Boolean(), nullable=False, server_default=sa.false())),
    ("tier", sa.Column("is_one_of_several", sa.Boolean(), nullable=False, server_default=sa.false())),
    ("tier", sa.Column("trial_days", sa.Integer())),
    ("price", sa.Column("trial_days", sa.Integer())),
    ("price", sa.Column("is_tiered", sa.Boolean(), nullable=False, server_default=sa.false())),
    ("connection", sa.Column("profile", sa.JSON(), nullable=False, server_default="{}")),
    ("creative", sa.Column("stripe_product_id", sa.String(255))),
    ("review", sa.Column("about", sa.String(10))),
    ("connection", sa.Column("planned_at", sa.DateTime(timezone=True))),
    ("sync_run", sa.Column("listed_at", sa.DateTime(timezone=True))),
    ("sync_run", sa.Column("checkpoints", sa.JSON(), nullable=False, server_default="{}")),
    ("brand_kit", sa.Column("support", sa.String(500), nullable=False, server_default="")),
    ("brand_kit", sa.Column("releases", sa.JSON(), nullable=False, server_default="[]")),
]


def upgrade() -> None:
    for table, column in NEW_COLUMNS:
        op.add_column(table, column._copy())
    copy_release_notes()


def copy_release_notes() -> None:
    """Notes that were texts alone have neither day nor tier; the page asks for them."""
    kits = sa.table(
        "brand_kit", sa.column("account_id"), sa.column("release_notes", sa.JSON), sa.column("releases", sa.JSON)
    )
    connection = op.get_bind()
    for account_id, texts in connection.execute(sa.select(kits.c.account_id, kits.c.release_notes)).all():
        if texts and isinstance(texts, list):
            releases = [{"text": text, "released_on": None, "tier": None} for text in texts]
            connection.execute(kits.update().where(kits.c.account_id == account_id).values(releases=releases))


def downgrade() -> None:
    for table, column in NEW_COLUMNS:
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column.name}")
