"""The review queue: a person approves or rejects what mani wrote."""

from sqlalchemy import func, select, update

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Account, Creative, Review, User

STATUSES = ("waiting", "approved", "rejected", "withdrawn")


def waiting(account: Account, status: str = "waiting", before: int | None = None, limit: int = 24) -> list[Creative]:
    """A page of the queue, newest first; `before` is the id after which the page goes on."""
    query = _of(account).where(Creative.status == status)
    if before is not None:
        query = query.where(Creative.id < before)
    return list(db.session.scalars(query.order_by(Creative.id.desc()).limit(limit)))


def newer(account: Account, since: int, limit: int = 24) -> list[Creative]:
    """What has come into the queue after the creative with the id `since`, newest first."""
    query = _of(account).where(Creative.status == "waiting", Creative.id > since)
    return list(db.session.scalars(query.order_by(Creative.id.desc()).limit(limit)))


def counts(account: Account) -> dict[str, int]:
    query = select(Creative.status, func.count()).where(Creative.account_id == account.id).group_by(Creative.status)
    return dict.fromkeys(STATUSES, 0) | dict(db.session.execute(query).all())


def get(account: Account, creative_id: int) -> Creative:
    """One creative of the account. Raises NOT_FOUND for another account's as for none."""
    creative = db.session.scalar(_of(account).where(Creative.id == creative_id))
    if creative is None:
        raise ManimodError("NOT_FOUND")
    return creative


def approve(creative: Creative, by: User) -> None:
    _move(creative, "waiting", "approved", by)


def reject(creative: Creative, by: User, reason: str = "") -> None:
    _move(creative, "waiting", "rejected", by, reason.strip()[:255])


def reopen(creative: Creative, by: User) -> None:
    """Undo an approval or a rejection."""
    origin = creative.status if creative.status in ("approved", "rejected") else "approved"
    _move(creative, origin, "waiting", by)


def _move(creative: Creative, origin: str, status: str, by: User, reason: str = "") -> None:
    """Change the status where it is still `origin`; two people who press at once don't both win."""
    query = update(Creative).where(Creative.id == creative.id, Creative.status == origin).values(status=status)
    if not db.session.execute(query).rowcount:
        raise ManimodError("CREATIVE_GONE", status=creative.status)
    action = "reopened" if status == "waiting" else status
    db.session.add(Review(creative_id=creative.id, user_id=by.id, action=action, reason=reason or None))


def _of(account: Account):
    return select(Creative).where(Creative.account_id == account.id)
