"""INSERT ... ON CONFLICT for both databases. Many rows go in one statement, which is compiled once."""

from typing import Any

from sqlalchemy import ColumnElement
from sqlalchemy.dialects import postgresql, sqlite

from manimod.extensions import db


def insert_new(model: type, rows: list[dict], unique: tuple[str, ...]) -> None:
    """Insert the rows whose unique columns are not there yet; leave the others as they are."""
    if rows:
        db.session.execute(_insert(model).on_conflict_do_nothing(index_elements=unique), rows)


def insert_once(model: type, row: dict, unique: tuple[str, ...]) -> bool:
    """Insert one row; False where it was there before."""
    statement = _insert(model).on_conflict_do_nothing(index_elements=unique)
    # psycopg reports no row count for such an insert, but both databases return the row that was new.
    return db.session.execute(statement.returning(model.__table__.c[unique[0]]), row).first() is not None


def upsert(
    model: type,
    rows: list[dict],
    unique: tuple[str, ...],
    newer: ColumnElement[bool] | None = None,
    keep: tuple[str, ...] = (),
    add: tuple[str, ...] = (),
) -> None:
    """Insert rows, or update those that are there; only where `newer` holds, and leaving the `keep` columns alone
    and adding to the numbers in the `add` columns.

    In `newer`, `excluded(model)` stands for the row that arrives.
    """
    if not rows:
        return
    statement = _insert(model)
    changed = {name: statement.excluded[name] for name in rows[0] if name not in unique + keep}
    changed |= {name: model.__table__.c[name] + statement.excluded[name] for name in add}
    db.session.execute(statement.on_conflict_do_update(index_elements=unique, set_=changed, where=newer), rows)


def excluded(model: type) -> Any:
    """The arriving row in the condition of an upsert."""
    return _insert(model).excluded


def _insert(model: type) -> Any:
    dialect = postgresql if db.engine.dialect.name == "postgresql" else sqlite
    return dialect.insert(model.__table__)
