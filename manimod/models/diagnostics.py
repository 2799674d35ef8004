"""What mani keeps about its own health: alerts, the state of each account, and what support did."""

from datetime import datetime

from sqlalchemy import Connection as OpenConnection
from sqlalchemy import Delete, Engine, Executable, ForeignKey, Index, String, Update, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from manimod.extensions import db
from manimod.models.accounts import Account, User, now
from manimod.models.stripe import Connection


class Health(db.Model):
    """The outcome of a connection's checks at their last run: what the support panel sorts by."""

    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"), primary_key=True, autoincrement=False)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    outcome: Mapped[str] = mapped_column(String(15))  # an Outcome
    checks: Mapped[dict]  # check -> outcome, of those that are not good
    checked_at: Mapped[datetime]
    changed_at: Mapped[datetime]  # when the outcome changed last

    account: Mapped[Account] = relationship()

    __table_args__ = (Index("ix_health_outcome", "outcome", "changed_at"),)


class Alert(db.Model):
    """A check of a connection that became broken, until it is good again. Without one it is of the installation."""

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int | None] = mapped_column(ForeignKey("connection.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    check: Mapped[str] = mapped_column(String(50))
    open_key: Mapped[str | None] = mapped_column(String(80), unique=True)  # while it is open, so that only one is
    meaning: Mapped[str] = mapped_column(String(500))
    began_at: Mapped[datetime] = mapped_column(default=now)
    ended_at: Mapped[datetime | None]
    mail_at: Mapped[datetime | None]  # when the next mail about it is due

    account: Mapped[Account | None] = relationship()
    connection: Mapped[Connection | None] = relationship()

    __table_args__ = (Index("ix_alert_open", "account_id", "ended_at"),)


class AuditEntry(db.Model):
    """What a member of support did, to which account and why. The application never changes or deletes one."""

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(default=now)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    action: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(String(300))
    details: Mapped[dict] = mapped_column(default=dict)  # never a customer's name

    user: Mapped[User] = relationship()
    account: Mapped[Account | None] = relationship()

    __table_args__ = (Index("ix_audit_entry_account", "account_id", "id"),)


class AuditIsFinal(Exception):
    """Something tried to change or delete an entry of the audit log."""


@event.listens_for(Engine, "before_execute")
def keep_audit_entries(_connection: OpenConnection, statement: Executable, *_rest: object) -> None:
    """Covers both flushes of the session and bulk statements."""
    if isinstance(statement, (Update, Delete)) and statement.table.name == AuditEntry.__tablename__:
        raise AuditIsFinal
