"""Secrets at rest: AES-256-GCM, with the key's id for rotation and the row's name as associated data."""

import base64
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12


class DecryptionError(Exception):
    """A text cannot be decrypted: its key is gone, it was changed, or it belongs to another row."""


class Keyring:
    """The encryption keys in order: the first one encrypts, any of them decrypts.

    An encrypted text is `key id:base64(nonce + ciphertext)`. `bound_to` names the row and field (such as
    `connection:7:api_key`); a text that was moved to another row cannot be decrypted there.
    """

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._ciphers = {key_id: AESGCM(key) for key_id, key in keys.items()}
        self._current = next(iter(keys))

    def encrypt(self, text: str, bound_to: str) -> str:
        nonce = os.urandom(NONCE_BYTES)
        ciphertext = self._ciphers[self._current].encrypt(nonce, text.encode(), bound_to.encode())
        return f"{self._current}:{base64.b64encode(nonce + ciphertext).decode()}"

    def is_current(self, encrypted: str) -> bool:
        """Whether it was encrypted with the first key."""
        return encrypted.partition(":")[0] == self._current

    def decrypt(self, encrypted: str, bound_to: str) -> str:
        """Raises DecryptionError."""
        key_id, _, encoded = encrypted.partition(":")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            raise DecryptionError(f"the encryption key {key_id!r} is not in ENCRYPTION_KEYS")
        try:
            raw = base64.b64decode(encoded)
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound_to.encode()).decode()
        except (InvalidTag, ValueError):
            raise DecryptionError("the encrypted text was changed or belongs to another row") from None
