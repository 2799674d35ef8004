"""What members of support did to accounts, and why. An entry is written with what it tells of, and never again."""

from sqlalchemy import select

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Account, AuditEntry, User

ACTIONS = ("replayed_event", "synced", "checked", "set_plan", "released_sync", "showed_names")
MAX_REASON_LENGTH = 300
MAX_ENTRIES_SHOWN = 30


def record_action(by: User, account: Account, action: str, reason: str, **details: object) -> None:
    """Raises REASON_MISSING: nothing is done to an account without one."""
    if not is_reason(reason):
        raise ManimodError("REASON_MISSING")
    entry = {"user_id": by.id, "account_id": account.id, "action": action, "reason": _tidy(reason)}
    db.session.add(AuditEntry(**entry, details=details))


def is_reason(text: str) -> bool:
    return 1 <= len(_tidy(text)) <= MAX_REASON_LENGTH


def _tidy(text: str) -> str:
    return " ".join(text.split())


def get_for_account(account: Account, limit: int = MAX_ENTRIES_SHOWN) -> list[AuditEntry]:
    """The latest first."""
    query = select(AuditEntry).where(AuditEntry.account_id == account.id).order_by(AuditEntry.id.desc())
    return list(db.session.scalars(query.limit(limit)))
