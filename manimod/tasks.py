"""What workers and the scheduler run. Each task takes an id, and calls jobs.acknowledge before it reads anything."""

from manimod import extensions, jobs
from manimod.creatives import export, generate, review
from manimod.customers import images, tiers
from manimod.diagnostics import alerts
from manimod.extensions import db
from manimod.ingest import events, polling, retention, sync
from manimod.models.accounts import now

OVERWRITE_INTERVAL = 3600  # seconds


def process_events(connection_id: int) -> None:
    """Move a connection's events on to creatives: one batch, then the others get their turn."""
    jobs.acknowledge("process_events", connection_id)
    events.fetch_thin(connection_id)
    more_events = events.process_pending(connection_id)
    tiers.name_new_tiers(connection_id)
    more_moments = generate.generate(connection_id)
    if more_events or more_moments:
        jobs.enqueue("process_events", connection_id)


def sync_customers(connection_id: int) -> None:
    jobs.acknowledge("sync_customers", connection_id)
    if sync.run(connection_id):
        jobs.enqueue("sync_customers", connection_id)
    else:
        tiers.name_new_tiers(connection_id)
        if images.find_due(connection_id):
            jobs.enqueue("fetch_pictures", connection_id)


def fetch_pictures(connection_id: int) -> None:
    """After a sync, and when an owner takes a picture away; a lost one waits for the next sync."""
    jobs.acknowledge("fetch_pictures", connection_id)
    images.fetch_pictures(connection_id)


def make_export(export_id: int) -> None:
    jobs.acknowledge("make_export", export_id)
    if export.make(export_id):
        jobs.enqueue("make_export", export_id)


def poll_events(connection_id: int) -> None:
    jobs.acknowledge("poll_events", connection_id)
    polling.run(connection_id)


def check_health(account_id: int) -> None:
    """Every few minutes for each connected account."""
    jobs.acknowledge("check_health", account_id)
    with jobs.transaction():
        review.expire(account_id)
    alerts.update_alerts(account_id)


def prune(connection_id: int) -> None:
    jobs.acknowledge("prune", connection_id)
    if retention.prune(connection_id):
        jobs.enqueue("prune", connection_id)


def overwrite_deleted(row_id: int) -> None:
    """After a disconnect, and on PostgreSQL once an hour; of all accounts, since they share the tables."""
    jobs.acknowledge("overwrite_deleted", row_id)
    db.session.rollback()
    extensions.overwrite_deleted()


def overwriting_due() -> list[int]:
    if db.engine.dialect.name == "sqlite":  # `watch` does it
        return []
    return [0] if jobs.begin_pause("mani:overwritten", OVERWRITE_INTERVAL) else []


DUE = {
    "process_events": events.due,
    "sync_customers": sync.due,
    "make_export": export.due,
    "poll_events": polling.due,
    "check_health": alerts.due,
    "prune": retention.due,
    "overwrite_deleted": overwriting_due,
}
URGENT = ("process_events",)


def watch() -> None:
    """What the scheduler runs every 15 seconds: it also notices that no worker is there to do so."""
    alerts.update_alerts()
    alerts.send_mails()
    if db.engine.dialect.name == "sqlite":
        db.session.rollback()
        extensions.overwrite_deleted()


def reconcile(urgent_only: bool = False) -> None:
    """What the scheduler runs every 3 seconds, of events every second: enqueue what is due or was lost.

    It writes nothing, so any number of schedulers may run it at once.
    """
    for name in URGENT if urgent_only else DUE:
        for row_id in DUE[name]():
            jobs.enqueue(name, row_id)
    db.session.rollback()
    if not urgent_only:
        jobs.redis().set(jobs.HEARTBEAT_KEY, int(now().timestamp()), ex=jobs.HEARTBEAT_TTL_SECONDS)
