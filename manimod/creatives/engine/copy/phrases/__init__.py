"""The phrase library: TOML tables read once. An angle's lines, and those that only one tone, segment or event adds."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

KINDS = ("short", "headline", "body", "closing", "talk")
TIER_SLOTS = {"tier", "plan", "a_plan", "the_plan", "The_plan"}


class Phrase(NamedTuple):
    """`slots` are the names in braces; `special`: written for one tone, segment or event."""

    text: str
    slots: frozenset[str]
    special: bool

    @property
    def names_tier(self):
        return bool(self.slots & TIER_SLOTS)


@cache
def lines(table, kind, *tags):
    """Every phrase of `kind` in a table ("R1" or "upsell.high"), with the lines of its sub-tables named in `tags`."""
    node = _library()
    for key in table.split("."):
        node = node.get(key, {})
    own = [Phrase(text, _slots(text), False) for text in node.get(kind, ())]
    added = [Phrase(text, _slots(text), True) for tag in tags for text in node.get(tag, {}).get(kind, ())]
    return tuple(added + own)


def _slots(text):
    return frozenset(re.findall(r"{(\w+)}", text))


@cache
def _library():
    library = {}
    for path in sorted(Path(__file__).parent.glob("*.toml")):
        library.update(tomllib.loads(path.read_text("utf-8")))
    return library
