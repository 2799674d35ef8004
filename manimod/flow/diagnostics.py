"""Why is nothing happening? Runs the checks of an account or of the installation, and remembers the outcome."""

from dataclasses import dataclass

from manimod.extensions import db
from manimod.flow import checks, connections
from manimod.flow.checking import ATTENTION, BROKEN, GOOD, NOT_APPLICABLE, Check, look_at
from manimod.flow.situation import Situation
from manimod.models import Account, Health
from manimod.models.accounts import now

__all__ = ["Check", "checks"]

WORST_FIRST = (BROKEN, ATTENTION, GOOD, NOT_APPLICABLE)


def check_account(account: Account, ask_stripe: bool = False) -> list[Check]:
    """Every check of an account. With `ask_stripe` its key is tried first, which takes up to 10 seconds."""
    if ask_stripe and account.may_connect_stripe:
        connection = connections.of_account(account)
        if connection and connection.is_connected:
            connections.look_again(connection.id)
    return look_at(Situation(account))


def check_installation() -> list[Check]:
    return look_at(Situation())


def worst(found: list[Check]) -> str:
    outcomes = {check.outcome for check in found}
    return next(outcome for outcome in WORST_FIRST if outcome in outcomes)


def remember(account: Account, found: list[Check]) -> Health:
    """Keep the outcome for those who look at many accounts."""
    health = db.session.get(Health, account.id) or Health(account_id=account.id, changed_at=now())
    outcome = worst(found)
    if health.outcome != outcome:
        health.outcome, health.changed_at = outcome, now()
    health.checks = {check.name: check.outcome for check in found if check.outcome in (BROKEN, ATTENTION)}
    health.checked_at = now()
    db.session.add(health)
    return health


@dataclass(frozen=True)
class Group:
    """The checks that answer one question. `amiss`: those to look at, the worst first."""

    question: str
    checks: list[Check]

    @property
    def outcome(self) -> str:
        return worst(self.checks)

    @property
    def amiss(self) -> list[Check]:
        found = [check for check in self.checks if check.outcome in (BROKEN, ATTENTION)]
        return sorted(found, key=lambda check: WORST_FIRST.index(check.outcome))

    @property
    def first(self) -> Check | None:
        return next(iter(self.amiss), None)


# The guide's three questions, then what it promises, then mani's own parts.
QUESTIONS = {
    "API key rejected": (
        "plan",
        "connection",
        "key",
        "stripe",
        *(f"permission_{name}" for name in connections.PERMISSIONS),
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
        "parked",
    ),
    "Customer data not appearing": ("sync", "customers"),
    "Ads missing, late or generic": ("promise", "held", "tiers", "generic"),
    "mani's own parts": ("redis", "worker", "sync_worker", "scheduler", "jobs"),
}


def by_question(found: list[Check]) -> list[Group]:
    of_name = {check.name: check for check in found}
    return [Group(question, [of_name[name] for name in names]) for question, names in QUESTIONS.items()]
