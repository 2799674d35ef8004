"""Connecting an account to Stripe: the key, the signing secret, the switches, and the way out."""

import re
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from flask import current_app
from sqlalchemy import delete, select

from manimod import jobs
from manimod.config import settings
from manimod.errors import PASSING, ManimodError, explain
from manimod.extensions import db
from manimod.models import (
    Account,
    AudienceDay,
    AudienceSize,
    Connection,
    Customer,
    Moment,
    MomentDay,
    Price,
    RejectedDelivery,
    StripeEvent,
    Subscription,
    SyncRun,
    Tier,
)
from manimod.models.accounts import now
from manimod.stripe.crypto import DecryptionError
from manimod.stripe.gateway import PERMISSIONS, TIMEOUT_SECONDS, Probe, StripeGateway

STRIPE_MODELS = (
    StripeEvent,
    RejectedDelivery,
    Moment,
    MomentDay,
    Customer,
    Subscription,
    Price,
    Tier,
    SyncRun,
    AudienceSize,
    AudienceDay,
)
SIGNING_SECRETS = ("encrypted_signing_secret", "encrypted_old_signing_secret")
# The sealed columns and the name that each value is bound to; a secret that becomes the old one stays what it is.
ENCRYPTED_COLUMNS = {"encrypted_api_key": "api_key"} | dict.fromkeys(SIGNING_SECRETS, "signing_secret")
KEY_TYPES = ("rk_live", "rk_test", "sk_test")
SHORTEST_KEY = 20
REFUSED_PREFIXES = {
    "sk_live_": "STRIPE_KEY_FULL_SECRET",
    "pk_": "STRIPE_KEY_PUBLISHABLE",
    "whsec_": "STRIPE_KEY_SIGNING_SECRET",
    "sk_org_": "STRIPE_KEY_ORGANISATION",
}


@dataclass(frozen=True)
class KeyCheck:
    """A key that Stripe has accepted, with what it may read."""

    api_key: str = field(repr=False)
    key_type: str
    probe: Probe

    @property
    def livemode(self) -> bool:
        return self.key_type.endswith("_live")


def get_for_account(account: Account) -> Connection | None:
    """The account's connection, connected or not; None where there has never been one."""
    return db.session.scalar(select(Connection).where(Connection.account_id == account.id))


def get_current(account: Account) -> Connection | None:
    """The account's connection while it is connected, else None."""
    connection = get_for_account(account)
    return connection if connection and connection.is_connected else None


def require_current(account: Account) -> Connection:
    """Raises STRIPE_NOT_CONNECTED."""
    connection = get_current(account)
    if connection is None:
        raise ManimodError("STRIPE_NOT_CONNECTED")
    return connection


def check_key(text: str) -> KeyCheck:
    """Look at a pasted key and try it at Stripe. Takes up to 10 seconds, writes nothing. Raises ManimodError."""
    api_key = text.strip().strip("\"'").strip()
    key_type = _key_type(api_key)
    gateway = StripeGateway(api_key, settings().stripe_api_base)
    probe = gateway.probe()
    probe.require()
    return KeyCheck(api_key, key_type, probe)


def _key_type(api_key: str) -> str:
    if not api_key:
        raise ManimodError("STRIPE_KEY_MISSING")
    for prefix, code in REFUSED_PREFIXES.items():
        if api_key.startswith(prefix):
            raise ManimodError(code)
    key_type = "_".join(api_key.split("_")[:2])
    if key_type not in KEY_TYPES or not re.fullmatch(r"[A-Za-z0-9_]+", api_key):
        raise ManimodError("STRIPE_KEY_UNKNOWN")
    if len(api_key) < SHORTEST_KEY:
        raise ManimodError("STRIPE_KEY_TRUNCATED")
    return key_type


def connect(account: Account, check: KeyCheck, start_afresh: bool = False) -> Connection:
    """Store an accepted key and start the first sync.

    A key of another Stripe account or mode raises STRIPE_KEY_OTHER_ACCOUNT unless the owner agreed to start afresh;
    then what was read from the old one is forgotten.
    """
    require_plan(account)
    connection = get_for_account(account)
    if connection is None:
        connection = Connection(account_id=account.id, webhook_token=secrets.token_urlsafe(24))
        db.session.add(connection)
        db.session.flush()
    elif not _same_source(connection, check):
        if connection.is_connected and not start_afresh:
            raise ManimodError("STRIPE_KEY_OTHER_ACCOUNT")
        disconnect(connection)
    if not connection.is_connected:
        connection.connected_at = now()
    connection.status = "connected"
    connection.stripe_account_id = check.probe.account_id
    connection.stripe_account_name = check.probe.account_name
    connection.livemode = check.livemode
    connection.key_type = check.key_type
    connection.permissions = check.probe.permissions
    connection.encrypted_api_key = _keyring().seal(check.api_key, _bound_to(connection, "encrypted_api_key"))
    for column in set(SIGNING_SECRETS) - _decrypt_readable(connection, SIGNING_SECRETS).keys():
        setattr(connection, column, None)  # its encryption key is lost: the page asks for the secret again
    connection.next_sync_at = now()
    _schedule_poll(connection)
    record_error(connection, None)
    jobs.enqueue("sync_customers", connection.id)
    return connection


def require_plan(account: Account) -> None:
    if not account.may_connect_stripe:
        raise ManimodError("PLAN_TOO_LOW", plan=account.plan.capitalize())


def _same_source(connection: Connection, check: KeyCheck) -> bool:
    """Whether a new key reads the Stripe account and mode of the stored data. An account without a name is another."""
    return (
        connection.livemode == check.livemode
        and connection.stripe_account_id is not None
        and connection.stripe_account_id == check.probe.account_id
    )


def set_signing_secret(connection: Connection, text: str) -> None:
    """Keep a new secret, and the one before beside it: Stripe signs with both for up to a day while one is rolled."""
    secret = text.strip().strip("\"'").strip()
    if not secret:
        raise ManimodError("SIGNING_SECRET_MISSING")
    if not re.fullmatch(r"whsec_[A-Za-z0-9+/=_-]{8,200}", secret):
        raise ManimodError("SIGNING_SECRET_UNKNOWN")
    current = _decrypt_readable(connection, SIGNING_SECRETS).get("encrypted_signing_secret")
    if current == secret:
        return
    connection.encrypted_old_signing_secret = connection.encrypted_signing_secret if current else None
    connection.encrypted_signing_secret = _keyring().seal(secret, _bound_to(connection, "encrypted_signing_secret"))
    connection.signing_secret_set_at = now()


def remove_old_signing_secret(connection: Connection) -> None:
    connection.encrypted_old_signing_secret = None


def signing_secrets(connection: Connection) -> list[str]:
    """The secrets to verify with: the current one first, then the one before until the owner removes it."""
    if connection.encrypted_signing_secret is None:
        raise ManimodError("WEBHOOK_NO_SECRET")
    accepted = list(_decrypt_readable(connection, SIGNING_SECRETS).values())
    if not accepted:
        raise ManimodError("KEY_UNREADABLE")
    return accepted


def open_gateway(connection: Connection, timeout: float = TIMEOUT_SECONDS) -> StripeGateway:
    if connection.encrypted_api_key is None:
        raise ManimodError("STRIPE_NOT_CONNECTED")
    return StripeGateway(_decrypt(connection, "encrypted_api_key"), settings().stripe_api_base, timeout)


def webhook_address(connection: Connection) -> str:
    return f"{settings().public_url}/webhooks/stripe/{connection.webhook_token}"


def disconnect(connection: Connection) -> None:
    """Delete the key, the signing secret and all that was read from Stripe. Stripe itself is not touched."""
    db.session.refresh(connection, with_for_update=True)  # waits for events that are being stored, see ingest/events.py
    connection.status = "disconnected"
    connection.encrypted_api_key = None
    connection.encrypted_signing_secret = connection.encrypted_old_signing_secret = connection.signing_secret_set_at = (
        None
    )
    connection.permissions = {}
    connection.next_sync_at = connection.next_poll_at = connection.polled_until = None
    connection.polled_at = None
    record_error(connection, None)
    delete_data(connection)


def delete_data(connection: Connection) -> None:
    for model in STRIPE_MODELS:
        db.session.execute(delete(model).where(model.connection_id == connection.id))


def record_error(connection: Connection, failure: ManimodError | None) -> None:
    """Remember why Stripe could not be read, for the pages; None once it could."""
    code = failure.code if failure else None
    if code != connection.last_error:
        jobs.enqueue("check_health", connection.account_id)
    if code is None or connection.last_error is None:
        connection.failing_since = now() if code else None
    connection.last_error = code


def explain_last_error(connection: Connection) -> str:
    """Why Stripe cannot be read, in the words of a failure that nobody was waiting for."""
    if connection.last_error in PASSING:
        return explain(connection.last_error).partition(" Nothing was changed.")[0] + " mani tries again by itself."
    missing = missing_permissions(connection)
    return explain(connection.last_error, **({"permissions": " and ".join(missing)} if missing else {}))


def missing_permissions(connection: Connection) -> list[str]:
    """What the key would have to be allowed, by its names in Stripe's dashboard."""
    granted = connection.permissions
    return [
        permission.label for name, permission in PERMISSIONS.items() if permission.required and not granted.get(name)
    ]


def check_connection(connection_id: int) -> None:
    """Ask Stripe now whether the key works and what it may read, and remember the answer. Takes up to 10 seconds."""
    try:
        refresh_permissions(connection_id)
        failure = None
    except ManimodError as refusal:
        failure = refusal
    with jobs.transaction():
        record_error(db.session.get(Connection, connection_id), failure)


def refresh_permissions(connection_id: int) -> StripeGateway:
    """Look again at what the key may read, since owners change that in Stripe; remembered even where it is too little.

    Raises ManimodError.
    """
    gateway = open_gateway(db.session.get(Connection, connection_id))
    probe = gateway.probe()
    with jobs.transaction():
        connection = db.session.get(Connection, connection_id)
        connection.permissions = probe.permissions
        connection.stripe_account_name = probe.account_name or connection.stripe_account_name
        connection.stripe_account_id = probe.account_id or connection.stripe_account_id
        _schedule_poll(connection)
    probe.require()
    return gateway


def _schedule_poll(connection: Connection) -> None:
    """Events are polled as long as the key may read them."""
    may_poll = connection.permissions.get("events")
    connection.next_poll_at = (connection.next_poll_at or now()) if may_poll else None


def _keyring():
    return current_app.extensions["keyring"]


def _bound_to(connection: Connection, column: str) -> str:
    return f"connection:{connection.id}:{ENCRYPTED_COLUMNS[column]}"


def _decrypt(connection: Connection, column: str) -> str:
    try:
        return _keyring().open(getattr(connection, column), _bound_to(connection, column))
    except DecryptionError:
        raise ManimodError("KEY_UNREADABLE") from None


def _decrypt_readable(connection: Connection, columns: Iterable[str]) -> dict[str, str]:
    """The columns' secrets in the clear, without those that are empty or whose encryption key is lost."""
    found = {}
    for column in columns:
        with suppress(ManimodError):
            if getattr(connection, column) is not None:
                found[column] = _decrypt(connection, column)
    return found


def re_encrypt(connection: Connection) -> tuple[int, int]:
    """Seal with the first encryption key what another one sealed: how many values, and how many cannot be opened."""
    keyring = _keyring()
    sealed = {column: getattr(connection, column) for column in ENCRYPTED_COLUMNS}
    stale = [column for column, text in sealed.items() if text is not None and not keyring.is_current(text)]
    readable = _decrypt_readable(connection, stale)
    for column, secret in readable.items():
        setattr(connection, column, keyring.seal(secret, _bound_to(connection, column)))
    return len(readable), len(stale) - len(readable)


def lock(connection_id: int) -> Connection | None:
    """Hold a connection for this transaction, so that one worker at a time writes its moments and creatives.

    None where it is not connected any more. New events may still be stored meanwhile.
    """
    query = select(Connection).where(Connection.id == connection_id, Connection.status == "connected")
    return db.session.scalar(query.with_for_update(key_share=True))
