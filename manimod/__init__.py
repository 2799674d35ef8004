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

import hmac
from hashlib import sha256

import orjson
from flask import Flask
from flask_security import SQLAlchemyUserDatastore
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix

from manimod import cli, extensions, web
from manimod.config import Settings, load_settings
from manimod.ingest.receiver import create_receiver
from manimod.models import Role, User
from manimod.stripe.crypto import Keyring

MEGABYTE = 1024 * 1024


def create_app(settings: Settings | None = None) -> Flask:
    """The application, from the environment's settings unless given. Raises config.ConfigError."""
    settings = settings or load_settings()
    app = Flask(__name__, template_folder="../templates", static_folder="../static")
    app.config.from_mapping(flask_config(settings))
    app.extensions["settings"] = settings
    app.extensions["keyring"] = Keyring(settings.encryption_keys)
    app.extensions["redis"] = extensions.open_redis(settings.redis_url)
    extensions.configure_logs(app)
    extensions.db.init_app(app)
    extensions.migrate.init_app(app, extensions.db)
    extensions.csrf.init_app(app)
    extensions.htmx.init_app(app)
    extensions.bootstrap.init_app(app)
    extensions.limiter.init_app(app)
    extensions.mail.init_app(app)
    extensions.security.init_app(app, SQLAlchemyUserDatastore(extensions.db, User, Role))
    web.register(app)
    app.register_blueprint(cli.blueprint)
    app.wsgi_app = DispatcherMiddleware(app.wsgi_app, {"/webhooks": create_receiver(app)})
    if settings.trusted_proxies:
        hops = settings.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)
    return app


def flask_config(settings: Settings) -> dict:
    https = settings.public_url.startswith("https://")
    # The authenticators' secrets are encrypted with keys of their own, under the ids of ENCRYPTION_KEYS.
    totp_keys = {}
    for key_id, key in settings.encryption_keys.items():
        totp_keys[key_id] = hmac.new(key, b"mani authenticator", sha256).hexdigest()
    return {
        "SECRET_KEY": settings.secret_key,
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        # An error of the database must not carry names into logs.
        "SQLALCHEMY_ENGINE_OPTIONS": {"hide_parameters": True, "json_deserializer": orjson.loads},
        "MAX_CONTENT_LENGTH": 3 * MEGABYTE,
        "MAX_FORM_MEMORY_SIZE": MEGABYTE,
        "SESSION_COOKIE_NAME": "mani",
        "SESSION_COOKIE_SECURE": https,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": https,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "RATELIMIT_STORAGE_URI": settings.redis_url,
        "RATELIMIT_STORAGE_OPTIONS": {"socket_timeout": 1, "socket_connect_timeout": 1},
        "RATELIMIT_SWALLOW_ERRORS": True,
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
        "BOOTSTRAP_SERVE_LOCAL": True,
        "WTF_CSRF_TIME_LIMIT": None,
        "SECURITY_PASSWORD_HASH": "argon2",
        "SECURITY_PASSWORD_SINGLE_HASH": True,
        "SECURITY_PASSWORD_SCHEMES": ["argon2"],
        "SECURITY_PASSWORD_LENGTH_MIN": 12,
        "SECURITY_CHANGEABLE": True,
        "SECURITY_SEND_PASSWORD_CHANGE_EMAIL": False,
        "SECURITY_DEFAULT_REMEMBER_ME": False,
        "SECURITY_URL_PREFIX": None,
        "SECURITY_LOGIN_URL": "/sign-in",
        "SECURITY_LOGOUT_URL": "/sign-out",
        "SECURITY_LOGOUT_METHODS": ["POST"],
        "SECURITY_CHANGE_URL": "/settings/password",
        "SECURITY_POST_LOGIN_VIEW": "/",
        "SECURITY_POST_LOGOUT_VIEW": "/sign-in",
        "SECURITY_POST_CHANGE_VIEW": "/settings/password",
        "SECURITY_EMAIL_VALIDATOR_ARGS": {"check_deliverability": False},
        "SECURITY_RETURN_GENERIC_RESPONSES": True,
        "SECURITY_FLASH_MESSAGES": True,
        "SECURITY_TWO_FACTOR": True,  # of support; see models.User
        "SECURITY_TWO_FACTOR_ENABLED_METHODS": ["authenticator"],
        "SECURITY_TWO_FACTOR_AUTHENTICATOR_VALIDITY": 30,  # seconds that a phone's clock may be off
        "SECURITY_TWO_FACTOR_RESCUE_EMAIL": False,
        "SECURITY_TWO_FACTOR_SETUP_URL": "/sign-in/authenticator",
        "SECURITY_TWO_FACTOR_TOKEN_VALIDATION_URL": "/sign-in/code",
        "SECURITY_TOTP_SECRETS": totp_keys,
        "SECURITY_TOTP_ISSUER": "mani",
        "SECURITY_MSG_TWO_FACTOR_LOGIN_SUCCESSFUL": ("Signed in.", "success"),
    }
