"""The second factor of support: time-based codes (RFC 6238), their secrets sealed, each code good for once."""

import hmac
from contextlib import suppress
from hashlib import sha256

from flask import current_app
from flask_security import Totp, UserMixin
from passlib.exc import UsedTokenError
from passlib.totp import TOTP, AppWallet, TotpMatch
from redis.exceptions import RedisError

VALIDITY_SECONDS = 30  # how far a phone's clock may be off
REMEMBERED_SECONDS = 120  # longer than any code is accepted


class Authenticator(Totp):
    """Flask-Security's, but the first key seals instead of the one that sorts last, and no code works twice."""

    def __init__(self, secrets: dict[str, str], issuer: str) -> None:
        self._totp = TOTP.using(issuer=issuer, wallet=AppWallet(secrets, default_tag=next(iter(secrets))))

    def reseal(self, sealed: str) -> str:
        """The same secret, sealed with the first key."""
        return self._totp.from_source(sealed).to_json(encrypt=True)

    def verify_totp(self, token: str, totp_secret: str, user: UserMixin, window: int = 0) -> bool:
        """False as well where none of ENCRYPTION_KEYS opens the secret any more."""
        with suppress(KeyError):
            return super().verify_totp(token, totp_secret, user, window)
        return False

    def set_last_counter(self, user: UserMixin, tmatch: TotpMatch) -> None:
        """Refuse a code that was used before. Without Redis the password and the code have to do."""
        with suppress(RedisError):
            key = f"mani:code:{user.id}:{tmatch.counter}"
            if not current_app.extensions["redis"].set(key, 1, nx=True, ex=REMEMBERED_SECONDS):
                raise UsedTokenError


def sealing_keys(encryption_keys: dict[str, bytes]) -> dict[str, str]:
    """A key for the codes' secrets out of each of ENCRYPTION_KEYS, under the same id and in the same order."""
    return {name: hmac.new(key, b"mani authenticator", sha256).hexdigest() for name, key in encryption_keys.items()}
