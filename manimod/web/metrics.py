"""/metrics for Prometheus: gauges, read from the database and Redis for each request. No names, ids or keys.

Every web process gives the same answer, and nothing has to be collected from the others.
"""

import hmac
from datetime import datetime

from flask import Blueprint, Response, make_response, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from manimod import jobs
from manimod.config import settings
from manimod.diagnostics import metrics
from manimod.errors import ManimodError
from manimod.models.accounts import now
from manimod.models.states import EventState

LOOPBACK = ("127.0.0.1", "::1")
PROXY_HEADERS = ("Forwarded", "X-Forwarded-For", "X-Real-IP")

blueprint = Blueprint("metrics", __name__)


@blueprint.get("/metrics")
def show() -> Response:
    """With METRICS_TOKEN for whoever sends it as a bearer token; without one, for this machine only."""
    token = settings().metrics_token
    if token:
        sent = request.headers.get("Authorization", "")
        may_read = hmac.compare_digest(f"Bearer {token}".encode(), sent.encode())
    else:
        is_proxied = any(name in request.headers for name in PROXY_HEADERS)
        may_read = request.remote_addr in LOOPBACK and not is_proxied
    if not may_read:
        raise ManimodError("METRICS_REFUSED")
    response = make_response(generate_latest(_read_gauges()))
    response.headers["Content-Type"] = CONTENT_TYPE_LATEST
    response.headers["Cache-Control"] = "no-store"
    return response


def _read_gauges() -> CollectorRegistry:
    registry = CollectorRegistry()

    def gauge(name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"mani_{name}", about, labels, registry=registry)

    heartbeats = jobs.heartbeats()
    gauge("redis_up", "Whether Redis answers").set(heartbeats.redis_answers)
    gauge("scheduler_up", "Whether the scheduler runs").set(heartbeats.scheduler_at is not None)
    workers = gauge("workers", "Workers that are running", "queue")
    for queue, count in heartbeats.workers.items():
        workers.labels(queue).set(count)
    waiting = gauge("jobs_waiting", "Jobs that wait; none of it while Redis is away", "queue")
    for queue in metrics.queue_states():
        waiting.labels(queue.name).set(queue.waiting)

    gauge("events_pending", "Events to be processed").set(metrics.count_events(EventState.PENDING))
    gauge("events_failed", "Events given up").set(metrics.count_events(EventState.FAILED))
    age = gauge("oldest_waiting_seconds", "Age of the oldest event or moment that waits for a worker, 0 if none does")
    age.set(_seconds_since(metrics.oldest_waiting_at(), unknown=0))
    gauge("creatives_waiting", "Creatives in all review queues").set(metrics.creatives_waiting())

    connections = gauge("connections", "Connections to Stripe", "status", "error")
    for labels, count in metrics.connection_counts().items():
        connections.labels(*labels).set(count)
    age = gauge("last_sync_age_seconds", "Since a sync was completed; not a number before the first")
    age.set(_seconds_since(metrics.last_sync_at(), unknown=float("nan")))
    return registry


def _seconds_since(time: datetime | None, unknown: float) -> float:
    return max(0.0, (now() - time).total_seconds()) if time else unknown
