"""The words and signs of terms.toml, compiled once."""

import re
import tomllib
from functools import cache
from pathlib import Path


@cache
def _tables() -> dict[str, dict]:
    return tomllib.loads(Path(__file__).with_name("terms.toml").read_text("utf-8"))


@cache
def pattern(name: str) -> re.Pattern:
    """The patterns of a table as one regular expression."""
    table = _tables()[name]
    joined = "|".join(table["patterns"])
    return re.compile(joined) if table.get("exact") else re.compile(rf"\b(?:{joined})\b", re.I)


@cache
def pattern_tables() -> tuple[str, ...]:
    """The names of the tables that have patterns."""
    return tuple(name for name, table in _tables().items() if "patterns" in table)


@cache
def terms(name: str, key: str = "words") -> frozenset[str]:
    return frozenset(_tables()[name][key])
