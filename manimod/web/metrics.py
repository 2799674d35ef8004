"""/metrics for Prometheus: gauges, read from the database and Redis for each request. No names, ids or keys.

Every web process gives the same answer, and nothing has to be collected from the others.
"""

import hmac

from flask import Blueprint, Response, make_response, request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from manimod.config import settings
from manimod.diagnostics import metrics
from manimod.errors import ManimodError

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
    headers = {"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
    return make_response(generate_latest(metrics.read_gauges()), headers)
