"""Control actions on webhooks: endpoints, secrets, what was delivered, and what arrives twice or in disorder."""

import http.client
import json
from urllib.parse import urlsplit

from . import objects, webhooks


def create_endpoint(universe, account, url, livemode=False, events=("*",), api_version=None, **destination):
    """As the owner does it in the dashboard: needs no key. The answer has the signing secret."""
    webhooks.check_url(url)
    store = universe.accounts[account].stores[livemode]
    ident = store.new_id("we")
    endpoint = objects.webhook_endpoint(ident, store.now(), livemode, url, list(events), api_version=api_version)
    store.webhook_endpoints.add(endpoint)
    return {**endpoint, "secret": universe.deliveries.open(store, ident, **destination)}


def roll_secret(universe, endpoint, overlap=0.0):
    universe.holding("webhook_endpoints", endpoint)
    return universe.deliveries.new_secret(endpoint, overlap)


def configure_deliveries(universe, backoff=None, timeout=None, duplicates=None, one_by_one=None):
    deliveries = universe.deliveries
    deliveries.backoff = deliveries.backoff if backoff is None else tuple(backoff)
    deliveries.timeout = timeout or deliveries.timeout
    deliveries.duplicates = deliveries.duplicates if duplicates is None else duplicates
    deliveries.one_by_one = deliveries.one_by_one if one_by_one is None else one_by_one


def hold_deliveries(universe):
    universe.deliveries.agenda.hold()


def release_deliveries(universe, backwards=False):
    return universe.deliveries.agenda.release(backwards)


def resend(universe, event, endpoint=None):
    store = universe.holding("events", event)
    kind = store.events.get(event)["type"]
    targets = [endpoint] if endpoint else [each["id"] for each in universe.deliveries.listeners(store, kind)]
    for target in targets:
        universe.deliveries.send(store, event, target)
    return len(targets)


def deliveries(universe, event=None, endpoint=None, type=None):
    return universe.deliveries.attempts(event=event, endpoint=endpoint, type=type)


def wait_for_deliveries(universe, timeout=10.0, horizon=None):
    return universe.deliveries.agenda.wait_until_quiet(timeout, horizon)


def deliver_payload(universe, endpoint, payload, at=None, secrets=None):
    """Sends a payload of the caller's own, signed for this endpoint, once; the answer is the receiver's."""
    with universe.lock:
        url = universe.holding("webhook_endpoints", endpoint).webhook_endpoints.get(endpoint)["url"]
        secrets = secrets or [secret for secret, _ in universe.deliveries.secrets[endpoint]]
    body = payload.encode() if isinstance(payload, str) else json.dumps(payload, indent=2).encode()
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port or 80, timeout=universe.deliveries.timeout)
    headers = {"Content-Type": "application/json; charset=utf-8", "Stripe-Signature": webhooks.sign(body, secrets, at)}
    try:
        connection.request("POST", parts.path or "/", body, headers)
        response = connection.getresponse()
        return {"status": response.status, "body": response.read().decode(errors="replace")}
    except OSError as error:
        return {"status": None, "body": f"{type(error).__name__}: {error}"}
    finally:
        connection.close()


ACTIONS = (create_endpoint, roll_secret, configure_deliveries, hold_deliveries, release_deliveries, resend, deliveries)
PATIENT = (wait_for_deliveries, deliver_payload)
