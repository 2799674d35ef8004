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
    upsert_prices(connection.id, [event.subscription.price for event in latest.values() if event.subscription.price])
    rows = [subscription_row(connection.id, e.subscription, to_datetime(e.created)) for e in latest.values()]
    upsert(Subscription, rows, ("connection_id", "stripe_id"), newer=is_newer)


def _time_and_finality(event: EventFacts) -> tuple[int, bool]:
    """Stripe's clock has whole seconds: within one second, a final status is the later one."""
    return event.created, event.subscription.status in FINAL_STATUSES


def is_newer(arriving: Any) -> ColumnElement[bool]:
    """The same rule in SQL, for the columns of an arriving row and those of the stored one."""
    is_later = arriving.observed_at > Subscription.observed_at
    same_second = arriving.observed_at == Subscription.observed_at
    may_follow = or_(_is_final(arriving.status), ~_is_final(Subscription.status))
    return or_(is_later, and_(same_second, may_follow))


def _is_final(status: ColumnElement[str]) -> ColumnElement[bool]:
    """Without IN, which an INSERT of many rows cannot compile."""
    return or_(*(status == final for final in FINAL_STATUSES))


def upsert_customers(connection_id: int, customers: Iterable[CustomerFacts], run_id: int | None = None) -> None:
    rows = [
        {
            "connection_id": connection_id,
            "stripe_id": customer.id,
            "name": customer.name,
            "created_at": to_datetime(customer.created) or now(),
            "seen_in_run": run_id,
        }
        for customer in customers
    ]
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
    by_id = {price.id: price for price in prices if price.product}
    by_product = {price.product: price for price in by_id.values()}
    price_rows = [
        {
            "connection_id": connection_id,
            "stripe_id": price.id,
            "stripe_product_id": price.product,
            "nickname": price.nickname,
            "currency": price.currency,
            "list_amount": price.amount,
            "interval": price.interval,
            "interval_count": price.interval_count,
        }
        for price in by_id.values()
    ]
    tier_rows = [
        {"connection_id": connection_id, "stripe_product_id": product, "nickname": price.nickname}
        for product, price in by_product.items()
    ]
    upsert(Price, price_rows, ("connection_id", "stripe_id"))
    insert_new(Tier, tier_rows, ("connection_id", "stripe_product_id"))
    for product, price in by_product.items():
        if price.product_name:
            set_product_name(connection_id, product, price.product_name)


def set_product_name(connection_id: int, product_id: str, name: str | None) -> None:
    """Remember a product's name, or that Stripe was asked and gave none."""
    query = update(Tier).where(Tier.connection_id == connection_id, Tier.stripe_product_id == product_id)
    db.session.execute(query.values(product_name=name, asked_at=now()))


def erase_customer(connection_id: int, customer_id: str) -> None:
    """Forget a customer that Stripe has deleted: name, subscriptions, and what events said about them."""
    for model, column in ((Subscription, Subscription.stripe_customer_id), (Customer, Customer.stripe_id)):
        db.session.execute(delete(model).where(model.connection_id == connection_id, column == customer_id))
    events = update(StripeEvent).where(
        StripeEvent.connection_id == connection_id, StripeEvent.stripe_customer_id == customer_id
    )
    ignored = {"state": EventState.IGNORED, "reason": "the customer was deleted in Stripe", "processed_at": now()}
    db.session.execute(events.where(StripeEvent.state == EventState.PENDING).values(ignored))
    db.session.execute(events.values(facts={}))
    moments = update(Moment).where(Moment.connection_id == connection_id, Moment.stripe_customer_id == customer_id)
    db.session.execute(moments.values(stripe_customer_id=None))
