"""One brief's phrases: slots filled in, only what is true of this account, in the brief's own stable order."""

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from manimod.creatives.engine.brief import Brief
from manimod.creatives.engine.copy.angles import Angle
from manimod.creatives.engine.copy.phrases import Phrase, library_phrases
from manimod.creatives.engine.copy.plan_names import PlanName
from manimod.creatives.engine.policy.rules import PolicyContext

SPECIAL_WEIGHT = 0.35  # phrases written for the tone, segment or event come first more often than not
SENTENCE_ENDS = ".!?…"
FACT_SLOTS = {"proof", "news", "offer"}
DOUBLED_STOP, SENTENCE_START = re.compile(r"([.!?])[.]"), re.compile(r"(^|[.!?] )([a-zà-ÿ])")


class FilledPhrase(NamedTuple):
    text: str
    names_tier: bool = False
    contains_fact: bool = False  # the stored proof, news or offer


def digest(*parts: object) -> float:
    """A stable number in [0, 1): Python's own hash() differs from process to process."""
    data = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(data, digest_size=6).digest(), "big") / 2**48


@dataclass
class PhraseSelection:
    """Phrases for a brief of which only the stored texts are left that an ad may print; `reasons` say what is not.
    `tier` is the tier's name as an ad says it, or None."""

    brief: Brief
    tier: PlanName | None
    context: PolicyContext
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.segment_table = f"closings.{self.brief.objective}.{self.brief.segment or 'core'}"

    def order(self, *parts: object) -> float:
        """A stable number in [0, 1), another one for each brief."""
        brief, brand = self.brief, self.brief.brand
        return digest(brief.event, brief.tier, brief.tier_position, brief.segment, brand.name, brand.tone, *parts)

    def lines(self, angle: Angle, kind: str, table: str | None = None) -> list[FilledPhrase]:
        """The phrases of a kind, filled in, in this brief's order: the angle's own or those of a table."""
        slots, filled, allowed = self.slots(angle), [], []
        for phrase in self.unfilled(angle, kind, table):
            line = fill(phrase, slots)
            filled.append(line)
            if not self.context.banned.search(line.text):
                allowed.append(line)
        return allowed or filled

    def closings(self, angle: Angle) -> list[FilledPhrase]:
        """The segment's sentences that may follow the angle's body."""
        return self.lines(angle, angle.closing, self.segment_table) if angle.closing else []

    def unfilled(self, angle: Angle, kind: str, table: str | None = None) -> list[Phrase]:
        """The usable phrases, in this brief's order; `round` moves on to the next ones."""
        brief, slots, usable = self.brief, self.slots(angle), []
        for phrase in library_phrases(table or angle.id, kind, brief.brand.tone, brief.segment or "", brief.event):
            # Without a tier the brand stands in for the plan, so that a phrase with both would name it twice.
            names_brand_twice = not self.tier and "brand" in phrase.slots and phrase.slots & {"the_plan", "The_plan"}
            if not names_brand_twice and all(map(slots.get, phrase.slots)):
                usable.append(phrase)
        usable.sort(key=lambda p: self.order(angle.id, kind, p.text) * (SPECIAL_WEIGHT if p.special else 1))
        start = brief.round % len(usable) if usable else 0
        return usable[start:] + usable[:start]

    def segment_shorts(self, angle: Angle) -> list[FilledPhrase]:
        """The segment's short headlines, for search ads."""
        shorts = []
        for phrase in library_phrases(self.segment_table, "short"):
            if not self.context.banned.search(phrase.text):
                shorts.append(FilledPhrase(phrase.text))
        return sorted(shorts, key=lambda short: self.order(angle.id, short.text))

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
        }
        # Two angles of a set and two rounds take different stored texts where there are several.
        turn = brief.round + int(angle.id[1:])
        for slot, texts in (("proof", brief.proof), ("news", brief.release_notes)):
            first = int(self.order("stored") * len(texts))
            slots[slot] = texts[(first + turn) % len(texts)].rstrip(SENTENCE_ENDS + " ") if texts else None
        offers = brief.active_offers(angle.needs, in_days=angle.from_day) if angle.needs else []
        slots["offer"] = None
        if offers:
            offer = offers[brief.round % len(offers)]
            code = f" with code {offer.code}" if offer.code and offer.code not in offer.text else ""
            ends = f", until {offer.ends_on.day} {offer.ends_on:%B %Y}" if offer.ends_on else ""
            slots["offer"] = offer.text.rstrip(SENTENCE_ENDS + " ") + code + ends
        return slots


def fill(phrase: Phrase, slots: dict[str, str | None]) -> FilledPhrase:
    """A slot value that ends in a full stop ("Acme Inc.") does not double the sentence's own."""
    text = DOUBLED_STOP.sub(r"\1", phrase.text.format_map(slots))
    if phrase.slots:
        text = SENTENCE_START.sub(lambda match: match[1] + match[2].upper(), text)
    return FilledPhrase(text, phrase.names_tier, bool(phrase.slots & FACT_SLOTS))
