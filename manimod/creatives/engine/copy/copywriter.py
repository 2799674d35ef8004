"""brief -> creative set. Each placement gets a phrasing that fits it; nothing is ever cut off."""

import re
from dataclasses import dataclass, replace

from manimod.creatives.engine.brief import Brief, CreativeSet, PlatformCopy, Variant
from manimod.creatives.engine.copy import angles, plan_names
from manimod.creatives.engine.copy.phrase_selection import PhraseSelection
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import CTA_MAP, CTA_SUITS, PLACEMENTS, call_to_action
from manimod.lifecycle import KINDS

SEGMENT_LABELS = {"high": "high value", "core": "core value", "low": "low value", "new": "new"}
NEED_LABELS = {
    "proof": "no proof is stored",
    "release_notes": "no release note is stored",
    "trial": "no trial is offered",
    "pause": "no pause is offered",
    "discount": "no discount is approved for this audience",
    "next_tier": "there is no higher tier",
    "lighter_plan": "there is no lighter plan",
    None: "it does not suit this segment",
}
LANDING_PATHS = {"retention": "your-plan", "upsell": "next-step", "winback": "welcome-back"}
MAX_PICTURE_HEADLINE = 60  # characters a canonical headline should have at most: it is drawn in the picture too
MAX_PICTURE_BODY = 150
MAX_SHORT_BODY = 90
UNPRINTABLE = {"PII-02", "PII-03", "EDT-03", "EDT-06", "CLK-02"}  # what even a brand's own name may not be
MAX_SIMILARITY = 0.5  # share of equal words above which another phrasing is looked for


class NoLegalCopy(Exception):
    """Fewer than three variants pass the blocking rules; `findings` say why, in plain words."""

    def __init__(self, findings):
        self.findings = tuple(findings)
        super().__init__("; ".join(dict.fromkeys(f.message for f in self.findings)) or "Nothing could be written.")


@dataclass(frozen=True)
class PreparedBrief:
    """A brief made ready for writing: only stored texts that an ad may print, the tier as it is spoken (or None)."""

    brief: Brief
    tier: plan_names.PlanName | None
    context: policy.LintContext
    reasons: tuple[str, ...]


def write(brief):
    """The creative set of a brief: three variants from three angles, each free of blocking findings."""
    desk = prepare(brief)
    return compose(desk, PhraseSelection(desk.brief, desk.tier, desk.context.banned))


def prepare(brief):
    """The desk of a brief. Raises Unwritable where not even the brand's name may stand in an ad."""
    context = policy.LintContext.of(brief)
    unprintable = [f for f in policy.check_name(brief.brand.name, context) if f.rule_id in UNPRINTABLE]
    if unprintable or not brief.brand.name.strip():
        raise NoLegalCopy([replace(f, field="brand name") for f in unprintable])
    tier, trouble = printable_tier(brief.tier, context)
    context = replace(context, tier=tier.name if tier else None)
    brief, dropped = _only_clean(brief, context)
    context = replace(context, customer_names=())  # nothing that names them is left
    return PreparedBrief(brief, tier, context, _reasons(brief, tier, trouble, dropped))


def printable_tier(name, context):
    """A stored tier name -> (Tier, None), or (None, the sentence that says why no ad may print it): it cannot be
    spoken, breaks a rule, or has letters that cannot be drawn."""
    tier, why = plan_names.format_plan(name)
    if tier:
        findings = policy.check_name(tier.name, context)
        why = next((f.message for f in findings if f.severity == policy.BLOCK or f.rule_id == "IMG-05"), None)
    return (None, why) if why else (tier, None)


def compose(desk, wording):
    """The creative set of a desk, in the wording's lines. Raises Unwritable."""
    brief, tier = desk.brief, desk.tier
    variants = _variants(brief, wording, desk.context)
    generic = tier is None or brief.segment is None
    return CreativeSet(brief.objective, brief.event, tier and tier.name, brief.segment, generic, variants, desk.reasons)


def _only_clean(brief, context):
    """The brief without stored texts that no ad may print, and how many were left out of each kind."""
    clean, dropped = {}, []
    for kind in ("proof", "release_notes", "offers"):
        stored = getattr(brief, kind)
        words = [(entry, entry.text if kind == "offers" else entry) for entry in stored]
        clean[kind] = tuple(e for e, t in words if t.strip() and not policy.blocks(policy.check_stored(t, context)))
        if len(clean[kind]) < len(stored):
            dropped.append(f"{len(stored) - len(clean[kind])} stored {kind.replace('_', ' ')} that break the rules")
    return replace(brief, **clean), dropped


def _variants(brief, wording, context):
    """Variants of the round's angles, then those for later in the window; an angle whose text the rules block gives
    way to the next candidate."""
    chosen = angles.choose(brief)
    queue = chosen + [a for a in angles.candidates(brief) if a not in chosen]
    variants, blocked = [], []
    for angle in [*queue, *angles.later(brief)]:
        if not angle.from_day and len(variants) == angles.A_SET:
            continue
        variant = _variant(brief, wording, angle, variants)
        findings = policy.check(variant, context)
        blocked += policy.blocks(findings)
        if not policy.blocks(findings):
            variants.append(replace(variant, rules=tuple(findings)))
    if len(variants) < angles.A_SET:
        raise NoLegalCopy(blocked)
    return tuple(variants)


def _variant(brief, wording, angle, others):
    copy = _VariantCopy(brief, wording, angle, others)
    platforms = {name: copy.placement(name) for name in PLACEMENTS}
    layouts = [name for name in angles.LAYOUTS[brief.objective] if name not in angles.UNSUITED.get(brief.event, ())]
    turn = int(wording.order("layout") * len(layouts)) + brief.round
    return Variant(
        angle=angle.id,
        angle_name=angle.name,
        headline=copy.headline,
        body=copy.body,
        call_to_action=copy.call_to_action,
        platforms={name: fitted for name, fitted in platforms.items() if fitted},
        layout=layouts[(turn + len(others)) % len(layouts)],
        label=_label(wording),
        why=_why(brief, wording.tier, angle, copy.call_to_action),
        from_day=angle.from_day,
    )


def _label(wording):
    return wording.tier.plan[:1].upper() + wording.tier.plan[1:] if wording.tier else ""


def _why(brief, tier, angle, canonical):
    audience = [SEGMENT_LABELS[brief.segment] if brief.segment else "value not known"]
    if tier:
        where = f", the {brief.tier_position} tier" if brief.tier_position not in (None, "single") else ""
        audience.append(f"on “{tier.name}”{where}")
    cta = CTA_MAP[canonical]["label"]
    event = KINDS[brief.event].noun.capitalize()
    return f"{event}; {', '.join(audience)}. Angle: {angle.name}, leading to “{cta}”."


def _reasons(brief, tier, trouble, dropped):
    reasons = [f"Made for {brief.objective} after {KINDS[brief.event].noun}."]
    if not tier:
        cannot = f"“{brief.tier[:40]}” cannot stand in an ad. " if brief.tier else ""
        reasons.append(f"Names no tier: {cannot}{trouble}")
    if not brief.segment:
        reasons.append("Addresses no value segment: none is known for this audience.")
    reasons += [f"Angle “{a.name}” left out: {NEED_LABELS[need]}." for a, need in angles.skipped(brief)]
    reasons += [f"Left out: {what}." for what in dropped]
    return tuple(reasons)


class _VariantCopy:
    """The texts of one variant: canonical headline and body first, then each placement fitted around them."""

    def __init__(self, brief, wording, angle, others):
        self.brief, self.wording, self.angle = brief, wording, angle
        self.shorts = wording.lines(angle, "short")
        self.headlines = wording.lines(angle, "headline")
        self.bodies = wording.lines(angle, "body")
        suits = angle.call_to_action in CTA_SUITS[brief.objective]
        self.call_to_action = angle.call_to_action if suits else "LEARN_MORE"
        self.disclaimer = brief.brand.disclaimer.strip()
        fresh = [line for line in self.headlines if line.text not in {v.headline for v in others}]
        first = _pick(fresh, MAX_PICTURE_HEADLINE)
        self.headline = first.text
        self.core, self.body = self._unlike(others, bool(wording.tier) and not first.names_tier)

    def _unlike(self, others, must_name):
        """The first fitting body line that does not share most of its words with the set's other variants."""
        telling = [line for line in self.bodies if line.tells] or self.bodies
        preferred = _pick(telling, MAX_SHORT_BODY, must_name)
        for core in (preferred, *telling):
            body = self._with_closing(core.text, MAX_PICTURE_BODY, others)
            fits = len(core.text) <= max(MAX_SHORT_BODY, len(preferred.text)) and (core.names_tier or not must_name)
            if fits and all(
                similarity(f"{self.headline} {body}", f"{v.headline} {v.body}") <= MAX_SIMILARITY for v in others
            ):
                return core, body
        return preferred, self._with_closing(preferred.text, MAX_PICTURE_BODY, others)

    def placement(self, name):
        """The placement's copy, or None where the brand's disclaimer leaves no room for it."""
        fields = getattr(self, f"_{name}")()
        if fields is None:
            return None
        return PlatformCopy(
            {field: tuple(lines) for field, lines in fields.items()}, call_to_action(self.call_to_action, name)
        )

    def _with_closing(self, text, limit, others):
        """The text with the segment's sentence after it, one that no other variant of the set uses."""
        closings = self.wording.lines(self.angle, self.angle.closing) if self.angle.closing else []
        for closing in closings:
            full = f"{text} {closing.text}"
            echoes = content_words(text) & content_words(closing.text)
            if len(full) <= limit and not echoes and not any(closing.text in v.body for v in others):
                return full
        return text

    def _and_disclaimer(self, text):
        return f"{text} {self.disclaimer}".strip()

    def _body(self, limit):
        """The canonical body, its first part, or another phrasing of the angle: the first that fits."""
        room = limit - len(self._and_disclaimer("")) - (1 if self.disclaimer else 0)
        texts = [self.body, self.core.text, *(b.text for b in self.bodies)]
        return self._and_disclaimer(next((t for t in texts if len(t) <= room), min(texts, key=len)))

    def _short_lines(self, limit, plain=False):
        """Short headlines that fit, those with the tier first; `plain` leaves out closing punctuation."""
        tiered = sorted(self.shorts, key=lambda line: not line.names_tier)
        own = [line.text for line in tiered[:2]] + [line.text for line in tiered[2:]]
        texts = own[:4] + [line.text for line in self.wording.segment_shorts(self.angle)][:2] + own[4:]
        texts += [line.text for line in self.headlines]
        return [t for t in dict.fromkeys(texts) if len(t) <= limit and not (plain and t[-1] in ".!?")]

    def _descriptions(self, most):
        fitting = [b for b in (self.core, *self.bodies) if len(b.text) <= MAX_SHORT_BODY]
        fitting.sort(key=lambda line: (not line.tells, not line.names_tier))
        texts = list(dict.fromkeys(line.text for line in fitting))
        if not self.disclaimer:
            return texts[:most]
        return [*texts[: most - 1], self.disclaimer] if len(self.disclaimer) <= MAX_SHORT_BODY else None

    def _long_headline(self, limit):
        """The canonical headline, another of the angle, or a short one: the first that fits."""
        texts = [self.headline, *(line.text for line in (*self.headlines, *self.shorts))]
        return next((t for t in texts if len(t) <= limit), min(texts, key=len))

    def _meta_feed(self):
        shorts = self._short_lines(PLACEMENTS["meta_feed"].fields["headline"].target)
        return {"primary_text": [self._body(MAX_PICTURE_BODY)], "headline": shorts[:1], "description": shorts[1:2]}

    def _meta_story(self):
        return {"primary_text": [self._body(125)], "headline": [self._long_headline(40)]}

    def _google_search(self):
        descriptions = self._descriptions(4)
        if not descriptions:
            return None
        tier = self.wording.tier
        paths = [
            p
            for p in (plan_names.slug(tier.name) if tier else "", LANDING_PATHS[self.brief.objective])
            if 0 < len(p) <= 15
        ]
        return {"headlines": self._short_lines(30)[:8], "descriptions": descriptions, "paths": paths}

    def _google_display(self):
        name, descriptions = fitting_name(self.brief.brand.name, 25), self._descriptions(3)
        if not descriptions or not name:
            return None
        shorts = [s for s in self._short_lines(30, plain=True) if s.casefold() != name.casefold()]
        return {
            "headlines": shorts[:5],
            "long_headline": [self._long_headline(90)],
            "descriptions": descriptions,
            "business_name": [name],
        }

    def _linkedin(self):
        return {"introduction": [self._body(MAX_PICTURE_BODY)], "headline": [self._long_headline(70)]}

    def _x(self):
        post = self._body(PLACEMENTS["x"].fields["post"].hard)
        return {"post": [post], "website_title": [self._long_headline(50)]} if len(post) <= 256 else None

    def _pinterest(self):
        return {"title": [self._long_headline(40)], "description": [self._body(500)]}

    def _tiktok(self):
        text, name = self._body(100), fitting_name(self.brief.brand.name, 40)
        return {"ad_text": [text], "display_name": [name]} if len(text) <= 100 and name else None


def _pick(lines, limit, must_name=False):
    """The first line that fits and, if it must, names the tier; failing that the shortest that names it."""
    named = [line for line in lines if line.names_tier or not must_name] or lines
    return next((line for line in named if len(line.text) <= limit), min(named, key=lambda line: len(line.text)))


def similarity(one, other):
    """The share of the shorter text's different words that the other one has too, 0..1."""
    a, b = (set(re.findall(r"\w+", text.casefold())) for text in (one, other))
    return len(a & b) / max(1, min(len(a), len(b)))


def content_words(text):
    """The words that the ear notices when they come twice."""
    return {word for word in re.findall(r"\w+", text.casefold()) if len(word) > 4 or word in ("talk", "easy", "step")}


def fitting_name(name, limit):
    """The brand's name, or as many of its leading words as fit; None where even the first does not."""
    words = name.split()
    while words and len(" ".join(words)) > limit:
        words.pop()
    return " ".join(words).rstrip(" ,&-") or None
