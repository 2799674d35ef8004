"""For whoever runs mani: /healthz (the process answers), /readyz (so do the database and Redis), and /metrics."""

import hmac

from flask import Blueprint, Response, current_app, make_response, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from manimod.config import settings
from manimod.diagnostics import metrics
from manimod.errors import ManimodError
from manimod.extensions import db

LOOPBACK = ("127.0.0.1", "::1")
PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-IP")

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    return _respond("ok\n")


@blueprint.get("/readyz")
def ready() -> Response:
    database = redis = "ok"
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        db.session.rollback()
        database = "no answer"
    try:
        current_app.extensions["redis"].ping()
    except RedisError:
        redis = "no answer"
    return _respond(f"database: {database}\nredis: {redis}\n", 200 if database == redis == "ok" else 503)


@blueprint.get("/metrics")
def show_metrics() -> Response:
    """Gauges, read for each request. With METRICS_TOKEN for its bearer; without one, for this machine only."""
    if token := settings().metrics_token:
        sent = request.headers.get("Authorization", "")
        may_read = hmac.compare_digest(f"Bearer {token}".encode(), sent.encode())
    else:
        is_proxied = any(name in request.headers for name in PROXY_HEADERS)
        may_read = request.remote_addr in LOOPBACK and not is_proxied
    if not may_read:
        raise ManimodError("METRICS_REFUSED")
    return _respond(generate_latest(metrics.read_gauges()), content_type=CONTENT_TYPE_LATEST)


def _respond(body: str | bytes, status: int = 200, content_type: str = "text/plain; charset=utf-8") -> Response:
    return make_response(body, status, {"Content-Type": content_type, "Cache-Control": "no-store"})
