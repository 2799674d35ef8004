"""Facts and plans: plain frozen values. Whatever an ad states about the product rests on one of them."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from manimod.lifecycle import LabelledEnum

NEW_FOR = timedelta(days=90)  # how long an ad may call a release new


class FactKind(LabelledEnum):
    """What sort of thing a fact names, which decides the sentences it may stand in."""

    CAPABILITY = "capability", "What one can do"  # timeline view
    QUANTITY = "quantity", "An amount"  # 20 automations a month
    THING = "thing", "What one receives"  # a tasting card
    SERVICE = "service", "What somebody does for the customer"  # email support
    ACCESS = "access", "What one may use or enter"  # all integrations
    LIMIT = "limit", "A bound or a term"  # no ads; up to 24 hours


class FactSource(LabelledEnum):
    """Where a fact is stored."""

    STRIPE = "stripe", "Stripe's product"
    OWNER = "owner", "Your words on the tiers page"


@dataclass(frozen=True)
class Fact:
    """One thing that is true of a plan. `text` is what its source says: "500 automations/mo".

    `phrase` is how it stands in the middle of a sentence, after "has" or "with": "500 automations a month". None where
    it can't stand there; such a fact may only be listed, as its source wrote it. `topic` is what is counted or had,
    without the amount ("automations a month"): two facts of one topic are the same feature in two sizes. `number` is
    None for "unlimited", too; `is_unlimited` says so.
    """

    text: str
    kind: FactKind
    source: FactSource
    phrase: str | None = None
    topic: str = ""
    number: float | None = None
    unit: str | None = None
    is_plural: bool = False
    is_unlimited: bool = False


@dataclass(frozen=True, kw_only=True)
class TierFacts:
    """A tier as ads may speak of it. `facts` in the order of their source, the most important first.

    `inherited`: the facts of the tiers that it refers to ("Everything in Starter"), which it does not repeat itself;
    facts/steps.py finds them (`read_tiers`) and counts them as kept where two tiers are compared.
    `is_sold`: the product and one of its prices are active in Stripe. `is_archived`: the owner has
    taken it off sale. `has_year`: a year of it is sold. `seat`: what is paid for each ("seat"), where it is paid for by
    the number.
    """

    name: str | None = None
    facts: tuple[Fact, ...] = ()
    inherited: tuple[Fact, ...] = ()
    is_sold: bool = True
    is_archived: bool = False
    has_year: bool = False
    seat: str | None = None


@dataclass(frozen=True, kw_only=True)
class TierStep:
    """From one tier to a larger one. `grows`: pairs of the same thing in a smaller and a larger amount. `keeps`: what
    both have, or the larger one inherits."""

    adds: tuple[Fact, ...] = ()
    grows: tuple[tuple[Fact, Fact], ...] = ()
    keeps: tuple[Fact, ...] = ()

    @property
    def leaves_out(self) -> tuple[Fact, ...]:
        """The step seen from above: what the smaller tier lacks."""
        return self.adds


class ProofKind(LabelledEnum):
    FIGURE = "figure", "A figure"  # "99.99% of webhooks arrive within a second"
    QUOTATION = "quotation", "A quotation"  # "“Setup took us an afternoon.” Dana Lee, Otter Bakery"
    CUSTOMERS = "customers", "Who uses it"  # "Used by marketing teams in 40 countries"


@dataclass(frozen=True)
class Proof:
    text: str
    kind: ProofKind

    @classmethod
    def read(cls, text: str) -> "Proof":
        """The kind is told from the words: quotation marks or a first person, then customers, then a figure."""
        if re.search(r"[“”\"«»„]|\b(?:we|our|us|my|I)\b", text):
            return cls(text, ProofKind.QUOTATION)
        names_customers = re.search(r"(?i)\b(?:used by|customers|teams|companies|people|users|members)\b", text)
        return cls(text, ProofKind.CUSTOMERS if names_customers else ProofKind.FIGURE)


@dataclass(frozen=True)
class ReleaseNote:
    """Something new in the product since a day, in one tier or, with None, in all. Without a day nothing is new."""

    text: str
    released_on: date | None = None
    tier: str | None = None

    def is_new(self, today: date) -> bool:
        return self.released_on is not None and timedelta() <= today - self.released_on <= NEW_FOR
