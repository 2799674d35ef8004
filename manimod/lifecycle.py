"""The kinds of moments in a customer's life, and everything mani says about each. Every module may read it.

The kinds are the tables of lifecycle.toml. moments/interpret.py decides what in Stripe is such a moment;
creatives/engine/copy/angles.py has the angles of its ads.
"""

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class LabelledEnum(StrEnum):
    """Values as the database stores them, each with the label that pages show."""

    label: str

    def __new__(cls, value: str, label: str) -> "LabelledEnum":
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member

    @classmethod
    def choices(cls) -> list[tuple[str, str]]:
        return [(member.value, member.label) for member in cls]


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
    code: str  # in the names of ads and audiences, which everybody sees
    purpose: str  # beside its switch
    noun: str  # in a sentence: "Made for upsell after a renewal."
    situation: str  # how the audience is described to a language model
    objective: Objective  # see creatives/engine/brief.py for the segments that change it
    runs: list[int]  # first and last day after it on which its ads should run
    samples: list[list[str]]  # segment, tier and its position; the brand page shows the tier "Team"
    test: str  # how to make one happen in a sandbox of Stripe
    test_commands: list[str]  # the same for Stripe's command line
    repeats: bool = False  # within one subscription, so that old ones may be deleted
    withdrawal_reason: str = "it no longer holds"  # why an open moment is withdrawn


KINDS: dict[str, MomentKind] = {}  # in the order of the pages
for _key, _row in tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8")).items():
    KINDS[_key] = MomentKind(**_row | {"objective": Objective(_row["objective"])})
