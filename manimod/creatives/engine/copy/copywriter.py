"""brief -> creative set. An angle whose texts the policy blocks gives way to the next one."""

from dataclasses import dataclass, replace

from manimod.creatives.engine.brief import Brief, CreativeSet, Finding, Variant
from manimod.creatives.engine.copy import angles, plan_names
from manimod.creatives.engine.copy.angles import Angle
from manimod.creatives.engine.copy.phrase_selection import PhraseSelection
from manimod.creatives.engine.copy.variant_copy import VariantCopy
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import CTA_MAP, PLACEMENTS
from manimod.creatives.engine.policy.rules import PolicyContext
from manimod.lifecycle import KINDS, Segment, TierPosition

UNPRINTABLE = {"PII-02", "PII-03", "EDT-03", "EDT-06", "CLK-02"}  # what even a brand's own name may not be


class NoLegalCopy(Exception):
    """Fewer than three variants pass the blocking rules; `findings` say why, in plain words."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("; ".join(dict.fromkeys(f.message for f in self.findings)) or "Nothing could be written.")


@dataclass(frozen=True)
class PreparedBrief:
    """A brief with only those stored texts that an ad may print, and the tier's name as an ad says it, or None."""

    brief: Brief
    tier: plan_names.PlanName | None
    context: PolicyContext
    reasons: tuple[str, ...]

    def phrases(self) -> PhraseSelection:
        return PhraseSelection(self.brief, self.tier, self.context.banned)


def write(brief: Brief) -> CreativeSet:
    """The creative set of a brief: three variants from three angles, each free of blocking findings."""
    prepared = prepare(brief)
    return compose(prepared, prepared.phrases())


def prepare(brief: Brief) -> PreparedBrief:
    """Raises NoLegalCopy where not even the brand's name may stand in an ad."""
    context = PolicyContext.of(brief)
    unprintable = [f for f in policy.check_name(brief.brand.name, context) if f.rule_id in UNPRINTABLE]
    if unprintable or not brief.brand.name.strip():
        raise NoLegalCopy([replace(finding, field="brand name") for finding in unprintable])
    tier, why_not = printable_tier(brief.tier, context)
    context = replace(context, tier=tier.name if tier else None)
    brief, left_out = _without_blocked_texts(brief, context)
    context = replace(context, customer_names=())  # nothing that names them is left
    return PreparedBrief(brief, tier, context, _reasons(brief, tier, why_not, left_out))


def printable_tier(name: str | None, context: PolicyContext) -> tuple[plan_names.PlanName | None, str | None]:
    """A stored tier name as an ad says it, or None and the sentence that says why no ad may print it: it cannot be
    said, breaks a rule, or has letters that cannot be drawn."""
    tier, why_not = plan_names.format_plan(name)
    for finding in policy.check_name(tier.name, context) if tier else ():
        if finding.severity == policy.BLOCK or finding.rule_id == "IMG-05":
            return None, finding.message
    return tier, why_not


def compose(prepared: PreparedBrief, phrases: PhraseSelection) -> CreativeSet:
    """The creative set of a prepared brief in the given phrases. Raises NoLegalCopy."""
    brief, tier = prepared.brief, prepared.tier
    return CreativeSet(
        objective=brief.objective,
        event=brief.event,
        tier=tier.name if tier else None,
        segment=brief.segment,
        generic=tier is None or brief.segment is None,
        variants=_variants(brief, phrases, prepared.context),
        reasons=prepared.reasons,
    )


def _without_blocked_texts(brief: Brief, context: PolicyContext) -> tuple[Brief, list[str]]:
    """The brief without stored texts that no ad may print, and how many of each kind were left out."""
    kept, left_out = {}, []
    for kind in ("proof", "release_notes", "offers"):
        stored = getattr(brief, kind)
        kept[kind] = []
        for entry in stored:
            text = entry.text if kind == "offers" else entry
            if text.strip() and not policy.blocks(policy.check_stored(text, context)):
                kept[kind].append(entry)
        if len(kept[kind]) < len(stored):
            left_out.append(f"{len(stored) - len(kept[kind])} stored {kind.replace('_', ' ')} that break the rules")
    return replace(brief, **{kind: tuple(entries) for kind, entries in kept.items()}), left_out


def _variants(brief: Brief, phrases: PhraseSelection, context: PolicyContext) -> tuple[Variant, ...]:
    """Variants of the round's angles, or of those that stand in for them, then those for later in the window."""
    chosen = angles.choose(brief)
    stand_ins = [angle for angle in angles.candidates(brief) if angle not in chosen]
    variants, blocked = [], []
    for angle in [*chosen, *stand_ins, *angles.later(brief)]:
        if len(variants) == angles.SET_SIZE and not angle.from_day:
            continue
        variant = _variant(brief, phrases, angle, variants)
        findings = policy.check(variant, context)
        if policy.blocks(findings):
            blocked += policy.blocks(findings)
        else:
            variants.append(replace(variant, rules=tuple(findings)))
    if len(variants) < angles.SET_SIZE:
        raise NoLegalCopy(blocked)
    return tuple(variants)


def _variant(brief: Brief, phrases: PhraseSelection, angle: Angle, others: list[Variant]) -> Variant:
    copy, tier = VariantCopy(brief, phrases, angle, others), phrases.tier
    platforms = {name: copy.placement(placement) for name, placement in PLACEMENTS.items()}
    layouts = angles.layouts(brief.objective, brief.event)
    first_layout = int(phrases.order("layout") * len(layouts)) + brief.round
    return Variant(
        angle=angle.id,
        angle_name=angle.name,
        headline=copy.headline,
        body=copy.body,
        call_to_action=copy.call_to_action,
        platforms={name: fitted for name, fitted in platforms.items() if fitted},
        layout=layouts[(first_layout + len(others)) % len(layouts)],
        label=tier.plan[:1].upper() + tier.plan[1:] if tier else "",
        why=_why(brief, tier, angle, copy.call_to_action),
        from_day=angle.from_day,
    )


def _why(brief: Brief, tier: plan_names.PlanName | None, angle: Angle, call_to_action: str) -> str:
    audience = Segment(brief.segment).label.lower() if brief.segment else "value not known"
    if tier:
        audience += f", on “{tier.name}”"
        if brief.tier_position not in (None, TierPosition.SINGLE):
            audience += f", the {brief.tier_position} tier"
    event, label = KINDS[brief.event].noun.capitalize(), CTA_MAP[call_to_action]["label"]
    return f"{event}; {audience}. Angle: {angle.name}, leading to “{label}”."


def _reasons(
    brief: Brief, tier: plan_names.PlanName | None, why_not: str | None, left_out: list[str]
) -> tuple[str, ...]:
    reasons = [f"Made for {brief.objective} after {KINDS[brief.event].noun}."]
    if not tier:
        cannot = f"“{brief.tier[:40]}” cannot stand in an ad. " if brief.tier else ""
        reasons.append(f"Names no tier: {cannot}{why_not}")
    if not brief.segment:
        reasons.append("Addresses no value segment: none is known for this audience.")
    for angle in angles.skipped(brief):
        reasons.append(f"Angle “{angle.name}” left out: {angles.why_untrue(angle)}.")
    for what in left_out:
        reasons.append(f"Left out: {what}.")
    return tuple(reasons)
