"""Alerts: a check that becomes broken is said once, and once more when it is good again; in the pages and by mail."""

from datetime import timedelta

import structlog
from sqlalchemy import Select, or_, select, update

from manimod import jobs
from manimod.config import settings
from manimod.diagnostics import check_runner
from manimod.diagnostics.check_runner import CHECKS, Check
from manimod.extensions import MailNotSent, db, send_mail
from manimod.models import Account, Alert, Connection, Health, User
from manimod.models.accounts import now
from manimod.models.bulk import insert_new
from manimod.models.states import Outcome

log = structlog.get_logger()

CHECK_INTERVAL = timedelta(minutes=5)
MAX_ACCOUNTS = 5  # accounts a second
GRACE = timedelta(minutes=2)  # what is over by then is not worth a mail
MAX_MAILS = 20


def due() -> list[int]:
    """The connected accounts whose checks ran longest ago, some at a time."""
    query = (
        select(Connection.account_id)
        .outerjoin(Health, Health.account_id == Connection.account_id)
        .where(Connection.status == "connected")
        .where(or_(Health.checked_at.is_(None), Health.checked_at < now() - CHECK_INTERVAL))
        .order_by(Health.checked_at)
    )
    return list(db.session.scalars(query.limit(MAX_ACCOUNTS)))


def check_account(account_id: int) -> None:
    """Run an account's checks, remember the outcome, and begin and end its alerts."""
    account = db.session.get(Account, account_id)
    if account is None:
        return
    found = check_runner.check_account(account)
    with jobs.transaction():
        check_runner.save_health(account, found)
        _open_and_close(account_id, [check for check in found if not CHECKS[check.name].installation])


def check_installation() -> None:
    found = check_runner.check_installation()
    opened = {alert.check for alert in open_alerts(None)}
    if opened != {check.name for check in found if check.outcome == Outcome.BROKEN}:
        with jobs.transaction():
            _open_and_close(None, found)


def _open_and_close(account_id: int | None, found: list[Check]) -> None:
    """A check that says nothing, because of another one, neither begins nor ends an alert."""
    broken = [check for check in found if check.outcome == Outcome.BROKEN]
    rows = [
        {
            "account_id": account_id,
            "check": check.name,
            "open_key": f"{account_id or 'installation'}:{check.name}",
            "meaning": f"{check.title}: {check.meaning}"[:500],
            "began_at": now(),
        }
        for check in broken
    ]
    insert_new(Alert, rows, ("open_key",))
    over = [check.name for check in found if check.outcome in (Outcome.GOOD, Outcome.ATTENTION)]
    ended = update(Alert).where(_for_account(account_id), Alert.ended_at.is_(None), Alert.check.in_(over))
    db.session.execute(ended.values(ended_at=now(), open_key=None))


def open_alerts(account_id: int | None) -> list[Alert]:
    """What is broken now; without an account, of the installation."""
    return list(
        db.session.scalars(select(Alert).where(_for_account(account_id), Alert.ended_at.is_(None)).order_by(Alert.id))
    )


def _for_account(account_id: int | None):
    return Alert.account_id == account_id if account_id else Alert.account_id.is_(None)


# --- mail ------------------------------------------------------------------------------------------------------------


def send_mails() -> None:
    """Mail each change of state once. Raises MailNotSent; then the change is still to be sent."""
    if settings().smtp_url is None:
        return
    for column, query in ((Alert.began_mailed_at, _begun()), (Alert.ended_mailed_at, _over())):
        for alert_id in db.session.scalars(query.limit(MAX_MAILS)).all():
            _send(alert_id, column)


def _begun() -> Select:
    late = now() - GRACE
    return select(Alert.id).where(Alert.began_mailed_at.is_(None), Alert.ended_at.is_(None), Alert.began_at < late)


def _over() -> Select:
    return select(Alert.id).where(
        Alert.began_mailed_at.is_not(None), Alert.ended_mailed_at.is_(None), Alert.ended_at.is_not(None)
    )


def _send(alert_id: int, column) -> None:
    """Claimed before it is sent, so that two schedulers don't both do it; given back if it could not be."""
    claim = update(Alert).where(Alert.id == alert_id, column.is_(None)).values({column: now()})
    with jobs.transaction():
        is_mine = db.session.execute(claim).rowcount == 1
    if not is_mine:
        return
    alert = db.session.get(Alert, alert_id)
    recipients, message = _recipients(alert), _message(alert)
    db.session.commit()
    try:
        if recipients:
            send_mail(recipients, *message)
    except MailNotSent:
        with jobs.transaction():
            db.session.execute(update(Alert).where(Alert.id == alert_id).values({column: None}))
        raise
    log.info("alert_mailed", alert=alert_id, recipients=len(recipients))


def _recipients(alert: Alert) -> list[str]:
    if alert.account_id:
        query = select(User.email).where(User.account_id == alert.account_id, User.active.is_(True))
        return list(db.session.scalars(query))
    operator = settings().alert_email
    return [operator] if operator else []


def _message(alert: Alert) -> tuple[str, str]:
    public_url = settings().public_url
    page = f"{public_url}/troubleshooting" if alert.account_id else f"{public_url}/support"
    if alert.ended_at:
        return "mani: it works again", f"This is over:\n\n{alert.meaning}\n\n{page}\n"
    return "mani: something doesn't work", f"{alert.meaning}\n\nWhat to do: {page}\n"
