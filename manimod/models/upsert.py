"""INSERT ... ON CONFLICT for both databases. Many rows go in one statement, which is compiled once."""

from collections.abc import Callable
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import (
    JSON,
    ColumnElement,
    Connection,
    Dialect,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.dml import ReturningInsert

from manimod.extensions import db, sqlite_text


def insert_new(model: type, rows: list[dict], unique: tuple[str, ...]) -> None:
    """Insert the rows whose unique columns are not there yet; leave the others as they are."""
    if rows:
        db.session.execute(_insert(model.__table__).on_conflict_do_nothing(index_elements=unique), rows)


def insert_once(
    model: type,
    rows: list[dict],
    unique: tuple[str, ...],
    only: Callable[[Any], ColumnElement[bool]] = lambda _row: true(),
    connection: Connection | None = None,
) -> list[tuple]:
    """The same, but only the rows for which `only`, called with the arriving row, holds; through the session, or
    another `connection`. The unique columns of the rows that were new come back.

    The rows travel as one JSON text, so that the statement is the same however many they are.
    """
    if not rows:
        return []
    connection = connection or db.session.connection()
    statement = _insert_from_json(connection.dialect.name, model.__table__, tuple(rows[0]), unique, only)
    write = sqlite_text if connection.dialect.name == "sqlite" else str
    text = orjson.dumps(rows, default=write, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
    return [tuple(row) for row in connection.execute(statement, {"rows": text})]


@cache
def _insert_from_json(
    dialect: str, table: Table, names: tuple[str, ...], unique: tuple[str, ...], only: Callable
) -> ReturningInsert:
    """With the JSON text as its parameter `rows`, which each database reads in its own way."""
    text = bindparam("rows", type_=Text)
    if dialect == "sqlite":
        given = func.json_each(text).table_valued("value")
        arriving = select(*(func.json_extract(given.c.value, f"$.{name}").label(name) for name in names)).subquery()
    else:
        of_table = literal_column(f"NULL::{table.name}")
        arriving = func.json_populate_recordset(of_table, cast(text, JSON)).table_valued(*names)
    chosen = select(*(arriving.c[name] for name in names)).where(only(arriving.c))
    statement = _insert(table).from_select(names, chosen)
    return statement.on_conflict_do_nothing(index_elements=unique).returning(*(table.c[name] for name in unique))


def upsert(
    model: type,
    rows: list[dict],
    unique: tuple[str, ...],
    newer: Callable[[Any], ColumnElement[bool]] | None = None,
    keep: tuple[str, ...] = (),
    add: tuple[str, ...] = (),
) -> None:
    """Insert rows, which have the same columns, or update those that are there: only where `newer`, called with the
    arriving row, holds; leaving the `keep` columns alone and adding to the numbers in the `add` columns.
    """
    if not rows:
        return
    sql, for_driver = _prepare(db.engine.dialect, model, tuple(rows[0]), unique, newer, keep, add)
    db.session.connection().exec_driver_sql(sql, [for_driver(row) for row in rows])


@lru_cache(maxsize=64)
def _prepare(
    dialect: Dialect,
    model: type,
    names: tuple[str, ...],
    unique: tuple[str, ...],
    newer: Callable[[Any], ColumnElement[bool]] | None,
    keep: tuple[str, ...],
    add: tuple[str, ...],
) -> tuple[str, Callable[[dict], Any]]:
    """The SQL, and what makes a row into the driver's parameters.

    SQLAlchemy handles every value of every row by itself, which takes longer than the database does.
    """
    table = model.__table__
    statement = _insert(table)
    changed = {name: statement.excluded[name] for name in names if name not in unique + keep}
    changed |= {name: table.c[name] + statement.excluded[name] for name in add}
    statement = statement.on_conflict_do_update(
        index_elements=unique, set_=changed, where=newer and newer(statement.excluded)
    )
    compiled = statement.compile(dialect=dialect, column_keys=names)
    processors = {name: table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names}
    processors = {name: processor for name, processor in processors.items() if processor}
    constants = {name: value for name, value in compiled.params.items() if name not in names}
    in_order = itemgetter(*compiled.positiontup) if compiled.positional else dict

    def for_driver(row: dict) -> Any:
        values = row | constants
        for name, process in processors.items():
            values[name] = process(values[name])
        return in_order(values)

    return str(compiled), for_driver


def _insert(table: Table) -> Any:
    dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)
