"""/metrics for Prometheus: gauges, read from the database and Redis when they are asked for.

So every web process gives the same answer, and nothing has to be collected from the others. No names, ids or keys.
"""

import hmac
from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Blueprint, Response, make_response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from manimod import jobs
from manimod.config import settings
from manimod.creatives import review
from manimod.diagnostics import job_metrics, metrics
from manimod.errors import ManimodError

LOOPBACK = ("127.0.0.1", "::1")
OF_A_PROXY = ("Forwarded", "X-Forwarded-For", "X-Real-IP")

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def show() -> Response:
    """With METRICS_TOKEN for whoever brings it as a bearer token; without one for this machine only."""
    if not _may_read():
        raise ManimodError("METRICS_REFUSED")
    registry = CollectorRegistry(auto_describe=False)
    registry.register(Installation())
    response = make_response(generate_latest(registry))
    response.headers["Content-Type"] = CONTENT_TYPE_LATEST
    response.headers["Cache-Control"] = "no-store"
    return response


def _may_read() -> bool:
    token = settings().metrics_token
    if token:
        return hmac.compare_digest(f"Bearer {token}".encode(), request.headers.get("Authorization", "").encode())
    return request.remote_addr in LOOPBACK and not any(name in request.headers for name in OF_A_PROXY)


class Installation(Collector):
    def describe(self) -> list:
        return []

    def collect(self) -> Iterator[GaugeMetricFamily]:
        yield from _jobs()
        yield from _inbox()
        yield from _creatives()
        yield from _accounts()


def _jobs() -> Iterator[GaugeMetricFamily]:
    signs, queues = jobs.heartbeats(), job_metrics.queue_states()
    yield _gauge("redis_up", "Whether Redis answers", {(): signs.redis_answers})
    yield _gauge(
        "workers", "Workers heard of lately", {(name,): count for name, count in signs.workers.items()}, "queue"
    )
    yield _age("scheduler_heartbeat_age_seconds", "Since the scheduler's last sign of life", signs.scheduler_at)
    for name, about in (
        ("depth", "Jobs that wait"),
        ("oldest_seconds", "How long the first waiting job has waited"),
        ("failed", "Jobs that failed in the last 24 hours"),
        ("per_minute", "Jobs started a minute, over the last 5"),
    ):
        yield _gauge(f"jobs_{name}", about, {(queue.name,): getattr(queue, name) for queue in queues}, "queue")


def _inbox() -> Iterator[GaugeMetricFamily]:
    backlog = metrics.backlog()
    yield _gauge("inbox_depth", f"Events to be processed, counted up to {metrics.MAX_COUNTED}", {(): backlog.depth})
    yield _age("inbox_oldest_seconds", "Since the first of them came in", backlog.oldest_at, none=0)
    yield _gauge("inbox_parked", "Events that failed five times", {(): metrics.failed_events()})


def _creatives() -> Iterator[GaugeMetricFamily]:
    for name, about, counts in (
        ("moments_open", "Moments that are to become creatives", metrics.open_moments()),
        ("moments_latest", f"The latest {metrics.LATEST_MOMENTS} moments", metrics.latest_moments()),
    ):
        yield _gauge(name, about, {(state,): count for state, count in counts.items()}, "state")
    yield _gauge(
        "creatives_waiting",
        f"Creatives in all review queues, up to {review.MAX_COUNTED} of each",
        {(): metrics.creatives_waiting()},
    )
    slowest = metrics.slowest_event_to_queue()
    about = "The slowest way from Stripe's event to the queue in 24 hours"
    yield _gauge("event_to_queue_slowest_seconds", about, {} if slowest is None else {(): slowest})


def _accounts() -> Iterator[GaugeMetricFamily]:
    yield _gauge("connections", "Connections to Stripe", metrics.connection_counts(), "status", "trouble")
    health = metrics.accounts_by_health()
    yield _gauge("accounts", "Accounts by their checks", {(name,): count for name, count in health.items()}, "health")
    yield _age("last_sync_age_seconds", "Since a sync was completed, whosever it was", metrics.last_sync_at())


def _age(name: str, about: str, since: datetime | None, none: float | None = None) -> GaugeMetricFamily:
    seconds = none if since is None else max(0.0, (datetime.now(UTC) - since).total_seconds())
    return _gauge(name, about, {} if seconds is None else {(): seconds})


def _gauge(name: str, about: str, values: dict[tuple, float], *labels: str) -> GaugeMetricFamily:
    """`values`: label values -> value; what isn't known has none, instead of a zero that would be a lie."""
    gauge = GaugeMetricFamily(f"mani_{name}", f"{about}.", labels=labels)
    for label_values, value in values.items():
        gauge.add_metric(label_values, float(value))
    return gauge
