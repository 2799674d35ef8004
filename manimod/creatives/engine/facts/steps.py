"""From one tier to another: what the larger one adds, what grows, what both have. Read from their facts alone."""

import re
from collections.abc import Sequence

from manimod.creatives.engine.facts.bullets import read_fact, referenced_tier, split_lines
from manimod.creatives.engine.facts.model import Fact, FactSource, TierFacts, TierStep

Line = tuple[str, FactSource]


def read_tiers(tiers: Sequence[tuple[str, Sequence[Line]]]) -> list[tuple[tuple[Fact, ...], tuple[Fact, ...]]]:
    """For each tier its own facts and those that it inherits: `TierFacts.facts` and `TierFacts.inherited`.

    `tiers`: every tier of one price list with its lines, in any order. "Everything in Team" gives the tier the facts
    of Team and what Team inherits, but for those that it states in another size itself. A name that no tier has, and
    tiers that refer to each other in a circle, give nothing.
    """
    at = {_key(name): i for i, (name, _) in enumerate(tiers)}
    own, refers_to = [], []
    for _, stored in tiers:
        lines = [(line, source) for text, source in stored for line in split_lines(text)]
        own.append(tuple(fact for line, source in lines if (fact := read_fact(line, source))))
        names = [_key(tier) for line, _ in lines if (tier := referenced_tier(line))]
        refers_to.append([at[name] for name in names if name in at])

    def inherited(i: int, visited: frozenset[int]) -> list[Fact]:
        found: list[Fact] = []
        for other in refers_to[i]:
            if other not in visited:
                found += [*own[other], *inherited(other, visited | {other})]
        return [fact for fact in found if not any(_same_feature(fact, mine) for mine in own[i])]

    return [(own[i], tuple(dict.fromkeys(inherited(i, frozenset({i}))))) for i in range(len(tiers))]


def compare(lower: TierFacts, upper: TierFacts) -> TierStep:
    """What changes from the smaller of two neighbouring tiers to the larger."""
    adds, grows, keeps = [], [], []
    lower_facts = [*lower.facts, *lower.inherited]
    for fact in upper.facts:
        before = next((other for other in lower_facts if _same_feature(other, fact)), None)
        if before is None:
            adds.append(fact)
        elif _is_larger(fact, before):
            grows.append((before, fact))
        elif not _is_larger(before, fact):
            keeps.append(fact)
    keeps += [fact for fact in upper.inherited if any(_same_feature(fact, other) for other in lower_facts)]
    adds += [fact for fact in upper.inherited if not any(_same_feature(fact, other) for other in lower_facts)]
    return TierStep(adds=tuple(adds), grows=tuple(grows), keeps=tuple(keeps))


def _same_feature(one: Fact, other: Fact) -> bool:
    """ "3 boards" and "Unlimited boards"; "20 automations a month" and "Unlimited automations"."""
    if one.topic == other.topic:
        return True
    if not (one.is_unlimited or other.is_unlimited):
        return False
    return _without_period(one.topic) == _without_period(other.topic)


def _without_period(topic: str) -> str:
    return re.sub(r" (?:a|an) (?:day|week|month|year|hour)$", "", topic)


def _is_larger(fact: Fact, other: Fact) -> bool:
    if other.is_unlimited:
        return False
    return fact.is_unlimited or (fact.number is not None and other.number is not None and fact.number > other.number)


def _key(name: str) -> str:
    """A tier's name as lines refer to it: "the Pro plan" and "pro"."""
    return re.sub(r"^the | (?:plan|tier|membership|package)$", "", " ".join(name.lower().split()))
