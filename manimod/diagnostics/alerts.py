"""Alerts: one when a check breaks, ended when it works again; shown on the pages and mailed."""

from datetime import timedelta

import structlog
from sqlalchemy import and_, case, not_, or_, select, update
from sqlalchemy.orm import joinedload

from manimod import jobs
from manimod.config import MAIL_TIMEOUT, settings
from manimod.diagnostics import check_runner
from manimod.diagnostics.check_runner import CHECKS
from manimod.extensions import MailNotSent, db, send_mail
from manimod.models import Account, Alert, Connection, Health, User
from manimod.models.accounts import is_ahead, is_recent, now
from manimod.models.bulk import insert_new
from manimod.models.states import ConnectionStatus, Outcome
from manimod.stripe import connections

log = structlog.get_logger()

CHECK_INTERVAL = timedelta(minutes=5)
MAX_ACCOUNTS = 15  # every 3 seconds
MAX_MAILS = 20  # at a time, because the scheduler waits for them
MAIL_GRACE = timedelta(minutes=2)  # what works again by then is not mailed


def due() -> list[int]:
    """The connected accounts whose checks ran longest ago, a few at a time."""
    is_due = or_(Health.checked_at.is_(None), not_(is_recent(Health.checked_at, CHECK_INTERVAL)))
    query = select(Connection.account_id).outerjoin(Health, Health.connection_id == Connection.id)
    query = query.where(Connection.status == ConnectionStatus.CONNECTED, is_due).order_by(Health.checked_at)
    return list(dict.fromkeys(db.session.scalars(query.limit(MAX_ACCOUNTS))))


def update_alerts(account_id: int | None = None) -> None:
    """Run the checks of an account's live and test connection, or of the installation; begin and end the alerts, and
    keep each connection's outcome.

    A check that was not judged neither begins nor ends an alert. Owners get none about mani's own parts.
    """
    if account_id is None:
        _update_alerts("installation", None, {"account_id": None, "connection_id": None})
        return
    for connection in connections.list_for_account(db.session.get_one(Account, account_id)):
        if connection.is_connected:
            own = {"account_id": account_id, "connection_id": connection.id}
            _update_alerts(f"connection:{connection.id}", connection, own)


def _update_alerts(name: str, connection: Connection | None, own: dict[str, int | None]) -> None:
    """`own`: the columns of its alerts."""
    found = check_runner.run_checks(connection and connection.account, connection)
    broken, working = [], []
    for check in found:
        if connection and CHECKS[check.name].installation:
            continue
        if check.outcome == Outcome.BROKEN:
            alert = own | {"check": check.name, "began_at": now(), "mail_at": now() + MAIL_GRACE}
            alert |= {"open_key": f"{name}:{check.name}", "meaning": f"{check.title}: {check.meaning}"[:500]}
            broken.append(alert)
        elif check.outcome != Outcome.NOT_APPLICABLE:
            working.append(check.name)
    # A worker of the release before names no connection.
    is_its_own = or_(Alert.connection_id == own["connection_id"], Alert.connection_id.is_(None))
    is_over = and_(Alert.account_id == own["account_id"], is_its_own, Alert.ended_at.is_(None))
    is_over = and_(is_over, Alert.check.in_(working))
    # A mail that is still due need not be sent any more; after one that was sent, the end is mailed too.
    mail_at = case((Alert.mail_at.is_(None), now()), else_=None)
    with jobs.transaction():
        insert_new(Alert, broken, ("open_key",))
        db.session.execute(update(Alert).where(is_over).values(ended_at=now(), open_key=None, mail_at=mail_at))
        if connection:
            check_runner.save_health(connection, found)


def open_alerts(account_id: int | None) -> list[Alert]:
    """What is broken now in live and test mode; without an account, of the installation."""
    query = select(Alert).where(Alert.account_id == account_id, Alert.ended_at.is_(None))
    query = query.options(joinedload(Alert.connection))
    return list(db.session.scalars(query.order_by(Alert.id)))


def send_mails() -> None:
    """Send the mails that are due, each once. If one cannot be sent, it and the others stay due."""
    if settings().smtp_url is None:
        return
    due_ids = select(Alert.id).where(not_(is_ahead(Alert.mail_at, MAIL_GRACE))).order_by(Alert.id).limit(MAX_MAILS)
    for alert_id in db.session.scalars(due_ids).all():
        # Marked as sent before it is, so that two schedulers don't both send it, and as due again if sending fails.
        with jobs.transaction():
            alert = db.session.get(Alert, alert_id, with_for_update=True, populate_existing=True)
            if alert.mail_at is None:
                continue
            alert.mail_at = None
            owners = select(User.email).where(User.account_id == alert.account_id, User.active.is_(True))
            recipients, page = list(db.session.scalars(owners)), f"{settings().public_url}/troubleshooting"
            if alert.connection:
                page = f"{page}?mode={alert.connection.mode}"
            if alert.account_id is None:
                recipients, page = [settings().alert_email], f"{settings().public_url}/support"
            meaning = f"Stripe, {alert.connection.mode} mode. {alert.meaning}" if alert.connection else alert.meaning
            subject, text = "mani: something doesn't work", f"{meaning}\n\nWhat to do: {page}\n"
            if alert.ended_at:
                subject, text = "mani: it works again", f"This is over:\n\n{meaning}\n\n{page}\n"
        try:
            if any(recipients):
                with jobs.time_limit(MAIL_TIMEOUT):
                    send_mail(recipients, subject, text)
        except MailNotSent as error:
            log.warning("mail_not_sent", error=str(error))
            with jobs.transaction():
                alert.mail_at = now()
            return
        log.info("alert_mailed", alert=alert_id, recipients=len(recipients))
