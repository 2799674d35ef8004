"""The angles, what each needs to be true, and which audience gets which: the matrix as data."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Angle:
    """`needs` names what the account must have stored, or what must hold of the tier; see `_holds`. `from_day`: how
    many days after the event its ad may start, where that is later than the set's own window."""

    id: str
    name: str
    call_to_action: str
    needs: str | None = None
    from_day: int | None = None

    @property
    def closing(self):
        """Which of the segment's sentences may follow its body; a thank-you stands alone."""
        return None if self.id == "R4" else "talk" if self.id in ("R8", "U7", "W9") else "closing"


ANGLES = {
    a.id: a
    for a in (
        Angle("R1", "Value reminder", "LEARN_MORE"),
        Angle("R2", "Something not tried yet", "SEE_MORE"),
        Angle("R3", "Quick win", "GET_STARTED"),
        Angle("R4", "Milestone", "LEARN_MORE"),
        Angle("R5", "Social proof", "LEARN_MORE", "proof"),
        Angle("R6", "What's new", "SEE_MORE", "release_notes"),
        Angle("R7", "Continuity", "LEARN_MORE"),
        Angle("R8", "Human help", "CONTACT_US"),
        Angle("U1", "Next tier", "LEARN_MORE", "next_tier"),
        Angle("U2", "A year ahead", "SUBSCRIBE"),
        Angle("U3", "Room to grow", "SEE_MORE", "next_tier"),
        Angle("U4", "Together", "SIGN_UP"),
        Angle("U5", "Proof from peers", "LEARN_MORE", "proof"),
        Angle("U6", "Try first", "GET_STARTED", "trial"),
        Angle("U7", "Closer support", "LEARN_MORE"),
        Angle("W1", "What's new since", "SEE_MORE", "release_notes"),
        Angle("W2", "Easy return", "GET_STARTED"),
        Angle("W3", "A lighter plan", "LEARN_MORE", "lighter_plan"),
        Angle("W4", "Pause and flexibility", "LEARN_MORE", "pause", 30),
        Angle("W5", "Approved offer", "GET_OFFER", "discount", 60),
        Angle("W6", "Improved since", "SEE_MORE", "release_notes"),
        Angle("W7", "Proof", "LEARN_MORE", "proof"),
        Angle("W8", "A fresh start", "GET_STARTED"),
        Angle("W9", "Talk it over", "CONTACT_US"),
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
A_SET = 3


def choose(brief):
    """The round's angles for the start of the window, always three: the matrix first, then its stand-ins, without
    those that would be untrue."""
    pool = candidates(brief)
    start = brief.round * A_SET % len(pool)
    return (pool[start:] + pool[:start])[:A_SET]


def candidates(brief):
    wanted = [*_cell(brief), *FALLBACKS[brief.objective].split()]
    return [ANGLES[i] for i in dict.fromkeys(wanted) if not ANGLES[i].from_day and _holds(ANGLES[i], brief)]


def later(brief):
    """The angles whose ads start later in the window, in the order of their days; none where nothing is offered."""
    return [ANGLES[i] for i in LATER.get(brief.objective, "").split() if _holds(ANGLES[i], brief)]


def skipped(brief):
    """The matrix's own angles that are not true for this account, each with what is missing."""
    return [(ANGLES[i], ANGLES[i].needs) for i in _cell(brief) if not _holds(ANGLES[i], brief)]


def _cell(brief):
    segment = brief.segment or ("new" if brief.event == "new_customer" else "core")
    row = MATRIX.get((brief.event, segment)) or MATRIX[brief.event, "other"]
    return row.split("|")[COLUMN.get(brief.tier_position, 0)].split()


def _holds(angle, brief):
    """Whether what the angle says would be true."""
    if angle.id == "W5" and brief.segment in ("low", "new", None):
        return False  # no discount by default where the value is low or unknown
    if angle.id == "R3" and brief.segment not in ("new", "low", None):
        return False  # first steps are no news to somebody who has been here for long
    if angle.id == "U2" and re.search(r"\b(annual|year)", brief.tier or "", re.I):
        return False  # they have a year already
    if angle.id in ("R1", "R4", "R7") and brief.event == "new_customer" and brief.segment in ("new", None):
        return False  # nothing has been set up yet that one could remind of
    match angle.needs:
        case None:
            return True
        case "proof" | "release_notes":
            return bool(getattr(brief, angle.needs))
        case "next_tier":
            return brief.tier_position in ("entry", "middle")
        case "lighter_plan":
            return brief.tier_position in ("middle", "top") or bool(brief.active_offers("lighter_plan"))
        case kind:
            return bool(brief.active_offers(kind, in_days=angle.from_day or 0))


# Picture layouts that suit an objective, in the order in which a set's variants take them; see layouts.py.
LAYOUTS = {
    "retention": ("tiles", "arcs", "thread", "pass"),
    "upsell": ("steps", "orbit", "pass", "tiles"),
    "winback": ("doorway", "horizon", "thread", "arcs", "tiles"),
}
UNSUITED = {"payment_failed": ("pass",)}  # a card would remind of the payment
