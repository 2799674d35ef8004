"""A webhook's payload has the shape of its endpoint's API version, not of the SDK's.

2025-03-31 moved the invoice's subscription into `parent` and the period from the subscription to its items
(Stripe API changelog, basil; checked 2026-11-22).
"""

BASIL = "2025-03-31"


def reshape(event: dict, version: str | None) -> dict:
    if not version:
        return event
    if version < BASIL:
        for part in (event["data"]["object"], event["data"].get("previous_attributes") or {}):
            older(part, event["data"]["object"].get("object"))
    return {**event, "api_version": version}


def older(fields, kind):
    if kind == "invoice":
        older_invoice(fields)
    if kind == "subscription":
        older_subscription(fields)


def older_invoice(fields):
    parent = fields.pop("parent", None)
    if parent:
        details = parent["subscription_details"]
        fields["subscription"] = details["subscription"]
        fields["subscription_details"] = {"metadata": details["metadata"]}
    if "status" in fields:
        fields.setdefault("paid", fields["status"] == "paid")


def older_subscription(fields):
    items = fields.get("items", {}).get("data", [])
    if items:
        fields["current_period_start"] = items[0]["current_period_start"]
        fields["current_period_end"] = items[0]["current_period_end"]
        fields["plan"] = items[0]["plan"]
        fields["quantity"] = items[0]["quantity"]
    for item in items:
        del item["current_period_start"], item["current_period_end"]
