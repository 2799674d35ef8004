"""What an account sells: its tiers, which of them is the next and the lighter one of each, and what each of them does.

A tier is placed by its cheapest monthly list price, for the smallest quantity that somebody has of it. Amounts are
compared only within a currency. Above or below another tier stands only what is still sold, so nobody is offered an
archived plan, a free one, an add-on, or one without a name that nobody has. Products that are sold and differ only in
the interval in their names are one tier. A tier alone in its currency beside tiers of others can't be compared; it
counts as an entry, which promises least value.
"""

import re
import tomllib
from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from math import inf
from pathlib import Path

from sqlalchemy import func, select

from manimod.extensions import db
from manimod.lifecycle import TierPosition
from manimod.models import Price, Subscription, Tier
from manimod.models.tiers import without_interval
from manimod.stripe.catalogue import PriceFacts
from manimod.stripe.payloads import LIVE_STATUSES

WORDS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
Prices = dict[str, list[Price]]  # by product
Held = dict[str, tuple[int, int]]  # product -> the smallest and the largest quantity that somebody has of it
# By whether tiers stand below and above it.
POSITIONS = {
    (False, False): TierPosition.SINGLE,
    (False, True): TierPosition.ENTRY,
    (True, True): TierPosition.MIDDLE,
    (True, False): TierPosition.TOP,
}
MAX_COMPARED = 20  # tiers above or below one, of which the lines are read


@dataclass(eq=False)
class Step:
    """One tier with its place: the products that it is sold as, the plainest name first.

    `amounts`: what it costs a month by currency, in minor units. `is_offered`: ads may name it to those who have
    another tier.
    """

    tiers: list[Tier]
    name: str
    is_held: bool
    is_offered: bool = False
    amounts: dict[str, float] = field(default_factory=dict)
    currency: str | None = None  # the one in which it is compared

    @cached_property
    def inherits(self) -> list[str]:
        """The lines that say that it has all of another tier: "Everything in Team"."""
        begins = re.compile(rf"\W*{_any_of('inherits')}(?!\w)", re.IGNORECASE)
        return [line for line in lines_of(self.tiers[0], self.tiers) if begins.match(line)]

    def builds_on(self, other: "Step") -> bool:
        return any(_holds(re.escape(other.name), line) for line in self.inherits if other.name)


def lines_of(tier: Tier, same: list[Tier]) -> list[str]:
    """What a tier does, a thing a line: in the owner's words, or else as Stripe lists it.

    A product without a list has that of the other products that are the `same` tier.
    """
    for column in ("owner_lines", "features"):
        for product in [tier, *same]:
            if getattr(product, column):
                return getattr(product, column)
    return []


def place_tiers(connection_id: int) -> None:
    """Store for each tier what the price list says of it, and its place among the others."""
    prices: Prices = defaultdict(list)
    recurring = select(Price).where(Price.connection_id == connection_id, Price.interval.is_not(None))
    for price in db.session.scalars(recurring):
        prices[price.stripe_product_id].append(price)
    held: Held = {}
    quantity, product = Subscription.quantity, Subscription.stripe_product_id
    fewest = func.coalesce(func.min(quantity).filter(quantity > 0), 1)
    query = select(product, fewest, func.max(quantity)).where(Subscription.connection_id == connection_id)
    for name, *bounds in db.session.execute(query.where(Subscription.status.in_(LIVE_STATUSES)).group_by(product)):
        held[name] = tuple(bounds)
    groups = defaultdict(list)  # the products of each tier
    for tier in db.session.scalars(select(Tier).filter_by(connection_id=connection_id).order_by(Tier.id)):
        _describe(tier, prices[tier.stripe_product_id], held)
        is_shared = tier.is_sold and _base_name(tier)
        groups[_base_name(tier).casefold() if is_shared else tier.id].append(tier)
    steps = []
    for group in groups.values():
        group.sort(key=lambda tier: len(tier.owner_name or tier.product_name or ""))
        for tier in group:
            tier.is_one_of_several = len(group) > 1
            tier.position = tier.next_product = tier.lighter_product = None
        step = _make_step(group, prices, held)
        if step.is_held or step.is_offered:
            steps.append(step)
    _place(_comparable(steps))


def _describe(tier: Tier, prices: list[Price], held: Held) -> None:
    tier.is_sold, tier.has_year, tier.trial_days = False, False, None
    for price in prices:
        if price.active and tier.active:
            tier.is_sold = True
            if (price.interval, price.interval_count) in (("year", 1), ("month", 12)):
                tier.has_year = True
            if price.trial_days:
                tier.trial_days = max(tier.trial_days or 0, price.trial_days)
    _, most = held.get(tier.stripe_product_id, (1, 1))
    tier.by_the_seat = bool(tier.unit_label) and (most > 1 or _says("seats", tier.unit_label))


def _make_step(group: list[Tier], prices: Prices, held: Held) -> Step:
    """An archived price counts only where none is sold: it still places those who have it."""
    step = Step(group, _base_name(group[0]), is_held=any(tier.stripe_product_id in held for tier in group))
    is_sold = any(tier.is_sold for tier in group)
    listed = []
    for tier in group:
        quantity, _ = held.get(tier.stripe_product_id, (1, 1))
        for price in prices[tier.stripe_product_id]:
            if (price.active and tier.active) == is_sold:
                listed.append((price, quantity))
    for price, quantity in listed:
        if price.currency and price.unit_amount is not None:
            amount = _monthly(price, quantity)
            step.amounts[price.currency] = min(step.amounts.get(price.currency, inf), amount)
    is_known = step.is_held or bool(step.name)
    step.is_offered = is_sold and is_known and not _says("add_ons", step.name) and 0 not in step.amounts.values()
    if step.is_offered and not step.amounts and any(price.is_tiered for price, _ in listed):
        step.amounts = {price.currency: inf for price, _ in listed if price.currency}  # agreed with each customer
    return step


def _monthly(price: Price, quantity: int) -> float:
    """The list price of so many a month."""
    facts = PriceFacts(
        id=price.stripe_id,
        amount=price.unit_amount,
        pack_size=price.pack_size,
        rounds_up=price.rounds_up,
        interval=price.interval,
        interval_count=price.interval_count,
    )
    return facts.monthly(quantity)


def _comparable(steps: list[Step]) -> list[Step]:
    """Those with a price. One whose price depends on the number stands above all others, if it is the only such one."""
    priced, by_number = [], []
    for step in steps:
        if inf in step.amounts.values():
            by_number.append(step)
        elif step.amounts:
            priced.append(step)
    return priced + by_number if priced and len(by_number) == 1 else priced


def _place(steps: list[Step]) -> None:
    count = Counter(currency for step in steps for currency in step.amounts)
    ladders: dict[str, list[Step]] = defaultdict(list)  # currency -> what is offered in it, the cheapest first
    for_whom = 0  # tiers, each for other people
    for step in steps:
        step.currency = max(sorted(step.amounts), key=count.__getitem__)
        if step.is_offered:
            for_whom += _says("audiences", step.name)
            for currency in step.amounts:
                ladders[currency].append(step)
    if for_whom > 1:
        ladders.clear()
    for currency, ladder in ladders.items():
        ladder.sort(key=partial(_amount_in, currency))
    for step in steps:
        ladder, amount_in = ladders.get(step.currency, []), partial(_amount_in, step.currency)
        below = bisect_left(ladder, amount_in(step), key=amount_in)
        above = bisect_right(ladder, amount_in(step), key=amount_in)
        is_alone = count[step.currency] == 1 and bool(ladders.keys() - {step.currency})
        position = POSITIONS[below > 0, above < len(ladder) or (is_alone and not below)]
        cheaper = ladder[max(below - MAX_COMPARED, 0) : below]
        dearer = ladder[above : above + MAX_COMPARED]
        lighter = _nearest(cheaper[::-1], step.builds_on, step.currency)
        following = _nearest(dearer, lambda other, step=step: other.builds_on(step), step.currency)
        for tier in step.tiers:
            tier.position, tier.lighter_product, tier.next_product = position, lighter, following


def _amount_in(currency: str, step: Step) -> float:
    return step.amounts[currency]


def _nearest(steps: list[Step], is_preferred: Callable[[Step], bool], currency: str) -> str | None:
    """The product of the first step, of those that are preferred if there are any.

    None where another one costs the same, such as an edition in another language.
    """
    steps = list(filter(is_preferred, steps)) or steps
    if not steps or (len(steps) > 1 and steps[0].amounts[currency] == steps[1].amounts[currency]):
        return None
    return steps[0].tiers[0].stripe_product_id


def _base_name(tier: Tier) -> str:
    return without_interval(tier.name or "")


def _says(words: str, text: str) -> bool:
    return _holds(_any_of(words), text)


def _holds(pattern: str, text: str) -> bool:
    return bool(re.search(rf"(?<![^\W_]){pattern}(?![^\W_])", text, re.IGNORECASE))


@cache
def _any_of(words: str) -> str:
    listed = sorted(re.split(r",\s+", WORDS[words]), key=len, reverse=True)
    return "(?:" + "|".join(map(re.escape, listed)) + ")"
