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
from manimod.creatives.engine.copy import angles, claims
from manimod.creatives.engine.copy.angles import Angle
from manimod.creatives.engine.copy.library import capitalised, without_article
from manimod.creatives.engine.copy.phrase_selection import Draft, Material, digest
from manimod.creatives.engine.copy.placements import Fitting
from manimod.creatives.engine.copy.plan_names import PlanName, format_plan
from manimod.creatives.engine.facts.model import Fact, TierFacts
from manimod.creatives.engine.picture import compositions
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import CTA_SUITS
from manimod.creatives.engine.policy.rules import ALL, ANY, PolicyContext
from manimod.lifecycle import KINDS, Segment

UNPRINTABLE = {"PII-02", "PII-03", "EDT-03", "EDT-06", "CLK-02"}  # what even a brand's own name may not be
TRIES = 4  # drafts of an angle that are shown to the policy
MOST_NAMED = 4  # facts in an ad
OF_PLANS = {ClaimKind.NEXT, ClaimKind.LIGHTER, ClaimKind.YEAR, ClaimKind.SEATS}
SHOWN_FACTS = 4  # in a picture, and of those that no text names
SHOWN_OTHERS = 3
NO_SENTENCE = "The brand kit bans a word of every sentence that mani knows, or has no name. Ban fewer words."


class NoLegalCopy(Exception):
    """No variant passes the blocking rules; `findings`, at least one, say why in plain words."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = tuple(findings) or (Finding("BRD-02", policy.BLOCK, ALL, "banned words", NO_SENTENCE),)
        super().__init__("; ".join(dict.fromkeys(f.message for f in self.findings)))


def write(brief: Brief) -> CreativeSet:
    """The creative set of a brief: three variants from three angles, fewer where nothing is known but names, each free
    of blocking findings."""
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
    """What the segment's ads tell: the facts that they name first, and what else they rest on. Where there are few
    facts, or they are only listed as they are written, sets differ by what they say of other plans alone."""
    unbiased = replace(brief, segment=segment, preferences=Preferences())
    material = Material(unbiased, PolicyContext.of(brief))
    has_choice = len(material.sayable["own"]) > 2
    count = 1 if has_choice and angles.is_for_one_thing(material.brief) else MOST_NAMED
    facts, needs = set(), set()
    for angle in candidates(material)[0][: angles.SET_SIZE]:
        if material.is_listed:
            needs.add(angle.about)
        else:
            needs |= set(angle.needs)
            facts |= {fact.text for fact in material.sayable.get(angle.pool, ())[:count]}
    if not has_choice:
        needs &= OF_PLANS
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
    found = [*own[start:], *own[:start], *others]
    asked = {angle for angle, _ in material.written}  # of a language model
    found.sort(key=lambda angle: bool(asked) and angle.id not in asked)
    return found, [*refused, *refused_others]


def compose(material: Material) -> CreativeSet:
    """The creative set: variants of the round's angles, or of those that stand in for them, then those for later in the
    window. An angle whose headlines open ads have already comes after those that have others. Names alone are said in
    two ads at most, in one where only the brand's is known. Raises NoLegalCopy."""
    brief, variants, drafts, blocked = material.brief, [], [], []
    chance, size = digest(material.key("angles", brief.round)), angles.SET_SIZE
    found, refused = candidates(material)
    names, refused_names = angles.by_preference(angles.by_name(brief), brief, chance)
    later, _ = angles.by_preference(angles.later(brief), brief, chance)
    later = [angle for angle in later if material.is_possible(angle)]
    most_by_name = 2 if material.tier or has_facts(brief) else 1
    if refused:
        most_by_name = size
    refused += refused_names
    turns = [
        (found, True, size),
        (found, False, size),
        (names, True, most_by_name),
        (names, False, most_by_name),
        (refused, True, size),
        (refused, False, size),
        (later, False, size + len(later)),
    ]
    for group, is_fresh, most in turns:
        for angle in group:
            is_made = any(variant.angle == angle.id for variant in variants)
            if is_made or len(variants) >= most:
                continue
            draft, variant, findings = _best(material, angle, drafts, variants, is_fresh)
            blocked += policy.blocks(findings)
            if variant:
                variants.append(variant)
                drafts.append(draft)
    needs_facts = not has_facts(brief)
    if not variants:
        raise NoLegalCopy(blocked)
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


def _best(
    material: Material, angle: Angle, others: list[Draft], variants: list[Variant], is_fresh: bool
) -> tuple[Draft | None, Variant | None, list[Finding]]:
    """The angle's best draft that breaks no rule, as a variant; and what the rules found in better ones. `is_fresh`:
    only in a wording that no open ad has."""
    found: list[Finding] = []
    drafts = material.drafts(angle, others)
    if is_fresh:
        drafts = [draft for draft in drafts if not material.brief.used_phrases.get(draft.headline.wording)]
    for draft in drafts[:TRIES]:
        variant = _variant(material, angle, draft, variants)
        findings = policy.check(variant, material.context)
        if not policy.blocks(findings):
            return draft, replace(variant, rules=tuple(findings)), found
        found += findings
    return None, None, found


def _variant(material: Material, angle: Angle, draft: Draft, others: list[Variant]) -> Variant:
    """`others`: the set's ads so far."""
    brief, about = material.brief, material.about(angle).name
    is_suitable = angle.call_to_action in CTA_SUITS[brief.objective]
    call_to_action = angle.call_to_action if is_suitable else "LEARN_MORE"
    fitted = Fitting(material, angle, draft, call_to_action).fit()
    shown, shown_claims = _picture(material, angle, draft, [variant.picture.facts for variant in others])
    taken = [variant.layout for variant in others]
    return Variant(
        angle=angle.id,
        angle_name=angle.name,
        headline=draft.headline.text,
        body=draft.body.text,
        call_to_action=call_to_action,
        platforms=fitted.platforms,
        layout=compositions.choose(
            shown, bool(brief.brand.product_picture), f"{material.key('layout')} {brief.round}", taken
        ),
        label=capitalised(about.plan) if about else "",
        why=" ".join([f"Chosen from a dozen drafts: {draft.why}.", *fitted.left_out]),
        from_day=angle.from_day or None,
        picture=shown,
        phrases=(draft.headline.wording, draft.body.wording),
        claims=tuple(dict.fromkeys([*fitted.claims, *shown_claims])),
    )


def _picture(
    material: Material, angle: Angle, draft: Draft, shown_before: list[tuple[str, ...]]
) -> tuple[PictureContent, list[Claim]]:
    """What the picture shows beside the headline, and what that states: an amount, facts that the headline does not
    name, or two plans. `shown_before`: the facts in the pictures of the set's other ads."""
    about = material.about(angle)
    of_body, others = _unnamed_facts(material, angle, draft)
    facts = of_body[:SHOWN_FACTS] or others[:SHOWN_OTHERS]
    shown = tuple(_as_shown(fact, material) for fact in facts)
    if any(set(shown) == set(before) for before in shown_before):
        facts, shown = [], ()
    figure, unit = "", ""
    amounts = [fact for fact in (*of_body, *others) if fact.number is not None and fact.topic]
    if angle.picture == "figure" and amounts and not material.is_listed:
        figure, unit = f"{amounts[0].number:,.10g}", amounts[0].topic
        number, _, what = (amounts[0].phrase or "").partition(" ")
        if number == figure:  # as it is written: "TB of storage"
            unit = what
        facts = [*facts, amounts[0]]
    stated = [*material.held[about.kind][:1]]
    for fact in facts:
        stated += material.claims_of(about.slot, fact, angle)
    columns, of_columns = (), []
    if angle.picture == "columns":
        columns, of_columns = _columns(material, angle)
    return PictureContent(shown, figure, unit, columns), [*stated, *of_columns]


def _unnamed_facts(material: Material, angle: Angle, draft: Draft) -> tuple[list[Fact], list[Fact]]:
    """The facts of the plan that the ad speaks of, without those of its headline: those of its body, and the others."""
    about = material.about(angle)
    theirs = (*about.facts.facts, *about.facts.inherited) if about.facts else ()
    of_body, others = [], []
    for _, fact in draft.body.used:
        if fact in theirs and fact.text not in draft.headline.facts:
            of_body.append(fact)
    for fact in material.pools["own" if about.slot == "fact" else about.slot]:
        if fact.text not in draft.facts:
            others.append(fact)
    return of_body, others


def _columns(material: Material, angle: Angle) -> tuple[tuple, list[Claim]]:
    """Two plans, each its name and its first facts, and what they state; nothing where one of them has no facts."""
    brief, held = material.brief, material.held
    pair = (brief.tier_facts, brief.next_tier) if angle.about == "next" else (brief.lighter_tier, brief.tier_facts)
    columns, stated = [], [*held[ClaimKind.TIER], *held[ClaimKind.NEXT], *held[ClaimKind.LIGHTER]]
    for tier in pair:
        if not tier or not tier.name or not tier.facts:
            return (), []
        facts = tier.facts[:SHOWN_FACTS]
        columns.append((format_plan(tier.name)[0].name, tuple(_as_shown(fact, material) for fact in facts)))
        stated += [claims.fact_claim(fact, tier) for fact in facts]
    return tuple(columns), stated


def _as_shown(fact: Fact, material: Material) -> str:
    """A fact as a line of its own in a picture."""
    if material.is_listed or not fact.phrase:
        return fact.text
    return capitalised(without_article(fact.phrase))
