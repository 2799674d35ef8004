"""How checks are made: each looks at one thing and says what it saw, what that means and what to do.

A check is a function of the situation. `needs` names the checks without which it says nothing, so that one cause
turns one check red and not all that hang on it. `broken`: what worked, or should, doesn't. `attention`: somebody
should look or decide.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from manimod.diagnostics.check_context import CheckContext
from manimod.extensions import db
from manimod.models import Account, Health
from manimod.models.accounts import now
from manimod.stripe import connections
from manimod.stripe.gateway import PERMISSIONS

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
class CheckDefinition:
    name: str
    title: str
    needs: tuple[str, ...]
    look: Callable[[CheckContext], Check]


ACCOUNT_CHECKS: dict[str, CheckDefinition] = {}
INSTALLATION_CHECKS: dict[str, CheckDefinition] = {}


def check(name: str, title: str, needs: tuple[str, ...] = (), everywhere: bool = False) -> Callable:
    """Registers a check of accounts; `everywhere`: of the installation as well."""

    def register(look: Callable[[CheckContext], Check]) -> Callable[[CheckContext], Check]:
        ACCOUNT_CHECKS[name] = CheckDefinition(name, title, needs, look)
        if everywhere:
            INSTALLATION_CHECKS[name] = ACCOUNT_CHECKS[name]
        return look

    return register


def run_checks(situation: CheckContext) -> list[Check]:
    """Every check of the situation, in the order in which they were registered."""
    rules = ACCOUNT_CHECKS if situation.account else INSTALLATION_CHECKS
    found: dict[str, Check] = {}

    def judge(rule: CheckDefinition) -> Check:
        if rule.name not in found:
            causes = [judge(rules[name]) for name in rule.needs if name in rules]
            in_the_way = next((cause for cause in causes if cause.stops or cause.outcome in BLOCKING), None)
            result = _not_judged(in_the_way) if in_the_way else rule.look(situation)
            found[rule.name] = replace(result, name=rule.name, title=rule.title)
        return found[rule.name]

    return [judge(rule) for rule in rules.values()]


def _not_judged(cause: Check) -> Check:
    if cause.outcome == NOT_APPLICABLE:
        return Check(NOT_APPLICABLE, cause.meaning)
    return Check(NOT_APPLICABLE, f"Can't be judged until “{cause.title}” is good.")


__all__ = ["Check", "checks"]

WORST_FIRST = (BROKEN, ATTENTION, GOOD, NOT_APPLICABLE)


def check_account(account: Account, ask_stripe: bool = False) -> list[Check]:
    """Every check of an account. With `ask_stripe` its key is tried first, which takes up to 10 seconds."""
    if ask_stripe and account.may_connect_stripe:
        connection = connections.get_current(account)
        if connection:
            connections.check_connection(connection.id)
    return run_checks(CheckContext(account))


def check_installation() -> list[Check]:
    return run_checks(CheckContext())


def worst_outcome(found: list[Check]) -> str:
    outcomes = {check.outcome for check in found}
    return next(outcome for outcome in WORST_FIRST if outcome in outcomes)


def save_health(account: Account, found: list[Check]) -> Health:
    """Keep the outcome for those who look at many accounts."""
    health = db.session.get(Health, account.id) or Health(account_id=account.id, changed_at=now())
    outcome = worst_outcome(found)
    if health.outcome != outcome:
        health.outcome, health.changed_at = outcome, now()
    health.checks = {check.name: check.outcome for check in found if check.outcome in (BROKEN, ATTENTION)}
    health.checked_at = now()
    db.session.add(health)
    return health


@dataclass(frozen=True)
class CheckGroup:
    """The checks that answer one question. `failing`: those to look at, the worst first."""

    question: str
    checks: list[Check]

    @property
    def outcome(self) -> str:
        return worst_outcome(self.checks)

    @property
    def failing(self) -> list[Check]:
        found = [check for check in self.checks if check.outcome in (BROKEN, ATTENTION)]
        return sorted(found, key=lambda check: WORST_FIRST.index(check.outcome))

    @property
    def first(self) -> Check | None:
        return next(iter(self.failing), None)


# The guide's three questions, then what it promises, then mani's own parts.
QUESTIONS = {
    "API key rejected": (
        "plan",
        "connection",
        "key",
        "stripe",
        *(f"permission_{name}" for name in PERMISSIONS),
    ),
    "No events triggering": (
        "events_chosen",
        "mode",
        "quick_way",
        "signature",
        "clock",
        "webhook",
        "repeats",
        "poll",
        "failed_events",
    ),
    "Customer data not appearing": ("sync", "customers"),
    "Ads missing, late or generic": ("promise", "blocked", "tiers", "generic"),
    "mani's own parts": ("redis", "worker", "sync_worker", "scheduler", "jobs"),
}


def group_by_question(found: list[Check]) -> list[CheckGroup]:
    of_name = {check.name: check for check in found}
    return [CheckGroup(question, [of_name[name] for name in names]) for question, names in QUESTIONS.items()]


from manimod.diagnostics import checks  # noqa: E402, F401  checks register themselves
