"""Events as Stripe sends them, in today's shape, with everything in them that mani must not keep."""

import itertools
import time

_numbers = itertools.count(1)

MONTH = 30 * 24 * 3600


def event(kind: str, body: dict, created: int | None = None, previous: dict | None = None, **others: object) -> dict:
    data = {"object": body} | ({"previous_attributes": previous} if previous else {})
    return {
        "id": f"evt_{next(_numbers):024}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()) if created is None else created,
        "livemode": False,
        "type": kind,
        "data": data,
        **others,
    }


def customer(customer_id: str = "cus_1", **others: object) -> dict:
    return {
        "id": customer_id,
        "object": "customer",
        "name": "Hazel Testford",
        "created": int(time.time()),
        "email": "hazel@example.com",
        "phone": "+1 555 010 0199",
        "address": {"line1": "1 Sample Street", "city": "Exampleton"},
        "livemode": False,
        **others,
    }


def price(
    product: str = "prod_team", amount: int | None = 4900, nickname: str | None = "Team", **others: object
) -> dict:
    return {
        "id": f"price_{product}",
        "object": "price",
        "product": product,
        "nickname": nickname,
        "currency": "usd",
        "unit_amount": amount,
        "recurring": {"interval": "month", "interval_count": 1, "usage_type": "licensed"},
        **others,
    }


def item(of: dict | None = None, period_start: int = 1_780_000_000, quantity: int = 1) -> dict:
    return {
        "object": "subscription_item",
        "price": of or price(),
        "quantity": quantity,
        "current_period_start": period_start,
        "current_period_end": period_start + MONTH,
    }


def subscription(
    subscription_id: str = "sub_1", status: str = "active", items: list[dict] | None = None, **others: object
) -> dict:
    return {
        "id": subscription_id,
        "object": "subscription",
        "customer": "cus_1",
        "status": status,
        "created": 1_780_000_000,
        "start_date": 1_780_000_000,
        "billing_cycle_anchor": 1_780_000_000,
        "ended_at": None,
        "items": {"object": "list", "data": [item()] if items is None else items},
        "latest_invoice": "in_1",
        "default_payment_method": {"card": {"last4": "4242"}},
        **others,
    }


def line(start: int, end: int, subscription_id: str = "sub_1", proration: bool = False) -> dict:
    return {
        "object": "line_item",
        "amount": 4900,
        "period": {"start": start, "end": end},
        "parent": {
            "type": "subscription_item_details",
            "subscription_item_details": {"subscription": subscription_id, "proration": proration},
        },
    }


def invoice(
    invoice_id: str | None = "in_1",
    reason: str = "subscription_cycle",
    period_end: int = 1_780_000_000 + MONTH,
    subscription_id: str = "sub_1",
    **others: object,
) -> dict:
    """An invoice looks back: `period_end` is where the period begins that it renews."""
    body = {
        "object": "invoice",
        "customer": "cus_1",
        "customer_email": "hazel@example.com",
        "amount_due": 4900,
        "billing_reason": reason,
        "status": "paid",
        "period_start": period_end - MONTH,
        "period_end": period_end,
        "parent": {"type": "subscription_details", "subscription_details": {"subscription": subscription_id}},
        "lines": {"object": "list", "data": [line(period_end, period_end + MONTH, subscription_id)]},
        **others,
    }
    return body | ({"id": invoice_id} if invoice_id else {})
