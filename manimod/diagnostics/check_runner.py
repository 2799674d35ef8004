"""Runs the checks of checks.toml. A check that needs another one that is not good says so and is not judged."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
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


@dataclass(frozen=True)
class Action:
    """What to do about a failing check: the `fix` of checks.toml."""

    label: str
    endpoint: str | None = None
    anchor: str | None = None
    query: dict | None = None
    address: str | None = None
    posts: bool = False


@dataclass(frozen=True)
class CheckDefinition:
    """A row of checks.toml with its function."""

    name: str
    title: str
    question: str
    says: dict[str, str]
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
    evidence: str = ""
    seen_at: datetime | None = None
    action: Action | None = None

    @property
    def is_failing(self) -> bool:
        return self.outcome in (Outcome.BROKEN, Outcome.ATTENTION)

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
    """The checks that answer one question. `failing`: the worst first."""

    question: str
    checks: list[Check]
    outcome: Outcome
    failing: list[Check]

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

    def run(row: CheckDefinition) -> Check:
        if row.name not in found:
            needed = [run(definitions[name]) for name in row.needs if name in definitions]
            cause = next((check for check in needed if check.outcome != Outcome.GOOD), None)
            if cause is None:
                found[row.name] = _judge(row, context)
            else:
                is_unused = cause.outcome == Outcome.NOT_APPLICABLE
                meaning = cause.meaning if is_unused else f"Can't be judged until “{cause.title}” is good."
                found[row.name] = Check(row.name, row.title, Outcome.NOT_APPLICABLE, meaning)
        return found[row.name]

    return [run(row) for row in definitions.values()]


def _judge(row: CheckDefinition, context: CheckContext) -> Check:
    result = row.judge(context)
    words = {"key_link": restricted_key_link(), **result.slots}
    if context.connection:
        is_test = context.mode == "test"
        words |= {"mode": context.mode, "other_mode": "live" if is_test else "test", "test": "test/" if is_test else ""}
    meaning = row.says[result.says or result.outcome].format_map(words)
    check = Check(row.name, row.title, result.outcome, meaning, result.evidence, result.seen_at)
    if row.fix is None or not check.is_failing:
        return check
    texts = {name: row.fix[name].format_map(words) for name in ("label", "address") if name in row.fix}
    return replace(check, action=Action(**(row.fix | texts)))


def worst_outcome(found: list[Check]) -> Outcome:
    return min((check.outcome for check in found), key=WORST_FIRST.index)


def group_by_question(found: list[Check]) -> list[CheckGroup]:
    groups = []
    for question in dict.fromkeys(row.question for row in CHECKS.values()):
        members = [check for check in found if CHECKS[check.name].question == question]
        failing = [check for check in members if check.is_failing]
        failing.sort(key=lambda check: WORST_FIRST.index(check.outcome))
        groups.append(CheckGroup(question, members, worst_outcome(members), failing))
    return groups


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
