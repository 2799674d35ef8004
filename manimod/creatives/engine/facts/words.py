"""The lists of words.toml as sets, and what a single word is: its number, its capitals, its article."""

import re
import tomllib
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

from manimod.creatives.engine.copy.plan_names import article

TABLE = tomllib.loads(Path(__file__).with_name("bullets.toml").read_text("utf-8"))
_LISTS = tomllib.loads(Path(__file__).with_name("words.toml").read_text("utf-8"))
WORDS = {name: frozenset(listed.split()) for name, listed in _LISTS.items()}
COUNT, MASS, PLURALS, ADJECTIVES = WORDS["count"], WORDS["mass"], WORDS["plurals"], WORDS["adjectives"]
MASS_ENDINGS, COUNT_ENDINGS = tuple(WORDS["mass_endings"]), tuple(WORDS["count_endings"])
COMPOUND_ENDINGS = tuple(WORDS["compound_endings"])
NAMES = WORDS["brands"] | WORDS["proper"]
VERBS = WORDS["verbs"] | WORDS["also_nouns"]
KNOWN = COUNT | MASS | PLURALS | ADJECTIVES | VERBS | WORDS["modifiers"] | WORDS["determiners"] | WORDS["small"]
LANGUAGES = {name: frozenset(listed) for name, listed in TABLE["languages"].items() if isinstance(listed, list)}
ENDINGS_ELSEWHERE = re.compile(TABLE["languages"]["other_endings"])
GERMAN_ADJECTIVE = re.compile(TABLE["languages"]["german_adjective"])
PARTICLE = re.compile(r"-(?:up|in|on|off|out|over|by|through)s?$")  # follow-ups, a sign-in, add-ons
PARTICIPLE = re.compile(r"(?!(feed|seed|speed|bed|breed|need|shed|weed|embed|red)$)\w{2,}ed$")


class Number(StrEnum):
    """How a noun counts, which decides its article: "a report", "reports", "storage"."""

    COUNT = "count"
    PLURAL = "plural"
    MASS = "mass"


def one_of(words: Iterable[str]) -> re.Pattern[str]:
    """Matches any of the words at the beginning of a text, the longest first."""
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile(f"({'|'.join(map(re.escape, longest_first))})(?!\\w)", re.I)


def number_of(noun: str) -> Number | None:
    """None: the word is in no list and its ending says nothing, or it is no noun."""
    whole = noun.lower()
    word = whole if whole in KNOWN or PARTICLE.search(whole) else whole.rsplit("-", 1)[-1]
    if word in PLURALS or re.fullmatch(r"[A-Z0-9&]{2,}s", noun):
        return Number.PLURAL
    if word in COUNT:
        return Number.COUNT
    if word in MASS:
        return Number.MASS
    if word in ADJECTIVES:
        return None
    if re.fullmatch(r"[\w'’-]{3,}(?<![sui])s", word) and word not in WORDS["singulars_in_s"]:
        return Number.PLURAL
    if not re.fullmatch(r"[a-z'’]{4,}", word):
        return None
    if word.endswith(MASS_ENDINGS) and not re.fullmatch("[^aeiouy]+ing", word):  # "sing"
        return Number.MASS
    is_compound = noun == whole and word.endswith(COMPOUND_ENDINGS)  # with a capital a name: Lightroom
    return Number.COUNT if is_compound or word.endswith(COUNT_ENDINGS) else None


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
    for part in (bare, *re.split(r"[-/]", bare)):
        if part in NAMES or re.fullmatch(r"[A-Z0-9&]{2,5}s?|[A-Z](/[A-Z])+", part):
            return True
    return bool(re.search(r"[a-z][A-Z]|\d[A-Z]|[A-Z]\d|\.[a-z]|[A-Z]{2}[a-rt-z]|^[XTUV]-", bare))


def is_known(word: str) -> bool:
    """Whether a list has the word or its singular, or its form says what it is."""
    bare = word.strip(",.")
    return is_fixed(bare) or _is_common(bare) or number_of(bare) is not None or bool(PARTICIPLE.search(bare.lower()))


def lowered(tokens: list[str]) -> list[str]:
    """Title Case lowered. In a line that is written as a sentence only its first word is, so that names are kept."""
    if _is_title(tokens):
        return list(map(_in_small_letters, tokens))
    named = _named(tokens)
    result: list[str] = []
    for token in tokens:
        is_style = named[:1] == [token] or token.lower() in WORDS["small"] or _is_common(token)
        follows_a_name = result[-1:] and result[-1] in NAMES  # Google Calendar
        result.append(_in_small_letters(token) if is_style and not follows_a_name else token)
    return result


def may_hold_a_name(tokens: list[str]) -> bool:
    """Whether capitals may be a name of the seller's own: an unknown word in Title Case, two capitals in a sentence."""
    named = _named(tokens)
    if not is_known(tokens[0]) and tokens[0][0].isalpha():
        return True
    if _is_title(tokens):
        return named[-1].lower() in WORDS["house_names"] or not all(map(is_known, named))
    first = named[:1] if tokens[0] in named or tokens[0][0].isdigit() else []
    follows_a_name = False
    for token in tokens:
        is_capital = token[:1].isupper() and not is_fixed(token) and [token] != first
        if is_capital and follows_a_name:  # VS Code, Customer Success
            return True
        follows_a_name = is_capital or (is_fixed(token) and token not in NAMES)
    return False


def a(phrase: str) -> str:
    """The phrase with its article."""
    first = re.split(r"[\s\-/]", phrase)[0]
    if first in WORDS["takes_a"]:
        return f"a {phrase}"
    takes_an = first in WORDS["takes_an"] or phrase.split(" ")[0] in WORDS["takes_an"]
    return f"an {phrase}" if takes_an else f"{article(phrase)} {phrase}"


def is_foreign(line: str) -> bool:
    """By its words, their endings and letters: a small test for short lines."""
    found = re.findall(r"[^\W\d_][\w'’]*", line)
    inside = set(map(str.lower, found)) - LANGUAGES["also_english"] | LANGUAGES["also_english"].intersection(found[1:])
    if inside & (LANGUAGES["german"] | LANGUAGES["other"]) or any(map(ENDINGS_ELSEWHERE.match, inside)):
        return True
    if found[1:] and GERMAN_ADJECTIVE.match(found[0].lower()) or re.fullmatch(r"\w+(-[A-Z]\w+)*-[A-Z][a-z]+", line):
        return True
    return not "".join(inside - LANGUAGES["loanwords"]).replace("’", "").isascii()


def _in_small_letters(token: str) -> str:
    """ "AI-Powered" as "AI-powered", but Wi-Fi and X-ray as they are."""
    if token in NAMES or re.match("[XTUV]-", token):
        return token
    parts = token.split("-")
    return "-".join(part if is_fixed(part) else part.lower() for part in parts)


def _is_title(tokens: list[str]) -> bool:
    named = _named(tokens)
    return len(named) > 1 and all(token[:1].isupper() or is_fixed(token) for token in named)


def _named(tokens: list[str]) -> list[str]:
    return [token for token in tokens if token.lower() not in WORDS["small"] and token[:1].isalpha()]


def _is_common(word: str) -> bool:
    """Whether a list has the word or its singular, so that a capital is only style."""
    lower = word.lower()
    singulars = {lower, lower.removesuffix("s"), lower.removesuffix("es"), lower.rsplit("-", 1)[-1].removesuffix("s")}
    return not is_fixed(word) and bool(singulars & KNOWN)
