"""Lives of subscriptions, as Stripe tells them: events, and what its lists say at any time."""

import itertools
import random
from dataclasses import dataclass, field

from tests.stripe_events import event, price

DAY, HOUR = 86_400, 3600
PERIOD = 30 * DAY
_ids = itertools.count(1)


@dataclass
class Life:
    """One customer. `events` in their order; `changes` are (time, subscription as the list has it from then on)."""

    start: int
    random: random.Random
    customer: dict = field(init=False)
    events: list[dict] = field(default_factory=list)
    changes: list[tuple[int, dict]] = field(default_factory=list)
    deleted_at: int | None = None
    story: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.customer = {
            "id": f"cus_life{next(_ids)}",
            "object": "customer",
            "name": "Hazel Testford",
            "created": self.start,
        }
        self.emit(self.start, "customer.created", self.customer)

    def emit(self, at: int, kind: str, body: dict, **previous: object) -> None:
        self.events.append(event(kind, dict(body), created=at, previous=previous or None))

    def change(self, at: int, subscription: dict, kind: str = "updated", **changed: object) -> dict:
        """A change of the subscription: what it is from now on."""
        previous = (
            {name: subscription.get(name) for name in changed if name in ("status",)} if kind == "updated" else {}
        )
        subscription = subscription | changed
        self.changes.append((at, subscription))
        self.emit(at, f"customer.subscription.{kind}", subscription, **previous)
        return subscription

    def subscriptions(self, at: int) -> list[dict]:
        """What the list says at this time."""
        latest: dict[str, dict] = {}
        for since, subscription in self.changes:
            if since <= at:
                latest[subscription["id"]] = subscription
        return [] if self.customers(at) == [] else list(latest.values())

    def customers(self, at: int) -> list[dict]:
        exists = self.start <= at and (self.deleted_at is None or at < self.deleted_at)
        return [self.customer] if exists else []


def live(start: int, seed: int, until: int) -> Life:
    """A random life from `start` on, all of it before `until` (Unix seconds)."""
    chance = random.Random(seed)  # noqa: S311
    life = Life(start, chance)
    begin = start + chance.choice((0, 60, 3 * DAY, 40 * DAY))
    subscription = begin_subscription(life, begin)
    if subscription is None:
        return life
    renew_for_a_while(life, subscription, until)
    return life


def begin_subscription(life: Life, at: int) -> dict | None:
    """A subscription starts, one way or another; None if its first payment never came."""
    way = life.random.choice(("plain", "plain", "plain", "trial", "anchored", "sent", "incomplete", "expired"))
    life.story.append(way)
    subscription = {
        "id": f"sub_life{next(_ids)}",
        "object": "subscription",
        "customer": life.customer["id"],
        "status": {"trial": "trialing", "incomplete": "incomplete", "expired": "incomplete"}.get(way, "active"),
        "created": at,
        "start_date": at,
        "billing_cycle_anchor": at,
        "trial_end": None,
        "ended_at": None,
        "collection_method": "send_invoice" if way == "sent" else "charge_automatically",
        "pause_collection": None,
        "latest_invoice": f"in_life{next(_ids)}",
        "items": period(at, at + PERIOD),
    }
    if way in ("trial", "anchored"):
        end = at + 14 * DAY
        subscription |= {"billing_cycle_anchor": end, "items": period(at, end)}
        subscription |= {"trial_end": end} if way == "trial" else {}
    subscription = life.change(at, subscription, "created")
    if way == "incomplete":
        return life.change(at + HOUR, subscription, status="active")
    if way == "expired":
        life.change(at + 23 * HOUR, subscription, status="incomplete_expired", ended_at=at + 23 * HOUR)
        return None
    first = invoice(subscription, subscription["latest_invoice"], "subscription_create", at)
    life.emit(at, "invoice.paid", first | {"status": "paid"})
    return subscription


def renew_for_a_while(life: Life, subscription: dict, until: int) -> None:
    for _ in range(life.random.randint(0, 3)):
        begins = subscription["items"]["data"][0]["current_period_end"]
        if begins + 25 * DAY > until:
            break
        subscription = renew(life, subscription, begins)
        if subscription["status"] == "canceled":
            break
    last = max(since for since, _ in life.changes) + 2 * DAY
    end = life.random.choice(("stays", "stays", "cancels", "returns", "deleted"))
    life.story.append(end)
    if end in ("cancels", "returns") and subscription["status"] != "canceled":
        subscription = life.change(last, subscription, "deleted", status="canceled", ended_at=last)
    if end == "returns" and subscription["status"] == "canceled":
        begin_subscription(life, last + 3 * DAY)
    if end == "deleted":
        life.deleted_at = last
        if subscription["status"] != "canceled":
            life.change(last, subscription, "deleted", status="canceled", ended_at=last)
        life.emit(last, "customer.deleted", life.customer)


def renew(life: Life, subscription: dict, begins: int) -> dict:
    """The next period, in which the payment comes, fails, is paused, or comes late."""
    is_sent = subscription["collection_method"] == "send_invoice"
    outcomes = (
        ("paid", "late", "overdue", "void") if is_sent else ("paid", "paid", "failed", "dunning", "lost", "paused")
    )
    outcome = life.random.choice(outcomes)
    life.story.append(outcome)
    number = f"in_life{next(_ids)}"
    paused = {"pause_collection": {"behavior": "void"} if outcome == "paused" else None}
    moved = {"items": period(begins, begins + PERIOD), "latest_invoice": number, **paused}
    if subscription["status"] == "trialing":
        moved["status"] = "active"
    subscription = life.change(begins, subscription, **moved)
    draft = invoice(subscription, number, "subscription_cycle", begins)
    charged = begins + life.random.choice((HOUR, HOUR, 0))  # or at once: the owner may finalise the draft
    if outcome == "paid":
        life.emit(charged, "invoice.paid", draft | {"status": "paid"})
    elif outcome in ("paused", "void"):
        life.emit(charged, "invoice.voided", draft | {"status": "void"})
    elif outcome == "late":
        life.emit(begins + 9 * DAY, "invoice.paid", draft | {"status": "paid"})
    else:
        fails = begins + 14 * DAY if is_sent else charged
        kind = "invoice.overdue" if is_sent else "invoice.payment_failed"
        life.emit(fails, kind, draft | {"status": "open"})
        subscription = life.change(fails, subscription, status="past_due")
        if outcome in ("dunning", "overdue"):
            paid = fails + 3 * DAY
            life.emit(paid, "invoice.paid", draft | {"status": "paid"})
            subscription = life.change(paid, subscription, status="active")
        if outcome == "lost":
            lost = fails + 6 * DAY
            subscription = life.change(lost, subscription, "deleted", status="canceled", ended_at=lost)
    if outcome == "failed":  # still in dunning; it is paid before the next period, or the life ends here
        paid = charged + 20 * DAY
        life.emit(paid, "invoice.paid", draft | {"status": "paid"})
        subscription = life.change(paid, subscription, status="active")
    return subscription


def invoice(subscription: dict, number: str, reason: str, begins: int) -> dict:
    parent = {"type": "subscription_details", "subscription_details": {"subscription": subscription["id"]}}
    details = {"subscription": subscription["id"], "proration": False}
    line = {
        "object": "line_item",
        "period": {"start": begins, "end": begins + PERIOD},
        "parent": {"type": "subscription_item_details", "subscription_item_details": details},
    }
    return {
        "id": number,
        "object": "invoice",
        "customer": subscription["customer"],
        "billing_reason": reason,
        "status": "draft",
        "period_start": begins - PERIOD,
        "period_end": begins,
        "parent": parent,
        "lines": {"object": "list", "data": [line]},
    }


def period(start: int, end: int) -> dict:
    item = {"object": "subscription_item", "price": price(), "quantity": 1}
    return {"object": "list", "data": [item | {"current_period_start": start, "current_period_end": end}]}
