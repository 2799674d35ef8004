"""How a line of a price list stands in the middle of a sentence: "Dedicated success manager" as "a dedicated success
manager". Nothing, where the line is a sentence or a command, or where its grammar can't be decided."""

import re
from dataclasses import dataclass

from manimod.creatives.engine.facts import words
from manimod.creatives.engine.facts.words import TABLE, Number

CLAUSES = {name: frozenset(entries) for name, entries in TABLE["clauses"].items()}
FIXED = TABLE["words"]["fixed"]
PUFFS = frozenset(TABLE["words"]["puffs"])
REPLACED = TABLE["words"]["replaced"]
PARTICIPLE = re.compile(r"(?!(feed|seed|speed|bed|breed|need|shed|weed|embed|red)$)\w{2,}ed$")


@dataclass(frozen=True)
class NounPhrase:
    text: str
    is_plural: bool


def noun_phrase(text: str) -> NounPhrase | None:
    """Takes a clean line in English, without brackets, its amount written out ("up to 20 users", "30-day logs")."""
    if fixed := FIXED.get(text.lower()):
        return NounPhrase(fixed, fixed.endswith("s"))
    tokens = _without_puffs([REPLACED.get(word.lower(), word) for word in text.split()])
    if not tokens or re.search(r"[:;?!\"“”…]|\s[-–—/|]\s", " ".join(tokens)) or is_clause(tokens):
        return None
    tokens = words.lowered(tokens)
    items = [item.split() for item in re.split(r"\s*\+\s+|,\s+(?:and\s+)?", " ".join(tokens)) if item]
    if len(items) == 1:
        return _one_thing(items[0])
    things = [_one_thing(item) for item in items]
    if None in things:
        return None
    names = [thing.text for thing in things if thing]
    return NounPhrase(f"{', '.join(names[:-1])} and {names[-1]}", True)


def is_clause(tokens: list[str]) -> bool:
    """Whether the line is a sentence or a command: "Drafts replies", "Access all sounds", "Hosted in Frankfurt"."""
    lower = [token.lower().strip(",.") for token in tokens]
    first, second = lower[0], (lower[1:2] or [""])[0]
    if CLAUSES["words"] & set(lower) or any(word.endswith(("n't", "n’t", "'ll", "’ll")) for word in lower):
        return True
    if first.endswith("ly") and first not in words.ADJECTIVES or lower[-1].endswith("ly") and len(lower) > 2:
        return True
    if PARTICIPLE.match(first) and (second in words.PREPOSITIONS or not second):
        return True
    if first.endswith("ing") and second in words.DETERMINERS:
        return True
    return _opens_with_a_verb(first, second, lower[2:])


def _opens_with_a_verb(first: str, second: str, rest: list[str]) -> bool:
    verbs, also_nouns = CLAUSES["verbs"], CLAUSES["also_nouns"]
    if first in verbs | also_nouns:
        if first not in also_nouns or second in CLAUSES["after_a_verb"]:
            return bool(second)
        if not second or second in CLAUSES["after_a_noun"]:
            return second in ("and", "&") and any(word in CLAUSES["after_a_verb"] for word in rest)
        return first not in CLAUSES["noun_before_noun"]
    stem = next(
        (s for s in (first[:-1], first[:-2], first[:-3] + "y") if first.endswith("s") and s in verbs | also_nouns), ""
    )
    if not stem or not second or second in CLAUSES["after_a_noun"] - {"and", "&"}:
        return False
    if second in ("and", "&"):
        return any(word in CLAUSES["after_a_verb"] for word in rest)
    return second not in words.PREPOSITIONS or second in CLAUSES["after_a_verb"]


def _without_puffs(tokens: list[str]) -> list[str]:
    while tokens and tokens[0].lower().strip(",") in PUFFS:
        tokens = tokens[1:]
    return tokens


def _one_thing(tokens: list[str]) -> NounPhrase | None:
    """A noun with what stands before it, then perhaps "for ...", "in ...": only the noun decides the article."""
    start = 2 if [token.lower() for token in tokens[:2]] == ["up", "to"] else 1
    at = next((i for i in range(start, len(tokens)) if tokens[i].lower() in words.PREPOSITIONS), len(tokens))
    core, tail = tokens[:at], tokens[at:]
    if not core or not _is_complete(tail):
        return None
    named = _named(core)
    if not named:
        return None
    return NounPhrase(" ".join([named.text, *tail]), named.is_plural)


def _named(core: list[str]) -> NounPhrase | None:
    if "and" in core:
        at = core.index("and")
        first, last = core[:at], core[at + 1 :]
        if not first or not last or "and" in last:
            return None
        return _pair(first, last)
    number = words.number_of(core[-1])
    if core[0].lower() == "your" and core[1:2] == ["own"]:
        core = core[2:]
    first = core[0].lower()
    if number is None or PARTICIPLE.match(core[-1]):
        return None
    if re.match(r"\d", first) and not re.match(r"\d+-[a-z]|24/7|\d+[dk]$", first):
        return NounPhrase(" ".join(core), number == Number.PLURAL or first != "1")
    if first == "up" or first in words.DETERMINERS or number != Number.COUNT:
        return NounPhrase(" ".join(core), number == Number.PLURAL)
    if core[-1] in TABLE["words"]["takes_the"] and len(core) == 2 and words.is_fixed(core[0]):
        return NounPhrase(" ".join(["the", *core]), False)
    return NounPhrase(words.a(" ".join(core)), False)


def _pair(first: list[str], last: list[str]) -> NounPhrase | None:
    """ "a manager and training"; "topic and subtopic labelling", where both belong to the last noun."""
    end = _named(last)
    if not end:
        return None
    if len(first) == 1 and len(last) > 1 and words.number_of(first[0]) in (None, Number.COUNT):
        return NounPhrase(" ".join([*first, "and", end.text]), end.is_plural)
    start = _named(first)
    return NounPhrase(f"{start.text} and {end.text}", True) if start else None


def _is_complete(tail: list[str]) -> bool:
    """A countable noun without its article ("access to gym") or a missing word makes the whole a fault."""
    if not tail:
        return True
    if tail[-1].lower() in words.SMALL or tail[0].lower() in ("every", "each", "a", "an", "per", "by", "as"):
        return len(tail) > 1
    if any(token.lower() in words.DETERMINERS or re.match(r"\d", token) for token in tail[1:]):
        return True
    return words.number_of(tail[-1]) != Number.COUNT or words.is_fixed(tail[-1]) or tail[0].lower() == "on"
