"""Many rows in one statement, on both databases: insert what is new, insert or update.

SQLAlchemy turns an INSERT with RETURNING and a list of rows into one statement per 1,000 rows, within the databases'
limits on parameters; that is why `upsert` returns a column that nobody reads.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.dialects import postgresql, sqlite

from manimod.extensions import db

INSERTS = {"postgresql": postgresql.insert, "sqlite": sqlite.insert}
Newer = Callable[[Any], ColumnElement[bool]]  # called with the columns of the arriving row


def insert_new(model: type, rows: list[dict], unique: tuple[str, ...]) -> list[tuple]:
    """Insert the rows whose `unique` columns are not there yet. Returns those columns' values of the inserted rows."""
    if not rows:
        return []
    connection = db.session.connection()
    inserted = connection.execute(_insertion(connection.dialect.name, model, unique), rows)
    return [tuple(row) for row in inserted]


def upsert(
    model: type,
    rows: list[dict],
    unique: tuple[str, ...],
    newer: Newer | None = None,
    keep: tuple[str, ...] = (),
    add: tuple[str, ...] = (),
) -> None:
    """Insert rows, no two of which are alike in their `unique` columns, or update those that are there.

    With `newer`, only rows for which it holds are updated. The `keep` columns are left alone, and the numbers in the
    `add` columns are added up.
    """
    if rows:
        connection, names = db.session.connection(), tuple(rows[0])
        connection.execute(_upsertion(connection.dialect.name, model, names, unique, newer, keep, add), rows)


# Statements are built once, because building one takes longer than running it.


@cache
def _insertion(dialect: str, model: type, unique: tuple[str, ...]) -> Any:
    statement = INSERTS[dialect](model.__table__).on_conflict_do_nothing(index_elements=unique)
    return statement.returning(*(model.__table__.c[name] for name in unique))


@cache
def _upsertion(
    dialect: str,
    model: type,
    names: tuple[str, ...],
    unique: tuple[str, ...],
    newer: Newer | None,
    keep: tuple[str, ...],
    add: tuple[str, ...],
) -> Any:
    columns, statement = model.__table__.c, INSERTS[dialect](model.__table__)
    changed = {name: statement.excluded[name] for name in names if name not in unique + keep}
    for name in add:
        changed[name] = columns[name] + statement.excluded[name]
    where = newer(statement.excluded) if newer else None
    statement = statement.on_conflict_do_update(index_elements=unique, set_=changed, where=where)
    return statement.returning(columns[unique[0]]) if dialect == "postgresql" else statement
