"""Drafts of one ad and the choice of the best: templates over facts, scored by the weights of phrase_selection.toml."""

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from pathlib import Path
from random import Random
from typing import NamedTuple

from manimod.creatives.engine.brief import Brief, Claim, ClaimKind
from manimod.creatives.engine.copy import angles, claims, library
from manimod.creatives.engine.copy.angles import Angle
from manimod.creatives.engine.copy.library import Filling, Template
from manimod.creatives.engine.copy.plan_names import PlanName
from manimod.creatives.engine.facts.model import Fact, FactKind, TierStep
from manimod.creatives.engine.facts.steps import compare
from manimod.creatives.engine.facts.words import is_foreign
from manimod.creatives.engine.policy.platforms import greatest_length
from manimod.creatives.engine.policy.rules import PolicyContext

DRAFTS = 12  # that are written for an ad
MAX_HEADLINE = 60  # characters: it is drawn in the picture, too
MAX_BODY = 150
MORE = re.compile(r"\b(?:also|too|as well)\b")  # what only follows a headline with a fact
WEIGHTS: dict[str, float] = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def digest(*parts: object) -> float:
    """A stable number in [0, 1): Python's own hash() differs from process to process."""
    data = "\x1f".join(map(str, parts)).encode()
    return int.from_bytes(blake2b(data, digest_size=6).digest(), "big") / 2**48


class FilledLine(NamedTuple):
    """A filled template: what it says, the facts it names with the pools they are from, and what it states."""

    text: str
    template: Template
    used: Sequence[tuple[str, Fact]] = ()
    claims: tuple[Claim, ...] = ()

    @property
    def wording(self) -> str:
        """A line of names and facts alone is known by what it says."""
        return self.template.wording or self.text

    @property
    def facts(self) -> set[str]:
        return {fact.text for _, fact in self.used}


class Draft(NamedTuple):
    headline: FilledLine
    body: FilledLine
    score: float = 0.0
    why: str = ""

    @property
    def facts(self) -> set[str]:
        return self.headline.facts | self.body.facts


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
        grown = [(smaller, larger) for smaller, larger in self.to_next.grows if smaller.phrase and larger.phrase]
        return {
            "own": own,
            "deep": self.from_lighter.adds or tuple(reversed(tier.facts if tier else ())),
            "amounts": [fact for fact in own if fact.kind == FactKind.QUANTITY],
            "first": [fact for fact in own if fact.kind in library.KINDS["amount or do"]] or own,
            "features": [fact for fact in own if fact.kind in library.KINDS["feature"] and not is_all(fact)],
            "added": self.to_next.adds,
            "grown_from": [smaller for smaller, _ in grown],
            "grown_to": [larger for _, larger in grown],
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
        """What the slots of names and stored texts stand for; None where there is nothing to say. Two angles of a set
        and two rounds take different stored texts where there are several."""
        brief = self.brief
        names = {"brand": brief.brand.name, "plan": self.tier.plan if self.tier else None}
        for slot, tier in (("tier", self.tier), ("next", self.next_tier), ("lighter", self.lighter_tier)):
            names[slot] = tier.name if tier else None
        names["seat"] = brief.tier_facts.seat if brief.tier_facts else None
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
        return names

    def filling(self, angle: Angle, turn: int = 0, named: FilledLine | None = None) -> Filling:
        """What an angle's templates are filled with: its pools' facts from the `turn`-th on. After a headline that has
        `named` some, the others, and then the rest of the tier's."""
        of_tier = angle.pool if angle.pool and angle.about == "tier" else "own"
        pool_of = {"fact": of_tier, "do": of_tier, "text": angle.pool or "own"}
        facts = {}
        for slot in library.POOLS:
            pool = self.sayable[pool_of.get(slot, slot)]
            left = [*pool[turn % len(pool) :], *pool[: turn % len(pool)]] if turn and pool else list(pool)
            if named:
                if slot == "fact" or (slot == "text" and angle.about == "tier"):
                    left += [fact for fact in self.sayable["own"] if fact not in left]
                left = [fact for fact in left if fact.text not in named.facts]
            if slot == "do":
                left = [fact for fact in left if library.what_to_do(fact)]
            facts[slot] = left if (slot == "text") == self.is_listed else []
        facts["named"] = [fact for _, fact in named.used] if named else []
        return Filling(self.names(angle), facts)

    def suits(self, wording: str) -> float:
        """How early the account gets a wording, in [0, 1): each has its own order, and facts alone come before most."""
        return digest(self.brief.seed or self.brief.brand.name, wording) if wording else 0.7

    def templates(self, angle: Angle, part: str) -> list[Template]:
        """The angle's templates whose claims the brief holds and whose words no brand kit bans, in this audience's own
        order, the least used first. Each round begins with others. Foreign facts are listed without a word of ours."""
        brief, usable = self.brief, []
        for template in (*self.written.get((angle.id, part), ()), *library.load().get((angle.id, part), ())):
            is_true = all(self.held[kind] for kind in template.claims)
            is_understood = template.is_bare or not self.is_listed or not angle.pool
            if part == "body" and template.is_bare:
                is_understood = self.is_listed or bool(template.counts)
            is_wanted = template.tone in (None, brief.brand.tone) and not self.context.banned.search(template.text)
            if is_true and is_understood and is_wanted:
                usable.append(template)
        Random(self.key(angle.id, part)).shuffle(usable)  # noqa: S311 - an order, not a secret
        written = self.written.get((angle.id, part), ())
        uses = {t.wording: brief.used_phrases.get(t.wording, 0) for t in usable if t.wording}
        usable.sort(key=lambda t: (t not in written, uses.get(t.wording, 0), -self.suits(t.wording)))
        start = brief.round * DRAFTS % len(usable) if usable else 0
        return usable[start:] + usable[:start]

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
        lacked = (
            [Claim(ClaimKind.LACKS, fact.text, fact.phrase or fact.text, lighter.name, fact.source)]
            if slot == "left_out"
            else []
        )
        return [*lacked, claims.fact_claim(fact, own)]

    def drafts(self, angle: Angle, others: Sequence[Draft] = ()) -> list[Draft]:
        """A dozen, the best first. `others`: what the set's other ads say already."""
        bodies, found = self.templates(angle, "body"), []
        named = set().union(*(draft.headline.facts for draft in others))
        size = max(1, len(self.pools.get(angle.pool, ())))
        turns = [self.filling(angle, turn + self.brief.round) for turn in range(size)]
        headlines = [self._over_unnamed(head, angle, turns, named) for head in self.templates(angle, "headline")]
        headlines = [line for line in headlines if line and greatest_length(line.text) <= MAX_HEADLINE]
        for headline in sorted(headlines, key=lambda line: self.brief.used_phrases.get(line.wording, 0)):
            filling = self.filling(angle, named=headline)
            first = len(found) % max(1, len(bodies))
            for template in bodies[first:] + bodies[:first]:
                is_apt = template.after in (None, len(headline.used)) and (
                    headline.used or not MORE.search(template.text)
                )
                body = self.fill(template, angle, filling) if is_apt else None
                if body and greatest_length(body.text) <= MAX_BODY:
                    found.append(self.judge(angle, Draft(headline, body), others))
                    break
            if len(found) == DRAFTS:
                break
        return sorted(found, key=lambda draft: -draft.score)

    def _over_unnamed(
        self, template: Template, angle: Angle, turns: Sequence[Filling], named: set[str]
    ) -> FilledLine | None:
        """The template over the first facts that fit it, that no other ad's headline names and no open ad says so."""
        fitting: list[tuple[int, int, FilledLine]] = []
        for place, filling in enumerate(turns):
            line = self.fill(template, angle, filling)
            if line:
                again = self.brief.used_phrases.get(line.wording, 0) if template.is_bare or not template.wording else 0
                fitting.append((2 * len(line.facts & named) + again, place, line))
                if fitting[-1][0] == 0:
                    return line
        return min(fitting, key=lambda found: found[:2])[2] if fitting else None

    def judge(self, angle: Angle, draft: Draft, others: Sequence[Draft]) -> Draft:
        """The draft with its score, and why in words."""
        brief, w, headline, body = self.brief, WEIGHTS, draft.headline, draft.body
        both = f"{headline.text} {body.text}"
        plans = [plan.name for plan in (self.tier, self.next_tier, self.lighter_tier) if plan]
        named = set().union(*(other.facts for other in others))
        uses = brief.used_phrases.get(headline.wording, 0)
        again = sum((o.headline.wording == headline.wording) + (o.body.wording == body.wording) for o in others)
        points = {
            "fact": min(len(draft.facts), w["most_facts"]),
            "fact_in_headline": bool(headline.facts),
            "follows_on": bool(body.facts - headline.facts),
            "names_tier": any(plan in both for plan in plans),
            "headline_short": len(headline.text) <= w["short_headline"],
            "headline_very_short": len(headline.text) <= w["very_short_headline"],
            "body_short": len(body.text) <= w["short_body"],
            "tone": (headline.template.tone is not None) + (body.template.tone is not None),
            "echo": len(content_words(headline.text) & content_words(body.text)),
            "tier_again": sum(max(0, both.count(plan) - 1) for plan in plans),
            "brand_again": max(0, both.count(brief.brand.name) - 1),
            "second_and": max(0, headline.text.count(" and ") - 1) + max(0, body.text.count(" and ") - 1),
            "headline_used": uses,
            "account": self.suits(headline.template.wording),
            "body_used": brief.used_phrases.get(body.wording, 0),
            "wording_again": again,
            "named_in_this_set": len(draft.facts & named),
            "chance": digest(self.key(angle.id, headline.text, brief.round)),
        }
        for line, part in ((headline, "headline"), (body, "body")):
            points["liking"] = points.get("liking", 0) + angles.liking(brief.preferences.phrases, line.wording) - 1
            points["model"] = points.get("model", 0) + (line.template in self.written.get((angle.id, part), ()))
        score = sum(w[name] * value for name, value in points.items())
        facts = f"{len(draft.facts)} fact{'s' * (len(draft.facts) != 1)}" if draft.facts else "no fact"
        elsewhere = f"its wording heads {uses} open ads" if uses else "a wording that no open ad has"
        return draft._replace(score=score, why=f"{facts}, {len(headline.text)} characters above, {elsewhere}")


def is_all(fact: Fact) -> bool:
    """ "all needed X-rays": how much there is of something, not a thing that works."""
    return (fact.phrase or "").startswith("all ")


def content_words(text: str) -> set[str]:
    """The words that the ear notices when they come twice."""
    return set(re.findall(r"\b\w{5,}", text.casefold()))


def different_texts(lines: Sequence[FilledLine], limit: int) -> list[FilledLine]:
    """The lines that fit, each text once."""
    found: dict[str, FilledLine] = {}
    for line in lines:
        if greatest_length(line.text) <= limit:
            found.setdefault(line.text.casefold(), line)
    return list(found.values())
