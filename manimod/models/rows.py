"""Statements about many rows, for both databases. The rows travel as one JSON text, so that a statement is the same
however many they are: SQLAlchemy compiles it and PostgreSQL plans it once.
"""

from collections.abc import Callable, Iterable
from datetime import date, datetime
from functools import cache
from typing import Any

import orjson
from sqlalchemy import (
    ARRAY,
    JSON,
    ColumnElement,
    Connection,
    Executable,
    FromClause,
    Table,
    Text,
    any_,
    bindparam,
    cast,
    column,
    func,
    select,
    true,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from manimod.extensions import db, sqlite_text

Which = Callable[[Any], ColumnElement[bool]]  # called with the columns of the arriving row


def insert_once(
    model: type,
    rows: list[dict],
    unique: tuple[str, ...],
    only: Which = lambda _row: true(),
    connection: Connection | None = None,
) -> list[tuple]:
    """Insert the rows whose unique columns are not there yet, and for which `only` holds; through the session, or
    another `connection`. The unique columns of those that were inserted come back.
    """
    if not rows:
        return []
    connection = connection or db.session.connection()
    statement = _insertion(connection.dialect.name, model.__table__, tuple(rows[0]), unique, only)
    return [tuple(row) for row in connection.execute(statement, _parameter(connection, rows))]


def upsert(
    model: type,
    rows: list[dict],
    unique: tuple[str, ...],
    newer: Which | None = None,
    keep: tuple[str, ...] = (),
    add: tuple[str, ...] = (),
) -> None:
    """Insert rows, no two of which are alike in their unique columns, or update those that are there: only where
    `newer` holds; leaving the `keep` columns alone and adding to the numbers in the `add` columns.
    """
    if not rows:
        return
    connection = db.session.connection()
    statement = _upsertion(connection.dialect.name, model.__table__, tuple(rows[0]), unique, newer, keep, add)
    connection.execute(statement, _parameter(connection, rows))


def update_each(model: type, rows: list[dict]) -> None:
    """Give each row, found by its `id`, the other values that stand beside it."""
    if rows:
        connection = db.session.connection()
        statement = _updating(connection.dialect.name, model.__table__, tuple(rows[0]))
        connection.execute(statement, _parameter(connection, rows))


def among(looked_at: ColumnElement, values: Iterable) -> ColumnElement[bool]:
    """Whether the column holds one of these strings or whole numbers."""
    if db.engine.dialect.name == "postgresql":
        return looked_at == any_(bindparam(None, list(values), type_=ARRAY(looked_at.type)))
    given = func.json_each(orjson.dumps(list(values)).decode()).table_valued("value")
    return looked_at.in_(select(given.c.value))


def _parameter(connection: Connection, rows: list[dict]) -> dict[str, str]:
    write = _for_sqlite if connection.dialect.name == "sqlite" else str
    return {"rows": orjson.dumps(rows, default=write, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()}


def _for_sqlite(value: date) -> str:
    return sqlite_text(value) if isinstance(value, datetime) else value.isoformat()


@cache
def _insertion(dialect: str, table: Table, names: tuple[str, ...], unique: tuple[str, ...], only: Which) -> Executable:
    arriving = _arriving(dialect, table, names)
    chosen = select(*(arriving.c[name] for name in names)).where(only(arriving.c))
    statement = _insert(dialect, table).from_select(names, chosen)
    return statement.on_conflict_do_nothing(index_elements=unique).returning(*(table.c[name] for name in unique))


@cache
def _upsertion(
    dialect: str,
    table: Table,
    names: tuple[str, ...],
    unique: tuple[str, ...],
    newer: Which | None,
    keep: tuple[str, ...],
    add: tuple[str, ...],
) -> Executable:
    arriving = _arriving(dialect, table, names)
    statement = _insert(dialect, table).from_select(names, select(*(arriving.c[name] for name in names)).where(true()))
    changed = {name: statement.excluded[name] for name in names if name not in unique + keep}
    changed |= {name: table.c[name] + statement.excluded[name] for name in add}
    where = newer and newer(statement.excluded)
    return statement.on_conflict_do_update(index_elements=unique, set_=changed, where=where)


@cache
def _updating(dialect: str, table: Table, names: tuple[str, ...]) -> Executable:
    arriving = _arriving(dialect, table, names)
    values = {name: arriving.c[name] for name in names if name != "id"}
    return update(table).where(table.c.id == arriving.c.id).values(values)


def _arriving(dialect: str, table: Table, names: tuple[str, ...]) -> FromClause:
    """The rows of the JSON text, which each database reads in its own way."""
    text = bindparam("rows", type_=Text)
    if dialect == "sqlite":
        given = func.json_each(text).table_valued("value")
        return select(*(func.json_extract(given.c.value, f"$.{name}").label(name) for name in names)).subquery()
    typed = [column(name, table.c[name].type) for name in names]
    return func.json_to_recordset(cast(text, JSON)).table_valued(*typed).render_derived(with_types=True)


def _insert(dialect: str, table: Table) -> Any:
    return (postgresql if dialect == "postgresql" else sqlite).insert(table)
