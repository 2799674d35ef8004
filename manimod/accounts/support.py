"""What support sees of all accounts, and may do to one of them.

Every action, and every look at what is known of a person, needs a reason and is audited.
"""

from sqlalchemy import Row, case, func, or_, select

from manimod.diagnostics import check_runner, delivery_log
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.ingest import sync
from manimod.models import PLANS, Account, AuditEntry, Connection, Health, User
from manimod.models.states import Outcome
from manimod.stripe import connections

PAGE_SIZE = 25
MAX_REASON_LENGTH = 300
MAX_ENTRIES_SHOWN = 30
UNCHECKED = "unchecked"  # no check has run yet
WORST_FIRST = (Outcome.BROKEN, Outcome.ATTENTION, UNCHECKED, Outcome.GOOD, Outcome.NOT_APPLICABLE)


def search(
    text: str = "", outcome: str | None = None, page: int = 0
) -> list[Row[tuple[Account, Health | None, Connection | None]]]:
    """A page of accounts, the worst first and among those the longest; one row more if another page follows."""
    health = func.coalesce(Health.outcome, UNCHECKED)
    query = select(Account, Health, Connection).outerjoin(Health, Health.account_id == Account.id)
    query = query.outerjoin(Connection, Connection.account_id == Account.id)
    if text := text.strip():
        owners = select(User.account_id).where(User.email.icontains(text, autoescape=True))
        named = Account.name.icontains(text, autoescape=True)
        query = query.where(or_(named, Account.id.in_(owners), Connection.stripe_account_id == text))
    if outcome:
        query = query.where(health == outcome)
    order = case({name: place for place, name in enumerate(WORST_FIRST)}, value=health)
    query = query.order_by(order, Health.changed_at, Account.id).offset(page * PAGE_SIZE).limit(PAGE_SIZE + 1)
    return list(db.session.execute(query))


def counts() -> dict[str, int]:
    """Accounts by outcome."""
    outcome = func.coalesce(Health.outcome, UNCHECKED)
    query = select(outcome, func.count(Account.id)).outerjoin(Health, Health.account_id == Account.id)
    return dict.fromkeys(WORST_FIRST, 0) | dict(db.session.execute(query.group_by(outcome)).all())


def owner_emails(account: Account) -> list[str]:
    return list(db.session.scalars(select(User.email).where(User.account_id == account.id).order_by(User.id)))


def audit_entries(account: Account) -> list[AuditEntry]:
    """The latest first."""
    query = select(AuditEntry).where(AuditEntry.account_id == account.id).order_by(AuditEntry.id.desc())
    return list(db.session.scalars(query.limit(MAX_ENTRIES_SHOWN)))


def record_action(by: User, account: Account, action: str, reason: str, **details: object) -> None:
    """Written together with its action and never changed. `reason`: 1 to MAX_REASON_LENGTH characters."""
    db.session.add(AuditEntry(user_id=by.id, account_id=account.id, action=action, reason=reason, details=details))


def look(by: User, account: Account, reason: str, **seen: object) -> None:
    """Support looks at what is known of customers. `seen` has ids of Stripe's only, never what was searched for."""
    record_action(by, account, "looked", reason, **seen)


# The actions. Each is in the caller's transaction, together with its audit entry.


def check(by: User, account: Account, reason: str) -> None:
    """Keeps the outcome. Stripe is asked before, outside of the transaction."""
    found = check_runner.run_checks(account)
    record_action(by, account, "checked", reason, outcome=check_runner.worst_outcome(found))
    check_runner.save_health(account, found)


def sync_now(by: User, account: Account, reason: str) -> None:
    record_action(by, account, "synced", reason)
    sync.request_sync(connections.require_current(account))


def set_plan(by: User, account: Account, reason: str, plan: str) -> None:
    if plan not in PLANS:
        raise ManimodError("PLAN_UNKNOWN")
    record_action(by, account, "set_plan", reason, before=account.plan, after=plan)
    account.plan = plan
    check_runner.save_health(account, check_runner.run_checks(account))


def replay(by: User, account: Account, reason: str, event_id: int) -> None:
    connection = connections.require_current(account)
    event = delivery_log.get_event(connection, event_id).event
    record_action(by, account, "replayed_event", reason, event=event.stripe_id)
    delivery_log.replay(connection, event_id)
