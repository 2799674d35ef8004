"""Reads one line of a price list as a fact: what sort of thing it names, how many, and how a sentence may hold it."""

import html
import json
import re
import unicodedata
from functools import lru_cache

from manimod.creatives.engine.facts import amounts
from manimod.creatives.engine.facts.amounts import Amount
from manimod.creatives.engine.facts.model import Fact, FactKind, FactSource
from manimod.creatives.engine.facts.noun_phrase import is_command, noun_phrase
from manimod.creatives.engine.facts.words import TABLE, WORDS, is_foreign, is_known

CLEAN = TABLE["clean"]
REFUSED = [(re.compile(row["pattern"], re.I), row["why"]) for row in TABLE["refused"]]
REFERENCES = [re.compile(pattern) for pattern in TABLE["tiers"]["references"]]
NO_TIERS = frozenset(TABLE["tiers"]["no_tiers"])
KIND_OF: dict[str, FactKind] = {}  # noun -> kind
for _kind_name, _nouns in TABLE["kinds"]["nouns"].items():
    KIND_OF = dict.fromkeys(_nouns, FactKind(_kind_name)) | KIND_OF
COUNTED_SERVICES = frozenset(TABLE["kinds"]["counted"]["services"])
OPENINGS = [(re.compile(row["pattern"], re.I), FactKind(row["kind"])) for row in TABLE["kinds"]["openings"]]
COUNTED = re.compile(r"(over |more than |at least |up to )?\d[\d.,]*\+?( to \d+)? [a-z]", re.I)
CACHED = 5_000  # lines; an account has a few dozen, and each audience's brief reads them anew
IN_FRONT = ("So", "Sm", "Sk", "Mn", "Cf", "Pd", "Po", "Zs")  # Unicode's classes of emoji, ticks, bullets and dashes


@lru_cache(maxsize=CACHED)
def read_fact(text: str, source: FactSource) -> Fact | None:
    """None for a line that is refused or that only refers to another tier; "Everything in Pro + SSO" is read as SSO."""
    if why_refused(text):
        return None
    if reference := _reference(text):
        rest = reference.groupdict().get("rest")
        return read_fact(rest, source) if rest else None
    line = clean(text)
    written_out = amounts.written_out(line)
    bare = " ".join(re.sub(r"\([^)]*\)?", " ", written_out).split())
    amount = amounts.read_amount(bare)
    phrase = None if _has_condition(written_out) or is_foreign(bare) else noun_phrase(bare)
    return Fact(
        text=line,
        kind=_kind(bare, amount),
        source=source,
        phrase=phrase.text if phrase else None,
        topic=amounts.topic(amount.rest),
        number=amount.number,
        unit=amount.unit,
        is_plural=bool(phrase and phrase.is_plural),
        is_unlimited=amount.is_unlimited,
    )


def why_refused(text: str) -> str | None:
    """Why the line can't be a fact, for its owner: what it is, why ads don't say it, what to write instead. None for a
    fact, and for a line that refers to another tier ("Everything in Team")."""
    if re.match(CLEAN["not_included"], html.unescape(text).strip(), re.I):
        return CLEAN["why_not_included"]
    line = clean(text)
    if not line:
        return CLEAN["why_empty"]
    if referenced_tier(text):
        return None
    for pattern, why in REFUSED:
        if pattern.search(line):
            return why
    return None


def referenced_tier(text: str) -> str | None:
    """The tier that a line refers to: "Team" of "Everything in Team, plus:". None where it names a fact alone."""
    reference = _reference(text)
    return reference["name"].strip() if reference else None


def _reference(text: str) -> re.Match[str] | None:
    line = clean(text)
    for pattern in REFERENCES:
        if found := pattern.match(line):
            return None if found["name"].strip().lower() in NO_TIERS else found
    return None


def split_lines(text: str) -> list[str]:
    """Several lines that somebody stored as one: a JSON list, "a | b | c", lines, a list with ticks or bullets."""
    try:
        stored = json.loads(text)
    except (ValueError, RecursionError):
        stored = re.split(CLEAN["separators"], text)
    if isinstance(stored, dict):  # {"API access": true, "SSO": false}
        stored = [name for name, has_it in stored.items() if has_it is True]
    if not isinstance(stored, list):
        return [text]
    lines = [entry.strip() for entry in stored if isinstance(entry, str)]
    return list(filter(None, lines))


@lru_cache(maxsize=CACHED)
def clean(text: str) -> str:
    """The line without emoji, ticks and bullets, the full stop at its end, and "included"."""
    line = " ".join(unicodedata.normalize("NFC", html.unescape(text)).split())
    while line and line[0] not in CLEAN["kept_in_front"] and unicodedata.category(line[0]) in IN_FRONT:
        line = line[1:]
    line = re.sub(CLEAN["numbering"], "", line)
    line = re.sub(CLEAN["ending"], "", line, flags=re.I)
    return "".join(c for c in line if unicodedata.category(c) != "So" and c not in "\ufe0f\u200d").strip()


def _has_condition(line: str) -> bool:
    """Whether brackets narrow what the line says, or may: "(first month only)", "(up to 20)"; not "(2,500+ songs)"."""
    for inside in re.findall(r"\(([^)]*)\)?", line):
        if re.fullmatch(r"\d[\d.,]*\+ \w+", inside):
            continue
        for word in inside.split():
            bare = word.strip(".,")
            if word in ("&", "+", "incl.", "via"):
                continue
            if bare.lower() in WORDS["conditions"] or bare[:1].isdigit() or not is_known(bare):
                return True
    return False


def _kind(line: str, amount: Amount) -> FactKind:
    """By how the line begins, by its amount, else by its nouns: the last of what is named first decides."""
    for pattern, kind in OPENINGS:
        if pattern.search(line):
            return kind
    if is_command(line.split()):
        return FactKind.CAPABILITY
    parts = re.split(r"\s*[+&,]\s*| and | (?:for|in|of|to|with|from|on|at|by|an?|each|every) ", line.lower())
    has_number = amount.number is not None
    if amount.is_unlimited or COUNTED.match(line) or (has_number and not re.match(r"\d+-[a-z]", line)):
        is_work = has_number and parts[0].rsplit(" ", 1)[-1] in COUNTED_SERVICES
        return FactKind.SERVICE if is_work else FactKind.QUANTITY
    for part in parts:
        for word in reversed(part.split()):
            if word in KIND_OF:
                return KIND_OF[word]
    return FactKind.CAPABILITY
