"""Runs the checks of checks.toml. A check whose cause is another one that is not good says so and is not judged."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

from manimod.diagnostics import checks
from manimod.diagnostics.check_context import CheckContext
from manimod.diagnostics.checks import CheckResult
from manimod.extensions import db
from manimod.models import Account, Health
from manimod.models.accounts import now
from manimod.models.states import Outcome
from manimod.stripe import connections
from manimod.stripe.gateway import PERMISSIONS, restricted_key_link

WORST_FIRST = (Outcome.BROKEN, Outcome.ATTENTION, Outcome.GOOD, Outcome.NOT_APPLICABLE)
FAILING = (Outcome.BROKEN, Outcome.ATTENTION)


@dataclass(frozen=True)
class Action:
    """What to do about a failing check, as described in checks.toml."""

    label: str
    endpoint: str | None = None
    anchor: str | None = None
    query: dict | None = None
    address: str | None = None
    posts: bool = False


@dataclass(frozen=True)
class CheckDefinition:
    name: str
    title: str
    question: str
    judge: Callable[[CheckContext], CheckResult]
    needs: tuple[str, ...] = ()
    fix: dict | None = None
    installation: bool = False


@dataclass(frozen=True)
class Check:
    """What one check found, and what to do if it fails."""

    name: str
    title: str
    outcome: Outcome
    meaning: str
    evidence: str
    seen_at: datetime | None
    action: Action | None

    @property
    def is_failing(self) -> bool:
        return self.outcome in FAILING

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
class CheckGroup:
    """The checks that answer one question."""

    question: str
    checks: list[Check]

    @property
    def outcome(self) -> Outcome:
        return worst_outcome(self.checks)

    @property
    def failing(self) -> list[Check]:
        """The worst first."""
        found = [check for check in self.checks if check.is_failing]
        return sorted(found, key=lambda check: WORST_FIRST.index(check.outcome))

    @property
    def first(self) -> Check | None:
        return next(iter(self.failing), None)


def _read_definitions() -> dict[str, CheckDefinition]:
    table = tomllib.loads(Path(__file__).with_name("checks.toml").read_text(encoding="utf-8"))
    definitions = {}
    for row in table["check"]:
        judge = getattr(checks, row["name"])
        if row["name"] != "permission":
            definitions[row["name"]] = CheckDefinition(**row, judge=judge)
            continue
        for name, permission in PERMISSIONS.items():
            own = {"name": f"permission_{name}", "title": f"{row['title']} {permission.label}"}
            definitions[own["name"]] = CheckDefinition(**(row | own), judge=partial(judge, name))
    return definitions


CHECKS = _read_definitions()


def check_account(account: Account, ask_stripe: bool = False) -> list[Check]:
    """Every check of an account. With `ask_stripe` its key is tried first, which takes up to 10 seconds."""
    context = CheckContext(account)
    if ask_stripe and account.may_connect_stripe and context.connection:
        connections.check_connection(context.connection.id)
    return _run(context, CHECKS)


def check_installation() -> list[Check]:
    return _run(CheckContext(), {name: row for name, row in CHECKS.items() if row.installation})


def _run(context: CheckContext, definitions: dict[str, CheckDefinition]) -> list[Check]:
    found: dict[str, Check] = {}

    def run(definition: CheckDefinition) -> Check:
        if definition.name not in found:
            needed = [run(definitions[name]) for name in definition.needs if name in definitions]
            cause = next((check for check in needed if check.outcome != Outcome.GOOD), None)
            result = _not_judged(cause) if cause else definition.judge(context)
            action = _action(definition, context) if result.outcome in FAILING else None
            found[definition.name] = Check(definition.name, definition.title, **vars(result), action=action)
        return found[definition.name]

    return [run(definition) for definition in definitions.values()]


def _not_judged(cause: Check) -> CheckResult:
    if cause.outcome == Outcome.NOT_APPLICABLE:
        return CheckResult(Outcome.NOT_APPLICABLE, cause.meaning)
    return CheckResult(Outcome.NOT_APPLICABLE, f"Can't be judged until “{cause.title}” is good.")


def _action(definition: CheckDefinition, context: CheckContext) -> Action | None:
    if definition.fix is None:
        return None
    action = dict(definition.fix)
    words = {"key_link": restricted_key_link()}
    if context.account and context.connection:
        is_test = context.mode == "test"
        words |= {"mode": context.mode, "other_mode": context.other_mode, "test": "test/" if is_test else ""}
    for field in {"label", "address"} & action.keys():
        action[field] = action[field].format_map(words)
    return Action(**action)


def worst_outcome(found: list[Check]) -> Outcome:
    outcomes = {check.outcome for check in found}
    return next(outcome for outcome in WORST_FIRST if outcome in outcomes)


def group_by_question(found: list[Check]) -> list[CheckGroup]:
    groups: dict[str, list[Check]] = {}
    for check in found:
        groups.setdefault(CHECKS[check.name].question, []).append(check)
    return [CheckGroup(question, members) for question, members in groups.items()]


def save_health(account: Account, found: list[Check]) -> Health:
    """Keep the outcome for pages that list many accounts."""
    health = db.session.get(Health, account.id) or Health(account_id=account.id, changed_at=now())
    outcome = worst_outcome(found)
    if health.outcome != outcome:
        health.outcome, health.changed_at = outcome, now()
    health.checks = {check.name: check.outcome for check in found if check.is_failing}
    health.checked_at = now()
    db.session.add(health)
    return health
