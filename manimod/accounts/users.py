"""The people who sign in: owners of an account, and members of support."""

import secrets
from contextlib import suppress

from flask import current_app
from flask_security import hash_password
from passlib.totp import TOTP, AppWallet
from sqlalchemy import exists, select

from manimod.accounts import sign_in_limits
from manimod.extensions import db, security
from manimod.models import Account, User


def any_users() -> bool:
    return db.session.scalar(select(exists().select_from(User)))


def new_password() -> str:
    return secrets.token_urlsafe(15)


def create_user(email: str, password: str, account: Account | None) -> User:
    """The owner of a new account; without one, a member of support."""
    datastore = security.datastore
    roles = [datastore.find_or_create_role("owner" if account else "support")]
    user = datastore.create_user(email=email, password=hash_password(password), roles=roles, account=account)
    db.session.flush()
    return user


def reset_password(user: User, password: str) -> None:
    """For whoever is locked out: open sessions end, and failed sign-ins are forgotten."""
    user.password = hash_password(password)
    security.datastore.set_uniquifier(user)
    sign_in_limits.forget_failures(user)


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
