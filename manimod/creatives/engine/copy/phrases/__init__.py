"""The phrase library: TOML tables read once. An angle's phrases, and those that one tone, segment or event adds."""

import re
import tomllib
from functools import cache
from pathlib import Path
from typing import NamedTuple

LIBRARY: dict = {}
for path in sorted(Path(__file__).parent.glob("*.toml")):
    LIBRARY |= tomllib.loads(path.read_text("utf-8"))

TIER_SLOTS = {"tier", "plan", "a_plan", "the_plan", "The_plan"}


class Phrase(NamedTuple):
    """`slots` are the names in braces; `special`: written for one tone, segment or event."""

    text: str
    slots: frozenset[str]
    special: bool

    @classmethod
    def parse(cls, text: str, special: bool = False) -> "Phrase":
        return cls(text, frozenset(re.findall(r"{(\w+)}", text)), special)

    @property
    def names_tier(self) -> bool:
        return bool(self.slots & TIER_SLOTS)


@cache
def library_phrases(table: str, kind: str, *tags: str) -> tuple[Phrase, ...]:
    """The phrases of a kind (short, headline, body, closing or talk) in a table ("R1" or
    "closings.upsell.high"), those of its sub-tables named in `tags` first."""
    node = LIBRARY
    for key in table.split("."):
        node = node.get(key, {})
    special = [Phrase.parse(text, special=True) for tag in tags for text in node.get(tag, {}).get(kind, ())]
    return (*special, *(Phrase.parse(text) for text in node.get(kind, ())))
