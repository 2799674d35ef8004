"""The lives of customers at Stripe, and the moments that follow from their events.

A wave of customers joins; from the next second on something happens to each of them. mani hears of it by webhook, by
the poll and by the sync, which all read the same sandbox.
"""

import itertools
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import Random

import requests

from manimod.stripe.payloads import EVENT_TYPES
from tests.chaos.scene import SMALL, Business
from tests.stripe_sandbox import SandboxControl

WAVE = 60  # customers
SMALL_SHARE = 0.06  # of the customers; a test-mode moment gets a creative of its own
WITHHELD = 0.05  # of the events: their webhook is never delivered
STRENGTH = ("cancelled", "payment_failed", "renewed", "new_customer")  # which moment of a customer silences which


@dataclass(frozen=True)
class Customer:
    """`is_silent`: no webhook tells of this one, and of the small business no poll either."""

    business: Business
    id: str
    subscription: str
    is_silent: bool


@dataclass(frozen=True)
class Happening:
    """An event as Stripe has it, and whether the webhook shall tell of it."""

    business: Business
    event: dict
    is_told: bool


class World:
    """Lets customers live at the sandbox. Its randomness is its own, so that a seed gives the same lives."""

    def __init__(self, control: SandboxControl, businesses: list[Business], draw: Random) -> None:
        self.control = control
        self.businesses = businesses
        self.draw = draw
        self.http = requests.Session()
        self._newest: dict[str, str] = {}  # business -> its newest event that was read

    def wave(self, customers: int = WAVE) -> list[Happening]:
        """Some customers join and live on; what Stripe has to tell of it."""
        large, small = self.businesses
        joined = [self._join(small if number < customers * SMALL_SHARE else large) for number in range(customers)]
        wait_for_next_second()  # a subscription that ends in the second in which it began tells no order
        for customer in joined:
            names, weights = zip(*(SILENT_STORIES if customer.is_silent else STORIES).items(), strict=True)
            self.draw.choices(names, weights)[0](self, customer)
        silent = {customer.id for customer in joined if customer.is_silent}
        return [
            Happening(business, event, self._is_told(business, event, silent))
            for business in self.businesses
            for event in self._new_events(business)
        ]

    def _join(self, business: Business) -> Customer:
        customer = self._create(business, "customers", name="Hazel Testford")
        subscription = self.subscribe(business, customer)
        is_silent = business.name == SMALL and self.draw.random() < 0.2
        return Customer(business, customer, subscription, is_silent)

    def subscribe(self, business: Business, customer: str) -> str:
        price = self.draw.choice(list(business.prices.values()))
        return self._create(business, "subscriptions", customer=customer, **{"items[0][price]": price})

    def _create(self, business: Business, what: str, **fields: str) -> str:
        answer = self.http.post(f"{self.control.url}/v1/{what}", fields, auth=(business.secret, ""), timeout=30)
        return answer.json()["id"]

    def _is_told(self, business: Business, event: dict, silent: set[str]) -> bool:
        body = event["data"]["object"]
        if body.get("customer", body["id"]) in silent:
            return False
        return business.name == SMALL or self.draw.random() >= WITHHELD

    def _new_events(self, business: Business) -> list[dict]:
        """Oldest first."""
        newest, found = self._newest.get(business.name), []
        while page := self._page(business, found[-1]["id"] if found else None):
            fresh = list(itertools.takewhile(lambda event: event["id"] != newest, page))
            found += fresh
            if len(fresh) < len(page):
                break
        if found:
            self._newest[business.name] = found[0]["id"]
        return found[::-1]

    def _page(self, business: Business, after: str | None) -> list[dict]:
        """Patiently: the sandbox's faults meet this reader too."""
        parameters = {"limit": 100, "types[]": EVENT_TYPES} | ({"starting_after": after} if after else {})
        while True:
            try:
                answer = self.http.get(
                    f"{self.control.url}/v1/events", params=parameters, auth=(business.secret, ""), timeout=30
                )
                if answer.status_code == 200:
                    return answer.json()["data"]
            except requests.RequestException:
                pass
            time.sleep(0.1)


def wait_for_next_second() -> None:
    time.sleep(1 - time.time() % 1)


# --- what may happen to a customer, and how often --------------------------------------------------------------------


def stays(world: World, customer: Customer) -> None:
    """Nothing more happens."""


def renews(world: World, customer: Customer) -> None:
    for _ in range(world.draw.randint(1, 3)):
        world.control.renew(customer.subscription, succeeds=True)


def fails(world: World, customer: Customer) -> None:
    world.control.fail_renewal(customer.subscription)


def fails_and_pays(world: World, customer: Customer) -> None:
    world.control.fail_renewal(customer.subscription)
    world.control.pay(customer.subscription)


def leaves(world: World, customer: Customer) -> None:
    world.control.cancel(customer.subscription)


def comes_back(world: World, customer: Customer) -> None:
    world.control.cancel(customer.subscription)
    world.subscribe(customer.business, customer.id)


STORIES: dict[Callable[[World, Customer], None], int] = {
    stays: 20,
    renews: 35,
    fails: 12,
    fails_and_pays: 12,
    leaves: 14,
    comes_back: 7,
}
# What the sync can find by itself within a storm: it decides on a payment only when the period is an hour old or two.
SILENT_STORIES = {stays: 1, leaves: 2}


# --- what follows from it --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expected:
    """A moment that follows from the events. `holds`: nothing that came later took it back."""

    key: str
    customer: str
    holds: bool

    @property
    def kind(self) -> str:
        return self.key.partition(":")[0]


def expected_moments(events: list[dict]) -> dict[str, str]:
    """Key -> the state in which it has to end, of every moment that these events of one business make in any order.

    Said once more here and not asked of manimod.moments.interpret, so that the two have to agree.
    """
    bodies = [(event["type"], event["data"]["object"]) for event in events]
    paid = {body["id"] for kind, body in bodies if kind == "invoice.paid"}
    subscribed = defaultdict(set)
    for kind, body in bodies:
        if kind == "customer.subscription.created":
            subscribed[body["customer"]].add(body["id"])
    moments = [moment for kind, body in bodies for moment in _moments(kind, body, paid, subscribed)]
    of_customer = defaultdict(list)
    for moment in moments:
        of_customer[moment.customer].append(moment)
    is_live = any(event["livemode"] for event in events)
    return {moment.key: _state(moment, of_customer[moment.customer] if is_live else []) for moment in moments}


def _moments(kind: str, body: dict, paid: set[str], subscribed: dict[str, set[str]]) -> Iterator[Expected]:
    if kind == "customer.created":
        yield Expected(f"new_customer:{body['id']}", body["id"], holds=True)
    elif kind == "customer.subscription.deleted":
        has_another = len(subscribed[body["customer"]]) > 1
        yield Expected(f"cancelled:{body['id']}", body["customer"], holds=not has_another)
    elif kind == "invoice.payment_failed":
        yield Expected(f"payment_failed:{body['id']}", body["customer"], holds=body["id"] not in paid)
    elif kind == "invoice.paid" and body["billing_reason"] == "subscription_cycle":
        subscription = body["parent"]["subscription_details"]["subscription"]
        start = body["lines"]["data"][0]["period"]["start"]
        yield Expected(f"renewed:{subscription}:{start}", body["customer"], holds=True)


def _state(moment: Expected, others: list[Expected]) -> str:
    """One moment of a live customer speaks: the weaker ones are open again once it is taken back."""
    stronger = [other for other in others if STRENGTH.index(other.kind) < STRENGTH.index(moment.kind)]
    is_silenced = any(other.holds for other in stronger)
    return "generated" if moment.holds and not is_silenced else "withdrawn"
