"""For load balancers and supervisors: alive (the process answers) and ready (so do the database and Redis)."""

from flask import Blueprint, Response, current_app, make_response
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from manimod.extensions import db

blueprint = Blueprint("health", __name__)


@blueprint.get("/healthz")
def alive() -> Response:
    return _plain("ok", 200)


@blueprint.get("/readyz")
def ready() -> Response:
    checks = {"database": _database_answers(), "redis": _redis_answers()}
    lines = "\n".join(f"{name}: {'ok' if works else 'no answer'}" for name, works in checks.items())
    return _plain(lines, 200 if all(checks.values()) else 503)


def _database_answers() -> bool:
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        db.session.rollback()
        return False
    return True


def _redis_answers() -> bool:
    try:
        return bool(current_app.extensions["redis"].ping())
    except RedisError:
        return False


def _plain(body: str, status: int) -> Response:
    response = make_response(f"{body}\n", status)
    response.mimetype = "text/plain"
    response.headers["Cache-Control"] = "no-store"
    return response
