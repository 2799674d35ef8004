"""The people who sign in, and the accounts they work in: made by flask commands and by the first start."""

import secrets
from contextlib import suppress

from flask_security import hash_password
from sqlalchemy import exists, select

from manimod.extensions import db, security
from manimod.models import Account, User


def anybody() -> bool:
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


def reseal_authenticators() -> None:
    """Seal the secrets of the codes with the first of ENCRYPTION_KEYS. What none of them opens has to be reset."""
    for user in db.session.scalars(select(User).where(User.tf_totp_secret.is_not(None))):
        with suppress(KeyError):
            user.tf_totp_secret = security.totp_factory.reseal(user.tf_totp_secret)


def _create_user(email: str, password: str, role: str, account: Account | None) -> User:
    datastore = security.datastore
    user = datastore.create_user(
        email=email, password=hash_password(password), roles=[datastore.find_or_create_role(role)], account=account
    )
    db.session.flush()
    return user
