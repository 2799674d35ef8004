"""Applications that outlive a test: making one, with its addresses and templates, takes longer than most tests."""

from pathlib import Path

from flask import Flask
from jinja2 import FileSystemBytecodeCache
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from manimod import create_app
from manimod.config import Settings
from manimod.extensions import limiter, security
from tests.client import Client

UNUSED = dict(vars(limiter))  # as before the first application, some of which find their Redis dead and remember it


class KeptApplication:
    """`as_new()` is the application as `create_app` made it, whatever a test or another application did meanwhile."""

    def __init__(self, settings: Settings, compiled_templates: Path) -> None:
        vars(limiter).update(UNUSED)
        self.app = create_app(settings)
        self.app.testing = True
        self.app.test_client_class = Client
        self.app.jinja_env.bytecode_cache = FileSystemBytecodeCache(str(compiled_templates))
        # As argon2 comes, each password takes a quarter of a second, which is not what the tests are about.
        security.pwd_context.update(argon2__time_cost=1, argon2__memory_cost=8, argon2__parallelism=1)
        # The last two remember the application that was made last.
        self._kept = [(held, dict(held)) for held in self._state()]

    def as_new(self, settings: Settings) -> Flask:
        for held, kept in self._kept:
            held.clear()
            held.update(kept)
        self.app.extensions["settings"] = settings
        return self.app

    def _state(self) -> list[dict]:
        return [self.app.config, self.app.extensions, self.app.view_functions, vars(security), vars(limiter)]


def send_redis_away(app: Flask) -> None:
    """For the rest of this test nobody answers."""
    app.extensions["redis"] = Redis.from_url("redis://127.0.0.1:1/0", retry=Retry(NoBackoff(), 0))
