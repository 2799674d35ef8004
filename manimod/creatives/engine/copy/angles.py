"""The angles, what each needs to be true, and which audience gets which: the matrix as data."""

import re
from dataclasses import dataclass

from manimod.creatives.engine.brief import Brief
from manimod.lifecycle import Segment, TierPosition


@dataclass(frozen=True)
class Angle:
    """`needs` names what the account must have stored, or what must hold of the tier; see `is_true`. `from_day`: how
    many days after the event its ad may start, where that is later than the set's own window. `closing`: which of the
    segment's sentences may follow its body: "talk" where it offers a conversation."""

    id: str
    name: str
    call_to_action: str
    needs: str | None = None
    from_day: int | None = None
    closing: str | None = "closing"


ANGLES = {
    angle.id: angle
    for angle in (
        Angle("R1", "Value reminder", "LEARN_MORE"),
        Angle("R2", "Something not tried yet", "SEE_MORE"),
        Angle("R3", "Quick win", "GET_STARTED"),
        Angle("R4", "Milestone", "LEARN_MORE", closing=None),  # a thank-you stands alone
        Angle("R5", "Social proof", "LEARN_MORE", "proof"),
        Angle("R6", "What's new", "SEE_MORE", "release_notes"),
        Angle("R7", "Continuity", "LEARN_MORE"),
        Angle("R8", "Human help", "CONTACT_US", closing="talk"),
        Angle("U1", "Next tier", "LEARN_MORE", "next_tier"),
        Angle("U2", "A year ahead", "SUBSCRIBE"),
        Angle("U3", "Room to grow", "SEE_MORE", "next_tier"),
        Angle("U4", "Together", "SIGN_UP"),
        Angle("U5", "Proof from peers", "LEARN_MORE", "proof"),
        Angle("U6", "Try first", "GET_STARTED", "trial"),
        Angle("U7", "Closer support", "LEARN_MORE", closing="talk"),
        Angle("W1", "What's new since", "SEE_MORE", "release_notes"),
        Angle("W2", "Easy return", "GET_STARTED"),
        Angle("W3", "A lighter plan", "LEARN_MORE", "lighter_plan"),
        Angle("W4", "Pause and flexibility", "LEARN_MORE", "pause", 30),
        Angle("W5", "Approved offer", "GET_OFFER", "discount", 60),
        Angle("W6", "Improved since", "SEE_MORE", "release_notes"),
        Angle("W7", "Proof", "LEARN_MORE", "proof"),
        Angle("W8", "A fresh start", "GET_STARTED"),
        Angle("W9", "Talk it over", "CONTACT_US", closing="talk"),
    )
}

# (event, segment) -> angles of the entry tier | middle tier | top or single tier
MATRIX = {
    ("new_customer", "new"): "R3 R2 R8 | R3 R2 R5 | R3 R8 R6",
    ("new_customer", "other"): "R6 R2 R7 | R6 R2 R7 | R6 R8 R7",
    ("renewed", "high"): "U1 U3 U2 | U1 U4 U2 | R4 U2 R6",
    ("renewed", "core"): "U1 U6 U5 | U2 U1 U7 | R4 R6 U2",
    ("renewed", "low"): "R2 R1 U6 | R1 R2 U2 | R1 R2 R8",
    ("renewed", "new"): "R2 R3 R1 | R2 R1 R5 | R2 R8 R1",
    ("payment_failed", "high"): "R1 R8 R6 | R1 R8 R7 | R8 R1 R6",
    ("payment_failed", "core"): "R1 R6 R2 | R1 R7 R6 | R1 R8 R6",
    ("payment_failed", "other"): "R1 R2 R3 | R1 R2 R6 | R1 R2 R8",
    ("cancelled", "high"): "W1 W6 W7 | W1 W6 W4 | W1 W6 W3",
    ("cancelled", "core"): "W1 W2 W4 | W1 W3 W4 | W3 W1 W4",
    ("cancelled", "other"): "W2 W1 W8 | W3 W2 W1 | W3 W2 W1",
}
# What stands in when an angle of the matrix is skipped, and what later rounds go on to.
FALLBACKS = {
    "retention": "R2 R1 R7 R8 R3 R6 R5",
    "upsell": "U2 U7 U4 R4 U1 U3 U6 U5 R6",
    "winback": "W2 W8 W9 W3 W1 W6 W7",
}
# What a set adds for later in its window, beside its three: a pause is offered before a discount.
LATER = {"winback": "W4 W5"}
COLUMN = {"entry": 0, "middle": 1, "top": 2, "single": 2}
SET_SIZE = 3
# Segments to which an angle is not said; None is an unknown one.
NOT_FOR = {
    "W5": (Segment.LOW, Segment.NEW, None),  # no discount by default where the value is low or unknown
    "R3": (Segment.HIGH, Segment.CORE),  # first steps are nothing new to somebody who has been here for long
}
REMINDERS = ("R1", "R4", "R7")  # of what a new customer has not set up yet

# Picture layouts that suit an objective, in the order in which a set's variants take them; see layouts.py.
LAYOUTS = {
    "retention": ("tiles", "arcs", "thread", "pass"),
    "upsell": ("steps", "orbit", "pass", "tiles"),
    "winback": ("doorway", "horizon", "thread", "arcs", "tiles"),
}
UNSUITED = {"payment_failed": ("pass",)}  # a card would remind of the payment


def choose(brief: Brief) -> list[Angle]:
    """The round's angles for the start of the window, always three; every round goes on where the last one ended."""
    pool = candidates(brief)
    start = brief.round * SET_SIZE % len(pool)
    return (pool[start:] + pool[:start])[:SET_SIZE]


def candidates(brief: Brief) -> list[Angle]:
    """The angles of the matrix first, then their stand-ins, without those that would be untrue or start later."""
    found = []
    for angle in [*_of_matrix(brief), *_angles(FALLBACKS[brief.objective])]:
        if angle not in found and not angle.from_day and is_true(angle, brief):
            found.append(angle)
    return found


def later(brief: Brief) -> list[Angle]:
    """The angles whose ads start later in the window, in the order of their days; none where nothing is offered."""
    return [angle for angle in _angles(LATER.get(brief.objective, "")) if is_true(angle, brief)]


def skipped(brief: Brief) -> list[Angle]:
    """The matrix's own angles that are not true for this account."""
    return [angle for angle in _of_matrix(brief) if not is_true(angle, brief)]


def is_true(angle: Angle, brief: Brief) -> bool:
    """Whether what the angle says holds for the audience, with what the account has stored."""
    if brief.segment in NOT_FOR.get(angle.id, ()):
        return False
    if angle.id in REMINDERS and brief.event == "new_customer" and brief.segment in (Segment.NEW, None):
        return False
    if angle.id == "U2" and re.search(r"\b(annual|year)", brief.tier or "", re.IGNORECASE):
        return False  # they have a year already
    match angle.needs:
        case None:
            return True
        case "proof" | "release_notes":
            return bool(getattr(brief, angle.needs))
        case "next_tier":
            return brief.tier_position in (TierPosition.ENTRY, TierPosition.MIDDLE)
        case "lighter_plan":
            has_lower_tier = brief.tier_position in (TierPosition.MIDDLE, TierPosition.TOP)
            return has_lower_tier or bool(brief.active_offers("lighter_plan"))
        case offer_kind:
            return bool(brief.active_offers(offer_kind, in_days=angle.from_day or 0))


def _of_matrix(brief: Brief) -> list[Angle]:
    segment = brief.segment or (Segment.NEW if brief.event == "new_customer" else Segment.CORE)
    row = MATRIX.get((brief.event, segment)) or MATRIX[brief.event, "other"]
    return _angles(row.split("|")[COLUMN.get(brief.tier_position, 0)])


def _angles(ids: str) -> list[Angle]:
    return [ANGLES[id] for id in ids.split()]
