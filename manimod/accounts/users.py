"""What an owner may change about the account itself: its name and its time zone."""

import secrets
from contextlib import suppress
from functools import cache
from zoneinfo import available_timezones

from flask import current_app
from flask_security import hash_password
from passlib.totp import TOTP, AppWallet
from sqlalchemy import exists, select

from manimod.errors import ManimodError
from manimod.extensions import db, security
from manimod.models import Account, User

MAX_NAME_LENGTH = 120
# The database also lists old names of places and fixed offsets, which nobody would look for.
REGIONS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@cache
def time_zones() -> dict[str, list[str]]:
    """Region -> names of its time zones: `Europe` -> `Europe/Berlin`, ..."""
    names = sorted(available_timezones())
    return {region: [name for name in names if name.startswith(f"{region}/")] for region in REGIONS}


def change_account(account: Account, name: str, time_zone: str) -> None:
    """Raises ACCOUNT_NAME_MISSING or TIME_ZONE_UNKNOWN, and then changes nothing."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= MAX_NAME_LENGTH:
        raise ManimodError("ACCOUNT_NAME_MISSING")
    if time_zone != "UTC" and not any(time_zone in names for names in time_zones().values()):
        raise ManimodError("TIME_ZONE_UNKNOWN")
    account.name = name
    account.time_zone = time_zone


def any_users() -> bool:
    return db.session.scalar(select(exists().select_from(User)))


def new_password() -> str:
    return secrets.token_urlsafe(15)


def create_owner(email: str, password: str, account_name: str, plan: str) -> User:
    account = Account(name=account_name, plan=plan)
    db.session.add(account)
    return _create_user(email, password, "owner", account)


def create_support(email: str, password: str) -> User:
    return _create_user(email, password, "support", None)


def reset_authenticator(user: User) -> None:
    """For a lost phone: whoever has the password sets up a new one; open sessions end."""
    security.datastore.tf_reset(user)
    security.datastore.set_uniquifier(user)


def re_encrypt_authenticators() -> None:
    """With the first of ENCRYPTION_KEYS. What none of them decrypts has to be reset."""
    keys = current_app.config["SECURITY_TOTP_SECRETS"]
    factory = TOTP.using(wallet=AppWallet(keys, default_tag=next(iter(keys))))
    for user in db.session.scalars(select(User).where(User.tf_totp_secret.is_not(None))):
        with suppress(KeyError):
            user.tf_totp_secret = factory.from_source(user.tf_totp_secret).to_json(encrypt=True)


def _create_user(email: str, password: str, role: str, account: Account | None) -> User:
    datastore = security.datastore
    user = datastore.create_user(
        email=email, password=hash_password(password), roles=[datastore.find_or_create_role(role)], account=account
    )
    db.session.flush()
    return user
