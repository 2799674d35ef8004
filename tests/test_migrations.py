"""The migrations make the tables that the models describe, on both databases, and can be taken back."""

from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import pytest
from flask import Flask
from sqlalchemy import inspect

from manimod import create_app
from manimod.extensions import db
from tests.factories import make_settings

FOLDER = str(Path(__file__).resolve().parent.parent / "migrations")


@pytest.fixture
def app_without_tables(empty_database_url: str) -> Iterator[Flask]:
    app = create_app(make_settings(empty_database_url, redis_url="redis://127.0.0.1:1/0"))
    with app.app_context():
        yield app
        db.engine.dispose()


def tables() -> set[str]:
    return set(inspect(db.engine).get_table_names())


def test_upgrade_makes_what_the_models_describe(app_without_tables: Flask) -> None:
    flask_migrate.upgrade(FOLDER)
    flask_migrate.check(FOLDER)  # exits when a difference is found
    assert {"account", "user", "connection", "stripe_event", "moment", "creative"} <= tables()


def test_a_second_upgrade_changes_nothing(app_without_tables: Flask) -> None:
    flask_migrate.upgrade(FOLDER)
    before = tables()
    flask_migrate.upgrade(FOLDER)
    assert tables() == before


def test_downgrade_takes_everything_back(app_without_tables: Flask) -> None:
    flask_migrate.upgrade(FOLDER)
    flask_migrate.downgrade(FOLDER, revision="base")
    assert tables() == {"alembic_version"}
