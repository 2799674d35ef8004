"""Flask extensions, unbound; `create_app` binds them. Also how databases are opened, mail is sent and logs are written.

Logs are structured: one JSON line per event on standard error, with the request's id. No secret, no body, no name.
"""

import logging
import sqlite3
import sys
import uuid
from base64 import b64encode
from collections.abc import Callable
from contextlib import closing, suppress
from contextvars import ContextVar
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson
import qrcode
import structlog
from flask import Flask, Response, g, request
from flask_bootstrap import Bootstrap5
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_mailman import EmailMessage, Mail
from flask_mailman.backends.smtp import EmailBackend
from flask_security import Security
from flask_security.totp import Totp
from flask_sqlalchemy import SQLAlchemy
from flask_wtf.csrf import CSRFProtect
from htmx_flask import Htmx
from qrcode.image.svg import SvgPathImage
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisIsAway
from redis.exceptions import TimeoutError as RedisIsSlow
from redis.retry import Retry
from sqlalchemy import JSON, Connection, DateTime, Dialect, Engine, MetaData, String, event
from sqlalchemy.orm import DeclarativeBase, registry
from sqlalchemy.types import TypeDecorator

from manimod import config
from manimod.config import settings

# Execution option of a transaction that will write: SQLite then takes the write lock at BEGIN, so that a
# transaction that reads before it writes waits for its turn instead of failing with "database is locked".
WRITES = "manimod_writes"

# How long this thread waits for SQLite's lock or for a statement of PostgreSQL; None in commands.
database_timeout: ContextVar[float | None] = ContextVar("database_timeout", default=None)

BUSY_TIMEOUT = f"busy_timeout={config.REQUEST_DATABASE_TIMEOUT * 1000:.0f}"
SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    BUSY_TIMEOUT,
    "foreign_keys=ON",
    "cache_size=-20000",  # 20 MB: the indexes of a large account
    "synchronous=FULL",  # what was acknowledged survives a power cut
    "secure_delete=ON",  # a deleted key or name is overwritten, not just unlinked
)


class UtcDateTime(TypeDecorator):
    """An aware datetime in UTC on both databases; SQLite keeps no time zone of its own."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        return value.astimezone(UTC) if value else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


class Authenticators(Totp):
    """Support's. A secret that no key decrypts matches no code, and has to be reset."""

    def generate_qrcode(self, username: str, totp: str) -> str:
        """As one path: between the squares that Flask-Security draws, screens show seams."""
        drawn = qrcode.make(self.get_totp_uri(username, totp), image_factory=SvgPathImage).to_string()
        return f"data:image/svg+xml;base64,{b64encode(drawn).decode()}"

    def verify_totp(self, *values: Any, **named: Any) -> bool:
        with suppress(KeyError):
            return super().verify_totp(*values, **named)
        return False


METADATA = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
COLUMN_TYPES = {datetime: UtcDateTime, str: String(255), dict: JSON, list: JSON}  # unless the column says otherwise


class Base(DeclarativeBase):
    registry = registry(metadata=METADATA, type_annotation_map=COLUMN_TYPES)


db = SQLAlchemy(model_class=Base)
csrf = CSRFProtect()
htmx = Htmx()
bootstrap = Bootstrap5()
security = Security(totp_cls=Authenticators)
mail = Mail()
limiter = Limiter(key_func=get_remote_address)


class StandardError:
    """Never fails: mani goes on while the disk that holds its log is full. Looked up each time: tests replace it."""

    def msg(self, line: str) -> None:
        with suppress(OSError):
            print(line, file=sys.stderr, flush=True)

    info = warning = error = msg


class LibraryHandler(logging.Handler):
    """Warnings of libraries as structured lines. Only the first line: a traceback may quote what a person sent."""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage().partition("\n")[0]
        structlog.get_logger().warning("library_warning", library=record.name, message=message)


# One list for the whole process: a logger keeps the list with which it was used first.
LOG_PROCESSORS = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(lambda line, default: orjson.dumps(line, default=default).decode()),
]


def configure_logs(app: Flask) -> None:
    structlog.configure(
        processors=LOG_PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=StandardError,
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[LibraryHandler()], level=logging.WARNING)
    app.before_request(begin_request)
    app.after_request(end_request)


def begin_request() -> None:
    """Every line that is logged for this request carries its id, and so does the answer."""
    database_timeout.set(config.REQUEST_DATABASE_TIMEOUT)
    g.request_id = uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=g.request_id)


def end_request(response: Response) -> Response:
    response.headers["X-Request-Id"] = g.get("request_id", "")
    if request.endpoint != "static":
        log = structlog.get_logger()
        log.info("request", method=request.method, endpoint=request.endpoint, status=response.status_code)
    return response


class MailNotSent(Exception):
    """The server could not be reached or refused the message."""


def send_mail(recipients: list[str], subject: str, text: str) -> None:
    """One message to each recipient, so that none sees the others. Raises MailNotSent.

    The timeout is one for each byte: whoever sends the mail limits the time for all of it (`jobs.time_limit`).
    """
    url = urlsplit(settings().smtp_url)
    is_tls = url.scheme == "smtps"
    try:
        options = {"host": url.hostname, "port": url.port or (465 if is_tls else 587), "use_ssl": is_tls}
        with mail.get_connection(EmailBackend, timeout=config.MAIL_TIMEOUT, **options) as backend:
            server = backend.connection
            server.ehlo()
            if not is_tls and (server.has_extn("starttls") or url.username):
                server.starttls(context=backend.ssl_context)  # Flask-Mailman's own doesn't verify the certificate
            if url.username:
                server.login(unquote(url.username), unquote(url.password or ""))
            for recipient in recipients:
                EmailMessage(subject, text, settings().mail_from, [recipient], connection=backend).send()
    except (OSError, ValueError) as error:  # errors of smtplib are OSErrors, bad headers and addresses ValueErrors
        raise MailNotSent(type(error).__name__) from None


class Pause:
    """Who has just kept somebody waiting isn't asked again for a moment: the others needn't wait, too."""

    def __init__(self) -> None:
        self._ends = 0.0

    def begin(self) -> None:
        self._ends = monotonic() + config.PAUSE_AFTER_TIMEOUT

    @property
    def is_on(self) -> bool:
        return monotonic() < self._ends


redis_pause, sqlite_pause, postgresql_pause = Pause(), Pause(), Pause()


class OneRetry(Retry):
    """Where the connection was closed, once more on a new one; none where Redis doesn't answer in time."""

    def __init__(self) -> None:
        super().__init__(NoBackoff(), 1, (RedisIsAway,))

    def call_with_retry(self, do: Callable[[], Any], *arguments: Any, **named: Any) -> Any:
        if redis_pause.is_on:
            raise RedisIsSlow("Redis didn't answer a moment ago")
        try:
            return super().call_with_retry(do, *arguments, **named)
        except RedisIsSlow:
            redis_pause.begin()
            raise


def open_redis(url: str) -> Redis:
    """For requests and jobs, which go on without it. RQ's workers have a connection of their own."""
    timeouts = {"socket_timeout": config.REDIS_TIMEOUT, "socket_connect_timeout": config.REDIS_TIMEOUT}
    return Redis.from_url(url, **timeouts, health_check_interval=30, retry=OneRetry())


def engine_options(database_url: str) -> dict[str, Any]:
    options = {
        "hide_parameters": True,  # an error of the database must not carry names into logs
        "json_serializer": lambda value: orjson.dumps(value).decode(),
        "json_deserializer": orjson.loads,
    }
    if database_url.startswith("postgresql"):
        from psycopg import RawCursor  # which is installed only where PostgreSQL is used

        # $1 and not %(name)s, which psycopg would translate: for a batch of events that takes longer than PostgreSQL.
        connect_args = {"cursor_factory": RawCursor, "keepalives_idle": config.DEAD_HOST_TIMEOUT}
        connect_args["tcp_user_timeout"] = config.DEAD_HOST_TIMEOUT * 1000  # milliseconds
        options |= {"paramstyle": "numeric_dollar", "connect_args": connect_args}
    return options


@event.listens_for(Engine, "do_connect")
def connect_postgresql(dialect: Dialect, _record: Any, arguments: Any, options: Any) -> Any:
    if dialect.name != "postgresql":
        return None
    timed_out = dialect.loaded_dbapi.errors.ConnectionTimeout
    if postgresql_pause.is_on:
        raise timed_out("PostgreSQL didn't answer a moment ago")
    seconds = int(database_timeout.get() or config.JOB_DATABASE_TIMEOUT)
    try:
        return dialect.connect(*arguments, **options | {"connect_timeout": seconds})
    except timed_out:
        postgresql_pause.begin()
        raise


@event.listens_for(Engine, "connect")
def open_postgresql(dbapi_connection: Any, _record: Any) -> None:
    """Cursors on the server, with which a migration reads many rows, need the placeholders of `engine_options`, too."""
    if hasattr(dbapi_connection, "server_cursor_factory"):
        from psycopg import RawServerCursor

        dbapi_connection.server_cursor_factory = RawServerCursor
        dbapi_connection.wait = partial(wait_for_postgresql, dbapi_connection)


def wait_for_postgresql(dbapi_connection: Any, *arguments: Any, **named: Any) -> Any:
    """psycopg's own method, with a timeout. A connection on which an answer is still due is of no more use.

    PostgreSQL's own timeouts end nothing where it stands still, and PgBouncer refuses them as options of a connection.
    """
    try:
        return type(dbapi_connection).wait(dbapi_connection, *arguments, **{"timeout": database_timeout.get()} | named)
    except dbapi_connection.OperationalError:
        if dbapi_connection.info.transaction_status.name == "ACTIVE":
            dbapi_connection.close()
        raise


@event.listens_for(Engine, "connect")
def open_sqlite(dbapi_connection: Any, _record: Any) -> None:
    if isinstance(dbapi_connection, sqlite3.Connection):
        dbapi_connection.isolation_level = None  # BEGIN is ours, see begin_sqlite
        for pragma in SQLITE_PRAGMAS:
            dbapi_connection.execute(f"PRAGMA {pragma}")


def overwrite_deleted() -> None:
    """Take deleted rows out of the files, too: SQLite's write-ahead log is emptied, PostgreSQL's tables are vacuumed.

    What others are using at this moment is left for the next time. The session must have no open transaction.
    """
    if db.engine.dialect.name == "sqlite":
        log_file = Path(f"{db.engine.url.database}-wal")
        if not log_file.exists() or log_file.stat().st_size == 0:  # a checkpoint would wake the disk all the same
            return
        with closing(db.engine.raw_connection()) as connection:
            for pragma in ("busy_timeout=100", "wal_checkpoint(TRUNCATE)", BUSY_TIMEOUT):
                connection.dbapi_connection.execute(f"PRAGMA {pragma}")
        return
    timeout = database_timeout.set(None)  # a large table takes long
    try:
        with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in METADATA.sorted_tables:
                if "connection_id" in table.columns:
                    connection.exec_driver_sql(f'VACUUM (SKIP_LOCKED) "{table.name}"')
    finally:
        database_timeout.reset(timeout)


@event.listens_for(Engine, "begin")
def begin_sqlite(connection: Connection) -> None:
    if connection.dialect.name != "sqlite":
        return
    if not connection.get_execution_options().get(WRITES):
        connection.exec_driver_sql("BEGIN")
        return
    # SQLite's own wait grows to 100 ms between tries and misses the short gaps that a busy worker leaves between its
    # transactions. So it is asked again every few milliseconds.
    raw = connection.connection.dbapi_connection  # also of a connection that is detached, as in migrations
    raw.execute("PRAGMA busy_timeout=5")
    timeout = database_timeout.get() or config.JOB_DATABASE_TIMEOUT
    ends = monotonic() + (0 if sqlite_pause.is_on else timeout)
    try:
        while not raw.in_transaction:
            try:
                raw.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or monotonic() > ends:
                    sqlite_pause.begin()
                    connection.exec_driver_sql("BEGIN IMMEDIATE")  # raises SQLAlchemy's error
    finally:
        raw.execute(f"PRAGMA {BUSY_TIMEOUT}")
