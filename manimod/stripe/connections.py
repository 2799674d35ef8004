"""Connecting an account to Stripe: the key, the signing secrets, their encryption, and disconnecting."""

import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from urllib.parse import quote

from flask import current_app
from redis import Redis
from redis.exceptions import RedisError
from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from manimod import jobs
from manimod.config import STRIPE_TIMEOUT, settings
from manimod.errors import PASSING, ManimodError, explain
from manimod.extensions import database_timeout, db
from manimod.models import Account, Connection, Creative, DrawnPictures, Export
from manimod.models.accounts import now
from manimod.models.states import ConnectionStatus, Plan
from manimod.stripe.crypto import DecryptionError
from manimod.stripe.gateway import DASHBOARD, Probe, StripeGateway, missing_permissions, refuses_key

# Each encrypted column and the name its value is bound to. Both signing secrets share one name, so that the current
# secret can become the old one as it is.
SIGNING_SECRETS = {"encrypted_signing_secret": "signing_secret", "encrypted_old_signing_secret": "signing_secret"}
ENCRYPTED_COLUMNS = {"encrypted_api_key": "api_key"} | SIGNING_SECRETS
MIN_KEY_LENGTH = 20
READS_KEY = "mani:reads:{}:{}"  # how often Stripe was read: connection, day
READS_KEPT_FOR = timedelta(days=30)
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


def list_for_account(account: Account) -> list[Connection]:
    """The account's live and test connection: what is connected first, then live before test."""
    is_away = Connection.status != ConnectionStatus.CONNECTED
    query = select(Connection).where(Connection.account_id == account.id)
    return list(db.session.scalars(query.order_by(is_away, Connection.livemode.desc(), Connection.id)))


def get_for_account(account: Account, livemode: bool | None = None) -> Connection | None:
    """The account's live or test connection, connected or not; None if there has never been one.

    Without `livemode` the first one of `list_for_account`.
    """
    for connection in list_for_account(account):
        if livemode in (None, connection.livemode):
            return connection
    return None


def get_current(account: Account, livemode: bool | None = None) -> Connection | None:
    """The same while it is connected, else None."""
    connection = get_for_account(account, livemode)
    return connection if connection and connection.is_connected else None


def require_current(account: Account, livemode: bool | None = None) -> Connection:
    """Raises STRIPE_NOT_CONNECTED."""
    connection = get_current(account, livemode)
    if connection is None:
        raise ManimodError("STRIPE_NOT_CONNECTED")
    return connection


def lock(connection_id: int) -> Connection | None:
    """Lock a connection for this transaction, so that one worker at a time writes its moments and creatives.

    None if it is no longer connected. New events may still be stored meanwhile.
    """
    query = select(Connection).where(Connection.id == connection_id, Connection.status == ConnectionStatus.CONNECTED)
    query = query.options(joinedload(Connection.account, innerjoin=True))
    return db.session.scalar(query.with_for_update(key_share=True, of=Connection))


def check_key(text: str) -> KeyCheck:
    """Look at a pasted key and try it at Stripe. Takes a few seconds, writes nothing. Raises ManimodError."""
    api_key = text.strip().strip("\"'").strip()
    if not api_key:
        raise ManimodError("STRIPE_KEY_MISSING")
    for prefix, code in REFUSED_PREFIXES.items():
        if api_key.startswith(prefix):
            raise ManimodError(code)
    known = re.fullmatch(r"(rk_live|rk_test|sk_test)(_[A-Za-z0-9_]*)?", api_key)
    if known is None:
        raise ManimodError("STRIPE_KEY_UNKNOWN")
    if len(api_key) < MIN_KEY_LENGTH:
        raise ManimodError("STRIPE_KEY_TRUNCATED")
    probe = _gateway(api_key, STRIPE_TIMEOUT).probe()
    probe.require()
    return KeyCheck(api_key, known[1], probe)


def require_plan(account: Account) -> None:
    """Raises PLAN_TOO_LOW."""
    if not account.may_connect_stripe:
        raise ManimodError("PLAN_TOO_LOW", plan=Plan(account.plan).label)


def connect(account: Account, check: KeyCheck, start_over: bool = False) -> Connection:
    """Store an accepted key as that of its mode, live or test, and start the first sync. The other mode is left alone.

    Where the mode is connected to another Stripe account, it raises STRIPE_KEY_OTHER_ACCOUNT unless the owner agreed to
    start over; then everything read with the old key is deleted. The two modes may be different Stripe accounts, since
    a sandbox has an account id of its own: https://docs.stripe.com/test-mode-sandboxes-comparison
    """
    require_plan(account)
    db.session.execute(select(Account.id).where(Account.id == account.id).with_for_update())  # one connection a mode
    connection = get_for_account(account, check.livemode)
    if connection is None:
        connection = Connection(account_id=account.id, webhook_token=secrets.token_urlsafe(24))
        connection.livemode = check.livemode
        connection.connected_at = check.probe.asked_at
        db.session.add(connection)
        db.session.flush()
    elif check.probe.account_id is None and "account" in check.probe.not_asked and not start_over:
        raise ManimodError("STRIPE_FAILED")  # whether the key is of the same account can't be asked now
    # A key without a readable account id counts as one of another account.
    elif connection.stripe_account_id != (check.probe.account_id or ""):
        if connection.is_connected and not start_over:
            raise ManimodError("STRIPE_KEY_OTHER_ACCOUNT", mode=connection.mode)
        disconnect(connection)
    if not connection.is_connected:
        connection.connected_at, connection.stripe_account_name = check.probe.asked_at, None
    connection.status = ConnectionStatus.CONNECTED
    connection.stripe_account_id = check.probe.account_id
    connection.stripe_account_name = check.probe.account_name or connection.stripe_account_name
    connection.key_type = check.key_type
    connection.permissions = {}  # what was known of the key before
    _remember_permissions(connection, check.probe)
    _encrypt(connection, "encrypted_api_key", check.api_key)
    for column in SIGNING_SECRETS:
        if _decrypt(connection, column) is None:  # its encryption key is lost: the page asks for the secret again
            setattr(connection, column, None)
    connection.next_sync_at = connection.next_poll_at = connection.planned_at = now()
    record_error(connection, None)
    jobs.enqueue("sync_customers", connection.id)
    return connection


def disconnect(connection: Connection) -> None:
    """Delete the key, the signing secrets and all that was read from Stripe. Stripe itself is not touched."""
    db.session.refresh(connection, with_for_update=True)  # after events that are being stored
    database_timeout.set(None)  # for this request: what was read in years takes long
    connection.status = ConnectionStatus.DISCONNECTED
    connection.permissions, connection.poll_progress, connection.monthly_payments = {}, {}, 0
    connection.not_asked, connection.key_edit_link, connection.profile = [], None, {}
    times = ("signing_secret_set_at", "next_sync_at", "next_poll_at", "planned_at", "polled_until", "polled_at")
    for column in (*ENCRYPTED_COLUMNS, *times, "permissions_checked_at"):
        setattr(connection, column, None)
    record_error(connection, None)
    for mapper in db.Model.registry.mappers:
        if "connection_id" in mapper.columns:
            db.session.execute(delete(mapper.class_).filter_by(connection_id=connection.id))
    its_creatives = select(Creative.id).filter_by(account_id=connection.account_id, is_test=not connection.livemode)
    db.session.execute(delete(DrawnPictures).where(DrawnPictures.creative_id.in_(its_creatives)))
    db.session.execute(delete(Export).filter_by(account_id=connection.account_id, is_test=not connection.livemode))
    jobs.enqueue("overwrite_deleted", connection.id)


def set_signing_secret(connection: Connection, text: str) -> None:
    """Store a new secret and keep the previous one: Stripe signs with both for up to a day while one is rolled."""
    secret = text.strip().strip("\"'").strip()
    if not secret:
        raise ManimodError("SIGNING_SECRET_MISSING")
    if not re.fullmatch(r"whsec_[A-Za-z0-9+/=_-]{8,200}", secret):
        raise ManimodError("SIGNING_SECRET_UNKNOWN")
    current = _decrypt(connection, "encrypted_signing_secret")
    if current == secret:
        return
    connection.encrypted_old_signing_secret = connection.encrypted_signing_secret if current else None
    _encrypt(connection, "encrypted_signing_secret", secret)
    connection.signing_secret_set_at = now()


def signing_secrets(connection: Connection) -> list[str]:
    """The secrets to verify with: the current one, then the previous one until the owner removes it."""
    if connection.encrypted_signing_secret is None:
        raise ManimodError("WEBHOOK_NO_SECRET")
    accepted = list(filter(None, (_decrypt(connection, column) for column in SIGNING_SECRETS)))
    if not accepted:
        raise ManimodError("KEY_UNREADABLE")
    return accepted


def webhook_address(connection: Connection) -> str:
    return f"{settings().public_url}/webhooks/stripe/{connection.webhook_token}"


def dashboard_link(connection: Connection, page: str) -> str:
    """A page of Stripe's dashboard, such as webhooks, of the connected account and in the key's mode."""
    if not connection.livemode:
        page = f"test/{page}"
    if connection.stripe_account_id is None:
        return f"{DASHBOARD}{page}"
    return f"{DASHBOARD}b/{connection.stripe_account_id}?destination={quote('/' + page, safe='')}"


def open_gateway(connection: Connection, timeout: float = STRIPE_TIMEOUT) -> StripeGateway:
    """Raises STRIPE_NOT_CONNECTED, or KEY_UNREADABLE if its encryption key is lost."""
    if connection.encrypted_api_key is None:
        raise ManimodError("STRIPE_NOT_CONNECTED")
    api_key = _decrypt(connection, "encrypted_api_key")
    if api_key is None:
        raise ManimodError("KEY_UNREADABLE")
    return _gateway(api_key, timeout, partial(_count_read, jobs.redis(), connection.id))


def _gateway(api_key: str, timeout: float, count: Callable[[], None] | None = None) -> StripeGateway:
    return StripeGateway(api_key, settings().stripe_api_base, timeout, count, settings().calls_from)


def _count_read(redis: Redis, connection_id: int) -> None:
    """Called in threads, without an application context."""
    key = READS_KEY.format(connection_id, now().date())
    with suppress(RedisError), redis.pipeline(transaction=False) as commands:
        commands.incr(key).expire(key, READS_KEPT_FOR).execute()


def count_reads(connection_id: int) -> int:
    """How often mani has read this Stripe account in the last 30 days."""
    days = [now().date() - timedelta(days=age) for age in range(READS_KEPT_FOR.days)]
    with suppress(RedisError):
        counts = jobs.redis().mget([READS_KEY.format(connection_id, day) for day in days])
        return sum(map(int, filter(None, counts)))
    return 0


def refresh_permissions(connection_id: int) -> None:
    """Ask Stripe whether the key works and what it may read, and remember the answer. Takes a few seconds.

    Raises ManimodError, also if the key may read too little.
    """
    probe, failure = None, None
    try:
        probe = open_gateway(db.session.get(Connection, connection_id)).probe()
        probe.require()
    except ManimodError as error:
        failure = error
    with jobs.transaction():
        connection = db.session.get(Connection, connection_id)
        if probe:
            _remember_permissions(connection, probe)
            connection.stripe_account_name = probe.account_name or connection.stripe_account_name
            connection.stripe_account_id = probe.account_id or connection.stripe_account_id
        record_error(connection, failure)
    if failure:
        raise failure


def _remember_permissions(connection: Connection, probe: Probe) -> None:
    """What Stripe gave no answer about stays as it was last known."""
    connection.permissions = connection.permissions | probe.permissions
    connection.not_asked, connection.key_edit_link = probe.not_asked, probe.edit_link
    if "account" not in probe.not_asked:
        connection.profile = probe.profile
    connection.permissions_checked_at = now()


def record_error(connection: Connection, failure: ManimodError | None) -> None:
    """Remember why Stripe could not be read, for the pages; None once it could."""
    code = failure and failure.code
    if code != connection.last_error:
        jobs.enqueue("check_health", connection.account_id)
    if code is None:
        connection.failing_since = None
    elif connection.last_error is None:
        connection.failing_since = now()
    connection.last_error = code


def record_event_poll(connection: Connection, failure: ManimodError | None) -> None:
    """Reading events is optional: it decides about the key only, and about whether Stripe can be reached again."""
    if failure and refuses_key(failure):
        record_error(connection, failure)
    elif failure is None and (connection.last_error or "").startswith(("STRIPE_KEY_", "STRIPE_UNREACHABLE")):
        record_error(connection, None)


def explain_last_error(connection: Connection) -> str:
    """Why Stripe cannot be read, worded for a failure in the background."""
    if connection.last_error in PASSING:
        return explain(connection.last_error).partition(" Nothing was changed.")[0] + " mani tries again by itself."
    slots = {"addresses": settings().calls_from}
    missing = missing_permissions(connection.permissions)
    if missing:
        slots["permissions"] = missing
    return explain(connection.last_error, **slots)


def rotate_encryption_keys() -> dict:
    """Encrypt with the first key what older keys encrypted, row by row, while mani runs. May run more than once.

    Returns how many `connections` there are, how many values were `re_encrypted`, and the `unreadable_accounts`: those
    whose values none of ENCRYPTION_KEYS decrypts.
    """
    ids, re_encrypted, unreadable = db.session.scalars(select(Connection.id).order_by(Connection.id)).all(), 0, []
    for connection_id in ids:
        with jobs.transaction():
            lock_row = {"with_for_update": {"key_share": True}, "populate_existing": True}
            connection = db.session.get_one(Connection, connection_id, **lock_row)
            for column in ENCRYPTED_COLUMNS:
                encrypted = getattr(connection, column)
                if encrypted is None or current_app.extensions["keyring"].is_current(encrypted):
                    continue
                secret = _decrypt(connection, column)
                if secret is not None:
                    _encrypt(connection, column, secret)
                    re_encrypted += 1
                elif connection.account_id not in unreadable:
                    unreadable.append(connection.account_id)
    return {"connections": len(ids), "re_encrypted": re_encrypted, "unreadable_accounts": unreadable}


def _encrypt(connection: Connection, column: str, secret: str) -> None:
    bound_to = f"connection:{connection.id}:{ENCRYPTED_COLUMNS[column]}"
    setattr(connection, column, current_app.extensions["keyring"].encrypt(secret, bound_to))


def _decrypt(connection: Connection, column: str) -> str | None:
    """None if the column is empty or its encryption key is lost."""
    bound_to = f"connection:{connection.id}:{ENCRYPTED_COLUMNS[column]}"
    try:
        return current_app.extensions["keyring"].decrypt(getattr(connection, column) or "", bound_to)
    except DecryptionError:
        return None
