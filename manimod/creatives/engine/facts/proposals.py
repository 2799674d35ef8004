"""Lines that the owner may confirm as facts of a tier, found in a product's description and metadata."""

import re

from manimod.creatives.engine.facts.bullets import clean, read_fact, split_lines
from manimod.creatives.engine.facts.model import Fact, FactSource
from manimod.creatives.engine.facts.words import TABLE, is_foreign

KEYS = {name: frozenset(words) for name, words in TABLE["proposals"].items()}
MOST = 3
LONGEST = 80  # characters, as Stripe allows in a marketing feature


def propose(description: str | None, metadata: dict[str, str]) -> list[str]:
    """At most three, those of the metadata first: it is where features are kept as a list."""
    lines = []
    for key, value in metadata.items():
        lines += _from_metadata(key, value)
    lines += _from_description(description or "")
    proposed: list[str] = []
    for line in map(clean, filter(_fact, lines)):
        if line not in proposed:
            proposed.append(line)
    return [line[:1].upper() + line[1:] for line in proposed[:MOST]]


def _fact(line: str) -> Fact | None:
    """None for what reads like a program's: long numbers, names_with_underscores."""
    fact = read_fact(line, FactSource.OWNER)
    return fact if fact and len(fact.text) <= LONGEST and not re.search(r"\d{6,}|\w_\w", line) else None


def _from_metadata(key: str, value: str) -> list[str]:
    """ "features": a list; "generated_images": "10"; "support_level": "email". Other keys are for programs."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-.\s]+", " ", key).lower().split()
    if KEYS["list_keys"] & set(words):
        lines = split_lines(value)
        return value.split(",") if lines == [value.strip()] else lines
    if KEYS["internal_keys"] & set(words):
        return []
    if "support" in words and re.fullmatch(r"[a-zA-Z][a-zA-Z /-]{1,20}", value):
        return [f"{value} support"]
    counted = " ".join(word for word in words if word not in KEYS["dropped_from_keys"])
    if counted.endswith("s") and re.fullmatch(r"\d{1,9}|unlimited", value.strip(), re.I):
        return [f"{value.strip()} {counted}"]
    return []


def _from_description(description: str) -> list[str]:
    """Sentences that name a thing, and the members of lists: "Invoices, receipts and a VAT summary"."""
    lines: list[str] = []
    for line in split_lines(re.sub(r"(?<=\w)\.\s+", "\n", description)):
        if _names_a_thing(line):
            lines.append(line)
        elif _fact(line):
            lines += re.split(r",\s+(?:and\s+)?|\s+and\s+", line)
    return list(filter(_names_a_thing, lines))


def _names_a_thing(line: str) -> bool:
    """In another language the owner has to tell."""
    fact = _fact(line)
    return bool(fact and (fact.phrase or is_foreign(fact.text)))
