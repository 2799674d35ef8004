"""Runs the checks of checks.toml. A check that needs another one that is not good says so and is not judged."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path

from manimod.diagnostics import checks
from manimod.diagnostics.check_context import CheckContext
from manimod.extensions import db
from manimod.models import Account, Health
from manimod.models.accounts import now
from manimod.models.states import Outcome
from manimod.stripe import connections
from manimod.stripe.gateway import PERMISSIONS

WORST_FIRST = (Outcome.BROKEN, Outcome.ATTENTION, Outcome.GOOD, Outcome.NOT_APPLICABLE)


@dataclass(frozen=True)
class CheckDefinition:
    """A row of checks.toml with its function."""

    name: str
    title: str
    question: str
    says: dict[str, str]
    judge: Callable[[CheckContext], checks.CheckResult]
    needs: tuple[str, ...] = ()
    fix: dict = field(default_factory=dict)
    installation: bool = False


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


CHECKS: dict[str, CheckDefinition] = {}
for _row in tomllib.loads(Path(__file__).with_name("checks.toml").read_text(encoding="utf-8"))["check"]:
    if _row["name"] != "permission":
        CHECKS[_row["name"]] = CheckDefinition(**_row, judge=getattr(checks, _row["name"]))
        continue
    for _name, _permission in PERMISSIONS.items():
        _own = {"name": f"permission_{_name}", "title": f"{_row['title']} {_permission.label}"}
        CHECKS[_own["name"]] = CheckDefinition(**_row | _own, judge=partial(checks.permission, _name))
# Each after those that it needs.
RUN_ORDER = list(TopologicalSorter({row.name: row.needs for row in CHECKS.values()}).static_order())


def check_account(account: Account, ask_stripe: bool = False) -> list[Check]:
    """Every check of an account. With `ask_stripe` its key is tried first, which takes up to 10 seconds."""
    context = CheckContext(account)
    if ask_stripe and account.may_connect_stripe and context.connection:
        connections.check_connection(context.connection.id)
    return _run(context)


def check_installation() -> list[Check]:
    return _run(CheckContext())


def _run(context: CheckContext) -> list[Check]:
    found: dict[str, Check] = {}
    for name in RUN_ORDER:
        row = CHECKS[name]
        if context.account is None and not row.installation:
            continue
        cause = next((found[need] for need in row.needs if need in found and found[need].outcome != Outcome.GOOD), None)
        if cause is None:
            found[name] = _judge(row, context)
        else:
            is_unused = cause.outcome == Outcome.NOT_APPLICABLE
            meaning = cause.meaning if is_unused else f"Can't be judged until “{cause.title}” is good."
            found[name] = Check(name, row.title, Outcome.NOT_APPLICABLE, meaning)
    return [found[name] for name in CHECKS if name in found]


def _judge(row: CheckDefinition, context: CheckContext) -> Check:
    result = row.judge(context)
    words = context.words | result.slots
    action = None
    if row.fix and result.outcome in (Outcome.BROKEN, Outcome.ATTENTION):
        texts = {name: row.fix[name].format_map(words) for name in ("label", "address") if name in row.fix}
        action = Action(**row.fix | texts)
    meaning = row.says[result.says or result.outcome].format_map(words)
    return Check(row.name, row.title, result.outcome, meaning, result.evidence, result.seen_at, action)


def worst_outcome(found: list[Check]) -> Outcome:
    return min((check.outcome for check in found), key=WORST_FIRST.index)


def group_by_question(found: list[Check]) -> list[CheckGroup]:
    members: dict[str, list[Check]] = {}
    for check in found:
        members.setdefault(CHECKS[check.name].question, []).append(check)
    groups = []
    for question, own in members.items():
        failing = [check for check in own if check.is_failing]
        failing.sort(key=lambda check: WORST_FIRST.index(check.outcome))
        groups.append(CheckGroup(question, own, worst_outcome(own), failing))
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
