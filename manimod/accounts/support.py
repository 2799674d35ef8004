"""What support sees of all accounts, and may do to one of them.

Every action, and every look at what is known of a person or at the owner's pages, needs a reason and is audited. A look
at an account's technical state needs none.
"""

from sqlalchemy import Row, Select, and_, case, exists, func, not_, or_, select
from sqlalchemy.orm import aliased

from manimod.diagnostics import check_runner, delivery_log
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.ingest import sync
from manimod.models import PLANS, Account, AuditEntry, Connection, Health, User
from manimod.models.states import ConnectionStatus, Outcome
from manimod.stripe import connections

PAGE_SIZE = 25
MAX_REASON_LENGTH = 300
MAX_ENTRIES_SHOWN = 30
UNCHECKED = "unchecked"  # no check has run yet
WORST_FIRST = (Outcome.BROKEN, Outcome.ATTENTION, UNCHECKED, Outcome.GOOD, Outcome.NOT_APPLICABLE)


def search(
    text: str = "", outcome: str | None = None, page: int = 0
) -> list[Row[tuple[Account, Health | None, Connection | None]]]:
    """A page of accounts, the worst first and among those the longest; one row more if another page follows.

    An account with a live and a test connection has a row for each.
    """
    health = func.coalesce(Health.outcome, UNCHECKED)
    query = _with_connections(select(Account, Health, Connection))
    if text := text.strip():
        owners = select(User.account_id).where(User.email.icontains(text, autoescape=True))
        named = Account.name.icontains(text, autoescape=True)
        query = query.where(or_(named, Account.id.in_(owners), Connection.stripe_account_id == text))
    if outcome:
        query = query.where(health == outcome)
    order = case({name: place for place, name in enumerate(WORST_FIRST)}, value=health)
    query = query.order_by(order, Health.changed_at, Account.id, Connection.id)
    return list(db.session.execute(query.offset(page * PAGE_SIZE).limit(PAGE_SIZE + 1)))


def _with_connections(query: Select) -> Select:
    """Of accounts, with what is connected; of those without, with the one that was, if there was one."""
    others = aliased(Connection)
    is_newer = or_(others.status == ConnectionStatus.CONNECTED, others.id > Connection.id)
    is_away = Connection.status != ConnectionStatus.CONNECTED
    is_hidden = and_(is_away, exists().where(others.account_id == Account.id, others.id != Connection.id, is_newer))
    query = query.select_from(Account).outerjoin(Connection, and_(Connection.account_id == Account.id, not_(is_hidden)))
    return query.outerjoin(Health, Health.connection_id == Connection.id)


def counts() -> dict[str, int]:
    """The rows of all pages by outcome."""
    outcome = func.coalesce(Health.outcome, UNCHECKED)
    query = _with_connections(select(outcome, func.count(Account.id)))
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
    """Support looks at what is known of customers, or at the owner's pages. `seen` has ids and names of pages only,
    never what was searched for."""
    record_action(by, account, "looked", reason, **seen)


# The actions. Each is in the caller's transaction, together with its audit entry.


def sync_now(by: User, account: Account, reason: str, livemode: bool) -> None:
    record_action(by, account, "synced", reason)
    sync.request_sync(connections.require_current(account, livemode))


def set_plan(by: User, account: Account, reason: str, plan: str) -> None:
    if plan not in PLANS:
        raise ManimodError("PLAN_UNKNOWN")
    record_action(by, account, "set_plan", reason, before=account.plan, after=plan)
    account.plan = plan
    for connection in connections.list_for_account(account):
        if connection.is_connected:
            check_runner.save_health(connection, check_runner.run_checks(account, connection))


def replay(by: User, account: Account, reason: str, event_id: int) -> None:
    event = delivery_log.get_event(account, event_id).event
    record_action(by, account, "replayed_event", reason, event=event.stripe_id)
    delivery_log.replay(account, event_id)
