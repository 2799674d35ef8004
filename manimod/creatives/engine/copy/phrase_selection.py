"""The phrase library in phrases/, and what one brief uses of it: only what is true of the account, slots filled in, in
the brief's own stable order."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from manimod.creatives.engine.brief import Brief
from manimod.creatives.engine.copy.angles import Angle
from manimod.creatives.engine.copy.plan_names import PlanName
from manimod.creatives.engine.policy.rules import PolicyContext

SPECIAL_WEIGHT = 0.35  # phrases written for the tone, segment or event come first more often than not
SENTENCE_ENDS = ".!?…"
TIER_SLOTS = {"tier", "plan", "a_plan", "the_plan", "The_plan"}
LIBRARY: dict = {}
for path in sorted(Path(__file__).with_name("phrases").glob("*.toml")):
    LIBRARY |= tomllib.loads(path.read_text("utf-8"))


class Phrase(NamedTuple):
    """`slots` are the names in braces; `special`: written for one tone, segment or event."""

    text: str
    slots: frozenset[str] = frozenset()
    special: bool = False

    @classmethod
    def parse(cls, text: str, special: bool = False) -> "Phrase":
        return cls(text, frozenset(re.findall(r"{(\w+)}", text)), special)

    @property
    def names_tier(self) -> bool:
        return bool(self.slots & TIER_SLOTS)

    @property
    def contains_fact(self) -> bool:
        return bool(self.slots & {"proof", "news", "offer"})

    def fill(self, slots: Mapping[str, str | None]) -> "Phrase":
        """A slot value that ends in a full stop ("Acme Inc.") does not double the sentence's own."""

        def value(slot: re.Match[str]) -> str:
            said = slots[slot[2]] or ""
            has_own_spelling = any(map(str.isupper, said.split(" ")[0][1:]))  # eCommerce
            begins = slot[1] is not None and not has_own_spelling
            return (slot[1] or "") + (said[:1].upper() + said[1:] if begins else said)

        text = re.sub(r"(^|[.!?] )?{(\w+)}", value, self.text)
        text = re.sub(r"([.!?])[.]", r"\1", text)
        return self._replace(text=text)


@cache
def library_phrases(table: str, kind: str, *tags: str) -> list[Phrase]:
    """The phrases of a kind (short, headline, body, closing or talk) in a table ("R1" or "closings.upsell.high"), those
    of its sub-tables named in `tags` first."""
    node = LIBRARY
    for key in table.split("."):
        node = node.get(key, {})
    phrases = []
    for tag in tags:
        phrases += [Phrase.parse(text, special=True) for text in node.get(tag, {}).get(kind, ())]
    return phrases + list(map(Phrase.parse, node.get(kind, ())))


def digest(*parts: object) -> float:
    """A stable number in [0, 1): Python's own hash() differs from process to process."""
    data = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(data, digest_size=6).digest(), "big") / 2**48


@dataclass
class PhraseSelection:
    """Phrases for a brief of which only the stored texts are left that an ad may print; `reasons` say what is not.
    `tier` is the tier's name as an ad says it, or None. `written`: a language model's lines, which come first."""

    brief: Brief
    tier: PlanName | None
    context: PolicyContext
    reasons: tuple[str, ...] = ()
    written: Mapping[tuple[str, str, bool], list[Phrase]] = field(default_factory=dict)  # as `lines` is asked for them

    def order(self, *parts: object) -> float:
        """A stable number in [0, 1), another one for each brief."""
        brief, brand = self.brief, self.brief.brand
        return digest(brief.event, brief.tier, brief.tier_position, brief.segment, brand.name, brand.tone, *parts)

    def lines(self, angle: Angle, kind: str, of_segment: bool = False) -> list[Phrase]:
        """The angle's phrases of a kind, or those of the segment, filled in. Banned ones are left out; of an angle that
        has no others they stay, so that the refusal can name the banned word."""
        slots, written = self.slots(angle), self.written.get((angle.id, kind, of_segment), [])
        filled, allowed = [], []
        for phrase in self.unfilled(angle, kind, of_segment):
            line = phrase.fill(slots)
            filled.append(line)
            if not self.context.banned.search(line.text):
                allowed.append(line)
        return written + (allowed if allowed or of_segment else filled)

    def unfilled(self, angle: Angle, kind: str, of_segment: bool = False) -> list[Phrase]:
        """The usable phrases, in this brief's order; `round` moves on to the next ones."""
        brief, slots, usable = self.brief, self.slots(angle), []
        table = f"closings.{brief.objective}.{brief.segment or 'core'}" if of_segment else angle.id
        for phrase in library_phrases(table, kind, brief.brand.tone, brief.segment or "", brief.event):
            # Without a tier the brand stands in for the plan, so that a phrase with both would name it twice.
            names_brand_twice = not self.tier and "brand" in phrase.slots and phrase.slots & {"the_plan", "The_plan"}
            if not names_brand_twice and all(map(slots.get, phrase.slots)):
                usable.append(phrase)
        usable.sort(key=lambda p: self.order(angle.id, kind, p.text) * (SPECIAL_WEIGHT if p.special else 1))
        start = brief.round % len(usable) if usable else 0
        return usable[start:] + usable[:start]

    def slots(self, angle: Angle) -> dict[str, str | None]:
        """What a phrase's slots stand for; None where there is nothing to say."""
        brief, tier = self.brief, self.tier
        the_plan = f"the {tier.plan}" if tier else brief.brand.name
        slots = {
            "brand": brief.brand.name,
            "tier": tier.name if tier else None,
            "plan": tier.plan if tier else "plan",
            "a_plan": tier.a_plan if tier else "a plan",
            "the_plan": the_plan,
            "The_plan": the_plan[:1].upper() + the_plan[1:] if tier else the_plan,
            "offer": None,
        }
        # Two angles of a set and two rounds take different stored texts where there are several.
        turn = brief.round + int(angle.id[1:])
        for slot, texts in (("proof", brief.proof), ("news", brief.release_notes)):
            first = int(self.order("stored") * len(texts))
            slots[slot] = texts[(first + turn) % len(texts)].rstrip(SENTENCE_ENDS + " ") if texts else None
        offers = brief.active_offers(angle.needs, in_days=angle.from_day) if angle.needs else []
        if offers:
            offer = offers[brief.round % len(offers)]
            code = f" with code {offer.code}" if offer.code and offer.code not in offer.text else ""
            ends = f", until {offer.ends_on.day} {offer.ends_on:%B %Y}" if offer.ends_on else ""
            slots["offer"] = offer.text.rstrip(SENTENCE_ENDS + " ") + code + ends
        return slots
