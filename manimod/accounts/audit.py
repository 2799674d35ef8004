"""What members of support did to accounts, and why. An entry is written with its action and never changed."""

from sqlalchemy import select

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Account, AuditEntry, User

MAX_REASON_LENGTH = 300
MAX_ENTRIES_SHOWN = 30


def record_action(by: User, account: Account, action: str, reason: str, **details: object) -> None:
    """Raises REASON_MISSING: nothing is done to an account without one."""
    if not is_reason(reason):
        raise ManimodError("REASON_MISSING")
    reason = " ".join(reason.split())
    db.session.add(AuditEntry(user_id=by.id, account_id=account.id, action=action, reason=reason, details=details))


def is_reason(text: str) -> bool:
    return 1 <= len(" ".join(text.split())) <= MAX_REASON_LENGTH


def get_for_account(account: Account) -> list[AuditEntry]:
    """The latest first."""
    query = select(AuditEntry).where(AuditEntry.account_id == account.id).order_by(AuditEntry.id.desc())
    return list(db.session.scalars(query.limit(MAX_ENTRIES_SHOWN)))
