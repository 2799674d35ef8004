"""The kinds of moments in a customer's life, and everything mani says about each. Every module may read it.

moments/interpret.py decides what in Stripe is such a moment; creatives/engine/copy/angles.py has the angles of its ads.
"""

from dataclasses import dataclass
from enum import StrEnum


class LabelledEnum(StrEnum):
    """Values as the database stores them, each with the label that pages show."""

    label: str

    def __new__(cls, value: str, label: str) -> "LabelledEnum":
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member


class Objective(LabelledEnum):
    RETENTION = "retention", "Retention"
    UPSELL = "upsell", "Upsell"
    WINBACK = "winback", "Win-back"


class Segment(LabelledEnum):
    """How much a customer is worth to the business; see customers/segments.py."""

    HIGH = "high", "High value"
    CORE = "core", "Core value"
    LOW = "low", "Low value"
    NEW = "new", "New"


class TierPosition(LabelledEnum):
    """Where a tier stands on the price list."""

    ENTRY = "entry", "Your lowest price"
    MIDDLE = "middle", "Between your lowest and highest price"
    TOP = "top", "Your highest price"
    SINGLE = "single", "Your only tier"


@dataclass(frozen=True, kw_only=True)
class MomentKind:
    name: str  # on the pages
    purpose: str  # beside its switch
    noun: str  # in a sentence: "Made for upsell after a renewal."
    situation: str  # how the audience is described to a language model
    objective: Objective  # see creatives/engine/brief.py for the segments that change it
    runs: tuple[int, int]  # first and last day after it on which its ads should run
    samples: tuple[tuple[str, str, str], ...]  # segment, tier and its position; the brand page shows the tier "Team"
    repeats: bool = False  # within one subscription, so that old ones may be deleted
    withdrawal_reason: str = "it no longer holds"  # why an open moment is withdrawn


# In the order of the pages. A customer gets the ads of one moment at a time: a later kind wins over those above it.
KINDS = {
    "new_customer": MomentKind(
        name="New customer",
        purpose="Welcome ads that help new customers get going.",
        noun="a new customer",
        situation="They have just started.",
        objective=Objective.RETENTION,
        runs=(0, 14),
        samples=(("new", "Starter", "entry"), ("core", "Team", "middle")),
    ),
    "renewed": MomentKind(
        name="Subscription renewed",
        purpose="Ads that thank loyal customers and show them the next tier.",
        noun="a renewal",
        situation="They have been here for a while and stay.",
        objective=Objective.UPSELL,
        runs=(1, 14),
        samples=(("high", "Team", "middle"), ("core", "Starter", "entry"), ("low", "Team Workspace", "single")),
        repeats=True,
    ),
    "payment_failed": MomentKind(
        name="Payment failed",
        purpose="Ads that remind customers of what they have. They never mention the payment.",
        noun="a failed payment",
        situation="They are customers; remind them what the plan is worth to them. (Say nothing of why now.)",
        objective=Objective.RETENTION,
        runs=(0, 14),
        samples=(("core", "Team", "middle"), ("high", "Business", "top")),
        repeats=True,
        withdrawal_reason="the invoice was paid",
    ),
    "cancelled": MomentKind(
        name="Subscription cancelled",
        purpose="Win-back ads for customers who have left.",
        noun="a cancellation",
        situation="They know the product from before and are invited back.",
        objective=Objective.WINBACK,
        runs=(7, 180),
        samples=(("high", "Business", "top"), ("core", "Team", "middle"), ("low", "Starter", "entry")),
        withdrawal_reason="the customer came back",
    ),
}
