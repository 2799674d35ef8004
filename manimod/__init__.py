"""mani x Stripe: ad creatives from the lifecycle of a Stripe account's customers.

The journey, which is also the map of the code. Each package imports only those above it, and the last three lines:

    stripe       the account that is read: gateway, payloads, connections and their keys
    customers    what is known of them: replica, tiers, segments, statistics
    moments      what happened, once: interpret (pure) and record
    ingest       the ways in: receiver (webhook), polling, sync; events stores and processes what came
    creatives    what is made of moments: generate, review, brand kit, export; its engine is pure
    diagnostics  why does nothing happen? checks, alerts, metrics
    accounts     users and support
    web          one blueprint per page

    tasks, cli, local            the other ways in: jobs and their schedule, flask commands, `make run`
    models, jobs, extensions     the tables, transactions and the queues, Flask's extensions
    lifecycle, errors, config    what is said about each kind of moment, about each failure, and from outside

tests/test_architecture.py holds the table of who may import whom.
"""

import gc
import hmac
import tomllib
from hashlib import sha256

from flask import Flask
from flask_security import SQLAlchemyUserDatastore
from werkzeug.middleware.proxy_fix import ProxyFix

from manimod import cli, web
from manimod.config import Settings
from manimod.extensions import (
    bootstrap,
    configure_logs,
    csrf,
    db,
    engine_options,
    htmx,
    limiter,
    mail,
    open_redis,
    security,
)
from manimod.ingest.receiver import mount_receiver
from manimod.models import Role, User
from manimod.stripe.crypto import Keyring
from manimod.web.forms import PasswordForm


def create_app(settings: Settings | None = None) -> Flask:
    """The application, from the environment's settings unless given. Raises config.ConfigError."""
    settings = settings or Settings()
    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    app.config.from_file("flask.toml", load=tomllib.load, text=False)
    app.extensions["settings"] = settings
    app.extensions["keyring"] = Keyring(settings.encryption_keys)
    app.extensions["redis"] = open_redis(settings.redis_url)
    configure(app, settings)
    configure_logs(app)
    for extension in (db, csrf, htmx, bootstrap, limiter, mail):
        extension.init_app(app)
    security.init_app(app, SQLAlchemyUserDatastore(db, User, Role), change_password_form=PasswordForm)
    web.register(app)
    app.register_blueprint(cli.blueprint)
    app.wsgi_app = mount_receiver(app)
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
    gc.freeze()  # all that is loaded now stays: neither the collector nor the end of the process goes through it again
    return app


def configure(app: Flask, settings: Settings) -> None:
    """What flask.toml leaves open: it depends on the settings, or is no TOML."""
    https = settings.public_url.startswith("https://")
    prefix = "__Host-" if https else ""  # no other host of the domain can set such a cookie
    # The authenticators' secrets are encrypted with keys of their own, under the ids of ENCRYPTION_KEYS.
    totp_keys = {}
    for key_id, key in settings.encryption_keys.items():
        totp_keys[key_id] = hmac.new(key, b"mani authenticator", sha256).hexdigest()
    app.config.update(
        SECRET_KEY=settings.secret_key,
        SECURITY_TOTP_SECRETS=totp_keys,
        SESSION_COOKIE_NAME=f"{prefix}mani",
        REMEMBER_COOKIE_NAME=f"{prefix}remember_token",
        KNOWN_BROWSER_COOKIE_NAME=f"{prefix}mani_known",
        SESSION_COOKIE_SECURE=https,
        REMEMBER_COOKIE_SECURE=https,
        WTF_CSRF_TIME_LIMIT=None,
        RATELIMIT_STORAGE_URI=settings.redis_url,
        RATELIMIT_STORAGE_OPTIONS={"connection_pool": app.extensions["redis"].connection_pool},
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
    )
