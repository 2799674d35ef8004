"""Structured logs: one JSON line an event on standard error, with the request's id. No secret, no body, no name."""

import logging
import sys
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import orjson
import structlog
from flask import Flask, Response, g, request

REQUEST_ID = "X-Request-Id"


def configure(app: Flask) -> None:
    structlog.configure(
        processors=PROCESSORS,
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.WriteLoggerFactory(StandardError()),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(handlers=[LibraryHandler()], level=logging.WARNING)
    app.before_request(begin_request)
    app.after_request(end_request)


class LibraryHandler(logging.Handler):
    """Warnings of libraries as structured lines. Only the first line: a traceback may quote what a person sent."""

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage().partition("\n")[0]
        structlog.get_logger().warning("library_warning", library=record.name, message=message)


class StandardError:
    """Never fails: mani goes on while the disk that holds its log is full. Looked up each time: tests swap it."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def _json(line: dict, default: Callable[[Any], Any]) -> str:
    return orjson.dumps(line, default=default).decode(errors="replace")


PROCESSORS = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(_json),
]


def tell_each(event: str, lines: list[dict]) -> None:
    """A line for each, as a logger's `info` writes it; what they share is looked up once, and one write takes all."""
    shared = {"event": event}
    for process in PROCESSORS[:-1]:
        shared = process(None, "info", shared)
    if lines:
        StandardError().write("".join(_json(shared | line, str) + "\n" for line in lines))


def begin() -> str:
    """The id of a new request, which its lines carry from here on."""
    request_id = uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id


def begin_request() -> None:
    g.request_id = begin()


def end_request(response: Response) -> Response:
    response.headers[REQUEST_ID] = g.get("request_id", "")
    if request.endpoint != "static":
        structlog.get_logger().info(
            "request", method=request.method, endpoint=request.endpoint, status=response.status_code
        )
    return response
