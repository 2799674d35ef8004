"""One brief's phrasings: slots filled in, only what is true of this account, in the brief's own stable order."""

import re
from hashlib import blake2b
from typing import NamedTuple

from manimod.creatives.engine.copy import phrases

SPECIAL_WEIGHT = 0.35  # lines written for the tone, segment or event come first more often than not
ENDS = ".!?…"
STORED = {"proof", "news", "offer"}
DOUBLED, BEGINNING = re.compile(r"([.!?])[.]"), re.compile(r"(^|[.!?] )([a-zà-ÿ])")


class FilledPhrase(NamedTuple):
    text: str
    names_tier: bool
    tells: bool = False  # carries the stored proof, news or offer


def digest(*parts):
    """A stable number in [0, 1): Python's own hash() differs from process to process."""
    data = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(data, digest_size=6).digest(), "big") / 2**48


class PhraseSelection:
    """Lines for one brief. `tier` is None where it is unknown; `banned` matches the brand's banned terms."""

    def __init__(self, brief, tier, banned=None):
        self.brief, self.tier, self._banned = brief, tier, banned
        self.seed = (brief.event, brief.tier, brief.tier_position, brief.segment, brief.brand.name, brief.brand.tone)

    def order(self, *parts):
        return digest(*self.seed, *parts)

    def lines(self, angle, kind):
        """The angle's lines of a kind, filled in, in this brief's order; `round` moves on to the next ones."""
        brief = self.brief
        table = f"closings.{brief.objective}.{brief.segment or 'core'}" if kind in ("closing", "talk") else angle.id
        tags = (brief.brand.tone, brief.segment or "", brief.event)
        slots = self._slots(angle)
        usable = [p for p in phrases.lines(table, kind, *tags) if self._usable(p, slots)]
        usable.sort(key=lambda p: self.order(angle.id, kind, p.text) * (SPECIAL_WEIGHT if p.special else 1))
        turn = brief.round % len(usable) if usable else 0
        filled = [
            FilledPhrase(_fill(p.text, slots), p.names_tier, bool(p.slots & STORED))
            for p in usable[turn:] + usable[:turn]
        ]
        return [line for line in filled if not self._is_banned(line.text)] or filled

    def segment_shorts(self, angle):
        table = f"closings.{self.brief.objective}.{self.brief.segment or 'core'}"
        shorts = [FilledPhrase(p.text, False) for p in phrases.lines(table, "short") if not self._is_banned(p.text)]
        return sorted(shorts, key=lambda line: self.order(angle.id, line.text))

    def _usable(self, phrase, slots):
        """True when every slot has a value, and the brand does not stand in for the plan next to itself."""
        twice = not self.tier and "brand" in phrase.slots and phrase.slots & {"the_plan", "The_plan"}
        return not twice and all(slots.get(name) for name in phrase.slots)

    def _is_banned(self, text):
        return bool(self._banned and self._banned.search(text))

    def fact(self, angle):
        """The stored proof, news or offer that an angle is about, or None."""
        slot = {"proof": "proof", "release_notes": "news"}.get(angle.needs, "offer")
        return self._slots(angle)[slot]

    def _slots(self, angle):
        brief, brand, tier = self.brief, self.brief.brand.name, self.tier
        the_plan = f"the {tier.plan}" if tier else brand
        return {
            "brand": brand,
            "tier": tier and tier.name,
            "plan": tier.plan if tier else "plan",
            "a_plan": tier.a_plan if tier else "a plan",
            "the_plan": the_plan,
            "The_plan": the_plan[:1].upper() + the_plan[1:] if tier else brand,
            "proof": self._stored(brief.proof, angle),
            "news": self._stored(brief.release_notes, angle),
            "offer": self._offer(angle),
        }

    def _stored(self, texts, angle):
        """One of the stored texts; two angles of a set and two rounds take different ones where there are several."""
        if not texts:
            return None
        turn = int(self.order("stored") * len(texts)) + self.brief.round + int(angle.id[1:])
        return texts[turn % len(texts)].rstrip(ENDS + " ")

    def _offer(self, angle):
        offers = self.brief.active_offers(angle.needs, in_days=angle.from_day or 0) if angle.needs else []
        if not offers:
            return None
        offer = offers[self.brief.round % len(offers)]
        code = f" with code {offer.code}" if offer.code and offer.code not in offer.text else ""
        ends = f", until {offer.ends_on.day} {offer.ends_on:%B %Y}" if offer.ends_on else ""
        return offer.text.rstrip(ENDS + " ") + code + ends


def _fill(text, slots):
    """Fills the slots; a slot value that ends in a full stop ("Acme Inc.") does not double the sentence's own."""
    filled = text.format_map(slots)
    filled = DOUBLED.sub(r"\1", filled)
    return BEGINNING.sub(lambda m: m[1] + m[2].upper(), filled) if "{" in text else filled
