"""One example of each seeded object, with marks where they differ: {{name}} for texts, {{#name}} for numbers."""

import json
import re

from . import billing_objects, objects


def text(name):
    return "{{" + name + "}}"


def number(name):
    return "{{#" + name + "}}"


def form(example: dict) -> str:
    """The example's JSON as a format string."""
    json_text = json.dumps(example, separators=(",", ":")).replace("%", "%%")
    json_text = re.sub(r'"\{\{#(\w+)\}\}"', r"%(\1)d", json_text)
    return re.sub(r"\{\{(\w+)\}\}", r"%(\1)s", json_text)


def customer_example(store):
    return objects.customer(
        text("customer"),
        number("customer_created"),
        store.livemode,
        name=text("name"),
        email=text("email"),
        phone=text("phone"),
        address={
            "city": text("city"),
            "country": text("country"),
            "line1": text("line1"),
            "line2": None,
            "postal_code": text("postal_code"),
            "state": None,
        },
        currency=store.account.currency,
        invoice_prefix=text("prefix"),
        invoice_settings={
            "custom_fields": None,
            "default_payment_method": text("payment_method"),
            "footer": None,
            "rendering_options": None,
        },
        next_invoice_sequence=30,
    )


def customer(store):
    return form(customer_example(store))


def item(price):
    period = number("start"), number("end")
    return billing_objects.subscription_item(text("item"), number("created"), text("subscription"), price, 1, period)


def subscription(store, price, status):
    example = billing_objects.subscription(
        text("subscription"),
        number("created"),
        store.livemode,
        text("customer"),
        price["currency"],
        [item(price)],
        latest_invoice=text("invoice"),
        default_payment_method=text("payment_method"),
        status=status,
    )
    if status == "canceled":
        example |= {"canceled_at": number("ended"), "ended_at": number("ended")}
        example["cancellation_details"]["reason"] = "cancellation_requested"
    return example


def invoice(store, price, status):
    """The latest invoice: paid, unless the subscription is behind with it."""
    amount, at, period = price["unit_amount"], number("start"), (number("start"), number("end"))
    ident = text("invoice")
    line = billing_objects.invoice_line(
        text("line"), ident, store.livemode, item(price), amount, period, f"1 × {price['nickname']}"
    )
    example = billing_objects.invoice(
        ident, at, store.account, customer_example(store), price["currency"], [line], amount, period
    )
    paid = status not in ("past_due", "unpaid")
    example |= {
        "attempt_count": 1,
        "attempted": True,
        "billing_reason": "subscription_cycle",
        "effective_at": at,
        "hosted_invoice_url": f"https://invoice.example/i/{ident}",
        "number": text("prefix") + "-" + text("number"),
        "parent": billing_objects.subscription_parent(text("subscription"), {}),
        "status": "paid" if paid else "open",
    }
    example["status_transitions"]["finalized_at"] = at
    if paid:
        example |= {"amount_paid": amount, "amount_remaining": 0, "auto_advance": False}
        example["status_transitions"]["paid_at"] = at
    return example
