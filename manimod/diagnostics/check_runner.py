"""Runs the checks of checks.toml. A check that needs another one that is not good says so and is not judged."""

import tomllib
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field, replace
from graphlib import TopologicalSorter
from operator import attrgetter
from pathlib import Path

from manimod.diagnostics.checks import CheckResult, Checks, broken, not_applicable
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Account, Connection, Health
from manimod.models.accounts import is_future, now
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


class Check:
    """What one check found. `action`: what to do if it fails, the `fix` of checks.toml.

    `words` are what its sentences hold in braces. `meaning` replaces the sentence of a check that was not judged.
    """

    def __init__(self, row: CheckDefinition, result: CheckResult, words: dict[str, str], meaning: str = "") -> None:
        self.name, self.title, self.outcome = row.name, row.title, result.outcome
        self.evidence, self.seen_at = result.evidence, result.seen_at
        self.severity = list(Outcome).index(self.outcome)  # 0 is the worst
        self.is_failing = self.outcome in (Outcome.BROKEN, Outcome.ATTENTION)
        self.meaning = meaning or row.says[result.says or self.outcome].format_map(words)
        self.action = None
        if row.fix and self.is_failing:
            self.action = row.fix | {"label": row.fix["label"].format_map(words)}
            if "address" in row.fix:
                self.action["address"] = row.fix["address"].format_map(words)
            if "mode" in row.fix.get("query", {}):
                self.action["query"] = {"mode": row.fix["query"]["mode"].format_map(words)}


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


def run_checks(
    account: Account | None = None,
    connection: Connection | None = None,
    ask_stripe: bool = False,
    names: Collection[str] = CHECKS,
) -> list[Check]:
    """Every check of an account with its live or test `connection`, if it has one; or those of the installation.
    Of these the `names`.

    With `ask_stripe` the connection's key is tried first, which takes a few seconds.
    """
    if ask_stripe and account.may_connect_stripe and connection:
        with suppress(ManimodError):  # the checks read what is remembered
            connections.refresh_permissions(connection.id)
    checks, found = Checks(account, connection), {}
    for name in RUN_ORDER:
        row = CHECKS[name]
        if name not in names or (account is None and not row.installation):
            continue
        causes = [found[need] for need in row.needs if need in found and found[need].outcome != Outcome.GOOD]
        if causes:
            meaning = f"Can't be judged until “{causes[0].title}” is good."
            if causes[0].outcome == Outcome.NOT_APPLICABLE:
                meaning = causes[0].meaning
            found[name] = Check(row, not_applicable(), {}, meaning)
            continue
        result = checks.check_permission(row.permission) if row.permission else getattr(checks, f"check_{name}")()
        if result.outcome == Outcome.GOOD and result.seen_at and is_future(result.seen_at):
            row, result = replace(row, fix=CHECKS["clock"].fix), broken(result.evidence, result.seen_at)
            found[name] = Check(row, result, {}, CHECKS["clock"].says["future"])
            continue
        found[name] = Check(row, result, checks.words | result.slots)
    return [found[name] for name in CHECKS if name in found]


def worst_outcome(found: list[Check]) -> Outcome:
    return min(found, key=attrgetter("severity")).outcome


def group_by_question(found: list[Check]) -> dict[str, list[Check]]:
    """Question -> its checks, the worst first. The table of checks is in the order of the questions."""
    groups: dict[str, list[Check]] = {row.question: [] for row in CHECKS.values()}
    for check in sorted(found, key=attrgetter("severity")):
        groups[CHECKS[check.name].question].append(check)
    return groups


def save_health(connection: Connection, found: list[Check]) -> Health:
    """Keep the outcome for pages that list many accounts."""
    health = db.session.get(Health, connection.id)
    if health is None:
        health = Health(connection_id=connection.id, account_id=connection.account_id, changed_at=now())
    outcome = worst_outcome(found)
    if health.outcome != outcome:
        health.outcome, health.changed_at = outcome, now()
    health.checks = {check.name: check.outcome for check in found if check.is_failing}
    health.checked_at = now()
    db.session.add(health)
    return health
