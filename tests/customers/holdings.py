"""Rows of a price list and of those who pay by it."""

from datetime import datetime, timedelta

from manimod.extensions import db
from manimod.models import Connection, Customer, Price, Subscription, Tier
from manimod.models.accounts import now


def add_tier(connection: Connection, name: str, active: bool = True) -> None:
    db.session.add(
        Tier(connection_id=connection.id, stripe_product_id=f"prod_{name}", product_name=name, active=active)
    )


def add_price(connection: Connection, name: str, amount: float | None, **others: object) -> None:
    """The price `price_NAME` of the product `prod_NAME`, or of another `tier`."""
    columns = {"currency": "usd", "interval": "month"} | others
    tier = columns.pop("tier", name)
    known = {"connection_id": connection.id, "stripe_id": f"price_{name}", "stripe_product_id": f"prod_{tier}"}
    db.session.add(Price(**known, unit_amount=amount, **columns))


def add_plan(connection: Connection, name: str, amount: float | None, active: bool = True, **others: object) -> None:
    """A tier with one price."""
    add_tier(connection, name, active)
    add_price(connection, name, amount, **others)


def add_customer(connection: Connection, name: str, segment: str | None = None) -> None:
    known = {"stripe_id": f"cus_{name}", "name": name, "created_at": now() - timedelta(days=1000)}
    db.session.add(Customer(connection_id=connection.id, **known, segment=segment))


def add_subscription(
    connection: Connection, name: str, plan: str, began: datetime, tier: str | None = None, **others: object
) -> None:
    """A subscription of the customer `cus_NAME` to the price `price_PLAN`."""
    columns = {"quantity": 1, "status": "active", "stripe_id": f"sub_{name}_{plan}"} | others
    db.session.add(
        Subscription(
            connection_id=connection.id,
            stripe_customer_id=f"cus_{name}",
            stripe_price_id=f"price_{plan}",
            stripe_product_id=f"prod_{tier or plan}",
            created_at=began,
            started_at=began,
            observed_at=began,
            **columns,
        )
    )


def subscribe(
    connection: Connection, name: str, plan: str, days: int, segment: str | None = None, **others: object
) -> None:
    """A customer who has had the plan for so many days."""
    add_customer(connection, name, segment)
    add_subscription(connection, name, plan, now() - timedelta(days=days), **others)
