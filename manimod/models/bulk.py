"""Many rows in one statement, on both databases: insert what is new, insert or update.

SQLAlchemy turns an INSERT with RETURNING and a list of rows into one statement per 1,000 rows, within the databases'
limits on parameters; that is why `upsert` returns a column that nobody reads.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.dialects import postgresql, sqlite

from manimod.extensions import db


def _insert(model: type) -> Any:
    dialects = {"postgresql": postgresql, "sqlite": sqlite}
    return dialects[db.session.get_bind().dialect.name].insert(model.__table__)


def insert_new(model: type, rows: list[dict], unique: tuple[str, ...]) -> list[tuple]:
    """Insert the rows whose `unique` columns are not there yet. Returns those columns' values of the inserted rows."""
    if not rows:
        return []
    statement = _insert(model).on_conflict_do_nothing(index_elements=unique)
    returned = [model.__table__.c[name] for name in unique]
    return [tuple(row) for row in db.session.connection().execute(statement.returning(*returned), rows)]


def upsert(
    model: type,
    rows: list[dict],
    unique: tuple[str, ...],
    newer: Callable[[Any], ColumnElement[bool]] | None = None,
    keep: tuple[str, ...] = (),
    add: tuple[str, ...] = (),
) -> None:
    """Insert rows, no two of which are alike in their `unique` columns, or update those that are there.

    With `newer`, only rows for which it holds are updated; it is called with the columns of the arriving row. The
    `keep` columns are left alone, and the numbers in the `add` columns are added up.
    """
    if not rows:
        return
    columns, statement = model.__table__.c, _insert(model)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in unique + keep}
    for name in add:
        changed[name] = columns[name] + statement.excluded[name]
    where = newer(statement.excluded) if newer else None
    statement = statement.on_conflict_do_update(index_elements=unique, set_=changed, where=where)
    db.session.connection().execute(statement.returning(columns[unique[0]]), rows)
