"""Who calls, and may they? Basic and Bearer authentication; restricted keys need the permission of each endpoint."""

import base64
import binascii

from . import errors

READ, WRITE = "read", "write"


def presented_secret(header: str | None) -> str:
    scheme, _, rest = (header or "").partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(rest).decode().partition(":")[0]
        except (binascii.Error, UnicodeDecodeError):
            return ""
    return ""


def authenticate(universe, header):
    secret = presented_secret(header)
    if not secret:
        raise errors.missing_key()
    key = universe.keys.get(secret)
    if key is None:
        raise errors.invalid_key(secret)
    if key.kind == "publishable":
        raise errors.publishable_key()
    if key.state == "expired":
        raise errors.expired_key(secret)
    if key.state == "address_restricted":
        raise errors.wrong_address()
    return key


def authorise(key, resource, access, wording="today"):
    """`resource` is the middle of the permission's name, as in rak_customer_read; write implies read."""
    if key.kind == "secret":
        return
    enough = {f"rak_{resource}_{access}", f"rak_{resource}_write"}
    if not enough & key.permissions:
        raise errors.missing_permission(key.secret, key.account_id, f"rak_{resource}_{access}", wording)
