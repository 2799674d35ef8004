"""Runs the migrations on either database, each run whole or not at all."""

from alembic import context
from alembic.script import ScriptDirectory
from click import ClickException
from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError
from sqlalchemy.sql import functions
from sqlalchemy.types import TypeDecorator

from manimod.extensions import WRITES, db

ADVISORY_LOCK = 20_260_101  # any number, the same for every process


def run() -> None:
    with connect() as connection:
        connection.detach()  # its pragma and its lock shall not go back to the pool
        let_one_process_at_a_time(connection)
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            compare_type=True,
            render_as_batch=True,  # SQLite alters a table by copying it
            transactional_ddl=True,
            render_item=render_for_both,
            process_revision_directives=number_revision,
        )
        refuse_newer_database()
        with context.begin_transaction():
            context.run_migrations()


def connect() -> Connection:
    try:
        return db.engine.connect()
    except OperationalError as error:  # its text names host, port and user, but no password
        reason = str(error.orig).strip().splitlines()[0]
        raise ClickException(f"The database at DATABASE_URL cannot be prepared: {reason}") from None


def refuse_newer_database() -> None:
    known = {revision.revision for revision in ScriptDirectory.from_config(context.config).walk_revisions()}
    if unknown := set(context.get_context().get_current_heads()) - known:
        raise ClickException(
            f"The database is from a newer release of mani (its revision is {', '.join(unknown)}). "
            "Install that release, or restore a backup from before it."
        )


def let_one_process_at_a_time(connection: Connection) -> None:
    if connection.dialect.name == "sqlite":
        # A table that is copied is dropped, and must not take the rows that refer to it along.
        connection.connection.dbapi_connection.execute("PRAGMA foreign_keys=OFF")
        connection.execution_options(**{WRITES: True})
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_lock({ADVISORY_LOCK})")
        connection.commit()


def render_for_both(kind: str, item: object, _context: object) -> str | bool:
    """Write what both databases understand, without the models, which change while migrations stay."""
    if kind == "type" and isinstance(item, TypeDecorator):
        return f"sa.{item.impl!r}"
    if kind == "server_default" and isinstance(item.arg, functions.now):
        return "sa.func.now()"
    return False


def number_revision(migration: object, _revision: object, directives: list) -> None:
    """0001, 0002, ... instead of random names; where nothing differs, no file is written."""
    script = directives[0]
    if script.upgrade_ops.is_empty() and getattr(migration.config.cmd_opts, "autogenerate", False):
        directives.clear()
        return
    head = ScriptDirectory.from_config(migration.config).get_current_head()
    script.rev_id = f"{int(head or 0) + 1:04}"


run()
