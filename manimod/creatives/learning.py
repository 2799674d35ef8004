"""What an account's decisions say about its ads: weights for what is written next, and the same in words.

Nothing is stored beside the decisions: the weights follow from the latest of them and can be worked out again.
"""

from collections import Counter, defaultdict
from math import prod
from typing import NamedTuple

from sqlalchemy import select

from manimod.creatives.engine.brief import Preferences
from manimod.creatives.engine.copy.angles import ANGLES, DISLIKED
from manimod.extensions import db
from manimod.models import Account, Creative, Review
from manimod.models.states import RejectionReason, ReviewAction

MAX_DECISIONS = 100  # the latest ones that count
COUNTS_AS = {  # decisions; an edit changes some words only
    ReviewAction.APPROVED: 1.0,
    ReviewAction.EDITED: 0.5,
    ReviewAction.REWRITTEN: 1.0,
    ReviewAction.REJECTED: 1.0,
}
FINAL = (ReviewAction.APPROVED, ReviewAction.REJECTED, ReviewAction.REOPENED)  # of these, a creative's latest counts
FACTS_CHANGED = "What these ads rest on had changed."  # the reason of a new version that says nothing of liking
USUAL_BLAME = 0.2  # of what nobody has decided about; as strong as one decision
ROUNDS = 12  # after which the blame hardly moves
LARGEST_CHANGE = 0.5  # so weights are between 0.5 and 1.5
MENTIONED_FROM = 3  # decisions on one angle that are put in words
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

    One that was taken back is left out, and a new version that a change of facts called for. What an approval leaves
    out counts as refused.
    """
    columns = (Review.creative_id, Review.action, Review.about, Review.reason, Review.before)
    query = select(*columns, Creative.content, Creative.left_out)
    query = query.join(Creative, Creative.id == Review.creative_id).where(Creative.account_id == account.id)
    query = query.where(Review.action.in_((*COUNTS_AS, ReviewAction.REOPENED, ReviewAction.RESTORED)))
    rows = db.session.execute(query.order_by(Review.id.desc()).limit(MAX_DECISIONS))
    found, decided, contents = [], set(), {}
    for creative_id, action, about, reason, before, content, left_out in rows:
        ads = contents.get(creative_id, content)["variants"]
        if action in FINAL:
            if creative_id not in decided and action != ReviewAction.REOPENED:
                refused = [ads[place] for place in left_out]
                found.append(Decision(ReviewAction(action), about, [ad for ad in ads if ad not in refused]))
                if refused:
                    found.append(Decision(ReviewAction.REJECTED, None, refused))
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
    """The weight of each angle and phrase that the decisions were about, from 0.5 (refused) to 1.5 (approved)."""
    return Preferences(angles=_weigh(decisions, "angles"), phrases=_weigh(decisions, "phrases"))


def _weigh(decisions: list[Decision], kind: str) -> dict[str, float]:
    """A refused set holds several angles, and one of them is enough to refuse it. So its blame is divided among them in
    proportion to what each is blamed for elsewhere, which is estimated anew some times (a noisy-or model, fitted by
    expectation maximisation: Pearl, Probabilistic Reasoning in Intelligent Systems, 1988, section 4.3).
    """
    times: Counter[str] = Counter()
    for decision in decisions:
        for name in _names(decision, kind):
            times[name] += COUNTS_AS[decision.action]
    blame = dict.fromkeys(times, USUAL_BLAME)
    for _ in range(ROUNDS):
        refused: Counter[str] = Counter()
        for decision in decisions:
            if decision.action == ReviewAction.APPROVED:
                continue
            names = _names(decision, kind)
            likely = 1 - prod(1 - blame[name] for name in names)
            for name in names:
                refused[name] += COUNTS_AS[decision.action] * blame[name] / likely
        for name, count in times.items():
            blame[name] = (refused[name] + USUAL_BLAME) / (count + 1)
    weights = {}
    for name, own in blame.items():
        room = USUAL_BLAME if own < USUAL_BLAME else 1 - USUAL_BLAME
        weights[name] = 1 + LARGEST_CHANGE * (USUAL_BLAME - own) / room
    return weights


def _names(decision: Decision, kind: str) -> list[str]:
    """The angles or phrases that a decision is about."""
    if kind not in ABOUT[decision.about]:
        return []
    if kind == "angles":
        return [ad["angle"] for ad in decision.ads]
    return [phrase for ad in decision.ads for phrase in ad.get("phrases", ())]


def in_words(account: Account) -> list[str]:
    """What mani has learnt, one sentence for each angle that is refused or approved often."""
    decisions = get_decisions(account)
    weights, times = learn(decisions).angles, defaultdict(Counter)
    for decision in decisions:
        is_approved = decision.action == ReviewAction.APPROVED
        times[is_approved].update(_names(decision, "angles"))
    sentences = []
    for angle, number in times[False].most_common():
        if number >= MENTIONED_FROM and weights[angle] <= DISLIKED and angle in ANGLES:
            sentences.append(f"You refused “{ANGLES[angle].name}” {number} times, so it comes later and less often.")
    for angle, number in times[True].most_common():
        if number >= MENTIONED_FROM and weights[angle] > 1 and angle in ANGLES:
            sentences.append(f"You approved “{ANGLES[angle].name}” {number} times, so it comes first where it is true.")
    return sentences
