"""a test and a live connection at once, what was exported, and what a queue is sorted and searched by"""

import sqlalchemy as sa
from alembic import op
from click import ClickException

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
    ("account", sa.Column("ad_accounts", sa.JSON(), nullable=False, server_default="{}")),
]
QUEUE_INDEX = ["account_id", "status", "id", "objective", "event", "segment", "tier", "is_test"]
NEW_QUEUE_INDEX = ["account_id", "is_test", "status", "joined_at", "id", *QUEUE_INDEX[3:7], "search_text"]
AUDIENCE_INDEX = ["account_id", "tier", "segment", "status", "event"]
NEW_AUDIENCE_INDEX = ["account_id", "is_test", *AUDIENCE_INDEX[1:]]
HEALTH_COLUMNS = (
    sa.Column("account_id", sa.Integer(), nullable=False),
    sa.Column("outcome", sa.String(15), nullable=False),
    sa.Column("checks", sa.JSON(), nullable=False),
    sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
)


def upgrade() -> None:
    for table, column in NEW_COLUMNS:
        op.add_column(table, column._copy())
    op.execute("UPDATE creative SET joined_at = generated_at")
    fill_search_text()
    index_creatives(NEW_QUEUE_INDEX, NEW_AUDIENCE_INDEX)
    create_exports()
    create_audience_lists()
    with op.batch_alter_table("connection") as batch_op:
        batch_op.drop_constraint(op.f("uq_connection_account_id"), type_="unique")
        batch_op.create_index(op.f("ix_connection_account_id"), ["account_id"])
    link_health_to_connections()
    with op.batch_alter_table("alert") as batch_op:
        batch_op.add_column(sa.Column("connection_id", sa.Integer()))
        batch_op.create_foreign_key(op.f("fk_alert_connection_id"), "connection", ["connection_id"], ["id"])
    op.execute(
        "UPDATE alert SET connection_id = (SELECT id FROM connection WHERE connection.account_id = alert.account_id)"
    )
    op.execute(
        "UPDATE alert SET open_key = 'connection:' || connection_id || ':' || \"check\" "
        "WHERE open_key IS NOT NULL AND connection_id IS NOT NULL"
    )


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


def create_audience_lists() -> None:
    op.create_table(
        "audience_list",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("connection_id", sa.Integer(), nullable=False),
        sa.Column("event", sa.String(20), nullable=False),
        sa.Column("tier", sa.String(255), nullable=True),
        sa.Column("segment", sa.String(10), nullable=True),
        sa.Column("from_day", sa.Integer(), nullable=False),
        sa.Column("customers", sa.Integer(), nullable=False),
        sa.Column("held_out", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(32), nullable=False),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_audience_list_connection_id")),
        sa.ForeignKeyConstraint(["made_by"], ["user.id"], name=op.f("fk_audience_list_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audience_list")),
    )
    op.create_index("ix_audience_list_connection", "audience_list", ["connection_id", "event"])


def downgrade() -> None:
    keep_one_connection()
    op.drop_table("audience_list")
    op.drop_table("drawn_pictures")
    op.drop_table("export")
    op.execute(
        "UPDATE alert SET open_key = account_id || ':' || \"check\" "
        "WHERE open_key IS NOT NULL AND connection_id IS NOT NULL"
    )
    with op.batch_alter_table("alert") as batch_op:
        batch_op.drop_constraint(op.f("fk_alert_connection_id"), type_="foreignkey")
        batch_op.drop_column("connection_id")
    health = sa.table("health", *(sa.column(column.name, column.type) for column in HEALTH_COLUMNS))
    replace_health(sa.select(health), "account_id")
    with op.batch_alter_table("connection") as batch_op:
        batch_op.drop_index(op.f("ix_connection_account_id"))
        batch_op.create_unique_constraint(op.f("uq_connection_account_id"), ["account_id"])
    index_creatives(QUEUE_INDEX, AUDIENCE_INDEX)
    for table, column in reversed(NEW_COLUMNS):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column.name}")


def index_creatives(queue: list[str], audience: list[str]) -> None:
    """Every page asks for the test or the live creatives, which only a filter did before."""
    for name, columns in (("ix_creative_queue", queue), ("ix_creative_audience", audience)):
        op.drop_index(name, "creative")
        op.create_index(name, "creative", columns)


def link_health_to_connections() -> None:
    """A new table, as SQLite can't give one another primary key. Accounts that never connected have no row in it."""
    health = sa.table("health", *(sa.column(column.name, column.type) for column in HEALTH_COLUMNS))
    connection = sa.table("connection", sa.column("id"), sa.column("account_id"))
    query = sa.select(connection.c.id.label("connection_id"), health)
    query = query.join_from(health, connection, connection.c.account_id == health.c.account_id)
    link = sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_health_connection_id"))
    replace_health(query, "connection_id", sa.Column("connection_id", sa.Integer(), nullable=False), link)


def replace_health(query: sa.Select, primary_key: str, *more: sa.schema.SchemaItem) -> None:
    """Make the table anew, with the rows that the query finds in it."""
    rows = [dict(row) for row in op.get_bind().execute(query).mappings()]
    op.drop_table("health")
    health = op.create_table(
        "health",
        *(column._copy() for column in HEALTH_COLUMNS),
        *more,
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_health_account_id")),
        sa.PrimaryKeyConstraint(primary_key, name=op.f("pk_health")),
    )
    op.create_index("ix_health_outcome", "health", ["outcome", "changed_at"])
    if rows:
        op.bulk_insert(health, rows)


def keep_one_connection() -> None:
    """The release before has one connection an account. A disconnected one beside it holds nothing any more."""
    database = op.get_bind()
    both = "SELECT account_id FROM connection WHERE status = 'connected' GROUP BY account_id HAVING count(*) > 1"
    accounts = sorted(database.scalars(sa.text(both)))
    if accounts:
        raise ClickException(
            "The release before keeps one connection for each account. Disconnect the test or the live one of account "
            f"{', '.join(map(str, accounts))} first (flask stripe-disconnect ACCOUNT --mode test), then try again."
        )
    others = (
        "SELECT id FROM (SELECT id, row_number() OVER (PARTITION BY account_id ORDER BY status, livemode DESC, id) "
        "AS place FROM connection) AS numbered WHERE place > 1"
    )
    ids = list(database.scalars(sa.text(others)))
    for table, column in (("alert", "connection_id"), ("health", "connection_id"), ("connection", "id")):
        link = sa.column(column)
        database.execute(sa.delete(sa.table(table, link)).where(link.in_(ids)))
