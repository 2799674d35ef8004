"""The replica of a Stripe account: customers, subscriptions, prices and tiers, from events and from the sync.

Events may arrive out of order: a subscription changes only if what arrives is at least as new as what is stored.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, or_, update

from manimod.extensions import db
from manimod.models import Connection, Customer, Moment, Price, StripeEvent, Subscription, Tier
from manimod.models.accounts import now
from manimod.models.bulk import insert_new, upsert
from manimod.models.states import EventState
from manimod.stripe.payloads import CustomerFacts, EventFacts, PriceFacts, SubscriptionFacts, to_datetime

FINAL_STATUSES = ("canceled", "incomplete_expired")


def apply_events(connection: Connection, events: list[EventFacts]) -> None:
    """Bring the replica up to what a batch of events says."""
    customers: dict[str, CustomerFacts] = {}
    latest: dict[str, EventFacts] = {}  # by subscription
    for event in events:
        if event.customer and not event.customer.deleted and event.type != "customer.deleted":
            customers[event.customer.id] = event.customer
        if event.subscription and event.subscription.customer:
            latest[event.subscription.id] = max(latest.get(event.subscription.id, event), event, key=_time_and_finality)
        if event.invoice and event.invoice.account_name and not connection.stripe_account_name:
            connection.stripe_account_name = event.invoice.account_name
    upsert_customers(connection.id, customers.values())
    rows, prices = [], []
    for event in latest.values():
        rows.append(subscription_row(connection.id, event.subscription, to_datetime(event.created)))
        if event.subscription.price:
            prices.append(event.subscription.price)
    upsert_prices(connection.id, prices)
    upsert(Subscription, rows, ("connection_id", "stripe_id"), newer=is_newer)


def _time_and_finality(event: EventFacts) -> tuple[int, bool]:
    """Stripe's clock has whole seconds: within one second, a final status is the later one."""
    return event.created, event.subscription.status in FINAL_STATUSES


def is_newer(arriving: Any) -> ColumnElement[bool]:
    """The same rule in SQL, for the columns of an arriving row and those of the stored one."""
    # Without IN, which an INSERT of many rows cannot compile.
    is_final = or_(*(arriving.status == final for final in FINAL_STATUSES))
    was_open = and_(*(Subscription.status != final for final in FINAL_STATUSES))
    same_second = arriving.observed_at == Subscription.observed_at
    return or_(arriving.observed_at > Subscription.observed_at, and_(same_second, or_(is_final, was_open)))


def upsert_customers(connection_id: int, customers: Iterable[CustomerFacts], run_id: int | None = None) -> None:
    rows = []
    for customer in customers:
        created_at = to_datetime(customer.created) or now()
        row = {"stripe_id": customer.id, "name": customer.name, "created_at": created_at}
        rows.append(row | {"connection_id": connection_id, "seen_in_run": run_id})
    keep = ("created_at",) if run_id else ("created_at", "seen_in_run")
    upsert(Customer, rows, ("connection_id", "stripe_id"), keep=keep)


def subscription_row(connection_id: int, facts: SubscriptionFacts, observed_at: datetime) -> dict[str, Any]:
    return {
        "connection_id": connection_id,
        "stripe_id": facts.id,
        "stripe_customer_id": facts.customer,
        "stripe_price_id": facts.price.id if facts.price else None,
        "stripe_product_id": facts.price.product if facts.price else None,
        "quantity": facts.quantity,
        "status": facts.status or "unknown",
        "created_at": to_datetime(facts.created) or observed_at,
        "started_at": to_datetime(facts.started),
        "ended_at": to_datetime(facts.ended),
        "observed_at": observed_at,
    }


def upsert_prices(connection_id: int, prices: Iterable[PriceFacts]) -> None:
    """Store list prices, and a tier for each product that is met for the first time."""
    price_rows, tier_rows, names = {}, {}, {}
    for price in prices:
        if price.product is None:
            continue
        tier = {"connection_id": connection_id, "stripe_product_id": price.product, "nickname": price.nickname}
        tier_rows[price.product] = tier
        price_rows[price.id] = tier | {
            "stripe_id": price.id,
            "currency": price.currency,
            "list_amount": price.amount,
            "interval": price.interval,
            "interval_count": price.interval_count,
        }
        if price.product_name:
            names[price.product] = price.product_name
    upsert(Price, list(price_rows.values()), ("connection_id", "stripe_id"))
    insert_new(Tier, list(tier_rows.values()), ("connection_id", "stripe_product_id"))
    for product, name in names.items():
        set_product_name(connection_id, product, name)


def set_product_name(connection_id: int, product_id: str, name: str | None) -> None:
    """Remember a product's name, or that Stripe was asked and gave none."""
    query = update(Tier).where(Tier.connection_id == connection_id, Tier.stripe_product_id == product_id)
    db.session.execute(query.values(product_name=name, asked_at=now()))


def erase_customer(connection_id: int, customer_id: str) -> None:
    """Forget a customer that Stripe has deleted: name, subscriptions, and what events said about them."""
    theirs = {"connection_id": connection_id, "stripe_customer_id": customer_id}
    db.session.execute(delete(Subscription).filter_by(**theirs))
    db.session.execute(delete(Customer).filter_by(connection_id=connection_id, stripe_id=customer_id))
    events = update(StripeEvent).filter_by(**theirs)
    ignored = {"state": EventState.IGNORED, "reason": "the customer was deleted in Stripe", "processed_at": now()}
    db.session.execute(events.where(StripeEvent.state == EventState.PENDING).values(ignored))
    db.session.execute(events.values(facts={}))
    db.session.execute(update(Moment).filter_by(**theirs).values(stripe_customer_id=None))
