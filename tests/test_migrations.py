"""The migrations make the tables that the models describe, on both databases, keep what is in them, and go back."""

import multiprocessing
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import JSON, Connection, MetaData, Table, inspect, text

from manimod import create_app
from manimod.extensions import WRITES, db
from tests.factories import make_settings

ROOT = Path(__file__).resolve().parent.parent
FOLDER = str(ROOT / "migrations")
FIRST, LATEST = "0001", "heads"
# Columns and tables that a migration has renamed since the first one, and those that it has dropped.
RENAMED = {
    "connection": {
        "sealed_api_key": "encrypted_api_key",
        "sealed_signing_secret": "encrypted_signing_secret",
        "trouble": "last_error",
        "trouble_since": "failing_since",
    },
    "stripe_event": {"path": "source"},
    "moment": {"path": "source", "settle_by": "ready_at"},
    "creative": {"path": "source"},
    "subscription": {"told_at": "observed_at", "synced_billing_anchor": "billing_anchor"},
}
DROPPED = {
    "connection": {"disconnected_at"},
    "subscription": {"latest_invoice_id"},
    "stripe_event": {"paid_invoice_id"},
    "sync_run": {"new", "changed"},
    "price": {"list_amount"},
}
DROPPED_TABLES = {"audience_size"}


@pytest.fixture
def app_without_tables(empty_database_url: str) -> Iterator[Flask]:
    app = create_app(make_settings(empty_database_url, redis_url="redis://127.0.0.1:1/0"))
    flask_migrate.Migrate(app, db)
    with app.app_context():
        yield app
        db.engine.dispose()


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names())


def test_upgrade_makes_what_the_models_describe(app_without_tables: Flask) -> None:
    flask_migrate.upgrade(FOLDER)
    flask_migrate.check(FOLDER)  # exits when a difference is found
    assert {"account", "user", "connection", "stripe_event", "moment", "creative"} <= tables()
    if db.engine.dialect.name == "sqlite":  # where the check passes over indexes of expressions
        with db.engine.connect() as connection:
            made = connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"))
            assert set(made) == {index.name for table in db.metadata.tables.values() for index in table.indexes}


def test_a_second_upgrade_changes_nothing(app_without_tables: Flask) -> None:
    flask_migrate.upgrade(FOLDER)
    before = tables()
    flask_migrate.upgrade(FOLDER)
    assert tables() == before


def test_downgrade_takes_everything_back(app_without_tables: Flask) -> None:
    flask_migrate.upgrade(FOLDER)
    flask_migrate.downgrade(FOLDER, revision="base")
    assert tables() == {"alembic_version"}


def test_a_database_that_cannot_be_reached_is_said_in_one_line() -> None:
    app = create_app(make_settings("postgresql+psycopg://mani:s3cret@127.0.0.1:1/mani", "redis://127.0.0.1:1/0"))
    flask_migrate.Migrate(app, db)
    done = app.test_cli_runner().invoke(args=["db", "upgrade", "--directory", FOLDER])
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: The database at DATABASE_URL cannot be prepared: ")
    assert done.stderr.count("\n") == 1
    assert "s3cret" not in done.output


def test_a_database_of_a_newer_release_is_left_as_it_is_and_said_in_one_line(app_without_tables: Flask) -> None:
    flask_migrate.upgrade(FOLDER)
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        connection.commit()
    before = tables()
    for command in ("upgrade", "downgrade"):
        done = app_without_tables.test_cli_runner().invoke(args=["db", command, "--directory", FOLDER])
        assert done.exit_code == 1
        assert done.stderr == (
            "Error: The database is from a newer release of mani (its revision is 9999). "
            "Install that release, or restore a backup from before it.\n"
        )
    assert tables() == before


# --- with data in every table ----------------------------------------------------------------------------------------


def sample(column, number: int) -> object:
    """A value that the column takes, another one for each row."""
    if column.foreign_keys:
        return 1
    if column.name == "time_zone":
        return "Pacific/Auckland"
    if isinstance(column.type, JSON):
        return {"n": number}
    kind = column.type.python_type
    if kind is str:
        return f"{column.name}-{number}"[: getattr(column.type, "length", None) or 50]
    if kind is bool:
        return bool(number % 2)
    if kind in (int, float):
        return number
    times = {datetime: datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), date: date(2026, 1, 2)}
    return times.get(kind, b"\x00\xff")


def fill_every_table(connection: Connection) -> None:
    """One or two rows each, by the tables as they stand, so that the test needs no models of their time."""
    metadata = MetaData()
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        if table.name != "alembic_version":
            for number in rows_for(table):
                values = {
                    column.name: sample(column, number) for column in table.columns if not is_link_to_self(column)
                }
                connection.execute(table.insert().values(values))


def rows_for(table: Table) -> range:
    is_bound = any(column.foreign_keys and (column.primary_key or column.unique) for column in table.columns)
    return range(1, 2) if is_bound or any(c.name in ("account_id",) for c in table.columns) else range(1, 3)


def is_link_to_self(column) -> bool:
    return any(key.column.table is column.table for key in column.foreign_keys)


def contents(connection: Connection, columns: dict[str, list[str]]) -> dict[str, list]:
    """The rows of these tables and columns, which are called as the first migration called them."""
    metadata = MetaData()
    metadata.reflect(connection)
    found = {}
    for name, wanted in columns.items():
        table, renamed = metadata.tables[name], RENAMED.get(name, {})
        now = [table.c.get(renamed.get(column, column), table.c.get(column)) for column in wanted]
        found[name] = sorted(map(str, connection.execute(db.select(*now))))
    return found


def columns_of(connection: Connection) -> dict[str, list[str]]:
    """Every table's columns, without those that a later migration drops."""
    look = inspect(connection)
    names = set(look.get_table_names()) - DROPPED_TABLES - {"alembic_version"}
    return {
        name: [c["name"] for c in look.get_columns(name) if c["name"] not in DROPPED.get(name, ())] for name in names
    }


def partial_indexes(connection: Connection) -> set[str]:
    """Names of the indexes that hold some of the rows only; a table that SQLite copies must not lose the condition."""
    sqlite = "SELECT name FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"
    postgres = "SELECT indexname FROM pg_indexes WHERE indexdef LIKE '% WHERE %' AND schemaname = 'public'"
    return set(connection.scalars(text(sqlite if connection.dialect.name == "sqlite" else postgres)))


def test_data_is_kept_on_the_way_up_and_down(app_without_tables: Flask) -> None:
    flask_migrate.upgrade(FOLDER, revision=FIRST)
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
        fill_every_table(connection)
        connection.commit()
        columns, partial = columns_of(connection), partial_indexes(connection)
        before = contents(connection, columns)
        sizes = audiences(connection, "audience_size")
    assert all(before.values())
    assert len(before) > 15
    assert len(partial) >= 3
    flask_migrate.upgrade(FOLDER, revision=LATEST)
    with db.engine.connect() as connection:
        assert contents(connection, columns) == before
        assert audiences(connection, "audience_day") == sizes
        assert {"ix_stripe_event_failed", "ix_moment_blocked"} <= partial_indexes(connection) - partial
        days = connection.execute(text("SELECT kind, day, moments FROM moment_day ORDER BY kind")).all()
        assert [(kind, str(day), number) for kind, day, number in days] == [
            (f"kind-{number}", "2026-01-02", 1) for number in (1, 2)
        ]
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
        fill_new_tables(connection, set(before))
        connection.commit()
    flask_migrate.downgrade(FOLDER, revision=FIRST)
    with db.engine.connect() as connection:
        assert contents(connection, columns) == before
        assert audiences(connection, "audience_size") == sizes
        assert partial_indexes(connection) == partial


def audiences(connection: Connection, table: str) -> list[tuple]:
    """What was counted at the last sync, which has a table of its own before the fifth migration."""
    query = f"SELECT stripe_product_id, segment, customers FROM {table} ORDER BY customers"  # noqa: S608
    return [tuple(row) for row in connection.execute(text(query))]


def fill_new_tables(connection: Connection, known: set[str]) -> None:
    metadata = MetaData()
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        if table.name not in known | {"alembic_version"}:
            connection.execute(table.insert().values({column.name: sample(column, 3) for column in table.columns}))


# --- several at once -------------------------------------------------------------------------------------------------


def migrate(url: str) -> None:
    app = create_app(make_settings(url, redis_url="redis://127.0.0.1:1/0"))
    flask_migrate.Migrate(app, db)
    with app.app_context():
        flask_migrate.upgrade(FOLDER)


def test_processes_that_start_at_once_migrate_once(empty_database_url: str) -> None:
    """The later one waits for its turn and finds nothing to do; without the lock it would fail at the first table."""
    fork = multiprocessing.get_context("fork")  # nothing is connected yet, and it starts at once
    started = [fork.Process(target=migrate, args=(empty_database_url,)) for _ in range(3)]
    for process in started:
        process.start()
    for process in started:
        process.join(60)
    assert [process.exitcode for process in started] == [0, 0, 0]


# --- an installation of the version before, with states that were renamed -------------------------------------------


def test_states_are_renamed_on_the_way_up_and_back_on_the_way_down(app_without_tables: Flask) -> None:
    flask_migrate.upgrade(FOLDER, revision="0004")
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
        fill_every_table(connection)
        connection.execute(text("UPDATE stripe_event SET state = 'parked'"))
        connection.execute(text("UPDATE moment SET state = 'held'"))
        connection.commit()
        deliveries = connection.execute(text("SELECT code, count FROM refused_delivery ORDER BY code")).all()
    flask_migrate.upgrade(FOLDER, revision=LATEST)
    with db.engine.connect() as connection:
        assert states(connection) == ({"failed"}, {"blocked"})
        kept = connection.execute(text("SELECT code, count FROM rejected_delivery ORDER BY code")).all()
        assert kept == deliveries
    flask_migrate.downgrade(FOLDER, revision="0004")
    with db.engine.connect() as connection:
        assert states(connection) == ({"parked"}, {"held"})
        kept = connection.execute(text("SELECT code, count FROM refused_delivery ORDER BY code")).all()
        assert kept == deliveries


def test_release_notes_of_texts_alone_get_room_for_their_day_and_tier(app_without_tables: Flask) -> None:
    flask_migrate.upgrade(FOLDER, revision="0006")
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
        fill_every_table(connection)
        connection.execute(text("""UPDATE brand_kit SET release_notes = '["Shared calendars", "Faster search"]'"""))
        connection.commit()
    flask_migrate.upgrade(FOLDER, revision=LATEST)
    with db.engine.connect() as connection:
        kits = Table("brand_kit", MetaData(), autoload_with=connection)
        found = connection.execute(db.select(kits.c.release_notes, kits.c.releases)).all()
    texts = ["Shared calendars", "Faster search"]
    assert found == [(texts, [{"text": text, "released_on": None, "tier": None} for text in texts])]
    flask_migrate.downgrade(FOLDER, revision="0006")


def states(connection: Connection) -> tuple[set[str], set[str]]:
    events = connection.scalars(text("SELECT state FROM stripe_event"))
    return set(events), set(connection.scalars(text("SELECT state FROM moment")))


def test_open_alerts_keep_their_check_and_their_mail(app_without_tables: Flask) -> None:
    flask_migrate.upgrade(FOLDER, revision="0004")
    columns = 'INSERT INTO alert (id, "check", open_key, meaning, began_at, ended_at, began_mailed_at, ended_mailed_at)'
    rows = [
        (1, "parked", "'installation:parked'", "NULL", "NULL", "NULL"),  # to be mailed
        (2, "jobs", "'installation:jobs'", "NULL", "'2026-01-02'", "NULL"),  # mailed
        (3, "key", "NULL", "'2026-01-03'", "'2026-01-02'", "NULL"),  # its end is to be mailed
        (4, "key", "NULL", "'2026-01-03'", "'2026-01-02'", "'2026-01-03'"),
    ]
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
        for row_id, check, *values in rows:
            key, *times = values
            rest = ", ".join((key, "'x'", "'2026-01-01'", *times))
            connection.execute(text(f"{columns} VALUES ({row_id}, '{check}', {rest})"))
        connection.commit()
    flask_migrate.upgrade(FOLDER, revision=LATEST)
    with db.engine.connect() as connection:
        found = connection.execute(text('SELECT "check", open_key, mail_at IS NOT NULL FROM alert ORDER BY id')).all()
    assert [(check, key, bool(is_due)) for check, key, is_due in found] == [
        ("failed_events", "installation:failed_events", True),
        ("job_backlog", "installation:job_backlog", False),
        ("key", None, True),
        ("key", None, False),
    ]
    flask_migrate.downgrade(FOLDER, revision="0004")
    with db.engine.connect() as connection:
        query = text('SELECT "check", began_mailed_at IS NULL, ended_mailed_at IS NULL FROM alert ORDER BY id')
        found = [(check, bool(began), bool(ended)) for check, began, ended in connection.execute(query)]
    assert found == [("parked", True, True), ("jobs", False, True), ("key", False, True), ("key", False, False)]


def test_two_connections_of_an_account_have_room_and_refuse_the_way_back(
    app_without_tables: Flask,
) -> None:
    flask_migrate.upgrade(FOLDER, revision="0007")
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
        fill_every_table(connection)
        connection.execute(text("UPDATE alert SET open_key = '1:key', \"check\" = 'key'"))
        connection.execute(text("UPDATE connection SET status = 'connected', livemode = false"))
        connection.commit()
    flask_migrate.upgrade(FOLDER, revision=LATEST)
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
        assert alerts_and_health(connection) == ("connection:1:key", 1, 1)
        table = Table("connection", MetaData(), autoload_with=connection)
        test = dict(connection.execute(db.select(table)).mappings().one())
        live = test | {"id": 2, "livemode": True, "webhook_token": "another"}
        connection.execute(table.insert().values(live))
        connection.commit()
    downgrade = ["db", "downgrade", "--directory", FOLDER]
    refused = app_without_tables.test_cli_runner().invoke(args=downgrade)
    assert refused.exit_code == 1
    assert "Disconnect the test or the live one of account 1 first" in refused.stderr
    with db.engine.connect().execution_options(**{WRITES: True}) as connection:
        assert alerts_and_health(connection) == ("connection:1:key", 1, 1), "nothing was changed"
        connection.execute(text("UPDATE connection SET status = 'disconnected' WHERE id = 2"))
        connection.commit()
    flask_migrate.downgrade(FOLDER, revision="0007")
    with db.engine.connect() as connection:
        assert connection.scalars(text("SELECT id FROM connection")).all() == [1]
        assert connection.scalar(text("SELECT open_key FROM alert")) == "1:key"
        assert connection.scalar(text("SELECT account_id FROM health")) == 1


def alerts_and_health(connection: Connection) -> tuple:
    query = "SELECT alert.open_key, alert.connection_id, health.connection_id FROM alert, health"
    return tuple(connection.execute(text(query)).one())
