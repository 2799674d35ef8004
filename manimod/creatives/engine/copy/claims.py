"""What an ad may state: a claim stands only where a stored fact holds it. Nothing else is ever stated."""

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

from manimod.creatives.engine.brief import Brief, Claim, ClaimKind, Offer, OfferKind
from manimod.creatives.engine.facts.model import Fact, TierFacts
from manimod.creatives.engine.facts.steps import compare

SENTENCE_ENDS = ".!?…"
STRIPE, BRAND_KIT = "stripe", "brand kit"
OFFERS = {ClaimKind.TRIAL, ClaimKind.PAUSE, ClaimKind.DISCOUNT}
_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def stands(claim: Claim, brief: Brief) -> bool:
    """Whether the brief's facts still hold what an ad states, word for word."""
    for current in held(ClaimKind(claim.kind), brief):
        if (current.basis, current.tier) == (claim.basis, claim.tier):
            return True
    return False


def held(kind: ClaimKind, brief: Brief) -> Iterator[Claim]:
    """The claims of a kind that the brief's facts hold."""
    yield from _of_brand_kit(kind, brief)
    yield from _of_plans(kind, brief)
    if brief.tier_facts:
        yield from _of_tier(kind, brief, brief.tier_facts)


def _of_brand_kit(kind: ClaimKind, brief: Brief) -> Iterator[Claim]:
    brand = brief.brand
    if kind == ClaimKind.BRAND:
        yield Claim(kind, brand.name, brand.name, None, BRAND_KIT)
    elif kind == ClaimKind.SUPPORT and brand.support:
        yield Claim(kind, brand.support, "us", None, STRIPE)
    elif kind in OFFERS:
        for offer in brief.active_offers(OfferKind(kind.value)):
            yield Claim(kind, said(offer), said(offer), None, BRAND_KIT)
    elif kind == ClaimKind.PROOF:
        for proof in brief.proof:
            yield Claim(kind, proof.text, proof.text, None, BRAND_KIT)
    elif kind == ClaimKind.RELEASE:
        for note in brief.new_releases:
            yield Claim(kind, f"{note.text}, {day(note.released_on)}", note.text, note.tier, BRAND_KIT)


def _of_plans(kind: ClaimKind, brief: Brief) -> Iterator[Claim]:
    own, following, lighter = brief.tier_facts, brief.next_tier, brief.lighter_tier
    if kind == ClaimKind.FACT:
        for tier in filter(None, (own, following, lighter)):
            for fact in (*tier.facts, *tier.inherited):
                yield fact_claim(fact, tier)
    elif kind == ClaimKind.LACKS and own and lighter:
        for fact in compare(lighter, own).leaves_out:
            yield Claim(kind, fact.text, fact.phrase or fact.text, lighter.name, fact.source)
    neighbours = {ClaimKind.NEXT: [following], ClaimKind.LIGHTER: [lighter], ClaimKind.PLANS: [following, lighter]}
    for tier in filter(None, neighbours.get(kind, ())):
        if tier.is_sold and tier.name:
            yield Claim(kind, tier.name, tier.name, tier.name, STRIPE)


def _of_tier(kind: ClaimKind, brief: Brief, own: TierFacts) -> Iterator[Claim]:
    says_year = re.search(r"\b(annual|year)", own.name or "", re.IGNORECASE)
    if kind == ClaimKind.TIER and own.name:
        yield Claim(kind, own.name, own.name, own.name, STRIPE)
    elif kind == ClaimKind.SUBSCRIPTION and brief.event != "cancelled":
        yield Claim(kind, own.name or "", "your plan", own.name, STRIPE)
    elif kind == ClaimKind.YEAR and own.has_year and own.is_sold and not says_year:
        yield Claim(kind, "a year", "a year", own.name, STRIPE)
    elif kind == ClaimKind.SEATS and own.seat:
        yield Claim(kind, own.seat, own.seat, own.name, STRIPE)


def fact_claim(fact: Fact, tier: TierFacts) -> Claim:
    return Claim(ClaimKind.FACT, fact.text, fact.phrase or fact.text, tier.name, fact.source)


def day(on: date) -> str:
    return f"{on.day} {on:%B %Y}"


def said(offer: Offer) -> str:
    """An offer as an ad says it, with its code and its last day."""
    code = f" with code {offer.code}" if offer.code and offer.code not in offer.text else ""
    ends = f", until {day(offer.ends_on)}" if offer.ends_on else ""
    return offer.text.rstrip(SENTENCE_ENDS + " ") + code + ends


def is_said(claim: Claim, text: str) -> bool:
    """Whether a text states a claim: in its own words, or in words that always state it, such as "ask us"."""
    if claim.kind in stated_by(text):
        return True
    is_name = claim.kind in (ClaimKind.BRAND, ClaimKind.TIER, ClaimKind.NEXT, ClaimKind.LIGHTER)
    for words in (claim.phrase, claim.basis):
        bare = re.escape(re.sub(r"^an? ", "", words.rstrip(SENTENCE_ENDS)))
        if bare and re.search(rf"(?<!\w){bare}(?!\w)", text, re.NOFLAG if is_name else re.IGNORECASE):
            return True
    return False


def say_lost(claim: Claim) -> str:
    """A sentence for the owner: what the ads state that nothing stored holds any more."""
    return _TABLES["lost"][claim.kind].format(phrase=claim.phrase, tier=claim.tier or "the tier")


def how_to_use(offer: Offer) -> str | None:
    """ "Use code BACK20 until 31 March 2027"; None where it needs no code and has no last day."""
    if offer.code and offer.code not in offer.text:
        return f"Use code {offer.code}" + (f" until {day(offer.ends_on)}" if offer.ends_on else "")
    return f"Until {day(offer.ends_on)}" if offer.ends_on else None


@cache
def _pattern(table: str, name: str = "patterns") -> re.Pattern:
    words = _TABLES[table][name]
    return re.compile(rf"\b(?:{'|'.join(words)})(?!\w)", re.IGNORECASE)


def stated_by(text: str) -> set[ClaimKind]:
    """What the words of a text state, whoever wrote them: "ask us" states that somebody answers."""
    return {ClaimKind(kind) for kind in _TABLES["words"] if _pattern("words", kind).search(text)}


def is_avoided(text: str) -> bool:
    """Whether a text holds a word that says nothing, charms, begs or presses, or states what is never known."""
    return bool(_pattern("avoid").search(text) or _pattern("never").search(text))
