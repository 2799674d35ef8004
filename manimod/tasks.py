"""What workers run. Each task loads nothing but an id and calls flow; jobs.answer comes first, see there."""

from manimod import jobs
from manimod.creatives import generate
from manimod.customers import tiers
from manimod.diagnostics import alerts
from manimod.ingest import events, polling, reconciler, retention, sync


def process_events(connection_id: int) -> None:
    """Move a connection's events on to creatives: one batch, then the others get their turn."""
    jobs.acknowledge("process_events", connection_id)
    more_events = events.process_pending(connection_id)
    tiers.name_new_tiers(connection_id)
    more_moments = generate.generate(connection_id)
    if more_events or more_moments:
        jobs.enqueue_now("process_events", connection_id)


def sync_customers(connection_id: int) -> None:
    jobs.acknowledge("sync_customers", connection_id)
    if sync.run(connection_id):
        jobs.enqueue_now("sync_customers", connection_id)


def poll_events(connection_id: int) -> None:
    jobs.acknowledge("poll_events", connection_id)
    polling.run(connection_id)


def check_health(account_id: int) -> None:
    jobs.acknowledge("check_health", account_id)
    alerts.check_account(account_id)


def prune(connection_id: int) -> None:
    jobs.acknowledge("prune", connection_id)
    if retention.prune(connection_id):
        jobs.enqueue_now("prune", connection_id)


def watch() -> None:
    """What the scheduler runs every 15 seconds: it also notices that no worker is there to do so."""
    alerts.check_installation()
    alerts.send_mails()


def reconcile() -> None:
    """What the scheduler runs every second."""
    reconciler.reenqueue_stuck_work()
    jobs.record_scheduler_heartbeat()
