"""The replica of a Stripe account: customers, subscriptions, invoices, prices and tiers, from events and from the sync.

Events may arrive out of order: a row changes only if what arrives is at least as new as what is stored. Stripe's times
are whole seconds, in which much may happen: a row's `observed_at` has the second, and in its microseconds the place
within it. Who was deleted in Stripe stays deleted: callers leave out the customers that `find_erased` returns.
"""

import re
import string
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, and_, delete, func, or_, select, update

from manimod.extensions import db
from manimod.models import (
    Account,
    Connection,
    Customer,
    ErasedCustomer,
    Invoice,
    Moment,
    Price,
    StripeEvent,
    Subscription,
    Tier,
)
from manimod.models.accounts import now
from manimod.models.bulk import insert_new, upsert
from manimod.models.states import EventState
from manimod.stripe.catalogue import PriceFacts, ProductFacts
from manimod.stripe.payloads import (
    UNPAID_STATUSES,
    CustomerFacts,
    EventFacts,
    InvoiceFacts,
    SubscriptionFacts,
    to_datetime,
)

FINAL_STATUSES = {Subscription: ("canceled", "incomplete_expired"), Invoice: ("paid", "void")}
# In which a subscription or an invoice goes through its statuses within one second.
STATUS_ORDER = ("draft", "open", "uncollectible", "incomplete", "trialing", "paused", "active", "past_due", "unpaid")
MAX_NAMES = 500  # customers whose names are looked for in one ad
MAX_WORDS_IN_A_NAME = 4
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def apply_events(connection: Connection, events: list[EventFacts]) -> None:
    """Bring the replica up to what a batch of events says."""
    latest: dict[tuple[str, str], EventFacts] = {}  # by the kind of object and its id
    recovered: dict[str, int] = {}
    for event in events:
        facts = event.subscription or event.invoice or event.customer
        if facts is None or facts.id is None or event.customer_id is None or event.deletes_customer:
            continue
        key = (type(facts).__name__, facts.id)
        latest[key] = max(event, latest.get(key, event), key=_finality_and_time)
        if event.subscription and event.previous_status in UNPAID_STATUSES and facts.status == "active":
            recovered[facts.id] = max(recovered.get(facts.id, 0), event.created)
    customers, subscriptions, invoices, prices = [], [], [], []
    for event in latest.values():
        observed_at = to_datetime(event.observed) + _place(event)
        if event.customer:
            customers.append(customer_row(connection.id, event.customer, observed_at))
        elif event.invoice:
            invoices.append(invoice_row(connection.id, event.invoice, observed_at))
            connection.stripe_account_name = connection.stripe_account_name or event.invoice.account_name
        else:
            subscriptions.append(subscription_row(connection.id, event.subscription, observed_at))
            prices += filter(None, [event.subscription.price])
    upsert_customers(customers)
    upsert_prices(connection.id, prices)
    upsert_subscriptions(subscriptions, recovered)
    upsert_invoices(invoices)


def place_in_second(status: str | None, previous: str | None = None) -> timedelta:
    """The place of what is said of an object among what is said in the same second, by its status and the one before.

    A recovery follows the failure.
    """
    place = 1
    if status in STATUS_ORDER:
        place = 2 * STATUS_ORDER.index(status) + 2
        if previous in STATUS_ORDER:
            place = max(place, 2 * STATUS_ORDER.index(previous) + 3)
    return timedelta(microseconds=place)


def _place(event: EventFacts) -> timedelta:
    if event.type.endswith(".created"):
        return timedelta(0)
    about = event.subscription or event.invoice
    return place_in_second(about and about.status, event.previous_status)


def _finality_and_time(event: EventFacts) -> tuple[bool, int, timedelta]:
    """Greater for what is to be kept. After a final status nothing follows, whatever the clocks say."""
    is_final = False
    for facts, model in ((event.subscription, Subscription), (event.invoice, Invoice)):
        if facts:
            is_final = facts.status in FINAL_STATUSES[model]
    return is_final, event.observed, _place(event)


@cache
def _is_newer(model: type[Subscription] | type[Invoice]) -> Callable[[Any], ColumnElement[bool]]:
    """The same rule in SQL, for the columns of an arriving row and those of the stored one."""

    def compares(arriving: Any) -> ColumnElement[bool]:
        # Without IN, which an INSERT of many rows cannot compile.
        is_final = or_(*(arriving.status == final for final in FINAL_STATUSES[model]))
        was_open = and_(*(model.status != final for final in FINAL_STATUSES[model]))
        is_later = arriving.observed_at >= model.observed_at
        return or_(and_(is_final, was_open), and_(is_later, or_(is_final, was_open)))

    return compares


def _is_newer_customer(arriving: Any) -> ColumnElement[bool]:
    return arriving.observed_at >= Customer.observed_at


def upsert_customers(rows: list[dict[str, Any]]) -> None:
    keep = ("created_at", "seen_in_run")
    upsert(Customer, rows, ("connection_id", "stripe_id"), newer=_is_newer_customer, keep=keep)


def customer_row(connection_id: int, facts: CustomerFacts, observed_at: datetime) -> dict[str, Any]:
    return {
        "connection_id": connection_id,
        "stripe_id": facts.id,
        "name": facts.name,
        "created_at": to_datetime(facts.created) or observed_at,
        "observed_at": observed_at,
    }


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
        "trial_end": facts.trial_end,
        "billing_anchor": facts.billing_anchor,
        "period_start": facts.period_start,
        "period_end": facts.period_end,
        "cancels_at": to_datetime(facts.cancels_at),
        "cancellation_feedback": facts.cancellation_feedback,
        "cancellation_reason": facts.cancellation_reason,
        "observed_at": observed_at,
    }


def upsert_subscriptions(rows: list[dict[str, Any]], recovered: dict[str, int] | None = None) -> None:
    """Store subscriptions of one connection, and remember when each was last no longer past due.

    `recovered`: by subscription, when an event says so (Unix seconds). It may be older than what is stored.
    """
    if not rows:
        return
    recovered = dict(recovered or {})
    arriving = {row["stripe_id"]: row for row in rows if row["status"] in ("active", *UNPAID_STATUSES)}
    stored = select(Subscription.stripe_id, Subscription.status, Subscription.observed_at).where(
        Subscription.connection_id == rows[0]["connection_id"], Subscription.stripe_id.in_(arriving)
    )
    for subscription_id, status, observed_at in db.session.execute(stored):
        row = arriving[subscription_id]
        earlier, later = sorted([(observed_at, status), (row["observed_at"], row["status"])])
        if earlier[1] in UNPAID_STATUSES and later[1] == "active":
            before = int(later[0].timestamp()) - 1  # what fails in that second may have failed after it
            recovered[subscription_id] = max(recovered.get(subscription_id, 0), before)
    upsert(Subscription, rows, ("connection_id", "stripe_id"), newer=_is_newer(Subscription))
    for subscription_id, at in recovered.items():
        query = update(Subscription).filter_by(connection_id=rows[0]["connection_id"], stripe_id=subscription_id)
        is_later = func.coalesce(Subscription.recovered_at, 0) < at
        db.session.execute(query.where(is_later).values(recovered_at=at))


def upsert_invoices(rows: list[dict[str, Any]]) -> None:
    upsert(Invoice, rows, ("connection_id", "stripe_id"), newer=_is_newer(Invoice))


def invoice_row(connection_id: int, facts: InvoiceFacts, observed_at: datetime) -> dict[str, Any]:
    return {
        "connection_id": connection_id,
        "stripe_id": facts.id,
        "stripe_customer_id": facts.customer,
        "stripe_subscription_id": facts.subscription,
        "status": (facts.status or "unknown")[:20],
        "billing_reason": facts.billing_reason and facts.billing_reason[:40],
        "period_start": facts.period_start,
        "observed_at": observed_at,
    }


def _brings_nickname(arriving: Any) -> ColumnElement[bool]:
    return and_(Tier.nickname.is_(None), arriving.nickname.is_not(None))


def upsert_prices(connection_id: int, prices: Iterable[PriceFacts]) -> None:
    """Store list prices, and a tier for each product that is met for the first time."""
    price_rows, tier_rows = {}, {}
    for price in prices:
        if price.product is None:
            continue
        tier = {"connection_id": connection_id, "stripe_product_id": price.product, "nickname": price.nickname}
        tier_rows[price.product] = tier
        price_rows[price.id] = tier | {
            "stripe_id": price.id,
            "currency": price.currency,
            "unit_amount": price.amount,
            "pack_size": price.pack_size,
            "rounds_up": price.rounds_up,
            "interval": price.interval,
            "interval_count": price.interval_count,
            "trial_days": price.trial_days,
            "active": price.active,
            "is_tiered": price.is_tiered,
        }
    upsert(Price, list(price_rows.values()), ("connection_id", "stripe_id"))
    upsert(Tier, list(tier_rows.values()), ("connection_id", "stripe_product_id"), newer=_brings_nickname)


def update_tiers(connection_id: int, products: Iterable[ProductFacts]) -> None:
    """Remember what Stripe has just said about products. Those without a recurring price are no tiers."""
    known = set(db.session.scalars(select(Tier.stripe_product_id).where(Tier.connection_id == connection_id)))
    rows = {}
    for product in products:
        if product.id not in known:
            continue
        rows[product.id] = {
            "connection_id": connection_id,
            "stripe_product_id": product.id,
            "product_name": product.name,
            "active": product.active,
            "features": product.features,
            "description": product.description,
            "notes": product.notes,
            "unit_label": product.unit_label,
            "url": product.url,
            "images": product.images,
            "asked_at": now(),
        }
    upsert(Tier, list(rows.values()), ("connection_id", "stripe_product_id"))


def customer_names_in(
    account: Account, texts: Iterable[str], or_first_name: bool = False, is_test: bool | None = None
) -> list[str]:
    """Names of the account's customers that stand in the texts, in full or only the first with a capital letter.

    With `is_test` only the customers of test or of live mode: those of a test are called as one likes, "Team" as well.
    """
    phrases, first_names = set(), set()
    for text in texts:
        words = re.findall(r"[\w'’.-]+", text)
        for start, word in enumerate(words):
            for end in range(start + 1, start + MAX_WORDS_IN_A_NAME + 1):
                phrases.add(" ".join(words[start:end]).strip("."))
            if word[0].isupper():
                first_names.add(re.sub(r"['’]s$", "", word.strip(".'’-")))
    if not phrases:
        return []
    # PostgreSQL lowers every letter, SQLite and some of PostgreSQL's locales only A to Z.
    lowered = {*map(str.lower, phrases), *(phrase.translate(_ASCII_LOWER) for phrase in phrases)}
    is_named = [func.lower(Customer.name).in_(lowered)]
    for name in first_names:
        if or_first_name and len(name) > 2:
            is_named.append(Customer.is_named(f"{name} "))
    query = select(Customer.name).distinct().join(Connection, Connection.id == Customer.connection_id)
    if is_test is not None:
        query = query.where(Connection.livemode.is_(not is_test))
    return list(db.session.scalars(query.where(Connection.account_id == account.id, or_(*is_named)).limit(MAX_NAMES)))


def find_erased(connection_id: int, customer_ids: set[str]) -> set[str]:
    """Those of the customers who were deleted in Stripe."""
    erased = select(ErasedCustomer.stripe_id).filter_by(connection_id=connection_id)
    return set(db.session.scalars(erased.where(ErasedCustomer.stripe_id.in_(customer_ids))))


def erase_customer(connection_id: int, customer_id: str) -> None:
    """Forget a customer that Stripe has deleted: name, subscriptions, invoices, and what events said about them.

    Their id stays, so that whatever arrives late brings nothing back.
    """
    erased = {"connection_id": connection_id, "stripe_id": customer_id, "erased_at": now()}
    insert_new(ErasedCustomer, [erased], ("connection_id", "stripe_id"))
    theirs = {"connection_id": connection_id, "stripe_customer_id": customer_id}
    db.session.execute(delete(Subscription).filter_by(**theirs))
    db.session.execute(delete(Invoice).filter_by(**theirs))
    db.session.execute(delete(Customer).filter_by(connection_id=connection_id, stripe_id=customer_id))
    events = update(StripeEvent).filter_by(**theirs)
    ignored = {"state": EventState.IGNORED, "reason": "the customer was deleted in Stripe", "processed_at": now()}
    db.session.execute(events.where(StripeEvent.state == EventState.PENDING).values(ignored))
    db.session.execute(events.values(facts={}))
    db.session.execute(update(Moment).filter_by(**theirs).values(stripe_customer_id=None))
