"""One brief's phrases: slots filled in, only what is true of this account, in the brief's own stable order."""

import re
from hashlib import blake2b
from typing import NamedTuple

from manimod.creatives.engine.brief import Brief
from manimod.creatives.engine.copy.angles import Angle
from manimod.creatives.engine.copy.phrases import Phrase, library_phrases
from manimod.creatives.engine.copy.plan_names import PlanName

SPECIAL_WEIGHT = 0.35  # phrases written for the tone, segment or event come first more often than not
SENTENCE_ENDS = ".!?…"
FACT_SLOTS = {"proof", "news", "offer"}
DOUBLED_STOP, SENTENCE_START = re.compile(r"([.!?])[.]"), re.compile(r"(^|[.!?] )([a-zà-ÿ])")


class FilledPhrase(NamedTuple):
    text: str
    names_tier: bool
    contains_fact: bool = False  # the stored proof, news or offer


def digest(*parts: object) -> float:
    """A stable number in [0, 1): Python's own hash() differs from process to process."""
    data = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(data, digest_size=6).digest(), "big") / 2**48


class PhraseSelection:
    """Phrases for one brief. `tier` is None where it is unknown; `banned` matches the brand's banned terms."""

    def __init__(self, brief: Brief, tier: PlanName | None, banned: re.Pattern | None = None) -> None:
        self.brief, self.tier, self.banned = brief, tier, banned
        self.seed = (brief.event, brief.tier, brief.tier_position, brief.segment, brief.brand.name, brief.brand.tone)
        self.closings_table = f"closings.{brief.objective}.{brief.segment or 'core'}"

    def order(self, *parts: object) -> float:
        return digest(*self.seed, *parts)

    def lines(self, angle: Angle, kind: str) -> list[FilledPhrase]:
        """The angle's phrases of a kind, filled in, in this brief's order."""
        return self._fill(self.unfilled(angle.id, angle, kind), angle)

    def closings(self, angle: Angle) -> list[FilledPhrase]:
        """The segment's sentences that may follow the angle's body."""
        phrases = self.unfilled(self.closings_table, angle, angle.closing) if angle.closing else []
        return self._fill(phrases, angle)

    def unfilled(self, table: str, angle: Angle, kind: str) -> list[Phrase]:
        """The usable phrases of a table, in this brief's order; `round` moves on to the next ones."""
        brief, slots = self.brief, self.slots(angle)
        tags = (brief.brand.tone, brief.segment or "", brief.event)
        usable = []
        for phrase in library_phrases(table, kind, *tags):
            # Without a tier the brand stands in for the plan, so that a phrase with both would name it twice.
            names_brand_twice = not self.tier and "brand" in phrase.slots and phrase.slots & {"the_plan", "The_plan"}
            if not names_brand_twice and all(slots.get(name) for name in phrase.slots):
                usable.append(phrase)
        usable.sort(key=lambda p: self.order(angle.id, kind, p.text) * (SPECIAL_WEIGHT if p.special else 1))
        start = brief.round % len(usable) if usable else 0
        return usable[start:] + usable[:start]

    def segment_shorts(self, angle: Angle) -> list[FilledPhrase]:
        """The segment's short headlines, for search ads."""
        shorts = [FilledPhrase(p.text, False) for p in library_phrases(self.closings_table, "short")]
        usable = [short for short in shorts if not self._is_banned(short.text)]
        return sorted(usable, key=lambda short: self.order(angle.id, short.text))

    def slots(self, angle: Angle) -> dict[str, str | None]:
        """What a phrase's slots stand for; None where there is nothing to say."""
        brand, tier = self.brief.brand.name, self.tier
        the_plan = f"the {tier.plan}" if tier else brand
        return {
            "brand": brand,
            "tier": tier.name if tier else None,
            "plan": tier.plan if tier else "plan",
            "a_plan": tier.a_plan if tier else "a plan",
            "the_plan": the_plan,
            "The_plan": the_plan[:1].upper() + the_plan[1:] if tier else brand,
            "proof": self._stored(self.brief.proof, angle),
            "news": self._stored(self.brief.release_notes, angle),
            "offer": self._offer(angle),
        }

    def _fill(self, phrases: list[Phrase], angle: Angle) -> list[FilledPhrase]:
        slots = self.slots(angle)
        filled = [fill(phrase, slots) for phrase in phrases]
        return [line for line in filled if not self._is_banned(line.text)] or filled

    def _is_banned(self, text: str) -> bool:
        return bool(self.banned and self.banned.search(text))

    def _stored(self, texts: tuple[str, ...], angle: Angle) -> str | None:
        """One of the stored texts; two angles of a set and two rounds take different ones where there are several."""
        if not texts:
            return None
        turn = int(self.order("stored") * len(texts)) + self.brief.round + int(angle.id[1:])
        return texts[turn % len(texts)].rstrip(SENTENCE_ENDS + " ")

    def _offer(self, angle: Angle) -> str | None:
        offers = self.brief.active_offers(angle.needs, in_days=angle.from_day or 0) if angle.needs else []
        if not offers:
            return None
        offer = offers[self.brief.round % len(offers)]
        code = f" with code {offer.code}" if offer.code and offer.code not in offer.text else ""
        ends = f", until {offer.ends_on.day} {offer.ends_on:%B %Y}" if offer.ends_on else ""
        return offer.text.rstrip(SENTENCE_ENDS + " ") + code + ends


def fill(phrase: Phrase, slots: dict[str, str | None]) -> FilledPhrase:
    """A slot value that ends in a full stop ("Acme Inc.") does not double the sentence's own."""
    text = DOUBLED_STOP.sub(r"\1", phrase.text.format_map(slots))
    if phrase.slots:
        text = SENTENCE_START.sub(lambda match: match[1] + match[2].upper(), text)
    return FilledPhrase(text, phrase.names_tier, bool(phrase.slots & FACT_SLOTS))
