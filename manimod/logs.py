"""What is left of it until the receiver and the inbox log for themselves."""

import uuid

import structlog

REQUEST_ID = "X-Request-Id"


def tell_each(event: str, lines: list[dict]) -> None:
    for line in lines:
        structlog.get_logger().info(event, **line)


def begin() -> str:
    request_id = uuid.uuid4().hex
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id
