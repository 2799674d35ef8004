"""How checks are made: each looks at one thing and says what it saw, what that means and what to do.

A check is a function of the situation. `needs` names the checks without which it says nothing, so that one cause
turns one check red and not all that hang on it. `broken`: what worked, or should, doesn't. `attention`: somebody
should look or decide.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from manimod.flow.situation import Situation

GOOD, ATTENTION, BROKEN, NOT_APPLICABLE = "good", "attention", "broken", "not_applicable"
BLOCKING = (BROKEN, NOT_APPLICABLE)


@dataclass(frozen=True)
class Action:
    """What to do. `endpoint` is a place in mani, with its `anchor` and `query`, `address` one outside.

    `posts`: the endpoint does it by itself. Without a place the label says what people do elsewhere.
    """

    label: str
    endpoint: str | None = None
    anchor: str | None = None
    query: dict | None = None
    address: str | None = None
    posts: bool = False


@dataclass(frozen=True)
class Check:
    """What one check found. `evidence` is what was seen, `seen_at` when; `meaning` says it in plain words."""

    outcome: str
    meaning: str
    evidence: str = ""
    seen_at: datetime | None = None
    action: Action | None = None
    stops: bool = False  # whether what needs this check says nothing, though it is not broken
    name: str = ""
    title: str = ""

    def to_json(self) -> dict:
        return {
            "check": self.name,
            "outcome": self.outcome,
            "meaning": self.meaning,
            "evidence": self.evidence,
            "seen_at": self.seen_at and self.seen_at.isoformat(),
            "action": self.action and self.action.label,
        }


@dataclass(frozen=True)
class Rule:
    name: str
    title: str
    needs: tuple[str, ...]
    look: Callable[[Situation], Check]


OF_ACCOUNT: dict[str, Rule] = {}
OF_INSTALLATION: dict[str, Rule] = {}


def check(name: str, title: str, needs: tuple[str, ...] = (), everywhere: bool = False) -> Callable:
    """Registers a check of accounts; `everywhere`: of the installation as well."""

    def register(look: Callable[[Situation], Check]) -> Callable[[Situation], Check]:
        OF_ACCOUNT[name] = Rule(name, title, needs, look)
        if everywhere:
            OF_INSTALLATION[name] = OF_ACCOUNT[name]
        return look

    return register


def look_at(situation: Situation) -> list[Check]:
    """Every check of the situation, in the order in which they were registered."""
    rules = OF_ACCOUNT if situation.account else OF_INSTALLATION
    found: dict[str, Check] = {}

    def judge(rule: Rule) -> Check:
        if rule.name not in found:
            causes = [judge(rules[name]) for name in rule.needs if name in rules]
            in_the_way = next((cause for cause in causes if cause.stops or cause.outcome in BLOCKING), None)
            result = _unknown(in_the_way) if in_the_way else rule.look(situation)
            found[rule.name] = replace(result, name=rule.name, title=rule.title)
        return found[rule.name]

    return [judge(rule) for rule in rules.values()]


def _unknown(cause: Check) -> Check:
    if cause.outcome == NOT_APPLICABLE:
        return Check(NOT_APPLICABLE, cause.meaning)
    return Check(NOT_APPLICABLE, f"Can't be judged until “{cause.title}” is good.")
