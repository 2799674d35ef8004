"""Whose failed sign-ins are counted together. Redis gets keyed hashes, nothing that was typed."""

import hmac
import ipaddress
from contextlib import suppress
from hashlib import sha256

from limits import parse_many
from redis.exceptions import RedisError

from manimod.config import settings
from manimod.extensions import limiter, security
from manimod.models import User

MAX_FAILURES_PER_ADDRESS = "20 per minute; 100 per hour"
MAX_FAILURES_PER_ACCOUNT = "8 per minute; 30 per hour"
COUNTED_PAGES = ("security.login", "security.two_factor_token_validation", "security.change_password")


def account_key(email: str) -> str:
    """The same for all spellings of an address that find the same user."""
    with suppress(ValueError):  # of what is no address
        email = security.mail_util.normalize(email)
    return _hash("account", email.strip().casefold())


def address_key(remote_address: str) -> str:
    """Of IPv6, whoever has one address has its /64."""
    try:
        address = ipaddress.ip_address(remote_address)
    except ValueError:  # of a server that listens on a file
        return _hash("address", remote_address)
    if address.version == 6:
        address = address.ipv4_mapped or ipaddress.ip_network((int(address) >> 64 << 64, 64))
    return _hash("address", str(address))


def known_browser_key(account: str) -> str:
    """Failures in browsers that the account has signed in with are counted apart: no stranger adds to them."""
    return f"known:{account}"


def forget_failures(user: User) -> None:
    """While Redis is away, each web process counts for itself and goes on with that."""
    account = account_key(user.email)
    with suppress(RedisError):
        for limit in parse_many(MAX_FAILURES_PER_ACCOUNT):
            for page in COUNTED_PAGES:
                limiter.limiter.clear(limit, account, page)
                limiter.limiter.clear(limit, known_browser_key(account), page)


def _hash(kind: str, text: str) -> str:
    key = settings().secret_key.encode()
    return hmac.new(key, f"sign-in {kind}:{text}".encode(), sha256).hexdigest()[:32]
