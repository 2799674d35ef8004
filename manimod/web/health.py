"""For load balancers and supervisors: /healthz (the process answers), /readyz (so do the database and Redis)."""

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
    return _plain(f"database: {database}\nredis: {redis}", 200 if database == redis == "ok" else 503)


def _plain(body: str, status: int) -> Response:
    headers = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}
    return make_response(f"{body}\n", status, headers)
