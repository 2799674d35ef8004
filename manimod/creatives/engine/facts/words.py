"""The lists of bullets.toml as sets, and what a single word is: its number, its capitals, its article."""

import re
import tomllib
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from manimod.creatives.engine.copy.plan_names import article

TABLE = tomllib.loads(Path(__file__).with_name("bullets.toml").read_text("utf-8"))
_WORDS = TABLE["words"]


def one_of(words: Iterable[str], end: str = r"(?!\w)") -> re.Pattern[str]:
    """Matches any of the words at the beginning of a text, the longest first."""
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(f"({'|'.join(map(re.escape, longest_first))}){end}", re.I)


SMALL = frozenset(_WORDS["small"])
PREPOSITIONS = frozenset(_WORDS["prepositions"])
DETERMINERS = frozenset(_WORDS["determiners"])
ADJECTIVES = frozenset(_WORDS["adjectives"])
MASS = frozenset(_WORDS["mass"])
COUNT = frozenset(_WORDS["count"])
PLURALS = frozenset(_WORDS["irregular_plurals"])
SINGULARS_IN_S = frozenset(_WORDS["plural_exceptions"])
NAMES = frozenset(_WORDS["brands"]) | frozenset(_WORDS["proper"])
ACRONYMS = frozenset(_WORDS["acronyms"])


class Number(StrEnum):
    """How a noun counts, which decides its article: "a report", "reports", "storage"."""

    COUNT = "count"
    PLURAL = "plural"
    MASS = "mass"


def number_of(noun: str) -> Number | None:
    """None: the word is in no list and its ending says nothing, or it is no noun."""
    word = noun.lower().rsplit("-", 1)[-1] if noun.lower() not in MASS | COUNT | ADJECTIVES else noun.lower()
    if word in ADJECTIVES and word not in MASS | COUNT:
        return None
    if word in PLURALS or re.fullmatch(r"[A-Z0-9]{2,}s", noun):
        return Number.PLURAL
    if word in COUNT:
        return Number.COUNT
    if word in MASS:
        return Number.MASS
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) and word not in SINGULARS_IN_S:
        return Number.PLURAL
    if not re.fullmatch(r"[a-z'’]{4,}", word):
        return None
    if word.endswith(tuple(_WORDS["mass_endings"])):
        return Number.MASS
    return Number.COUNT if word.endswith(tuple(_WORDS["count_endings"])) else None


def plural(noun: str) -> str:
    if number_of(noun) in (Number.PLURAL, Number.MASS):
        return noun
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + ("es" if re.search(r"(s|x|z|ch|sh)$", noun) else "s")


def is_fixed(word: str) -> bool:
    """Whether the word keeps its capitals wherever it stands: API, iOS, GitHub, Slack, Monday."""
    bare = word.strip("(),.;:'’\"")
    root = bare.removesuffix("'s").removesuffix("’s")
    parts = re.split(r"[-/]", root)
    if any(part in NAMES for part in parts) or root.upper() in ACRONYMS and root.isupper():
        return True
    if re.search(r"[a-z][A-Z]|\d[A-Z]|[A-Z]\d|\.[a-z]", root) or re.fullmatch(r"[A-Z]{2,}s", root):
        return True
    return any(re.fullmatch(r"[A-Z&]{2,5}", part) for part in parts) or bool(re.fullmatch(r"[A-Z](/[A-Z])+", root))


def lowered(words: list[str]) -> list[str]:
    """Title Case lowered. In a line that is written as a sentence only the first word is, so that names are kept."""
    inner = [word for word in words if word.lower() not in SMALL and word[:1].isalpha()]
    is_title = len(inner) > 1 and all(word[:1].isupper() or is_fixed(word) for word in inner)
    result = []
    for i, word in enumerate(words):
        is_first = not any(earlier[:1].isalpha() for earlier in words[:i])
        known = number_of(word) is not None and word.lower().rsplit("-", 1)[-1] in MASS | COUNT
        result.append(word.lower() if (is_first or is_title or known) and not is_fixed(word) else word)
    return result


def a(phrase: str) -> str:
    """The phrase with its article."""
    first = re.split(r"[\s\-/]", phrase)[0]
    if first in _WORDS["takes_a"]:
        return f"a {phrase}"
    return f"an {phrase}" if first in _WORDS["takes_an"] else f"{article(phrase)} {phrase}"
