"""Identifiers that look like Stripe's: a prefix, then letters and digits. The same seed gives the same identifiers."""

import random
import string

ALPHABET = string.ascii_letters + string.digits
PAIRS = [ALPHABET[number // 64 % 62] + ALPHABET[number % 64 % 62] for number in range(4096)]

# Length of the part after the prefix. Seen in Stripe's own examples, API reference checked 2026-11-22.
LENGTHS = {
    "acct": 16,
    "clock": 24,
    "cus": 14,
    "evt": 24,
    "ii": 24,
    "in": 24,
    "il": 24,
    "pm": 24,
    "price": 24,
    "prod": 14,
    "req": 14,
    "si": 14,
    "sub": 24,
    "we": 24,
    "whsec": 32,
}


class Ids:
    def __init__(self, seed=None):
        self._random = random.Random(seed)

    def new(self, prefix: str) -> str:
        return f"{prefix}_{self.letters(LENGTHS[prefix])}"

    def letters(self, length: int) -> str:
        """One draw a letter is too slow for a hundred thousand objects, so one number is spelt out two by two."""
        number = self._random.getrandbits(6 * length)
        return "".join([PAIRS[number >> shift & 4095] for shift in range(0, 6 * length, 12)])
