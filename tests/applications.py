"""Applications that outlive a test: making one, with its addresses and templates, takes longer than most tests."""

from flask import Flask
from redis import ConnectionPool

from manimod import create_app
from manimod.config import Settings
from manimod.extensions import limiter, security
from tests.client import Client


class KeptApplication:
    """`as_new()` is the application as `create_app` made it, whatever a test or another application did meanwhile."""

    def __init__(self, settings: Settings) -> None:
        self.app = create_app(settings)
        self.app.testing = True
        self.app.test_client_class = Client
        self._redis = dict(self._pool(self.app).connection_kwargs)
        # The last two remember the application that was made last.
        self._kept = [(held, dict(held)) for held in self._state()]

    def as_new(self, settings: Settings) -> Flask:
        for held, kept in self._kept:
            held.clear()
            held.update(kept)
        pool = self._pool(self.app)
        pool.connection_kwargs = dict(self._redis)
        pool.disconnect()
        pool.reset()
        self.app.extensions["settings"] = settings
        return self.app

    def _state(self) -> list[dict]:
        return [self.app.config, self.app.extensions, self.app.view_functions, vars(security), vars(limiter)]

    @staticmethod
    def _pool(app: Flask) -> ConnectionPool:
        return app.extensions["redis"].connection_pool
