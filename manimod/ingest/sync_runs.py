"""The runs of the sync as the pages show them: how far the present one is, and how the last ones went."""

from dataclasses import dataclass

from sqlalchemy import select

from manimod.extensions import db
from manimod.models import Connection, SyncRun
from manimod.models.accounts import now

MAX_RUNS_SHOWN = 6


@dataclass(frozen=True)
class Progress:
    """How far a run is, in rows of Stripe's lists; `total` is what the last complete run read, None before one."""

    read: int
    total: int | None
    per_second: float


def get_latest(connection: Connection) -> SyncRun | None:
    return next(iter(list_latest(connection, limit=1)), None)


def list_latest(connection: Connection, limit: int = MAX_RUNS_SHOWN) -> list[SyncRun]:
    """The latest runs, newest first."""
    query = select(SyncRun).where(SyncRun.connection_id == connection.id).order_by(SyncRun.id.desc())
    return list(db.session.scalars(query.limit(limit)))


def sync_progress(runs: list[SyncRun]) -> Progress | None:
    """The progress of the run that is under way, out of the latest runs; None where none is."""
    if not runs or runs[0].state != "running":
        return None
    read = _rows(runs[0])
    before = next((_rows(run) for run in runs if run.state == "done"), None)
    seconds = max((now() - runs[0].started_at).total_seconds(), 1.0)
    return Progress(read, before and max(before, read), read / seconds)


def _rows(run: SyncRun) -> int:
    return run.customers + run.subscriptions
