"""Which angles an audience gets. The angles and the matrix are in angles.toml."""

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from manimod.creatives.engine.brief import Brief
from manimod.lifecycle import Segment, TierPosition


@dataclass(frozen=True)
class Angle:
    """A row of angles.toml, whose head explains each value."""

    id: str
    name: str
    call_to_action: str
    needs: str | None = None
    from_day: int = 0
    closing: str = "closing"
    not_for: Sequence[str] = ()


_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
ANGLES = {id: Angle(id, **row) for id, row in _TABLES["angles"].items()}
COLUMN = {"entry": 0, "middle": 1, "top": 2, "single": 2}
SET_SIZE = 3


def candidates(brief: Brief) -> list[Angle]:
    """The angles of the matrix, then their stand-ins, without those that would be untrue or start later. Each round
    begins with the next SET_SIZE of them."""
    found = []
    for angle in [*_of_matrix(brief), *_angles(_TABLES["fallbacks"][brief.objective])]:
        if angle not in found and not angle.from_day and is_true(angle, brief):
            found.append(angle)
    start = brief.round * SET_SIZE % len(found)
    return found[start:] + found[:start]


def later(brief: Brief) -> list[Angle]:
    """The angles whose ads start later in the window, in the order of their days; none where nothing is offered."""
    return [angle for angle in _angles(_TABLES["later"].get(brief.objective, "")) if is_true(angle, brief)]


def left_out(brief: Brief) -> Iterator[tuple[Angle, str]]:
    """The matrix's own angles that are not true for this account, and why."""
    for angle in _of_matrix(brief):
        if not is_true(angle, brief):
            yield angle, _TABLES["why_untrue"].get(angle.needs, "it does not suit this segment")


def is_true(angle: Angle, brief: Brief) -> bool:
    """Whether what the angle says holds for the audience, with what the account has stored."""
    segment = brief.segment or "unknown"
    if segment in angle.not_for or f"{brief.event} {segment}" in angle.not_for:
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
            return bool(brief.active_offers(offer_kind, in_days=angle.from_day))


def _of_matrix(brief: Brief) -> list[Angle]:
    segment = brief.segment or (Segment.NEW if brief.event == "new_customer" else Segment.CORE)
    rows = _TABLES["matrix"][brief.event]
    row = rows.get(segment) or rows["other"]
    return _angles(row.split("|")[COLUMN.get(brief.tier_position, 0)])


def _angles(ids: str) -> list[Angle]:
    return [ANGLES[id] for id in ids.split()]
