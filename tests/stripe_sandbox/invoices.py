"""An invoice's life: drafted, finalised, paid or not, voided; and what that does to its subscription.

Order and content of the events: Stripe documentation, "How subscriptions work" and "Using webhooks with
subscriptions", checked 2026-11-22.
"""

from . import billing_objects, cards, events

FAILING_FLAG = "sandbox_payment"  # customer metadata: sandbox_payment=fail makes payments fail
DAY = 86400
TOTALS = ("amount_due", "amount_remaining", "subtotal", "subtotal_excluding_tax", "total", "total_excluding_tax")


def draft(store, subscription, reason, period, amount=None, proration=False, looks_back=None):
    """Makes the invoice of a subscription; `amount` replaces the sum of its items, as for a trial or a proration.

    The lines are for the period that begins; a renewal's own period, `looks_back`, is the one that has ended.
    """
    customer = store.customers.get(subscription["customer"])
    ident, now = store.new_id("in"), store.now(customer)
    lines = [line(store, ident, item, period, amount, proration) for item in subscription["items"]["data"]]
    invoice = billing_objects.invoice(
        ident,
        now,
        store.account,
        customer,
        subscription["currency"],
        lines,
        sum(each["amount"] for each in lines),
        looks_back or period,
        billing_reason=reason,
        collection_method=subscription["collection_method"],
        parent=billing_objects.subscription_parent(subscription["id"], subscription["metadata"]),
    )
    if not proration:
        take_in(store, invoice, pending_items(store, subscription))
    store.invoices.add(invoice)
    events.emit(store, "invoice.created", invoice)
    return invoice


def pending_items(store, subscription):
    """Those that were added for this subscription, or for whatever invoice of the customer comes next."""
    found = store.invoice_items.find(customer=subscription["customer"], invoice=None)
    ours = (None, subscription["id"])
    return [item for item in found if item["parent"] is None or subscription_of(item) in ours]


def take_in(store, invoice, items):
    """Invoice items become lines of a draft, before those of the subscription."""
    added = [billing_objects.added_line(store.new_id("il"), invoice["id"], item) for item in items]
    for item in items:
        store.invoice_items.save({**item, "invoice": invoice["id"]})
    invoice["lines"]["data"] = added + invoice["lines"]["data"]
    invoice["lines"]["total_count"] = len(invoice["lines"]["data"])
    total = sum(each["amount"] for each in invoice["lines"]["data"])
    for name in TOTALS:
        invoice[name] = total


def line(store, invoice_id, item, period, amount, proration):
    price, quantity = item["price"], item["quantity"]
    total = price["unit_amount"] * quantity if amount is None else amount
    text = f"{quantity} × {price['nickname'] or price['product']} (at {price['unit_amount'] / 100:.2f})"
    ident = store.new_id("il")
    return billing_objects.invoice_line(ident, invoice_id, store.livemode, item, total, period, text, proration)


def finalise(store, invoice):
    customer = store.customers.get(invoice["customer"])
    now, number = store.now(customer), customer["next_invoice_sequence"]
    customer["next_invoice_sequence"] += 1
    store.customers.save(customer)
    invoice |= {
        "status": "open",
        "number": f"{customer['invoice_prefix']}-{number:04}",
        "effective_at": now,
        "ending_balance": 0,
        "hosted_invoice_url": f"https://invoice.example/i/{invoice['id']}",
        "invoice_pdf": f"https://invoice.example/i/{invoice['id']}/pdf",
        "webhooks_delivered_at": now,
    }
    invoice["status_transitions"]["finalized_at"] = now
    days = subscription_days(store, invoice)
    if days is not None:
        invoice["due_date"] = now + days * DAY
    store.invoices.save(invoice)
    events.emit(store, "invoice.finalized", invoice)
    return invoice


def subscription_days(store, invoice):
    """After how many days a subscription's invoice is due that its customer pays by hand."""
    ident = subscription_of(invoice)
    if ident is None or invoice["collection_method"] != "send_invoice":
        return None
    return store.subscriptions.get(ident)["days_until_due"]


def overdue(store, invoice_id):
    """It is due and not paid; nothing else changes (event types of the API reference, checked 2026-11-28)."""
    store.overdue_invoices.add(invoice_id)
    events.emit(store, "invoice.overdue", store.invoices.get(invoice_id))


def collect(store, invoice, succeeds=None, method=None) -> bool:
    """Tries to take the payment of an open invoice. Without `succeeds` the customer's flag and card decide."""
    if invoice["amount_due"] == 0:
        mark_paid(store, invoice)
        return True
    invoice["attempted"], invoice["attempt_count"] = True, invoice["attempt_count"] + 1
    problem = payment_problem(store, invoice["customer"], subscription_of(invoice), method)
    if succeeds or (succeeds is None and problem is None):
        mark_paid(store, invoice)
        return True
    mark_failed(store, invoice)
    if problem == "confirm":
        events.emit(store, "invoice.payment_action_required", invoice)
    return False


def payment_problem(store, customer_id, subscription_id=None, method=None):
    """Why a payment would fail now: None, `charge`, or `confirm` where the customer has to agree first."""
    customer = store.customers.get(customer_id)
    if customer_id in store.failing_customers or customer["metadata"].get(FAILING_FLAG) == "fail":
        return "charge"
    subscription = store.subscriptions.get(subscription_id) if subscription_id else None
    return store.failing_methods.get(method or cards.default_of(store, subscription, customer))


def mark_paid(store, invoice):
    now = store.now(store.customers.get(invoice["customer"]))
    invoice |= {"status": "paid", "attempted": True, "auto_advance": False, "next_payment_attempt": None}
    invoice |= {"amount_paid": invoice["amount_due"], "amount_remaining": 0}
    invoice["status_transitions"]["paid_at"] = now
    store.invoices.save(invoice)
    events.emit(store, "invoice.paid", invoice)
    events.emit(store, "invoice.payment_succeeded", invoice)


def mark_failed(store, invoice):
    """Stripe tries again some days later, until the attempts that the owner allows are used up."""
    now, attempts = store.now(store.customers.get(invoice["customer"])), invoice["attempt_count"]
    days = store.settings.retry_days
    again = attempts < store.settings.retries and invoice["billing_reason"] != "subscription_create"
    invoice["next_payment_attempt"] = now + days[min(attempts, len(days)) - 1] * DAY if again else None
    store.invoices.save(invoice)
    events.emit(store, "invoice.payment_failed", invoice)


def void(store, invoice):
    invoice |= {"status": "void", "auto_advance": False, "next_payment_attempt": None}
    invoice["status_transitions"]["voided_at"] = store.now(store.customers.get(invoice["customer"]))
    store.invoices.save(invoice)
    events.emit(store, "invoice.voided", invoice)
    return invoice


def mark_uncollectible(store, invoice):
    invoice |= {"status": "uncollectible", "auto_advance": False, "next_payment_attempt": None}
    invoice["status_transitions"]["marked_uncollectible_at"] = store.now(store.customers.get(invoice["customer"]))
    store.invoices.save(invoice)
    events.emit(store, "invoice.marked_uncollectible", invoice)
    return invoice


def subscription_of(invoice):
    return invoice["parent"] and invoice["parent"]["subscription_details"]["subscription"]
