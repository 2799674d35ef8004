"""Thin events of v1 resources: which object changed, and nothing of it.

Shape: docs.stripe.com/event-destinations and stripe-python's EventNotification; since API 2026-09-30 also for v1
resources, whose types begin with `v1.` (Stripe API changelog, endive; checked 2026-11-27).
"""

from datetime import UTC, datetime

PREFIX = "v1."
PATHS = {
    "customer": "customers",
    "invoice": "invoices",
    "invoiceitem": "invoiceitems",
    "payment_method": "payment_methods",
    "price": "prices",
    "product": "products",
    "subscription": "subscriptions",
    "test_helpers.test_clock": "test_helpers/test_clocks",
}


def notification(event: dict, ident: str) -> dict:
    """What is delivered of a snapshot event; its id is another one than the snapshot's."""
    about = event["data"]["object"]
    payload = {
        "id": ident,
        "object": "v2.core.event",
        "created": datetime.fromtimestamp(event["created"], UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "livemode": event["livemode"],
        "reason": reason(event),
        "related_object": None,
        "type": PREFIX + event["type"],
    }
    if "id" in about:
        path = PATHS.get(about["object"], about["object"] + "s")
        payload["related_object"] = {"id": about["id"], "type": about["object"], "url": f"/v1/{path}/{about['id']}"}
    context = event.get("context") or event.get("account")
    return payload | ({"context": context} if context else {})


def reason(event):
    request = event["request"]
    return {"type": "request", "request": request} if request["id"] else None


def whole(event: dict, ident: str) -> dict:
    """What GET /v2/core/events/{id} answers: the same, and the snapshot that it goes with."""
    changes = {"after": {}, "before": event["data"].get("previous_attributes", {})}
    return notification(event, ident) | {"changes": changes, "snapshot_event": event["id"]}
