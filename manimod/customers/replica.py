"""The mirror of a Stripe account: customers, subscriptions, prices and tiers, told by events and read by the sync.

News may arrive out of order: a row only changes when the news is at least as new as what it holds.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, or_, select, update

from manimod.extensions import db
from manimod.models import Connection, Customer, Moment, Price, StripeEvent, Subscription, Tier
from manimod.models.accounts import now
from manimod.models.bulk import insert_new, upsert
from manimod.stripe import payloads
from manimod.stripe.payloads import CustomerFacts, EventFacts, PriceFacts, SubscriptionFacts

FINAL_STATUSES = ("canceled", "incomplete_expired")


def apply_events(connection: Connection, events: list[EventFacts]) -> None:
    """Bring the mirror up to what a batch of events says."""
    customers, subscriptions = {}, {}
    for event in events:
        if event.customer and not event.customer.deleted and event.type != "customer.deleted":
            customers[event.customer.id] = event.customer
        if event.subscription and event.subscription.customer:
            subscriptions[event.subscription.id] = _newer(subscriptions.get(event.subscription.id), event)
        if event.invoice and event.invoice.account_name and not connection.stripe_account_name:
            connection.stripe_account_name = event.invoice.account_name
    upsert_customers(connection.id, customers.values())
    told = [(event.subscription, payloads.to_datetime(event.created)) for event in subscriptions.values()]
    upsert_prices(connection.id, [facts.price for facts, _ in told if facts.price])
    upsert(
        Subscription,
        [subscription_row(connection.id, facts, observed_at) for facts, observed_at in told],
        ("connection_id", "stripe_id"),
        newer=is_newer,
    )


def _newer(held: EventFacts | None, event: EventFacts) -> EventFacts:
    """The later of two events of one subscription. Stripe's clock has whole seconds: then a final status is later."""
    if held is None:
        return event
    return max(held, event, key=lambda e: (e.created, e.subscription.status in FINAL_STATUSES))


def is_newer(arriving: Any) -> ColumnElement[bool]:
    """Of one second's news the final status is the later one."""
    later = arriving.observed_at > Subscription.observed_at
    same_second = arriving.observed_at == Subscription.observed_at
    return or_(later, and_(same_second, _is_final(arriving.status) >= _is_final(Subscription.status)))


def _is_final(status: ColumnElement[str]) -> ColumnElement[int]:
    return case(*((status == final, 1) for final in FINAL_STATUSES), else_=0)


def upsert_customers(connection_id: int, customers: Iterable[CustomerFacts], run_id: int | None = None) -> None:
    rows = [
        {
            "connection_id": connection_id,
            "stripe_id": customer.id,
            "name": customer.name,
            "created_at": payloads.to_datetime(customer.created) or now(),
            "seen_in_run": run_id,
        }
        for customer in customers
    ]
    keep = ("created_at",) if run_id else ("created_at", "seen_in_run")
    upsert(Customer, rows, ("connection_id", "stripe_id"), keep=keep)


def subscription_row(connection_id: int, facts: SubscriptionFacts, observed_at: datetime) -> dict:
    return {
        "connection_id": connection_id,
        "stripe_id": facts.id,
        "stripe_customer_id": facts.customer,
        "stripe_price_id": facts.price.id if facts.price else None,
        "stripe_product_id": facts.price.product if facts.price else None,
        "quantity": facts.quantity,
        "status": facts.status or "unknown",
        "created_at": payloads.to_datetime(facts.created) or observed_at,
        "started_at": payloads.to_datetime(facts.started),
        "ended_at": payloads.to_datetime(facts.ended),
        "observed_at": observed_at,
    }


def upsert_prices(connection_id: int, prices: Iterable[PriceFacts]) -> None:
    """Store list prices, and a tier for each product that is met for the first time."""
    by_id = {price.id: price for price in prices if price.product}
    rows = [
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
    upsert(Price, rows, ("connection_id", "stripe_id"))
    tiers = {price.product: price for price in by_id.values()}
    new = [
        {"connection_id": connection_id, "stripe_product_id": price.product, "nickname": price.nickname}
        for price in tiers.values()
    ]
    insert_new(Tier, new, ("connection_id", "stripe_product_id"))
    for price in tiers.values():
        if price.product_name:
            set_product_name(connection_id, price.product, price.product_name)


def set_product_name(connection_id: int, product_id: str, name: str | None) -> None:
    """Remember a product's name, or that Stripe was asked and gave none."""
    query = update(Tier).where(Tier.connection_id == connection_id, Tier.stripe_product_id == product_id)
    db.session.execute(query.values(product_name=name, asked_at=now()))


def unnamed_products(connection_id: int) -> list[str]:
    """Products whose name Stripe has not been asked for yet."""
    query = select(Tier.stripe_product_id).where(
        Tier.connection_id == connection_id, Tier.product_name.is_(None), Tier.asked_at.is_(None)
    )
    return list(db.session.scalars(query))


def erase_customer(connection_id: int, customer_id: str) -> None:
    """Forget a customer whom Stripe has deleted: name, subscriptions, and what events said of them."""
    for model, column in ((Subscription, Subscription.stripe_customer_id), (Customer, Customer.stripe_id)):
        db.session.execute(delete(model).where(model.connection_id == connection_id, column == customer_id))
    events = update(StripeEvent).where(
        StripeEvent.connection_id == connection_id, StripeEvent.stripe_customer_id == customer_id
    )
    late = events.where(StripeEvent.state == "pending")
    db.session.execute(late.values(state="ignored", reason="the customer was deleted in Stripe", processed_at=now()))
    db.session.execute(events.values(facts={}))
    moments = update(Moment).where(Moment.connection_id == connection_id, Moment.stripe_customer_id == customer_id)
    db.session.execute(moments.values(stripe_customer_id=None))
