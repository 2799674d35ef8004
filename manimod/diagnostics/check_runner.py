"""Runs the checks of checks.toml. A check that needs another one that is not good says so and is not judged."""

import tomllib
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from graphlib import TopologicalSorter
from operator import attrgetter
from pathlib import Path

from manimod.diagnostics.checks import Checks
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Account, Health
from manimod.models.accounts import now
from manimod.models.states import Outcome
from manimod.stripe import connections
from manimod.stripe.gateway import PERMISSIONS


@dataclass(frozen=True)
class CheckDefinition:
    """A row of checks.toml. `permission`: the one that it is about, if it is one of those checks."""

    name: str
    title: str
    question: str
    says: dict[str, str]
    needs: tuple[str, ...] = ()
    fix: dict = field(default_factory=dict)
    installation: bool = False
    permission: str | None = None


@dataclass(frozen=True)
class Check:
    """What one check found. `action`: what to do if it fails, the `fix` of checks.toml."""

    name: str
    title: str
    outcome: Outcome
    meaning: str
    evidence: str = ""
    seen_at: datetime | None = None
    action: dict | None = None

    @property
    def is_failing(self) -> bool:
        return self.outcome in (Outcome.BROKEN, Outcome.ATTENTION)

    @property
    def severity(self) -> int:
        """0 is the worst."""
        return list(Outcome).index(self.outcome)


CHECKS: dict[str, CheckDefinition] = {}
for _row in tomllib.loads(Path(__file__).with_name("checks.toml").read_text(encoding="utf-8"))["check"]:
    if _row["name"] != "permission":
        CHECKS[_row["name"]] = CheckDefinition(**_row)
        continue
    for _permission, _wanted in PERMISSIONS.items():
        _own = {"name": f"permission_{_permission}", "title": f"{_row['title']} {_wanted.label}"}
        CHECKS[_own["name"]] = CheckDefinition(**_row | _own, permission=_permission)
# Each after those that it needs.
RUN_ORDER = list(TopologicalSorter({row.name: row.needs for row in CHECKS.values()}).static_order())


def run_checks(account: Account | None = None, ask_stripe: bool = False) -> list[Check]:
    """Every check of an account, or those of the installation.

    With `ask_stripe` the account's key is tried first, which takes up to 10 seconds.
    """
    if ask_stripe and account.may_connect_stripe and (connection := connections.get_current(account)):
        with suppress(ManimodError):  # the checks read what is remembered
            connections.refresh_permissions(connection.id)
    checks, found = Checks(account), {}
    for name in RUN_ORDER:
        row = CHECKS[name]
        if account is None and not row.installation:
            continue
        cause = next((found[need] for need in row.needs if need in found and found[need].outcome != Outcome.GOOD), None)
        if cause is None:
            found[name] = _judge(row, checks)
        else:
            is_unused = cause.outcome == Outcome.NOT_APPLICABLE
            meaning = cause.meaning if is_unused else f"Can't be judged until “{cause.title}” is good."
            found[name] = Check(name, row.title, Outcome.NOT_APPLICABLE, meaning)
    return [found[name] for name in CHECKS if name in found]


def _judge(row: CheckDefinition, checks: Checks) -> Check:
    result = checks.check_permission(row.permission) if row.permission else getattr(checks, f"check_{row.name}")()
    words = checks.words | result.slots
    action = None
    if row.fix and result.outcome in (Outcome.BROKEN, Outcome.ATTENTION):
        action = row.fix | {"label": row.fix["label"].format_map(words)}
        if "address" in row.fix:
            action["address"] = row.fix["address"].format_map(words)
    meaning = row.says[result.says or result.outcome].format_map(words)
    return Check(row.name, row.title, result.outcome, meaning, result.evidence, result.seen_at, action)


def worst_outcome(found: list[Check]) -> Outcome:
    return min(found, key=attrgetter("severity")).outcome


def group_by_question(found: list[Check]) -> dict[str, list[Check]]:
    """Question -> its checks, the worst first. The table of checks is in the order of the questions."""
    groups: dict[str, list[Check]] = {row.question: [] for row in CHECKS.values()}
    for check in sorted(found, key=attrgetter("severity")):
        groups[CHECKS[check.name].question].append(check)
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
