"""Flask extensions, unbound; `create_app` binds them. Also how the two databases are opened."""

import sqlite3
from datetime import UTC, datetime
from typing import Any

from flask_bootstrap import Bootstrap5
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_migrate import Migrate
from flask_security import Security
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from htmx_flask import Htmx
from sqlalchemy import Connection, DateTime, Engine, MetaData, event
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator

from manimod.authenticator import Authenticator

# Execution option of a transaction that will write: SQLite then takes the write lock at BEGIN, so that a
# transaction that reads before it writes waits for its turn instead of failing with "database is locked".
WRITES = "manimod_writes"
# Execution option of a connection whose every statement is a transaction of its own.
SINGLE = "manimod_single"

SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "busy_timeout=15000",
    "foreign_keys=ON",
    "cache_size=-20000",  # 20 MB: the indexes of a large account
    "synchronous=FULL",  # what was acknowledged survives a power cut
    "secure_delete=ON",  # a deleted key or name is overwritten, not just unlinked
)


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator):
    """An aware datetime in UTC on both databases; SQLite keeps no time zone of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def bind_processor(self, dialect: Any) -> Any:
        """As SQLAlchemy writes it for SQLite, at a fifth of the time: a sync writes hundreds of thousands."""
        return sqlite_text if dialect.name == "sqlite" else super().bind_processor(dialect)

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


def sqlite_text(value: datetime | None) -> str | None:
    return value and value.astimezone(UTC).isoformat(" ", "microseconds")[:26]


db = SQLAlchemy(model_class=Base)
migrate = Migrate()
csrf = CSRFProtect()
htmx = Htmx()
bootstrap = Bootstrap5()
security = Security(totp_cls=Authenticator)
limiter = Limiter(key_func=get_remote_address)


@event.listens_for(Engine, "connect")
def open_sqlite(dbapi_connection: Any, _record: Any) -> None:
    if not isinstance(dbapi_connection, sqlite3.Connection):
        return
    dbapi_connection.isolation_level = None  # BEGIN is ours, see begin_sqlite
    for pragma in SQLITE_PRAGMAS:
        dbapi_connection.execute(f"PRAGMA {pragma}")


@event.listens_for(Engine, "begin")
def begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if connection.dialect.name == "sqlite" and not options.get(SINGLE):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITES) else "BEGIN")


def connect_for_single_statements() -> Connection:
    """A connection that commits each statement as it is executed: no BEGIN and COMMIT to wait for."""
    is_sqlite = db.engine.dialect.name == "sqlite"
    return db.engine.connect().execution_options(**{SINGLE: True} if is_sqlite else {"isolation_level": "AUTOCOMMIT"})
