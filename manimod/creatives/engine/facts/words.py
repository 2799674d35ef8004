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
HOUSE_NAMES = frozenset(_WORDS["house_names"])
KNOWN = MASS | COUNT | ADJECTIVES | PLURALS | frozenset(_WORDS["common"])
PARTICLE = re.compile(r"-(?:up|in|on|off|out|over|by|through)s?$")  # follow-ups, a sign-in, add-ons
ACRONYMS = frozenset(_WORDS["acronyms"])


class Number(StrEnum):
    """How a noun counts, which decides its article: "a report", "reports", "storage"."""

    COUNT = "count"
    PLURAL = "plural"
    MASS = "mass"


def number_of(noun: str) -> Number | None:
    """None: the word is in no list and its ending says nothing, or it is no noun."""
    whole = noun.lower()
    word = whole if whole in KNOWN or PARTICLE.search(whole) else whole.rsplit("-", 1)[-1]
    if word in PLURALS or re.fullmatch(r"[A-Z0-9]{2,}s", noun):
        return Number.PLURAL
    if word in COUNT:
        return Number.COUNT
    if word in MASS:
        return Number.MASS
    if word in ADJECTIVES:
        return None
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) and word not in SINGULARS_IN_S:
        return Number.PLURAL
    if not re.fullmatch(r"[a-z'’]{4,}", word):
        return None
    if word.endswith(tuple(_WORDS["mass_endings"])):
        return Number.MASS
    return Number.COUNT if word.endswith(tuple(_WORDS["count_endings"])) else None


def plural(noun: str) -> str:
    """The noun as it is, where nothing says that it counts."""
    if number_of(noun) != Number.COUNT:
        return noun
    if re.search(r"[^aeiou]y$", noun):
        return noun[:-1] + "ies"
    return noun + ("es" if re.search(r"(s|x|z|ch|sh)$", noun) else "s")


def is_fixed(word: str) -> bool:
    """Whether the word keeps its capitals wherever it stands: API, iOS, GitHub, Slack, Monday, X-ray."""
    bare = re.sub(r"['’]s$", "", word.strip("(),.;:'’\""))
    parts = [bare, *re.split(r"[-/]", bare)]
    for part in parts:
        if part in NAMES or re.fullmatch(r"[A-Z0-9&]{2,5}s?|[A-Z](/[A-Z])+", part):
            return True
    return bool(re.search(r"[a-z][A-Z]|\d[A-Z]|[A-Z]\d|\.[a-z]|[A-Z]{2}[a-rt-z]|^[XTUV]-", bare))


def lowered(tokens: list[str]) -> list[str]:
    """Title Case lowered. In a line that is written as a sentence only its first word is, so that names are kept."""
    is_title, named = _is_title(tokens), _named(tokens)
    starts_with_a_name = not is_title and len(named) > 1 and named[1][:1].isupper() and not is_known(named[1])
    result: list[str] = []
    for token in tokens:
        is_first = named[:1] == [token] and not starts_with_a_name
        after_a_name = not is_title and result and result[-1] in NAMES  # Google Calendar
        is_lowered = is_title or is_first or token.lower() in SMALL or (_is_common(token) and not after_a_name)
        result.append(token.lower() if is_lowered and not is_fixed(token) else token)
    return result


def may_hold_a_name(tokens: list[str]) -> bool:
    """Whether capitals may be a name of the seller's own: an unknown word in Title Case, two capitals in a sentence."""
    named = _named(tokens)
    if _is_title(tokens):
        return named[-1].lower() in HOUSE_NAMES or not all(map(is_known, named[1:]))
    is_before = False
    for token in tokens[1:]:
        is_name = token[:1].isupper() and not is_fixed(token)
        if is_name and is_before:
            return True
        is_before = is_name
    return False


def is_known(word: str) -> bool:
    return is_fixed(word) or _is_common(word) or number_of(word) is not None


def is_known_alone(word: str) -> bool:
    """A line of one word needs more than an ending to be taken for English: "Leihinstrument"."""
    if word.endswith(("ing", "ity", "ness")):
        return True
    return is_fixed(word) or _is_common(word) or number_of(word) == Number.PLURAL


def _is_title(tokens: list[str]) -> bool:
    named = _named(tokens)
    return len(named) > 1 and all(token[:1].isupper() or is_fixed(token) for token in named)


def _named(tokens: list[str]) -> list[str]:
    return [token for token in tokens if token.lower() not in SMALL and token[:1].isalpha()]


def _is_common(word: str) -> bool:
    """Whether a list has the word or its singular, so that a capital is only style."""
    lower = word.lower()
    singulars = {lower, lower.removesuffix("s"), lower.removesuffix("es"), lower.rsplit("-", 1)[-1].removesuffix("s")}
    return not is_fixed(word) and bool(singulars & KNOWN)


def a(phrase: str) -> str:
    """The phrase with its article."""
    first = re.split(r"[\s\-/]", phrase)[0]
    if first in _WORDS["takes_a"]:
        return f"a {phrase}"
    return f"an {phrase}" if first in _WORDS["takes_an"] else f"{article(phrase)} {phrase}"
