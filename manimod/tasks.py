"""What workers run. Each task loads nothing but an id and calls flow; jobs.answer comes first, see there."""

from manimod import jobs
from manimod.flow import alerts, bells, generation, inbox, poll, retention, sync


def drain(connection_id: int) -> None:
    """Move a connection's events on to creatives: one batch, then the others get their turn."""
    jobs.answer("drain", connection_id)
    more_events = inbox.drain(connection_id)
    sync.name_new_tiers(connection_id)
    more_moments = generation.generate(connection_id)
    if more_events or more_moments:
        jobs.ring("drain", connection_id)


def sync_customers(connection_id: int) -> None:
    jobs.answer("sync_customers", connection_id)
    if sync.run(connection_id):
        jobs.ring("sync_customers", connection_id)


def poll_events(connection_id: int) -> None:
    jobs.answer("poll_events", connection_id)
    poll.run(connection_id)


def check_health(account_id: int) -> None:
    jobs.answer("check_health", account_id)
    alerts.watch(account_id)


def prune(connection_id: int) -> None:
    jobs.answer("prune", connection_id)
    if retention.prune(connection_id):
        jobs.ring("prune", connection_id)


def watch() -> None:
    """What the scheduler runs every 15 seconds: it also notices that no worker is there to do so."""
    alerts.watch_installation()
    alerts.send()


def sweep() -> None:
    """What the scheduler runs every second."""
    bells.ring_again()
