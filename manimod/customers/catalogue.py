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
from dataclasses import dataclass
from functools import cache, cached_property
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
MAX_COMPARED = 20  # tiers above or below one, of which the lines are read


@dataclass(eq=False)
class Step:
    """One tier with its place: the products that it is sold as, the plainest name first.

    `amounts`: what it costs a month by currency, in minor units. `is_offered`: ads may name it to those who have
    another tier.
    """

    tiers: list[Tier]
    name: str
    amounts: dict[str, float]
    is_offered: bool
    currency: str | None = None  # the one in which it is compared

    @property
    def amount(self) -> float:
        return self.amounts[self.currency]

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
    tiers = list(db.session.scalars(select(Tier).filter_by(connection_id=connection_id).order_by(Tier.id)))
    prices = defaultdict(list)
    recurring = select(Price).where(Price.connection_id == connection_id, Price.interval.is_not(None))
    for price in db.session.scalars(recurring):
        prices[price.stripe_product_id].append(price)
    quantity, product = Subscription.quantity, Subscription.stripe_product_id
    fewest = func.coalesce(func.min(quantity).filter(quantity > 0), 1)
    is_live = Subscription.status.in_(LIVE_STATUSES)
    query = select(product, fewest, func.max(quantity)).where(Subscription.connection_id == connection_id, is_live)
    held = {name: (fewest, most) for name, fewest, most in db.session.execute(query.group_by(product))}
    groups = defaultdict(list)
    for tier in tiers:
        _describe(tier, prices[tier.stripe_product_id], held.get(tier.stripe_product_id))
        is_shared = tier.is_sold and _base_name(tier)
        groups[_base_name(tier).casefold() if is_shared else tier.id].append(tier)
    steps = []
    for group in groups.values():
        group.sort(key=lambda tier: len(tier.owner_name or tier.product_name or ""))
        is_held = any(tier.stripe_product_id in held for tier in group)
        for tier in group:
            tier.is_one_of_several = len(group) > 1
            tier.position = tier.next_product = tier.lighter_product = None
        step = _make_step(group, prices, held)
        if is_held or step.is_offered:
            steps.append(step)
    _place(_comparable(steps))


def _describe(tier: Tier, prices: list[Price], held: tuple[int, int] | None) -> None:
    sold = [price for price in prices if price.active and tier.active]
    tier.is_sold, tier.has_year, most = bool(sold), False, held[1] if held else 1
    for price in sold:
        months = price.interval_count * {"year": 12, "month": 1}.get(price.interval, 0)
        tier.has_year = tier.has_year or months == 12
    tier.by_the_seat = bool(tier.unit_label) and (most > 1 or _says("seats", tier.unit_label))


def _make_step(group: list[Tier], prices: dict[str, list[Price]], held: dict[str, tuple[int, int]]) -> Step:
    listed, amounts = [], {}
    for tier in group:
        quantity = held.get(tier.stripe_product_id, (1, 1))[0]
        listed += [(price, price.active and tier.active, quantity) for price in prices[tier.stripe_product_id]]
    sold = [row for row in listed if row[1]]
    for price, _, quantity in sold or listed:
        amount = _monthly(price, quantity)
        if amount is not None and price.currency:
            amounts[price.currency] = min(amounts.get(price.currency, inf), amount)
    name, is_held = _base_name(group[0]), any(tier.stripe_product_id in held for tier in group)
    is_offered = bool(sold) and (is_held or bool(name)) and not _says("add_ons", name)
    is_offered = is_offered and all(amount > 0 for amount in amounts.values())
    if not amounts and is_offered and any(price.is_tiered for price, _, _ in sold):
        amounts = {price.currency: inf for price, _, _ in sold if price.currency}  # agreed with each customer
    return Step(group, name, amounts, is_offered)


def _monthly(price: Price, quantity: int) -> float | None:
    """The list price of so many a month; None where the list has none."""
    if price.unit_amount is None:
        return None
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
    priced = [step for step in steps if step.amounts and inf not in step.amounts.values()]
    by_number = [step for step in steps if inf in step.amounts.values()]
    return priced + by_number if priced and len(by_number) == 1 else priced


def _place(steps: list[Step]) -> None:
    count = Counter(currency for step in steps for currency in step.amounts)
    ladders: dict[str, list[Step]] = defaultdict(list)
    for step in steps:
        step.currency = max(sorted(step.amounts), key=lambda currency: count[currency])
        for currency in step.amounts if step.is_offered else ():
            ladders[currency].append(step)
    for_whom = [step for step in steps if step.is_offered and _says("audiences", step.name)]
    if len(for_whom) > 1:
        ladders.clear()
    amounts = {}
    for currency, ladder in ladders.items():
        ladder.sort(key=lambda step, currency=currency: step.amounts[currency])
        amounts[currency] = [step.amounts[currency] for step in ladder]
    for step in steps:
        ladder, ranked = ladders.get(step.currency, []), amounts.get(step.currency, [])
        below, above = bisect_left(ranked, step.amount), bisect_right(ranked, step.amount)
        is_alone = count[step.currency] == 1 and bool(set(ladders) - {step.currency})
        position = TierPosition.SINGLE
        if above < len(ladder) or (is_alone and not below):
            position = TierPosition.MIDDLE if below else TierPosition.ENTRY
        elif below:
            position = TierPosition.TOP
        cheaper, dearer = ladder[max(below - MAX_COMPARED, 0) : below][::-1], ladder[above : above + MAX_COMPARED]
        lighter = _nearest([other for other in cheaper if step.builds_on(other)] or cheaper, step.currency)
        following = _nearest([other for other in dearer if other.builds_on(step)] or dearer, step.currency)
        for tier in step.tiers:
            tier.position, tier.lighter_product, tier.next_product = position, lighter, following


def _nearest(steps: list[Step], currency: str) -> str | None:
    """The product of the first step; None where another one costs the same, such as an edition in another language."""
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
