"""What an account's decisions say about its ads: weights for what is written next, and the same in words.

Nothing is stored beside the decisions: the weights follow from the latest of them and can be worked out again.
"""

from collections import Counter
from typing import NamedTuple

from sqlalchemy import select

from manimod.creatives.engine.brief import Preferences
from manimod.creatives.engine.copy.angles import ANGLES
from manimod.extensions import db
from manimod.models import Account, Creative, Review
from manimod.models.states import RejectionReason, ReviewAction

MAX_DECISIONS = 100  # the latest ones that count
EFFECT = {
    ReviewAction.APPROVED: 1.0,
    ReviewAction.EDITED: -0.5,
    ReviewAction.REWRITTEN: -1.0,
    ReviewAction.REJECTED: -1.0,
}
FINAL = (ReviewAction.APPROVED, ReviewAction.REJECTED, ReviewAction.REOPENED)  # of these, a creative's latest counts
FACTS_CHANGED = "What these ads rest on had changed."  # the reason of a new version that says nothing of liking
UNDECIDED = 1  # decisions that a weight of 1 stands for, so that one refusal alone changes little
LARGEST_CHANGE = 0.5  # so weights are between 0.5 and 1.5
MENTIONED_FROM = 3  # refusals of one angle that are put in words
# What a rejection is about. Without a reason it is about everything; a picture's says nothing of the words.
ABOUT = {
    RejectionReason.TOPIC: ("angles",),
    RejectionReason.WORDING: ("phrases",),
    RejectionReason.UNTRUE: ("phrases",),
    RejectionReason.PICTURE: (),
    None: ("angles", "phrases"),
}


class Decision(NamedTuple):
    """What a person did with some ads. `ads`: variants as the database has them."""

    action: ReviewAction
    about: str | None
    ads: list[dict]


def get_decisions(account: Account) -> list[Decision]:
    """The latest decisions, newest first, each with the ads as they were then.

    One that was taken back is left out, and a new version that a change of facts called for.
    """
    query = select(Review.creative_id, Review.action, Review.about, Review.reason, Review.before, Creative.content)
    query = query.join(Creative, Creative.id == Review.creative_id).where(Creative.account_id == account.id)
    query = query.where(Review.action.in_((*EFFECT, ReviewAction.REOPENED, ReviewAction.RESTORED)))
    rows = db.session.execute(query.order_by(Review.id.desc()).limit(MAX_DECISIONS))
    found, decided, contents = [], set(), {}
    for creative_id, action, about, reason, before, content in rows:
        ads = contents.get(creative_id, content)["variants"]
        if action in FINAL:
            if creative_id not in decided and action != ReviewAction.REOPENED:
                found.append(Decision(ReviewAction(action), about, ads))
            decided.add(creative_id)
        elif before:
            contents[creative_id] = before
            if action == ReviewAction.EDITED:
                edited = [ad for ad in before["variants"] if ad not in ads]
                found.append(Decision(ReviewAction.EDITED, RejectionReason.WORDING, edited))
            elif action == ReviewAction.REWRITTEN and reason != FACTS_CHANGED:
                found.append(Decision(ReviewAction.REWRITTEN, None, before["variants"]))
    return found


def get_preferences(account: Account) -> Preferences:
    return learn(get_decisions(account))


def learn(decisions: list[Decision]) -> Preferences:
    """The weight of each angle and phrase that the decisions were about, from 0.5 (refused) to 1.5 (approved).

    A refused set holds several: what is approved elsewhere gets little of the blame, what never is gets most.
    """
    weights = {}
    for kind in ("angles", "phrases"):
        approved, times = Counter(), Counter()
        for decision in decisions:
            for name in _names(decision, kind):
                times[name] += 1
                approved[name] += decision.action == ReviewAction.APPROVED
        doubt = {name: 1 - approved[name] / (count + 1) for name, count in times.items()}
        effects = Counter()
        for decision in decisions:
            names = _names(decision, kind)
            largest = max((doubt[name] for name in names), default=1)
            for name in names:
                blame = 1 if decision.action == ReviewAction.APPROVED else (doubt[name] / largest) ** 2
                effects[name] += EFFECT[decision.action] * blame
        weights[kind] = {name: 1 + LARGEST_CHANGE * effects[name] / (times[name] + UNDECIDED) for name in times}
    return Preferences(**weights)


def _names(decision: Decision, kind: str) -> list[str]:
    """The angles or phrases that a decision is about."""
    if kind not in ABOUT[decision.about]:
        return []
    if kind == "angles":
        return [ad["angle"] for ad in decision.ads]
    return [phrase for ad in decision.ads for phrase in ad.get("phrases", ())]


def in_words(account: Account) -> list[str]:
    """What mani has learnt, one sentence for each angle that is refused more often than not."""
    refused, approved = Counter(), Counter()
    for decision in get_decisions(account):
        if "angles" in ABOUT[decision.about]:
            counts = approved if decision.action == ReviewAction.APPROVED else refused
            counts.update(ad["angle"] for ad in decision.ads)
    sentences = []
    for angle, times in refused.most_common():
        if times >= MENTIONED_FROM and times > approved[angle] and angle in ANGLES:
            sentences.append(f"You refused “{ANGLES[angle].name}” {times} times, so it comes later and less often.")
    for angle, times in approved.most_common():
        if times >= MENTIONED_FROM and times > refused[angle] and angle in ANGLES:
            sentences.append(f"You approved “{ANGLES[angle].name}” {times} times, so it comes first where it is true.")
    return sentences
