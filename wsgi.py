"""`app` for gunicorn and flask commands. A bad setting ends the start with one clear line."""

import os
import sys

from manimod import config, create_app
from manimod.config import ConfigError, Settings
from manimod.extensions import db
from manimod.local.data_directory import CannotRun, DataDirectory

IS_COMMAND = os.environ.get("FLASK_RUN_FROM_CLI") == "true"


def load_settings() -> Settings:
    """A flask command without settings speaks of the installation that `make run` keeps in DATA_DIR."""
    if not IS_COMMAND or os.environ.get("DATABASE_URL") or os.environ.get("DATABASE_URL_FILE"):
        return config.Settings()
    directory = DataDirectory.from_environment()
    if not directory.redis_url.exists():
        directory.write(directory.redis_url, "redis://127.0.0.1:6379/0")  # until the first start chooses its own
    return config.Settings(directory.environment())


os.umask(0o077)  # what a command makes, such as the database, is nobody else's to read
try:
    app = create_app(load_settings())
except (CannotRun, ConfigError) as error:
    sys.exit(str(error))
if IS_COMMAND:  # the web server does without `flask db` and the 11 MB that Alembic takes
    from flask_migrate import Migrate

    Migrate(app, db)
