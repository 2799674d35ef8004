"""Lines in other languages stand as they are written: German nouns keep their capitals, and nothing gets an article."""

import re

from manimod.creatives.engine.facts.noun_phrase import NounPhrase
from manimod.creatives.engine.facts.words import TABLE

LANGUAGES = TABLE["languages"]
GERMAN = frozenset(LANGUAGES["german"])
OTHER = frozenset(LANGUAGES["other"])
LOANWORDS = frozenset(LANGUAGES["loanwords"])


def is_foreign(line: str) -> bool:
    words = re.findall(r"[^\W\d_][\w'’]*", line.lower())
    return any(
        word in GERMAN | OTHER or not (word.isascii() or word in LOANWORDS or "’" in word) for word in words
    ) or bool(re.match(LANGUAGES["german_adjective"], (words or [""])[0]))


def phrase(line: str) -> NounPhrase | None:
    """The line as it stands in the middle of a sentence of its own language, where that is certain."""
    if re.search(r"[:;?!/\"]", line):
        return None
    words = line.replace("&", "und").split()
    lower = [word.lower() for word in words]
    if set(lower) & OTHER:
        certain = re.match(LANGUAGES["other_opener"], line.lower()) and "," not in line
        return NounPhrase(words[0].lower() + line[len(words[0]) :], True) if certain else None
    if any(ord(c) > 0x2E80 for c in line):
        return NounPhrase(line, False) if not re.search(r"[\u3040-\u30ff\d]", line) else None
    if words[-1][:1].islower() or any(re.match(LANGUAGES["german_verb"], word) for word in words[1:]):
        return None
    if lower[0] in LANGUAGES["german_small"] or re.match(LANGUAGES["german_adjective"], lower[0]):
        words[0] = lower[0]
    return NounPhrase(" ".join(words), False) if len(words) > 1 or "-" in words[0] else None
