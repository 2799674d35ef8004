"""Which angles an audience gets: the rows of angles.toml, as far as the account's facts hold them."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from manimod.creatives.engine.brief import Brief, ClaimKind
from manimod.lifecycle import Segment

SET_SIZE = 3
LIKING = 0.5, 1.5  # the bounds of a preference
STEPS = 8  # how many places a full preference moves an angle
DISLIKED = 0.85  # a preference up to which other angles come first
NEVER_STARVED = 1 / 8  # of the audiences, in which preferences of angles are left aside


@dataclass(frozen=True)
class Angle:
    """A row of angles.toml, whose head explains each value."""

    id: str
    name: str
    call_to_action: str
    pool: str = ""
    least: int = 0
    needs: Sequence[str] = ()
    about: str = "tier"
    from_day: int = 0
    picture: str = "facts"


_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
ANGLES = {id: Angle(id, **row) for id, row in _TABLES["angles"].items()}
WHY_NOT = {ClaimKind(kind): why for kind, why in _TABLES["why_not"].items()}


def of_matrix(brief: Brief) -> list[Angle]:
    """The angles that the audience should have, in their order, and what stands in where too few of them are true."""
    segment = brief.segment or (Segment.NEW if brief.event == "new_customer" else Segment.CORE)
    return _angles(_TABLES["matrix"][brief.event][segment])


def is_for_one_thing(brief: Brief) -> bool:
    """Whether the ads name one thing each: to low value the lightest way to keep it, to somebody new the first step."""
    return brief.segment in (Segment.LOW, Segment.NEW)


def stand_ins(brief: Brief) -> list[Angle]:
    return _angles(_TABLES["stand_ins"]["one" if is_for_one_thing(brief) else "several"][brief.objective])


def by_name(brief: Brief) -> list[Angle]:
    """What is left to say where nothing is known but names."""
    return _angles(_TABLES["by_name"][brief.event])


def later(brief: Brief) -> list[Angle]:
    """The angles whose ads start later in the window, in the order of their days."""
    ids = _TABLES["later"].get(brief.objective, {})
    return _angles(ids.get(brief.segment, ids.get("any", "")))


def by_preference(angles: Sequence[Angle], brief: Brief, chance: float) -> tuple[list[Angle], list[Angle]]:
    """The angles that the account likes, the most liked earlier, and those it refuses, the least refused first.

    In some audiences preferences are left aside, so that no angle is starved. `chance`: the audience's own number in
    [0, 1).
    """
    weights = brief.preferences.angles
    if not weights or chance < NEVER_STARVED:
        return list(angles), []
    places: dict[str, float] = {}
    refused = []
    for place, angle in enumerate(angles):
        weight = liking(weights, angle.id)
        if weight > DISLIKED:
            places[angle.id] = place - 2 * STEPS * (weight - 1)
        else:
            refused.append(angle)
    liked = [ANGLES[id] for id in sorted(places, key=places.__getitem__)]
    return liked, sorted(refused, key=lambda angle: -liking(weights, angle.id))


def liking(weights: Mapping[str, float], key: str) -> float:
    """A preference within its bounds; 1.0 where there is none."""
    return min(max(weights.get(key, 1.0), LIKING[0]), LIKING[1])


def _angles(ids: str) -> list[Angle]:
    return [ANGLES[id] for id in ids.split()]
