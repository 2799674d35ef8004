"""A new encryption key takes over: everything that an older one sealed is sealed anew, row by row, while mani runs."""

from dataclasses import asdict, dataclass, field

from sqlalchemy import select

from manimod import jobs
from manimod.extensions import db
from manimod.models import Connection
from manimod.stripe import connections


@dataclass
class Rotation:
    """What was done: values sealed anew, and the accounts whose values no key of ENCRYPTION_KEYS opens."""

    connections: int = 0
    resealed: int = 0
    unreadable_accounts: list[int] = field(default_factory=list)

    def to_json(self) -> dict:
        return asdict(self)


def rotate() -> Rotation:
    """May run at any time and more than once; a row is held for as long as it takes to seal it."""
    done = Rotation()
    for connection_id in db.session.scalars(select(Connection.id).order_by(Connection.id)).all():
        with jobs.transaction():
            _re_encrypt(connection_id, done)
    return done


def _re_encrypt(connection_id: int, done: Rotation) -> None:
    query = select(Connection).where(Connection.id == connection_id).with_for_update(key_share=True)
    connection = db.session.scalar(query.execution_options(populate_existing=True))
    if connection is None:
        return
    resealed, unreadable = connections.re_encrypt(connection)
    done.connections += 1
    done.resealed += resealed
    if unreadable:
        done.unreadable_accounts.append(connection.account_id)
