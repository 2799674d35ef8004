"""The kinds of moments in a customer's life, and all that mani says about each. Every room may read it.

What in Stripe means one is in flow/moments.py, which angles its ads take in studio/angles.py.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Kind:
    name: str  # on the pages
    purpose: str  # beside its switch
    spoken: str  # in a sentence: "Made for upsell after a renewal."
    situation: str  # what a language model is told of the audience
    objective: str  # retention, upsell or winback; see studio.brief.objective_of
    runs: tuple[int, int]  # from which to which day after it its ads should run
    samples: tuple[tuple[str, str, str], ...]  # segment, tier and its position; the brand page shows the tier "Team"
    repeats: bool = False  # in the life of a subscription, so that the old ones may be forgotten
    taken_back: str = "it no longer holds"  # why, where news take an open one back


# In the order of the pages. One customer is spoken to of one thing at a time: a later kind goes before those above it.
KINDS = {
    "new_customer": Kind(
        name="New customer",
        purpose="Welcome ads that help new customers get going.",
        spoken="a new customer",
        situation="They have just started.",
        objective="retention",
        runs=(0, 14),
        samples=(("new", "Starter", "entry"), ("core", "Team", "middle")),
    ),
    "renewed": Kind(
        name="Subscription renewed",
        purpose="Ads that thank loyal customers and show them the next tier.",
        spoken="a renewal",
        situation="They have been here for a while and stay.",
        objective="upsell",
        runs=(1, 14),
        samples=(("high", "Team", "middle"), ("core", "Starter", "entry"), ("low", "Team Workspace", "single")),
        repeats=True,
    ),
    "payment_failed": Kind(
        name="Payment failed",
        purpose="Ads that remind customers of what they have. They never mention the payment.",
        spoken="a failed payment",
        situation="They are customers; remind them what the plan is worth to them. (Say nothing of why now.)",
        objective="retention",
        runs=(0, 14),
        samples=(("core", "Team", "middle"), ("high", "Business", "top")),
        repeats=True,
        taken_back="the invoice was paid",
    ),
    "cancelled": Kind(
        name="Subscription cancelled",
        purpose="Win-back ads for customers who have left.",
        spoken="a cancellation",
        situation="They know the product from before and are invited back.",
        objective="winback",
        runs=(7, 180),
        samples=(("high", "Business", "top"), ("core", "Team", "middle"), ("low", "Starter", "entry")),
        taken_back="the customer came back",
    ),
}
