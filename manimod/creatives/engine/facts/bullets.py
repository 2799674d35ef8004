"""Reads one line of a price list as a fact: what sort of thing it names, how many, and how a sentence may hold it."""

import html
import re
import unicodedata
from dataclasses import dataclass

from manimod.creatives.engine.facts import foreign
from manimod.creatives.engine.facts.model import Fact, FactKind, FactSource
from manimod.creatives.engine.facts.noun_phrase import NounPhrase, noun_phrase
from manimod.creatives.engine.facts.words import TABLE, lowered, one_of, plural

AMOUNTS = TABLE["amounts"]
CLEAN = TABLE["clean"]
REFUSED = [(re.compile(row["pattern"], re.I), row["why"]) for row in TABLE["refused"]]
REFERENCES = [re.compile(pattern, re.I if "^(?:" in pattern else 0) for pattern in TABLE["tiers"]["references"]]
PERIODS = [(re.compile(row["pattern"], re.I), " " + row["period"]) for row in TABLE["periods"]]
PERIOD = r"(?: (?:a|an|per|each|every) \w+)?$"
UP_TO = one_of(AMOUNTS["up_to"])
UNLIMITED = one_of(AMOUNTS["unlimited"])
SIZE = "|".join(AMOUNTS["sizes"])
NUMBER = re.compile(
    r"(?P<digits>\d[\d.,]*)(?P<multiple> ?(?:k|m|mio|million|bn|billion|thousand)\b)?(?P<more>\+)?", re.I
)
KINDS = {name: frozenset(entries) for name, entries in TABLE["kinds"].items()}

NOT_INCLUDED = "Its sign says that the plan does not hold this. Write what the plan has."


@dataclass(frozen=True)
class Amount:
    number: float | None = None
    is_unlimited: bool = False
    rest: str = ""  # what is counted: "boards", "automations a month"


def why_refused(text: str) -> str | None:
    """Why the line can't be a fact, for the owner: what it is, why ads don't say it, what to write instead. None for
    a fact, and for a reference to another tier ("Everything in Team")."""
    unescaped = html.unescape(text).strip()
    if unescaped[:1] in CLEAN["not_included"] or re.match(CLEAN["not_included_words"], unescaped, re.I):
        return NOT_INCLUDED
    line = clean(text)
    if not line:
        return "It is empty. Write one thing that the plan has."
    if referenced_tier(text):
        return None
    return next((why for pattern, why in REFUSED if pattern.search(line)), None)


def referenced_tier(text: str) -> str | None:
    """The tier that a line refers to: "Team" of "Everything in Team, plus:". None where it names a fact."""
    line = clean(text)
    for pattern in REFERENCES:
        found = pattern.match(line)
        if found and found["name"].strip().lower() not in TABLE["tiers"]["no_tiers"]:
            return found["name"].strip()
    return None


def read_fact(text: str, source: FactSource) -> Fact | None:
    """None for a line that is refused or refers to another tier."""
    if why_refused(text) or referenced_tier(text):
        return None
    line = clean(text)
    bare, is_conditional = _without_brackets(line)
    bare = _amounts_written_out(bare)
    amount = _amount(bare)
    phrase = None if is_conditional else _phrase(bare)
    topic = _topic(amount.rest or bare)
    return Fact(
        text=line,
        kind=_kind(bare, amount),
        source=source,
        phrase=phrase.text if phrase else None,
        topic=topic,
        number=amount.number,
        unit=_unit(amount),
        is_plural=phrase.is_plural if phrase else False,
        is_unlimited=amount.is_unlimited,
    )


def clean(text: str) -> str:
    """One line of text without the signs, emoji and full stop around it."""
    line = " ".join(unicodedata.normalize("NFC", html.unescape(text)).split())
    while (
        line
        and unicodedata.category(line[0]) in ("So", "Sk", "Sm", "Mn", "Cf", "Pd", "Po", "Zs")
        and line[0] not in "<~|+.#"
    ):
        line = line[1:]
    line = re.sub(r"[\s.,;]+$", "", re.sub(CLEAN["trailing_included"], "", line, flags=re.I))
    return "".join(c for c in line if unicodedata.category(c) != "So" and c not in "\ufe0f\u200d").strip()


def _without_brackets(line: str) -> tuple[str, bool]:
    """The line without its brackets, and whether they held a condition ("first month only")."""
    inside = re.findall(r"\(([^)]*)\)?", line)
    bare = " ".join(re.sub(r"\([^)]*\)?", " ", line).split())
    if [text.lower() for text in inside] == ["optional"]:
        return f"Optional {bare[:1].lower()}{bare[1:]}" if bare[:2] != bare[:2].upper() else f"optional {bare}", False
    conditions = set(TABLE["words"]["conditions"])
    return bare, any(conditions & set(text.lower().split()) for text in inside)


def _amounts_written_out(line: str) -> str:
    """ "5M deliveries/month" -> "5 million deliveries a month"; "30 day logs" -> "30-day logs"."""
    for pattern, period in PERIODS:
        line = pattern.sub(period, line)
    for pattern in CLEAN["droppable"]:
        line = re.sub(pattern, "", line, flags=re.I)
    line = re.sub(r"^(\d.*) monthly$", r"\1 a month", line, flags=re.I)
    line = re.sub(r"\s*/\s*(user|seat|member|person|site|project|account|workspace)s?\b", r" per \1", line, flags=re.I)
    line = re.sub(r"\b(\d+)k\b", r"\1,000", line, flags=re.I)
    line = re.sub(r"\b(\d+(?:\.\d+)?) ?(?:M|mio)\b", r"\1 million", line)
    line = re.sub(r"\b(\d+) ?h(?:rs?)?\b", r"\1 hours", line)
    line = re.sub(
        rf"\b(\d+(?:[.,]\d+)?) ?({SIZE})\b",
        lambda m: f"{m[1]} {m[2].upper() if m[2][-1] in 'bB' else m[2]}",
        line,
        flags=re.I,
    )
    line = re.sub(
        r"^(\w[\w ]*?) (up ?to) (\d[\d.,]* \w+)$", lambda m: f"up to {m[3]} of {m[1].lower()}", line, flags=re.I
    )
    times = "|".join(AMOUNTS["times"])
    return (
        re.sub(
            rf"\b(\d+)[ -]({times})s?(?= \w)(?! (?:a|an|per|in|of|for|with|every|each|after|and|at)\b)",
            r"\1-\2",
            line,
            flags=re.I,
        )
        if not re.match(rf"\d+ ({times})s\b", line, re.I)
        else line
    )


def _amount(line: str) -> Amount:
    lower = line.lower()
    if found := UNLIMITED.match(lower):
        return Amount(None, True, line[found.end() :].strip())
    up_to = UP_TO.match(lower)
    rest = line[up_to.end() :].strip() if up_to else line
    if found := NUMBER.match(rest):
        number = _value(found)
        following = rest[found.end() :]
        return (
            Amount(number, False, following.strip(" -"))
            if number is not None and following[:1] not in ("/", "%", "*")
            else Amount()
        )
    word, _, following = rest.partition(" ")
    if word.lower() in AMOUNTS["words"] and following:
        return Amount(AMOUNTS["words"][word.lower()], False, following)
    return Amount()


def _value(found: re.Match[str]) -> float | None:
    digits = found["digits"].rstrip(".,")
    if re.fullmatch(r"\d{1,3}([.,]\d{3})+", digits):
        digits = re.sub(r"[.,]", "", digits)
    try:
        number = float(digits.replace(",", "."))
    except ValueError:
        return None
    return number * AMOUNTS["multiples"].get((found["multiple"] or "").strip().lower(), 1)


def _unit(amount: Amount) -> str | None:
    if amount.number is None and not amount.is_unlimited:
        return None
    words = re.split(r" (?:a|an|per|in|of|for|with|to|every|each|from|at|across|und|im|pro|par|al)\b", amount.rest)[
        0
    ].split()
    return " ".join([*words[:-1], plural(words[-1])]) if words else None


def _topic(rest: str) -> str:
    """What is had, without the amount, article and case, so that two sizes of one thing have the same topic."""
    words = re.sub(rf"^(?:{'|'.join(AMOUNTS['times'])})s? (?=\w+)", "", " ".join(lowered(rest.split()))).lower().split()
    if words[:1] and words[0] in ("a", "an", "the"):
        words = words[1:]
    at = next(
        (i for i, word in enumerate(words) if i and word in ("a", "an", "per", "of", "for", "in", "with", "to")),
        len(words),
    )
    return " ".join([*words[: at - 1], plural(words[at - 1]), *words[at:]]) if words else ""


def _phrase(line: str) -> NounPhrase | None:
    if foreign.is_foreign(line):
        return foreign.phrase(line)
    return noun_phrase(line)


def _kind(line: str, amount: Amount) -> FactKind:
    """By what is counted, then by the last noun that a list has."""
    lower = line.lower()
    words = re.split(r"[^\w'’/-]+", lower)
    if re.match(r"(no|limited|hosted|under|keine?|only|limited to)\b", lower) or set(words) & {
        "retention",
        "limits",
        "limit",
        "lifetime",
        "validity",
    }:
        return FactKind.LIMIT
    if amount.is_unlimited and "access" not in words[:3] or amount.number is not None:
        return FactKind.QUANTITY
    if re.match(r"(all|full|unlimited|early|access|entry)\b", lower) and words[1:]:
        return FactKind.ACCESS
    at = next(
        (i for i, word in enumerate(words) if i and word in ("for", "in", "of", "to", "with", "from", "on", "at")),
        len(words),
    )
    for word in reversed(words[:at]):
        for kind in (FactKind.SERVICE, FactKind.ACCESS, FactKind.THING, FactKind.LIMIT):
            if word in KINDS[kind]:
                return kind
    return FactKind.CAPABILITY
