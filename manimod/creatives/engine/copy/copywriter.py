"""brief -> creative set: for each angle the best of a dozen drafts, fitted to every placement. An ad that the policy
blocks gives way to the next draft, an angle without a lawful one to the next angle."""

from dataclasses import replace

from manimod.creatives.engine.brief import (
    Brief,
    Claim,
    ClaimKind,
    CreativeSet,
    Finding,
    PictureContent,
    Preferences,
    Variant,
)
from manimod.creatives.engine.copy import angles
from manimod.creatives.engine.copy.angles import Angle
from manimod.creatives.engine.copy.library import capitalised, without_article
from manimod.creatives.engine.copy.phrase_selection import Draft, Material, digest
from manimod.creatives.engine.copy.placements import Fitting
from manimod.creatives.engine.copy.plan_names import PlanName, format_plan
from manimod.creatives.engine.facts.model import Fact, TierFacts
from manimod.creatives.engine.picture import compositions
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import CTA_MAP, CTA_SUITS
from manimod.creatives.engine.policy.rules import ALL, ANY, PolicyContext
from manimod.lifecycle import KINDS, Segment

UNPRINTABLE = {"PII-02", "PII-03", "EDT-03", "EDT-06", "CLK-02"}  # what even a brand's own name may not be
TRIES = 4  # drafts of an angle that are shown to the policy
SHOWN_FACTS = 4  # in a picture
NO_SENTENCE = "The brand kit bans a word of every sentence that mani knows, or has no name. Ban fewer words."


class NoLegalCopy(Exception):
    """Fewer than three variants pass the blocking rules; `findings`, at least one, say why in plain words."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = tuple(findings) or (Finding("BRD-02", policy.BLOCK, ALL, "banned words", NO_SENTENCE),)
        super().__init__("; ".join(dict.fromkeys(f.message for f in self.findings)))


def write(brief: Brief) -> CreativeSet:
    """The creative set of a brief: three variants from three angles, each free of blocking findings."""
    return compose(prepare(brief))


def shared_segments(brief: Brief) -> dict[Segment, Segment | None]:
    """Segment -> the segment whose set it gets: its own if it has something of its own to say, or else the first that
    has the same facts to tell. None where the plans are known by name only: one set is for all segments then."""
    if not has_facts(brief):
        return dict.fromkeys(Segment)
    order = [Segment.CORE, Segment.HIGH, Segment.LOW, Segment.NEW]
    if brief.event == "new_customer":
        order = [Segment.NEW, *order[:3]]
    first: dict[tuple[frozenset, frozenset], Segment] = {}
    shared = {}
    for segment in order:
        shared[segment] = first.setdefault(_substance(brief, segment), segment)
    return shared


def shared_segment(brief: Brief) -> Segment | None:
    """The segment whose set the brief's audience gets; None where there is one set for all, or no segment is known."""
    return shared_segments(brief).get(brief.segment)


def _substance(brief: Brief, segment: Segment) -> tuple[frozenset, frozenset]:
    """What the segment's ads tell: the facts that come first in each of them, and what else they rest on."""
    unbiased = replace(brief, segment=segment, preferences=Preferences())
    material = Material(unbiased, PolicyContext.of(brief))
    is_one = segment in (Segment.LOW, Segment.NEW) and len(material.pools["own"]) > 2 and not material.is_listed
    count = 1 if is_one else angles.SET_SIZE
    facts, needs = set(), set()
    for angle in candidates(material)[0][: angles.SET_SIZE]:
        facts |= {fact.text for fact in material.pools.get(angle.pool, ())[:count]}
        needs |= set(angle.needs)
    return frozenset(facts), frozenset(needs)


def has_facts(brief: Brief) -> bool:
    """Whether anything is known of what the plans do."""
    return any(tier and tier.facts for tier in (brief.tier_facts, brief.next_tier, brief.lighter_tier))


def prepare(brief: Brief) -> Material:
    """What may be said. Raises NoLegalCopy where not even the brand's name may stand in an ad."""
    context = PolicyContext.of(brief)
    unprintable = [f for f in policy.check_name(brief.brand.name, context) if f.rule_id in UNPRINTABLE]
    if unprintable or not brief.brand.name.strip():
        raise NoLegalCopy([replace(finding, field="brand name") for finding in unprintable])
    tier, why_not = printable_tier(brief.tier, context)
    context = replace(context, tier=tier.name if tier else None)
    reasons = [f"Made for {brief.objective} after {KINDS[brief.event].noun}."]
    if not tier:
        cannot = f"“{brief.tier[:40]}” cannot stand in an ad. " if brief.tier else ""
        reasons.append(f"Names no tier: {cannot}{why_not}")
    if not brief.segment:
        reasons.append("Addresses no value segment: none is known for this audience.")
    printable, names, left_out = {}, {}, []
    for kind in ("proof", "release_notes", "offers"):
        stored = getattr(brief, kind)
        kept = [entry for entry in stored if entry.text.strip()]
        printable[kind] = tuple(e for e in kept if not policy.blocks(policy.check_stored(e.text, context)))
        if len(printable[kind]) < len(stored):
            number, name = len(stored) - len(printable[kind]), kind.replace("_", " ")
            left_out.append(f"Left out: {number} stored {name} that break the rules.")
    for role in ("tier_facts", "next_tier", "lighter_tier"):
        found: TierFacts | None = getattr(brief, role)
        names[role] = tier if role == "tier_facts" else printable_tier(found.name if found else None, context)[0]
        printable[role] = _printable_facts(found, context) if names[role] or role == "tier_facts" else None
        if found and printable[role] and len(printable[role].facts) < len(found.facts):
            number = len(found.facts) - len(printable[role].facts)
            left_out.append(f"Left out: {number} of the features of {found.name or 'the plan'}, which break the rules.")
    context = replace(context, customer_names=())  # nothing that names them is left
    material = Material(replace(brief, **printable), context, *names.values())
    for angle in angles.of_matrix(brief):
        missing = [angles.WHY_NOT[ClaimKind(kind)] for kind in angle.needs if not material.held[ClaimKind(kind)]]
        if missing:
            reasons.append(f"Angle “{angle.name}” left out: {missing[0]}.")
    return replace(material, reasons=(*dict.fromkeys(reasons), *left_out))


def _printable_facts(tier: TierFacts | None, context: PolicyContext) -> TierFacts | None:
    """The tier with the facts that the rules let an ad say; without its name where no ad may print that."""
    if tier is None:
        return None
    facts, inherited = ([f for f in found if is_printable(f, context)] for found in (tier.facts, tier.inherited))
    name = tier.name if printable_tier(tier.name, context)[0] else None
    return replace(tier, name=name, facts=tuple(facts), inherited=tuple(inherited))


def printable_tier(name: str | None, context: PolicyContext) -> tuple[PlanName | None, str | None]:
    """A stored tier name as an ad says it, or None and the sentence that says why no ad may print it."""
    tier, why_not = format_plan(name)
    for finding in policy.check_name(tier.name, context) if tier else ():
        if finding.severity == policy.BLOCK or finding.rule_id == "IMG-05":
            return None, finding.message
    return tier, why_not


def is_printable(fact: Fact, context: PolicyContext) -> bool:
    """Whether the rules let an ad say the fact; a fact is no proof of itself."""
    for text in dict.fromkeys((fact.text, fact.phrase or fact.text)):
        for finding in policy.check_text(text, "stored", ANY, context):
            if finding.severity == policy.BLOCK or finding.rule_id == "IMG-05":
                return False
    return True


def candidates(material: Material) -> tuple[list[Angle], list[Angle]]:
    """The angles in the order in which the audience should have them, the round's own first, then the stand-ins; and
    those that the account refuses, which come last."""
    brief, chance = material.brief, digest(material.key("angles", material.brief.round))
    own = [angle for angle in angles.of_matrix(brief) if material.is_possible(angle)]
    others = [angle for angle in angles.stand_ins(brief) if angle not in own and material.is_possible(angle)]
    own, refused = angles.by_preference(own, brief, chance)
    others, refused_others = angles.by_preference(others, brief, chance)
    start = brief.round * angles.SET_SIZE % max(1, len(own))
    return [*own[start:], *own[:start], *others], [*refused, *refused_others]


def compose(material: Material) -> CreativeSet:
    """The creative set: variants of the round's angles, or of those that stand in for them, then those for later in the
    window. An angle whose headlines open ads have already comes after those that have others. Raises NoLegalCopy."""
    brief, variants, drafts, blocked = material.brief, [], [], []
    chance = digest(material.key("angles", brief.round))
    found, refused = candidates(material)
    names, refused_names = angles.by_preference(angles.by_name(brief), brief, chance)
    later, _ = angles.by_preference(angles.later(brief), brief, chance)
    groups = [(found, True), (found, False), (names, True), (names, False)]
    if not has_facts(brief):
        groups = [groups[0], groups[2], groups[1], groups[3]]
    groups += [([*refused, *refused_names], True), ([*refused, *refused_names], False)]
    groups.append(([angle for angle in later if material.is_possible(angle)], False))
    for angle, is_fresh in [(angle, is_fresh) for group, is_fresh in groups for angle in group]:
        if (len(variants) == angles.SET_SIZE and not angle.from_day) or angle.id in {made.angle for made in variants}:
            continue
        for draft in material.drafts(angle, drafts)[:TRIES]:
            if is_fresh and brief.used_phrases.get(draft.headline.wording):
                continue
            variant = _variant(material, angle, draft, [variant.layout for variant in variants])
            findings = policy.check(variant, material.context)
            blocking = policy.blocks(findings)
            blocked += blocking
            if not blocking:
                variants.append(replace(variant, rules=tuple(findings)))
                drafts.append(draft)
                break
    if len(variants) < angles.SET_SIZE:
        raise NoLegalCopy(blocked)
    needs_facts = not has_facts(brief)
    return CreativeSet(
        objective=brief.objective,
        event=brief.event,
        tier=material.tier.name if material.tier else None,
        segment=brief.segment,
        generic=material.tier is None or (brief.segment is None and not needs_facts),
        variants=tuple(variants),
        reasons=material.reasons,
        needs_facts=needs_facts,
        segments=tuple(segment for segment, shared in shared_segments(brief).items() if shared == brief.segment),
    )


def _variant(material: Material, angle: Angle, draft: Draft, taken: list[str]) -> Variant:
    """`taken`: the pictures' compositions of the set's ads so far."""
    brief, tier = material.brief, material.tier
    is_suitable = angle.call_to_action in CTA_SUITS[brief.objective]
    call_to_action = angle.call_to_action if is_suitable else "LEARN_MORE"
    fitted = Fitting(material, angle, draft, call_to_action).fit()
    shown = _picture(material, angle, draft)
    seed = f"{material.key('layout')} {brief.round}"
    audience = Segment(brief.segment).label.lower() if brief.segment else "value not known"
    if tier:
        audience += f", on “{tier.name}”"
    event, label = KINDS[brief.event].noun.capitalize(), CTA_MAP[call_to_action]["label"]
    why = f"{event}; {audience}. Angle: {angle.name}, leading to “{label}”. Chosen from a dozen drafts: {draft.why}."
    return Variant(
        angle=angle.id,
        angle_name=angle.name,
        headline=draft.headline.text,
        body=draft.body.text,
        call_to_action=call_to_action,
        platforms=fitted.platforms,
        layout=compositions.choose(shown, bool(brief.brand.product_picture), seed, taken),
        label=capitalised(tier.plan) if tier else "",
        why=why,
        from_day=angle.from_day or None,
        picture=shown,
        phrases=(draft.headline.wording, draft.body.wording),
        claims=tuple(dict.fromkeys([*fitted.claims, *_shown_claims(material, shown)])),
    )


def _picture(material: Material, angle: Angle, draft: Draft) -> PictureContent:
    """What the picture shows beside the headline: two plans, an amount, or the facts that the ad names."""
    brief = material.brief
    pair = {
        "tier": (brief.lighter_tier, brief.tier_facts),
        "next": (brief.tier_facts, brief.next_tier),
        "lighter": (brief.lighter_tier, brief.tier_facts),
    }[angle.about]
    named = [fact for _, fact in (*draft.headline.used, *draft.body.used)]
    shown = tuple(dict.fromkeys(capitalised(without_article(fact.phrase or fact.text)) for fact in named))[:SHOWN_FACTS]
    figure, unit, columns = "", "", ()
    if angle.picture == "columns" and all(tier and tier.name and tier.facts for tier in pair):
        names = [format_plan(tier.name)[0].name for tier in pair]
        lists = [
            tuple(capitalised(without_article(f.phrase or f.text)) for f in tier.facts[:SHOWN_FACTS]) for tier in pair
        ]
        columns = tuple(zip(names, lists, strict=True))
    if angle.picture == "figure" and draft.headline.used:
        fact = draft.headline.used[-1][1]
        if fact.number is not None and fact.topic:
            figure, unit = f"{fact.number:,.10g}", fact.topic
    return PictureContent(shown, figure, unit, columns)


def _shown_claims(material: Material, shown: PictureContent) -> list[Claim]:
    """What the picture states beside the texts: its label names the tier, its columns two plans and their facts."""
    found = list(material.held[ClaimKind.TIER])
    if shown.columns:
        texts = {text for _, facts in shown.columns for text in facts}
        found += [c for c in material.held[ClaimKind.FACT] if capitalised(without_article(c.phrase)) in texts]
        names = {name for name, _ in shown.columns}
        neighbours = [*material.held[ClaimKind.NEXT], *material.held[ClaimKind.LIGHTER]]
        found += [claim for claim in neighbours if format_plan(claim.phrase)[0].name in names]
    return found
