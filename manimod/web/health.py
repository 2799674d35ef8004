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
    answers = {"database": True, "redis": True}
    try:
        db.session.execute(text("SELECT 1"))
    except SQLAlchemyError:
        db.session.rollback()
        answers["database"] = False
    try:
        current_app.extensions["redis"].ping()
    except RedisError:
        answers["redis"] = False
    lines = [f"{name}: {'ok' if answer else 'no answer'}" for name, answer in answers.items()]
    return _plain("\n".join(lines), 200 if all(answers.values()) else 503)


def _plain(body: str, status: int) -> Response:
    response = make_response(f"{body}\n", status)
    response.mimetype = "text/plain"
    response.headers["Cache-Control"] = "no-store"
    return response
