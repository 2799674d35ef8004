"""`app` for gunicorn and flask commands. A bad setting ends the start with one clear line."""

import sys

from manimod import create_app
from manimod.config import ConfigError

try:
    app = create_app()
except ConfigError as error:
    sys.exit(f"{error}")
