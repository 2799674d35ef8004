"""Drafts of one ad and the choice of the best: templates over facts, scored by the weights of phrase_selection.toml."""

import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import NamedTuple

from manimod.creatives.engine.brief import Brief, Claim, ClaimKind
from manimod.creatives.engine.copy import angles, claims, library
from manimod.creatives.engine.copy.angles import Angle
from manimod.creatives.engine.copy.library import FilledLine, Filling, Template
from manimod.creatives.engine.copy.plan_names import PlanName
from manimod.creatives.engine.facts.model import Fact, FactKind, TierFacts, TierStep
from manimod.creatives.engine.facts.steps import compare
from manimod.creatives.engine.facts.words import is_foreign
from manimod.creatives.engine.policy.platforms import greatest_length
from manimod.creatives.engine.policy.rules import PolicyContext

DRAFTS = 12  # that are written for an ad
MAX_HEADLINE = 60  # characters: it is drawn in the picture, too
MAX_BODY = 150
MORE = re.compile(r"\b(?:also|too|as well)\b")  # what only follows a headline with a fact
_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
POINTS: dict[str, float] = _TABLES["points"]
POINTS_FOR_ONE_THING: dict[str, float] = POINTS | _TABLES["one_thing"]


def digest(*parts: object) -> float:
    """A stable number in [0, 1): Python's own hash() differs from process to process."""
    data = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(data, digest_size=6).digest(), "big") / 2**48


class Draft(NamedTuple):
    headline: FilledLine
    body: FilledLine
    score: float = 0.0
    why: str = ""

    @property
    def facts(self) -> set[str]:
        return self.headline.facts | self.body.facts

    def repeats(self, other: "Draft") -> bool:
        """Whether both name the same facts in the same place, or have the same body."""
        same_headline = bool(self.headline.facts) and self.headline.facts == other.headline.facts
        same_body = bool(self.body.facts) and self.body.facts == other.body.facts
        return same_headline or same_body or self.body.text == other.body.text


class AboutPlan(NamedTuple):
    """The plan that an ad speaks of. `kind`: what naming it states; `slot`: the one of its facts."""

    name: PlanName | None
    facts: TierFacts | None
    kind: ClaimKind
    slot: str


@dataclass
class Material:
    """What may be said to one audience: a brief with only the texts and facts that an ad may print. `tier`, `next_tier`
    and `lighter_tier` are the names as ads say them, or None; `written`: a language model's templates."""

    brief: Brief
    context: PolicyContext
    tier: PlanName | None = None
    next_tier: PlanName | None = None
    lighter_tier: PlanName | None = None
    reasons: tuple[str, ...] = ()
    written: Mapping[tuple[str, str], list[Template]] = field(default_factory=dict)

    def key(self, *parts: object) -> str:
        """Different for each account and audience."""
        brief = self.brief
        return "\x1f".join(map(str, (brief.seed or brief.brand.name, brief.event, brief.tier, brief.segment, *parts)))

    def about(self, angle: Angle) -> AboutPlan:
        match angle.about:
            case "next":
                return AboutPlan(self.next_tier, self.brief.next_tier, ClaimKind.NEXT, "added")
            case "lighter":
                return AboutPlan(self.lighter_tier, self.brief.lighter_tier, ClaimKind.LIGHTER, "kept")
        return AboutPlan(self.tier, self.brief.tier_facts, ClaimKind.TIER, "fact")

    @cached_property
    def held(self) -> dict[ClaimKind, list[Claim]]:
        return {kind: list(claims.held(kind, self.brief)) for kind in ClaimKind}

    @cached_property
    def from_lighter(self) -> TierStep:
        brief = self.brief
        return compare(brief.lighter_tier, brief.tier_facts) if brief.lighter_tier and brief.tier_facts else TierStep()

    @cached_property
    def to_next(self) -> TierStep:
        brief = self.brief
        return compare(brief.tier_facts, brief.next_tier) if brief.next_tier and brief.tier_facts else TierStep()

    @cached_property
    def pools(self) -> dict[str, Sequence[Fact]]:
        """The facts that angles speak of, the most telling first, whatever their language."""
        tier, lighter = self.brief.tier_facts, self.brief.lighter_tier
        own = (*tier.facts, *tier.inherited) if tier else ()
        pools: dict[str, list[Fact]] = {"amounts": [], "first": [], "features": [], "grown_from": [], "grown_to": []}
        for fact in own:
            if fact.kind == FactKind.QUANTITY:
                pools["amounts"].append(fact)
            if fact.kind in library.KINDS["amount or do"]:
                pools["first"].append(fact)
            if fact.kind in library.KINDS["feature"] and not library.is_all(fact):
                pools["features"].append(fact)
        for smaller, larger in self.to_next.grows:
            if smaller.phrase and larger.phrase:
                pools["grown_from"].append(smaller)
                pools["grown_to"].append(larger)
        return pools | {
            "own": own,
            "deep": self.from_lighter.adds or tuple(reversed(tier.facts if tier else ())),
            "first": pools["first"] or own,
            "added": self.to_next.adds,
            "kept": self.from_lighter.keeps or (lighter.facts if lighter else ()),
            "left_out": self.from_lighter.leaves_out,
        }

    @cached_property
    def is_listed(self) -> bool:
        """Whether the facts may only be listed as they are written: in another language, or none can stand in a
        sentence."""
        found = [*self.pools["own"], *self.pools["added"], *self.pools["kept"]]
        foreign = sum(is_foreign(fact.text) for fact in found)
        return bool(found) and (2 * foreign > len(found) or not any(fact.phrase for fact in found))

    @cached_property
    def sayable(self) -> dict[str, Sequence[Fact]]:
        """The pools without the facts that no sentence can hold, where they are to stand in one."""
        return {name: [f for f in pool if f.phrase or self.is_listed] for name, pool in self.pools.items()}

    def is_possible(self, angle: Angle) -> bool:
        """Whether the account holds what the angle needs."""
        needs_met = all(self.held[ClaimKind(kind)] for kind in angle.needs)
        return needs_met and len(self.sayable.get(angle.pool, ())) >= angle.least

    def names(self, angle: Angle) -> dict[str, str | None]:
        """What the slots of names and stored texts stand for, as far as there is something to say. Two angles of a set
        and two rounds take different stored texts where there are several."""
        brief = self.brief
        names = {"brand": brief.brand.name}
        for slot, tier in (("tier", self.tier), ("next", self.next_tier), ("lighter", self.lighter_tier)):
            if tier:
                names[slot] = tier.name
        if self.tier:
            names["plan"] = self.tier.plan
        if brief.tier_facts:
            names["seat"] = brief.tier_facts.seat
        turn = int(digest(self.key("stored")) * 12) + brief.round + int(angle.id[1:])
        if brief.proof:
            names["proof"] = brief.proof[turn % len(brief.proof)].text.rstrip(" .")
        if brief.new_releases:
            note = brief.new_releases[turn % len(brief.new_releases)]
            names["news"] = note.text.rstrip(claims.SENTENCE_ENDS + " ")
            names["month"] = f"{note.released_on:%B %Y}"
        for kind in ("trial", "pause", "discount"):
            offers = brief.active_offers(kind, in_days=angle.from_day) if kind in angle.needs else ()
            if offers:
                offer = offers[brief.round % len(offers)]
                names["offer"], names["terms"] = claims.said(offer), offer.text.rstrip(claims.SENTENCE_ENDS + " ")
                names["use"] = claims.how_to_use(offer) or f"See how it works at {brief.brand.name}"
        return names

    def filling(
        self, angle: Angle, turn: int = 0, named: FilledLine | None = None, named_elsewhere: Set[str] = frozenset()
    ) -> Filling:
        """What an angle's templates are filled with: its pools' facts from the `turn`-th on. After a headline that has
        `named` some, the others, and then the rest of the tier's; those `named_elsewhere` come last."""
        of_tier = angle.pool if angle.pool and angle.about == "tier" else "own"
        pool_of = {"fact": of_tier, "the": of_tier, "do": of_tier, "text": angle.pool or "own"}
        facts = {}
        for slot in library.POOLS:
            pool = list(self.sayable[pool_of.get(slot, slot)])
            start = turn % max(1, len(pool))
            left = pool[start:] + pool[:start]
            if named and (slot in ("fact", "the") or (slot == "text" and angle.about == "tier")):
                left += [fact for fact in self.sayable["own"] if fact not in left]
            if named:
                left = [fact for fact in left if fact.text not in named.facts]
                left.sort(key=lambda fact: fact.text in named_elsewhere)
            if slot == "do":
                left = [fact for fact in left if library.what_to_do(fact)]
            elif slot == "the":
                left = [fact for fact in left if not library.is_all(fact)]
            facts[slot] = left if (slot == "text") == self.is_listed else []
        facts["named"] = [fact for _, fact in named.used] if named else []
        return Filling(self.names(angle), facts)

    def suits(self, wording: str) -> float:
        """How early the account gets a wording, in [0, 1): each has its own order, and facts alone come before most."""
        return digest(self.brief.seed or self.brief.brand.name, wording) if wording else 0.95

    def templates(self, angle: Angle, part: str) -> list[Template]:
        """The angle's templates that may be used, in this audience's own order, the least used first. Each round begins
        with others. Where an ad names one thing, those with one fact at most, if there are any."""
        usable, short = [], []
        written = self.written.get((angle.id, part), ())
        for template in (*written, *library.load().get((angle.id, part), ())):
            if self._is_usable(template, angle, part):
                usable.append(template)
                if max(template.counts.values(), default=0) <= 1:
                    short.append(template)
        if angles.is_for_one_thing(self.brief) and angle.least < 2 and short:
            usable = short
        Random(self.key(angle.id, part)).shuffle(usable)  # noqa: S311 - an order, not a secret
        used = self.brief.used_phrases
        usable.sort(key=lambda t: (t not in written, used.get(t.wording, 0), -self.suits(t.wording)))
        start = self.brief.round * DRAFTS % max(1, len(usable))
        return usable[start:] + usable[:start]

    def _is_usable(self, template: Template, angle: Angle, part: str) -> bool:
        """Whether the brief holds its claims and the brand kit allows its words. Foreign facts are listed without a
        word of ours."""
        if self.context.banned.search(template.text) or template.tone not in (None, self.brief.brand.tone):
            return False
        if not all(self.held[kind] for kind in template.claims):
            return False
        if template.is_bare and part == "body":
            return self.is_listed or bool(template.counts)
        return template.is_bare or not self.is_listed or not angle.pool

    def fill(self, template: Template, angle: Angle, filling: Filling) -> FilledLine | None:
        filled = template.fill(filling)
        if filled is None:
            return None
        text, used = filled
        names, stated = filling.names, set()
        said = {ClaimKind.PROOF: names.get("proof"), ClaimKind.RELEASE: names.get("news")}
        for kind in template.claims - {ClaimKind.FACT, ClaimKind.LACKS}:
            wanted = said.get(kind, names.get("offer"))
            of_kind = [claim for claim in self.held[kind] if wanted and wanted in claim.phrase]
            stated.add((of_kind or self.held[kind])[0])
        for slot, fact in used:
            stated.update(self.claims_of(slot, fact, angle))
        return FilledLine(text, template, used, tuple(sorted(stated)))

    def claims_of(self, slot: str, fact: Fact, angle: Angle) -> list[Claim]:
        """What naming a fact in a slot states: which tier has it, and what the lighter one lacks."""
        own, following, lighter = self.brief.tier_facts, self.brief.next_tier, self.brief.lighter_tier
        pool = angle.pool if slot == "text" else slot
        if pool in ("added", "grown_to"):
            return [claims.fact_claim(fact, following)]
        if pool == "kept":
            return [claims.fact_claim(fact, lighter if fact in (*lighter.facts, *lighter.inherited) else own)]
        if slot == "left_out":
            lacked = Claim(ClaimKind.LACKS, fact.text, fact.phrase or fact.text, lighter.name, fact.source)
            return [lacked, claims.fact_claim(fact, own)]
        return [claims.fact_claim(fact, own)]

    def drafts(self, angle: Angle, others: Sequence[Draft] = ()) -> list[Draft]:
        """A dozen, the best first. `others`: those of the set's other ads, whose bodies and facts no draft repeats."""
        bodies, found, named_elsewhere = self.templates(angle, "body"), [], set()
        for other in others:
            named_elsewhere |= other.body.facts
        for headline in self._headlines(angle, others):
            filling = self.filling(angle, named=headline, named_elsewhere=named_elsewhere)
            first = len(found) % max(1, len(bodies))
            for template in bodies[first:] + bodies[:first]:
                if template.after not in (None, len(headline.used)):
                    continue
                if MORE.search(template.text) and not headline.used:
                    continue
                body = self.fill(template, angle, filling)
                if body is None or greatest_length(body.text) > MAX_BODY:
                    continue
                draft = Draft(headline, body)
                if not any(draft.repeats(other) for other in others):
                    found.append(self.judge(angle, draft, others))
                    break
            if len(found) == DRAFTS:
                break
        return sorted(found, key=lambda draft: -draft.score)

    def _headlines(self, angle: Angle, others: Sequence[Draft]) -> list[FilledLine]:
        """Each template over the first facts that fit it, that no other ad's headline names and no open ad says so;
        the lines that open ads have come last."""
        named, taken, used = set(), [], self.brief.used_phrases
        for other in others:
            named |= other.headline.facts
            taken.append(other.headline.facts)
        size = max(1, len(self.pools.get(angle.pool, ())))
        turns = [self.filling(angle, turn + self.brief.round) for turn in range(size)]
        found = []
        for template in self.templates(angle, "headline"):
            best, fewest = None, 0
            for filling in turns:
                line = self.fill(template, angle, filling)
                if line is None or greatest_length(line.text) > MAX_HEADLINE or (line.facts and line.facts in taken):
                    continue
                faults = 2 * len(line.facts & named) + used.get(line.wording, 0)
                if best is None or faults < fewest:
                    best, fewest = line, faults
                if faults == 0:
                    break
            if best:
                found.append(best)
        return sorted(found, key=lambda line: used.get(line.wording, 0))

    def judge(self, angle: Angle, draft: Draft, others: Sequence[Draft]) -> Draft:
        """The draft with its score, and why in words."""
        brief, headline, body = self.brief, draft.headline, draft.body
        weights = POINTS_FOR_ONE_THING if angles.is_for_one_thing(brief) else POINTS
        both, uses = f"{headline.text} {body.text}", brief.used_phrases.get(headline.wording, 0)
        points = Counter(
            fact=min(len(draft.facts), weights["most_facts"]),
            fact_in_headline=bool(headline.facts),
            follows_on=bool(body.facts - headline.facts),
            headline_short=len(headline.text) <= weights["short_headline"],
            headline_very_short=len(headline.text) <= weights["very_short_headline"],
            body_short=len(body.text) <= weights["short_body"],
            echo=len(library.content_words(headline.text) & library.content_words(body.text)),
            brand_again=max(0, both.count(brief.brand.name) - 1),
            headline_used=uses,
            body_used=brief.used_phrases.get(body.wording, 0),
            account=self.suits(headline.template.wording),
            chance=digest(self.key(angle.id, headline.text, brief.round)),
        )
        for plan in (self.tier, self.next_tier, self.lighter_tier):
            if plan and plan.name in both:
                points["names_tier"] = 1
                points["tier_again"] += both.count(plan.name) - 1
        for line, part in ((headline, "headline"), (body, "body")):
            points["second_and"] += max(0, line.text.count(" and ") - 1)
            points["tone"] += line.template.tone is not None
            points["liking"] += angles.liking(brief.preferences.phrases, line.wording) - 1
            points["model"] += line.template in self.written.get((angle.id, part), ())
        for other in others:
            points["wording_again"] += headline.wording == other.headline.wording
            points["wording_again"] += body.wording == other.body.wording
            points["named_in_this_set"] += len(draft.facts & other.facts)
        score = sum(weights[name] * value for name, value in points.items())
        facts = f"{len(draft.facts)} fact{'s' * (len(draft.facts) != 1)}" if draft.facts else "no fact"
        elsewhere = f"its wording heads {uses} open ads" if uses else "a wording that no open ad has"
        return draft._replace(score=score, why=f"{facts}, a headline of {len(headline.text)} characters, {elsewhere}")
