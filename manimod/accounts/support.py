"""What members of support see of all accounts, and what they may do to one: each deed with its reason, audited."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, or_, select

from manimod import jobs
from manimod.accounts import audit
from manimod.diagnostics import check_runner
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.ingest import delivery_log, sync
from manimod.models import PLANS, Account, Connection, Health, User
from manimod.models.accounts import now
from manimod.stripe import connections

PAGE_SIZE = 25
WORST_FIRST = ("broken", "attention", None, "good", "not_applicable")  # None: not checked yet
INCIDENT_ACCOUNTS, INCIDENT_SHARE = 5, 0.2  # so many, and this share of those connected


@dataclass(frozen=True)
class AccountRow:
    """An account in the list. `health` is None before the first check, `connection` where there has never been one."""

    account: Account
    health: Health | None
    connection: Connection | None


@dataclass(frozen=True)
class Incident:
    """The same trouble at many accounts, so its cause lies with Stripe or with mani rather than with each of them."""

    code: str
    accounts: int
    connected: int
    since: datetime


def search(text: str = "", outcome: str | None = None, page: int = 0) -> list[AccountRow]:
    """A page of accounts, the worst and of those the longest first; one more than PAGE where another page follows."""
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
        query = query.where(Health.outcome == outcome if outcome in WORST_FIRST else Health.outcome.is_(None))
    order = case({name: place for place, name in enumerate(WORST_FIRST) if name}, value=Health.outcome, else_=2)
    query = query.order_by(order, Health.changed_at, Account.id).offset(page * PAGE_SIZE).limit(PAGE_SIZE + 1)
    return [AccountRow(*row) for row in db.session.execute(query)]


def counts() -> dict[str, int]:
    """Accounts by outcome; `unchecked` are those that no check has looked at yet."""
    found = dict(db.session.execute(select(Health.outcome, func.count()).group_by(Health.outcome)).all())
    unchecked = db.session.scalar(select(func.count(Account.id))) - sum(found.values())
    return {name or "unchecked": found.get(name, 0) if name else unchecked for name in WORST_FIRST}


def incidents() -> list[Incident]:
    """What many accounts suffer at once, the largest first; `since`: when it had become many."""
    at_work = Connection.status == "connected"
    connected = db.session.scalar(select(func.count(Connection.id)).where(at_work))
    least = max(INCIDENT_ACCOUNTS, INCIDENT_SHARE * connected)
    count = func.count()
    alike = select(Connection.last_error, count).where(at_work, Connection.last_error.is_not(None))
    found = db.session.execute(alike.group_by(Connection.last_error).having(count >= least).order_by(count.desc()))
    return [Incident(code, accounts, connected, _became_many(code)) for code, accounts in found.all()]


def _became_many(code: str) -> datetime:
    query = select(Connection.failing_since).where(Connection.status == "connected", Connection.last_error == code)
    return db.session.scalar(query.order_by(Connection.failing_since).offset(INCIDENT_ACCOUNTS - 1).limit(1))


def get_account(account_id: int) -> Account:
    found = db.session.get(Account, account_id)
    if found is None:
        raise ManimodError("NOT_FOUND")
    return found


def owner_emails(account: Account) -> list[str]:
    """Their e-mail addresses."""
    return list(db.session.scalars(select(User.email).where(User.account_id == account.id).order_by(User.id)))


# --- what may be done; each stands in the caller's transaction together with its audit entry --------------------------


def replay(by: User, account: Account, reason: str, event_id: int) -> None:
    """Process a stored event once more."""
    found = connections.require_current(account)
    event = delivery_log.get_event(found, event_id).event
    audit.record_action(by, account, "replayed_event", reason, event=event.stripe_id)
    delivery_log.replay(found, event_id)


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
    """Let another worker go on with a sync whose own is gone or hangs, without waiting for its lease to end."""
    run = sync.get_latest(connections.require_current(account))
    if run is None or run.state != "running":
        raise ManimodError("SYNC_NOT_RUNNING")
    audit.record_action(by, account, "released_sync", reason, run=run.id)
    run.lease_until = now()
    jobs.enqueue("sync_customers", run.connection_id)


def record_check(by: User, account: Account, reason: str, found: list[check_runner.Check]) -> None:
    """The checks ran just now, with Stripe asked, which takes too long for a transaction; none without a reason."""
    audit.record_action(by, account, "checked", reason, outcome=check_runner.worst_outcome(found) if found else None)
    check_runner.save_health(account, found)


def show_names(by: User, account: Account, reason: str) -> None:
    audit.record_action(by, account, "showed_names", reason)
