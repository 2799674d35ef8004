"""What support sees of all accounts, and may do to one of them. Every action needs a reason and is audited."""

from dataclasses import dataclass

from sqlalchemy import case, func, or_, select

from manimod import jobs
from manimod.accounts import audit
from manimod.diagnostics import check_runner
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.ingest import delivery_log, sync
from manimod.models import PLANS, Account, Connection, Health, User
from manimod.models.accounts import now
from manimod.models.states import ConnectionStatus, Outcome, SyncState
from manimod.stripe import connections

PAGE_SIZE = 25
UNCHECKED = "unchecked"  # no check has run yet
WORST_FIRST = (Outcome.BROKEN, Outcome.ATTENTION, UNCHECKED, Outcome.GOOD, Outcome.NOT_APPLICABLE)
MIN_INCIDENT_ACCOUNTS, MIN_INCIDENT_SHARE = 5, 0.2  # of the connected accounts


@dataclass(frozen=True)
class AccountRow:
    """An account in the list. `health` is None before the first check, `connection` if it was never connected."""

    account: Account
    health: Health | None
    connection: Connection | None


@dataclass(frozen=True)
class Incident:
    """The same error at many accounts: its cause is Stripe or mani, not one of them."""

    code: str
    accounts: int
    connected: int


def search(text: str = "", outcome: str | None = None, page: int = 0) -> list[AccountRow]:
    """A page of accounts, the worst first and among those the longest; one row more if another page follows."""
    health = func.coalesce(Health.outcome, UNCHECKED)
    query = (
        select(Account, Health, Connection)
        .outerjoin(Health, Health.account_id == Account.id)
        .outerjoin(Connection, Connection.account_id == Account.id)
    )
    if text := text.strip():
        owners = select(User.account_id).where(User.email.icontains(text, autoescape=True))
        named = Account.name.icontains(text, autoescape=True)
        query = query.where(or_(named, Account.id.in_(owners), Connection.stripe_account_id == text))
    if outcome:
        query = query.where(health == outcome)
    order = case({name: place for place, name in enumerate(WORST_FIRST)}, value=health)
    query = query.order_by(order, Health.changed_at, Account.id).offset(page * PAGE_SIZE).limit(PAGE_SIZE + 1)
    return [AccountRow(*row) for row in db.session.execute(query)]


def counts() -> dict[str, int]:
    """Accounts by outcome."""
    outcome = func.coalesce(Health.outcome, UNCHECKED)
    query = select(outcome, func.count(Account.id)).outerjoin(Health, Health.account_id == Account.id)
    return dict.fromkeys(WORST_FIRST, 0) | dict(db.session.execute(query.group_by(outcome)).all())


def incidents() -> list[Incident]:
    """The largest first."""
    query = select(Connection.last_error, func.count()).where(Connection.status == ConnectionStatus.CONNECTED)
    counts = dict(db.session.execute(query.group_by(Connection.last_error)).all())
    connected = sum(counts.values())
    minimum = max(MIN_INCIDENT_ACCOUNTS, MIN_INCIDENT_SHARE * connected)
    found = [Incident(code, count, connected) for code, count in counts.items() if code and count >= minimum]
    return sorted(found, key=lambda incident: -incident.accounts)


def get_account(account_id: int) -> Account:
    """Raises NOT_FOUND."""
    account = db.session.get(Account, account_id)
    if account is None:
        raise ManimodError("NOT_FOUND")
    return account


def owner_emails(account: Account) -> list[str]:
    return list(db.session.scalars(select(User.email).where(User.account_id == account.id).order_by(User.id)))


# The actions. Each is in the caller's transaction, together with its audit entry.


def replay(by: User, account: Account, reason: str, event_id: int) -> None:
    connection = connections.require_current(account)
    event = delivery_log.get_event(connection, event_id).event
    audit.record_action(by, account, "replayed_event", reason, event=event.stripe_id)
    delivery_log.replay(connection, event_id)


def sync_now(by: User, account: Account, reason: str) -> None:
    audit.record_action(by, account, "synced", reason)
    sync.request_sync(connections.require_current(account))


def set_plan(by: User, account: Account, reason: str, plan: str) -> None:
    if plan not in PLANS:
        raise ManimodError("PLAN_UNKNOWN")
    audit.record_action(by, account, "set_plan", reason, before=account.plan, after=plan)
    account.plan = plan
    check_runner.save_health(account, check_runner.check_account(account))


def release_sync(by: User, account: Account, reason: str) -> None:
    """Let another worker continue a sync whose own worker is gone or hangs, before its lease ends."""
    run = sync.get_latest(connections.require_current(account))
    if run is None or run.state != SyncState.RUNNING:
        raise ManimodError("SYNC_NOT_RUNNING")
    audit.record_action(by, account, "released_sync", reason, run=run.id)
    run.lease_until = now()
    jobs.enqueue("sync_customers", run.connection_id)


def record_check(by: User, account: Account, reason: str, found: list[check_runner.Check]) -> None:
    """The checks ran before the transaction, because asking Stripe takes long. Without a reason, `found` is empty."""
    outcome = check_runner.worst_outcome(found) if found else None
    audit.record_action(by, account, "checked", reason, outcome=outcome)
    check_runner.save_health(account, found)
