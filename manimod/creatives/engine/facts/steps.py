"""From one tier to another: what the larger one adds, what grows, what both have. Read from their facts alone."""

import re
from collections.abc import Sequence

from manimod.creatives.engine.facts.bullets import read_fact, referenced_tier, split_lines
from manimod.creatives.engine.facts.model import Fact, FactSource, TierFacts, TierStep

Line = tuple[str, FactSource]
BYTES = {"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}


def read_tiers(tiers: Sequence[tuple[str, Sequence[Line]]]) -> list[tuple[tuple[Fact, ...], tuple[Fact, ...]]]:
    """For each tier its own facts and those that it inherits: `TierFacts.facts` and `TierFacts.inherited`.

    `tiers`: every tier of one price list with its lines, in any order. "Everything in Team" gives the tier the facts
    of Team and what Team inherits, but for those that it states in another size itself. A name that no tier has, and
    tiers that refer to each other in a circle, give nothing.
    """
    at = {_key(name): i for i, (name, _) in enumerate(tiers)}
    own: list[list[Fact]] = [[] for _ in tiers]
    refers_to: list[list[int]] = [[] for _ in tiers]
    for i, (_, stored) in enumerate(tiers):
        for text, source in stored:
            for line in split_lines(text):
                if fact := read_fact(line, source):
                    own[i].append(fact)
                if (tier := referenced_tier(line)) and _key(tier) in at:
                    refers_to[i].append(at[_key(tier)])

    def inherited(i: int, visited: frozenset[int]) -> list[Fact]:
        found: list[Fact] = []
        for other in refers_to[i]:
            if other not in visited:
                found += [*own[other], *inherited(other, visited | {other})]
        return [fact for fact in found if not _find(fact, own[i])]

    read = []
    for i, facts in enumerate(own):
        once_each = dict.fromkeys(inherited(i, frozenset({i})))
        read.append((tuple(facts), tuple(once_each)))
    return read


def compare(lower: TierFacts, upper: TierFacts) -> TierStep:
    """What changes from the smaller of two neighbouring tiers to the larger."""
    adds, grows, keeps = [], [], []
    lower_facts = [*lower.facts, *lower.inherited]
    for fact in upper.facts:
        before = _find(fact, lower_facts)
        if before is None:
            adds.append(fact)
        elif _is_larger(fact, before):
            grows.append((before, fact))
        elif not _is_larger(before, fact):
            keeps.append(fact)
    for fact in upper.inherited:
        if _find(fact, lower_facts):
            keeps.append(fact)
        else:
            adds.append(fact)
    return TierStep(adds=tuple(adds), grows=tuple(grows), keeps=tuple(keeps))


def _find(fact: Fact, others: Sequence[Fact]) -> Fact | None:
    """The same feature: "3 boards" and "Unlimited boards"; "20 automations a month" and "Unlimited automations"."""
    for other in others:
        if _topic(fact) == _topic(other):
            return other
        if (fact.is_unlimited or other.is_unlimited) and _without_period(fact) == _without_period(other):
            return other
    return None


def _topic(fact: Fact) -> str:
    """The same of "1 TB of storage" and "100 GB of storage"."""
    return fact.topic.removeprefix(f"{fact.unit} ".lower()) if fact.unit in BYTES else fact.topic


def _number(fact: Fact) -> float | None:
    return fact.number and fact.number * BYTES.get(fact.unit, 1)


def _without_period(fact: Fact) -> str:
    return re.sub(r" (?:a|an) (?:day|week|month|year|hour)$", "", fact.topic)


def _is_larger(fact: Fact, other: Fact) -> bool:
    if other.is_unlimited:
        return False
    number, before = _number(fact), _number(other)
    return fact.is_unlimited or (number is not None and before is not None and number > before)


def _key(name: str) -> str:
    """A tier's name as lines refer to it: "the Pro plan" and "pro"."""
    return re.sub(r"^the | (?:plan|tier|membership|package)$", "", " ".join(name.lower().split()))
