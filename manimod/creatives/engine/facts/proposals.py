"""Lines that the owner may confirm as facts of a tier, found in a product's description and metadata."""

import json
import re

from manimod.creatives.engine.facts.bullets import clean, read_fact
from manimod.creatives.engine.facts.model import Fact, FactSource
from manimod.creatives.engine.facts.words import TABLE

PROPOSALS = TABLE["proposals"]
MOST = 3
SEPARATORS = re.compile(r"\s*[|;\n•·]\s*|\s+[✓✔☑]\s*|(?<=\w)\.\s+")


def propose(description: str | None, metadata: dict[str, str]) -> list[str]:
    """At most three, those of the metadata first: it is where features are kept as a list."""
    lines = [line for key, value in metadata.items() for line in _from_metadata(key, value)]
    lines += _from_description(description or "")
    proposed = dict.fromkeys(clean(line) for line in lines if _can_be_proposed(line))
    return list(proposed)[:MOST]


def _can_be_proposed(line: str) -> bool:
    fact = read_fact(line, FactSource.OWNER)
    return fact is not None and len(fact.text) <= 80 and not re.search(r"\d{6,}|\w_\w", line)


def _from_metadata(key: str, value: str) -> list[str]:
    """ "features": a list; "generated_images": "10"; "support_level": "email". Other keys are for programs."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-.\s]+", " ", key).lower().split()
    if set(words) & set(PROPOSALS["list_keys"]):
        return _split(value)
    if not words or set(words) & set(PROPOSALS["internal_keys"]):
        return []
    if set(words) & {"support"} and re.fullmatch(r"[a-zA-Z][a-zA-Z /-]{1,20}", value):
        return [f"{value} support"]
    words = [word for word in words if word not in PROPOSALS["dropped_from_keys"]]
    if words and re.fullmatch(r"\d{1,9}|unlimited", value.strip(), re.I) and words[-1].endswith("s"):
        return [f"{value.strip().capitalize()} {' '.join(words)}"]
    return []


def _split(value: str) -> list[str]:
    try:
        entries = json.loads(value)
    except ValueError:
        return SEPARATORS.split(value) if SEPARATORS.search(value) else value.split(",")
    if isinstance(entries, dict):
        entries = [name for name, has_it in entries.items() if has_it is True]
    return [entry for entry in entries if isinstance(entry, str)] if isinstance(entries, list) else []


def _from_description(description: str) -> list[str]:
    """Whole lines that name a thing, and lists: "Invoices, receipts and a VAT summary for one person"."""
    lines: list[str] = []
    for line in SEPARATORS.split(description):
        if _named(line):
            lines.append(line)
        else:
            lines += [part for part in re.split(r",\s+(?:and\s+)?", line) if _named(part)]
    return lines


def _named(line: str) -> Fact | None:
    fact = read_fact(line, FactSource.OWNER)
    return fact if fact and fact.phrase else None
