"""INSERT ... ON CONFLICT for both databases. Many rows go in one statement, which is compiled once."""

from collections.abc import Callable
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Dialect
from sqlalchemy.dialects import postgresql, sqlite

from manimod.extensions import db


def insert_new(model: type, rows: list[dict], unique: tuple[str, ...]) -> None:
    """Insert the rows whose unique columns are not there yet; leave the others as they are."""
    if rows:
        db.session.execute(_insert(model).on_conflict_do_nothing(index_elements=unique), rows)


def insert_once(model: type, rows: list[dict], unique: tuple[str, ...]) -> list[tuple]:
    """The same; the unique columns of the rows that were new come back."""
    if not rows:
        return []
    return [tuple(row) for row in db.session.execute(_insert_once(db.engine.dialect.name, model, unique), rows)]


@cache
def _insert_once(_dialect: str, model: type, unique: tuple[str, ...]) -> Any:
    """Built once: an event would pay more for it than the database asks."""
    statement = _insert(model).on_conflict_do_nothing(index_elements=unique)
    return statement.returning(*(model.__table__.c[name] for name in unique))


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
    statement = _insert(model)
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


def _insert(model: type) -> Any:
    dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    return dialect.insert(model.__table__)
