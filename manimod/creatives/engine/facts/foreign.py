"""Lines in other languages stand as they are written: German nouns keep their capitals, and nothing gets an article."""

import re

from manimod.creatives.engine.facts.noun_phrase import NounPhrase
from manimod.creatives.engine.facts.words import TABLE

LANGUAGES = TABLE["languages"]
GERMAN = frozenset(LANGUAGES["german"])
OTHER = frozenset(LANGUAGES["other"])
ALSO_ENGLISH = frozenset(LANGUAGES["also_english"])
LOANWORDS = frozenset(LANGUAGES["loanwords"])


def is_foreign(line: str) -> bool:
    """By its words and letters, and by a German adjective in front ("Erweiterte ..."): a small test for short lines."""
    found = re.findall(r"[^\W\d_][\w'’]*", line)
    inside = {
        word.lower() for i, word in enumerate(found) if word.lower() not in ALSO_ENGLISH or (i and word.islower())
    }
    if inside & (GERMAN | OTHER) or (found and re.match(LANGUAGES["german_adjective"], found[0].lower())):
        return True
    return any(not word.replace("’", "").isascii() for word in inside - LOANWORDS)


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
    has_adjective = re.match(LANGUAGES["german_adjective"], lower[0])
    if has_adjective and "und" in words:
        return None
    if lower[0] in LANGUAGES["german_small"] or has_adjective:
        words[0] = lower[0]
    return NounPhrase(" ".join(words), False) if len(words) > 1 or "-" in words[0] else None
