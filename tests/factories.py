"""Rows for tests, made the way the application makes them. Each function commits, so that requests and jobs see it."""

import base64
import hashlib
import hmac
import itertools
import json
import secrets
import time
from functools import cache

from flask import current_app
from flask_security import hash_password
from passlib.totp import TOTP

from manimod.config import Settings
from manimod.extensions import db, security
from manimod.jobs import transaction
from manimod.models import Account, Connection, Tier, User
from manimod.stripe import connections

AUTHENTICATOR = TOTP("YK4HP3S5RNI2V5I6QMIEF2H574P6HHGT")  # of every member of support made here
PASSWORD = "correct-horse-battery"  # the one of every user made here
SIGNING_SECRET = "whsec_" + "t" * 32  # the one of every connection made here

_numbers = itertools.count(1)


def make_settings(database_url: str, redis_url: str, **environment: str) -> Settings:
    """Settings as the environment would give them; more of it as arguments: `GRACE_PERIOD_SECONDS="5"`."""
    defaults = {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "STRIPE_API_BASE": "http://127.0.0.1:1",  # nobody listens there
        "GRACE_PERIOD_SECONDS": "0",
        "STRIPE_REQUESTS_PER_SECOND": "1000",
        "SECRET_KEY": "s" * 64,
        "ENCRYPTION_KEYS": f"k1:{base64.b64encode(bytes(32)).decode()}",
    }
    return Settings(defaults | environment)


def make_account(plan: str = "pro", name: str = "Brightside Studio") -> Account:
    with transaction():
        account = Account(name=name, plan=plan)
        db.session.add(account)
    return account


def make_owner(account: Account | None = None, email: str | None = None) -> User:
    return _make_user("owner", email, account or make_account())


def make_support(email: str | None = None, authenticator: bool = True) -> User:
    """A member of support; without an authenticator as before the first sign-in."""
    user = _make_user("support", email, None)
    if authenticator:
        with transaction():
            factory = TOTP.using(secrets=current_app.config["SECURITY_TOTP_SECRETS"])
            secret = factory.from_source(AUTHENTICATOR.to_json()).to_json(encrypt=True)
            security.datastore.tf_set(user, "authenticator", secret)
    return user


def code() -> str:
    """What the authenticator of support shows now."""
    return AUTHENTICATOR.generate().token


def make_connection(account: Account | None = None, livemode: bool = False, **columns: object) -> Connection:
    """A connected account without a call to Stripe; the key is accepted by nobody."""
    account = account or make_account()
    mode = "live" if livemode else "test"
    with transaction():
        connection = Connection(
            account_id=account.id,
            webhook_token=secrets.token_urlsafe(24),
            stripe_account_id="acct_test",
            stripe_account_name="Brightside Studio",
            livemode=livemode,
            key_type=f"rk_{mode}",
            **columns,
        )
        db.session.add(connection)
        db.session.flush()
        keyring = current_app.extensions["keyring"]
        connection.encrypted_api_key = keyring.encrypt(f"rk_{mode}_{'0' * 24}", f"connection:{connection.id}:api_key")
        connections.set_signing_secret(connection, SIGNING_SECRET)
    return connection


def connect(account: Account, stripe_account: dict, mode: str = "test") -> Connection:
    """Connect to an account of the sandbox with its restricted key, as an owner does."""
    check = connections.check_key(stripe_account["keys"][mode]["restricted"])
    with transaction():
        connection = connections.connect(account, check)
        connections.set_signing_secret(connection, SIGNING_SECRET)
    return connection


def name_tier(connection: Connection, product: str = "prod_team", name: str = "Team", **columns: object) -> Tier:
    """What Stripe calls a product, for tests without its list of products."""
    with transaction():
        tier = Tier(connection_id=connection.id, stripe_product_id=product, product_name=name, **columns)
        db.session.add(tier)
    return tier


def signed(event: dict | bytes, secret: str = SIGNING_SECRET, at: float | None = None) -> dict:
    """The arguments of a client's POST that delivers an event as Stripe does: `client.post(url, **signed(event))`."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    stamp = int(time.time() if at is None else at)
    signature = hmac.new(secret.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    return {
        "data": body,
        "headers": {"Stripe-Signature": f"t={stamp},v1={signature}"},
        "content_type": "application/json",
    }


def _make_user(role: str, email: str | None, account: Account | None) -> User:
    datastore = security.datastore
    with transaction():
        return datastore.create_user(
            email=email or f"{role}{next(_numbers)}@example.com",
            password=_password_hash(),
            roles=[datastore.find_or_create_role(role)],
            account=account,
        )


@cache
def _password_hash() -> str:
    return hash_password(PASSWORD)  # argon2 takes its time, once is enough
