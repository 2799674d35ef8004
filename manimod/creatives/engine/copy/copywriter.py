"""brief -> creative set. An angle whose texts the policy blocks gives way to the next one."""

from dataclasses import replace

from manimod.creatives.engine.brief import Brief, CreativeSet, Finding
from manimod.creatives.engine.copy import angles
from manimod.creatives.engine.copy.phrase_selection import PhraseSelection
from manimod.creatives.engine.copy.plan_names import PlanName, format_plan
from manimod.creatives.engine.copy.variant_copy import VariantCopy
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.rules import PolicyContext
from manimod.lifecycle import KINDS

UNPRINTABLE = {"PII-02", "PII-03", "EDT-03", "EDT-06", "CLK-02"}  # what even a brand's own name may not be


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
