"""A new encryption key takes over: re-encrypts what older keys encrypted, row by row, while mani runs."""

from dataclasses import asdict, dataclass, field

from sqlalchemy import select

from manimod import jobs
from manimod.extensions import db
from manimod.models import Connection
from manimod.stripe import connections


@dataclass
class KeyRotation:
    """How many values were re-encrypted, and the accounts whose values none of ENCRYPTION_KEYS decrypts."""

    connections: int = 0
    re_encrypted: int = 0
    unreadable_accounts: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, int | list[int]]:
        return asdict(self)


def rotate() -> KeyRotation:
    """May run at any time and more than once: each row is read again under its lock."""
    done = KeyRotation()
    for connection_id in db.session.scalars(select(Connection.id).order_by(Connection.id)).all():
        with jobs.transaction():
            query = select(Connection).where(Connection.id == connection_id).with_for_update(key_share=True)
            connection = db.session.scalar(query.execution_options(populate_existing=True))
            if connection is None:
                continue
            re_encrypted, unreadable = connections.re_encrypt(connection)
            done.connections += 1
            done.re_encrypted += re_encrypted
            if unreadable:
                done.unreadable_accounts.append(connection.account_id)
    return done
