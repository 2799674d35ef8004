"""INSERT ... ON CONFLICT for both databases: many rows in one statement."""

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.dialects import postgresql, sqlite

from manimod.extensions import db

ROWS_A_STATEMENT = 500


def insert_new(model: type, rows: list[dict], unique: tuple[str, ...]) -> int:
    """Insert the rows whose unique columns are not there yet; the count of those that were new."""
    inserted = 0
    for part in _parts(rows):
        statement = _insert(model).values(part).on_conflict_do_nothing(index_elements=unique)
        # psycopg reports no row count for such an insert, but both databases return the rows that were new.
        inserted += len(db.session.execute(statement.returning(model.__table__.c[unique[0]])).all())
    return inserted


def upsert(
    model: type,
    rows: list[dict],
    unique: tuple[str, ...],
    newer: ColumnElement[bool] | None = None,
    keep: tuple[str, ...] = (),
) -> None:
    """Insert rows, or update those that are there; only where `newer` holds, and leaving the `keep` columns alone.

    In `newer`, `excluded(model)` stands for the row that arrives.
    """
    if not rows:
        return
    changed = [name for name in rows[0] if name not in unique and name not in keep]
    for part in _parts(rows):
        statement = _insert(model).values(part)
        update = {name: statement.excluded[name] for name in changed}
        db.session.execute(statement.on_conflict_do_update(index_elements=unique, set_=update, where=newer))


def excluded(model: type) -> Any:
    """The arriving row in the condition of an upsert."""
    return _insert(model).excluded


def _insert(model: type) -> Any:
    dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    return dialect.insert(model.__table__)


def _parts(rows: list[dict]) -> list[list[dict]]:
    return [rows[start : start + ROWS_A_STATEMENT] for start in range(0, len(rows), ROWS_A_STATEMENT)]
