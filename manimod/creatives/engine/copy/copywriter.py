"""brief -> creative set. Each placement gets a phrase that fits it, nothing is ever cut off, and an angle whose texts
the policy blocks gives way to the next one."""

import re
from collections.abc import Sequence
from dataclasses import replace

from manimod.creatives.engine.brief import Brief, CreativeSet, Finding, PictureContent, PlatformCopy, Variant
from manimod.creatives.engine.copy import angles
from manimod.creatives.engine.copy.angles import Angle
from manimod.creatives.engine.copy.phrase_selection import Phrase, PhraseSelection
from manimod.creatives.engine.copy.plan_names import PlanName, format_plan, slug
from manimod.creatives.engine.picture import compositions
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import CTA_MAP, CTA_SUITS, PLACEMENTS, Field, Placement, greatest_length
from manimod.creatives.engine.policy.rules import PolicyContext
from manimod.lifecycle import KINDS, Segment

UNPRINTABLE = {"PII-02", "PII-03", "EDT-03", "EDT-06", "CLK-02"}  # what even a brand's own name may not be

MAX_PICTURE_HEADLINE = 60  # characters a canonical headline should have at most: it is drawn in the picture too
MAX_PICTURE_BODY = 150
MAX_SHORT_BODY = 90
MAX_SIMILARITY = 0.5  # share of equal words above which another phrase is looked for
LANDING_PATHS = {"retention": "your-plan", "upsell": "next-step", "winback": "welcome-back"}


class NoLegalCopy(Exception):
    """Fewer than three variants pass the blocking rules; `findings` say why, in plain words."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(dict.fromkeys(f.message for f in self.findings)) or "Nothing could be written.")


def write(brief: Brief) -> CreativeSet:
    """The creative set of a brief: three variants from three angles, each free of blocking findings."""
    return compose(prepare(brief))


def prepare(brief: Brief) -> PhraseSelection:
    """The built-in phrases that may be said. Raises NoLegalCopy where not even the brand's name may stand in an ad."""
    context = PolicyContext.of(brief)
    unprintable = [f for f in policy.check_name(brief.brand.name, context) if f.rule_id in UNPRINTABLE]
    if unprintable or not brief.brand.name.strip():
        raise NoLegalCopy([replace(finding, field="brand name") for finding in unprintable])
    tier, why_not = printable_tier(brief.tier, context)
    context = replace(context, tier=tier.name if tier else None)
    printable, left_out = {}, []
    for kind in ("proof", "release_notes", "offers"):
        stored, kept = getattr(brief, kind), []
        for entry in stored:
            text = entry.text if kind == "offers" else entry
            if text.strip() and not policy.blocks(policy.check_stored(text, context)):
                kept.append(entry)
        printable[kind] = tuple(kept)
        if len(kept) < len(stored):
            name = kind.replace("_", " ")
            left_out.append(f"Left out: {len(stored) - len(kept)} stored {name} that break the rules.")
    brief = replace(brief, **printable)
    reasons = [f"Made for {brief.objective} after {KINDS[brief.event].noun}."]
    if not tier:
        cannot = f"“{brief.tier[:40]}” cannot stand in an ad. " if brief.tier else ""
        reasons.append(f"Names no tier: {cannot}{why_not}")
    if not brief.segment:
        reasons.append("Addresses no value segment: none is known for this audience.")
    for angle, why in angles.left_out(brief):
        reasons.append(f"Angle “{angle.name}” left out: {why}.")
    context = replace(context, customer_names=())  # nothing that names them is left
    return PhraseSelection(brief, tier, context, (*reasons, *left_out))


def printable_tier(name: str | None, context: PolicyContext) -> tuple[PlanName | None, str | None]:
    """A stored tier name as an ad says it, or None and the sentence that says why no ad may print it."""
    tier, why_not = format_plan(name)
    for finding in policy.check_name(tier.name, context) if tier else ():
        if finding.severity == policy.BLOCK or finding.rule_id == "IMG-05":
            return None, finding.message
    return tier, why_not


def compose(phrases: PhraseSelection) -> CreativeSet:
    """The creative set in the given phrases: variants of the round's angles, or of those that stand in for them, then
    those for later in the window. Raises NoLegalCopy."""
    brief, tier = phrases.brief, phrases.tier
    variants, blocked = [], []
    for angle in [*angles.candidates(brief), *angles.later(brief)]:
        if len(variants) < angles.SET_SIZE or angle.from_day:
            variant = VariantCopy(phrases, angle, variants).variant()
            findings = policy.check(variant, phrases.context)
            blocking = policy.blocks(findings)
            blocked += blocking
            if not blocking:
                variants.append(replace(variant, rules=tuple(findings)))
    if len(variants) < angles.SET_SIZE:
        raise NoLegalCopy(blocked)
    return CreativeSet(
        objective=brief.objective,
        event=brief.event,
        tier=tier.name if tier else None,
        segment=brief.segment,
        generic=tier is None or brief.segment is None,
        variants=tuple(variants),
        reasons=phrases.reasons,
    )


class VariantCopy:
    """Canonical headline and body first, then each placement fitted around them. `others`: the variants so far."""

    def __init__(self, phrases: PhraseSelection, angle: Angle, others: Sequence[Variant]) -> None:
        self.brief, self.phrases, self.angle, self.others = phrases.brief, phrases, angle, others
        self.shorts = phrases.lines(angle, "short")
        self.segment_shorts = phrases.lines(angle, "short", of_segment=True)
        self.headlines = phrases.lines(angle, "headline")
        self.bodies = phrases.lines(angle, "body")
        is_suitable = angle.call_to_action in CTA_SUITS[self.brief.objective]
        self.call_to_action = angle.call_to_action if is_suitable else "LEARN_MORE"
        self.disclaimer = self.brief.brand.disclaimer.strip()
        self.used = " ".join(f"{variant.headline} {variant.body}" for variant in others)
        headline = first_fitting([line for line in self.headlines if line.text not in self.used], MAX_PICTURE_HEADLINE)
        self.headline = headline.text
        self.core, self.body = self._choose_body(must_name_tier=bool(phrases.tier) and not headline.names_tier)

    def _choose_body(self, must_name_tier: bool) -> tuple[Phrase, str]:
        """The first fitting phrase that does not share most of its words with the set's other variants, and the same
        with a closing."""
        candidates = [line for line in self.bodies if line.contains_fact] or self.bodies
        named = [line for line in candidates if line.names_tier or not must_name_tier]
        preferred = first_fitting(named or candidates, MAX_SHORT_BODY)
        limit = max(MAX_SHORT_BODY, len(preferred.text))
        for phrase in (preferred, *named) if named else ():
            body = self._with_closing(phrase.text)
            shares = [similarity(f"{self.headline} {body}", f"{v.headline} {v.body}") for v in self.others]
            if len(phrase.text) <= limit and max(shares, default=0) <= MAX_SIMILARITY:
                return phrase, body
        return preferred, self._with_closing(preferred.text)

    def _with_closing(self, text: str) -> str:
        """The text with the segment's sentence after it, one that no other variant of the set uses."""
        closings = self.phrases.lines(self.angle, self.angle.closing, of_segment=True) if self.angle.closing else []
        for closing in closings:
            full = f"{text} {closing.text}"
            is_echo = content_words(text) & content_words(closing.text)
            if len(full) <= MAX_PICTURE_BODY and not is_echo and closing.text not in self.used:
                return full
        return text

    def variant(self) -> Variant:
        brief, tier, angle = self.brief, self.phrases.tier, self.angle
        platforms = {}
        for name, placement in PLACEMENTS.items():
            fitted = self._fit_to(placement)
            if fitted:
                platforms[name] = fitted
        shown, taken = PictureContent(), [other.layout for other in self.others]
        seed = f"{self.phrases.order('layout')} {brief.round}"
        audience = Segment(brief.segment).label.lower() if brief.segment else "value not known"
        if tier:
            audience += f", on “{tier.name}”"
        event, label = KINDS[brief.event].noun.capitalize(), CTA_MAP[self.call_to_action]["label"]
        return Variant(
            angle=angle.id,
            angle_name=angle.name,
            headline=self.headline,
            body=self.body,
            call_to_action=self.call_to_action,
            platforms=platforms,
            layout=compositions.choose(shown, bool(brief.brand.product_picture), seed, taken),
            picture=shown,
            label=tier.plan[:1].upper() + tier.plan[1:] if tier else "",
            why=f"{event}; {audience}. Angle: {angle.name}, leading to “{label}”.",
            from_day=angle.from_day or None,
        )

    def _fit_to(self, placement: Placement) -> PlatformCopy | None:
        """The placement's texts, or None where the disclaimer or the brand's name leaves no room for them."""
        limit = min((field.target for field in placement.fields.values() if field.filled_by == "short"), default=0)
        own = sorted(self.shorts, key=lambda line: not line.names_tier)
        shorts = different_texts([*own[:4], *self.segment_shorts[:2], *own[4:], *self.headlines], limit)
        texts = {}
        for field in placement.fields.values():
            lines = self._lines_for(field, shorts)
            if not lines and field.filled_by in ("body", "name"):
                return None
            if field.filled_by == "short":
                shorts = shorts[len(lines) :]
            texts[field.name] = tuple(lines)
        own_name = CTA_MAP[self.call_to_action].get(placement.family, self.call_to_action)
        return PlatformCopy(texts, own_name if placement.button else None)

    def _lines_for(self, field: Field, shorts: list[str]) -> list[str]:
        tier, disclaimer = self.phrases.tier, self.disclaimer
        match field.filled_by:
            case "short":
                return [line for line in shorts if field.end_mark or line[-1] not in ".!?"][: field.count]
            case "headline":
                lines = [Phrase(self.headline), *self.headlines, *self.shorts]
                return [first_fitting(lines, field.target).text]
            case "body" if field.lines[1] > 1:  # those with a fact first, then those with the tier; the disclaimer last
                lines = [self.core, *self.bodies]
                lines.sort(key=lambda line: (not line.contains_fact, not line.names_tier))
                texts = different_texts(lines, MAX_SHORT_BODY)
                if not disclaimer:
                    return texts[: field.count]
                return [*texts[: field.count - 1], disclaimer] if len(disclaimer) <= MAX_SHORT_BODY else []
            case "body":
                room = field.target - len(f" {disclaimer}") if disclaimer else field.target
                line = first_fitting([Phrase(self.body), self.core, *self.bodies], room)
                body = f"{line.text} {disclaimer}".strip()
                return [body] if len(body) <= field.hard else []
            case "name":
                name = fitting_name(self.brief.brand.name, field.hard)
                return [name] if name else []
            case "path":
                paths = [slug(tier.name) if tier else "", LANDING_PATHS[self.brief.objective]]
                return [path for path in paths if 0 < len(path) <= field.hard]


def first_fitting(lines: list[Phrase], limit: int) -> Phrase:
    """The first line that fits; failing that the shortest."""
    for line in lines:
        if greatest_length(line.text) <= limit:
            return line
    return min(lines, key=lambda line: greatest_length(line.text))


def different_texts(lines: list[Phrase], limit: int) -> list[str]:
    return list(dict.fromkeys(line.text for line in lines if greatest_length(line.text) <= limit))


def similarity(one: str, other: str) -> float:
    """The share of the shorter text's different words that the other one has too, 0..1."""
    a, b = set(re.findall(r"\w+", one.casefold())), set(re.findall(r"\w+", other.casefold()))
    return len(a & b) / max(1, min(len(a), len(b)))


def content_words(text: str) -> set[str]:
    """The words that the ear notices when they come twice."""
    return set(re.findall(r"\b(?:\w{5,}|talk|easy|step)\b", text.casefold()))


def fitting_name(name: str, limit: int) -> str | None:
    """The brand's name, or as many of its leading words as fit; None where even the first does not."""
    words = name.split()
    while words and greatest_length(" ".join(words)) > limit:
        words.pop()
    return " ".join(words).rstrip(" ,&-") or None
