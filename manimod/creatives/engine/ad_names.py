"""The names of audiences, campaigns, ad sets, ads and pictures: neutral codes, the same on every platform.

Every visitor sees them in the address, and Meta stops audiences and campaigns whose name suggests somebody's money or
health (Custom Audience terms, since 2025-09-02), so a name never says what happened to somebody, what they are worth or
what their tier is called. `legend` says it to the buyer.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

from manimod.lifecycle import KINDS, Segment

SEGMENT_CODES = {Segment.HIGH: "a", Segment.CORE: "b", Segment.LOW: "c", Segment.NEW: "n"}
SEGMENTS = {code: segment.label for segment, code in SEGMENT_CODES.items()}
ALL = "all"  # every tier, or every value segment
TIER_LENGTH = 5
TIER_LETTERS = "bcdfghjkmnpqrstvwxz23456789"  # no vowels, so that no code becomes a word


def tier_code(tier: str | None) -> str:
    """The same for the same name in every account, "all" for ads that name no tier."""
    if not tier:
        return ALL
    number = int.from_bytes(sha256(tier.casefold().encode()).digest()[:8], "big")
    letters = ""
    for _ in range(TIER_LENGTH):
        number, place = divmod(number, len(TIER_LETTERS))
        letters += TIER_LETTERS[place]
    return letters


def segment_code(segments: Iterable[str]) -> str:
    """One letter for each value segment, such as "ab"."""
    code = "".join(sorted(SEGMENT_CODES[Segment(segment)] for segment in segments))
    return code if 0 < len(code) < len(SEGMENT_CODES) else ALL


def segments_of(content: Mapping[str, Any]) -> tuple[str, ...]:
    """The value segments of a set, as the database has it. Sets of earlier versions name one at most."""
    return tuple(content.get("segments") or filter(None, [content["segment"]]))


def audience_name(event: str, tier: str | None, segments: Iterable[str], from_day: int = 0) -> str:
    """ "mani-keep-t7kqx-ab-d30": lifecycle event, tier and value segments of an audience, and when its ads start."""
    later = f"-d{from_day}" if from_day else ""
    return f"mani-{KINDS[event].code}-{tier_code(tier)}-{segment_code(segments)}{later}"


@dataclass(frozen=True, kw_only=True)
class AdNames:
    """What the ads of one creative are called. `from_day`: of those that start later in its window, else 0."""

    creative_id: int
    event: str
    tier: str | None
    segments: tuple[str, ...]
    round: int
    start: date
    end: date
    from_day: int = 0

    @property
    def audience(self) -> str:
        return audience_name(self.event, self.tier, self.segments, self.from_day)

    @property
    def group(self) -> str:
        """Of the campaign; ad groups and ad sets add to it. Whatever differs in one of its parts stays apart."""
        window = f"{self.start:%Y%m%d}-{self.end:%Y%m%d}"
        return f"{self.audience}-r{self.round}-s{self.creative_id}-{window}"

    def ad(self, place: int) -> str:
        """`place`: that of the variant in its creative, from 0."""
        return f"{self.group}-v{place + 1}"

    def content(self, place: int) -> str:
        """The creative and the variant, for utm_content: "s41-v2"."""
        return f"s{self.creative_id}-v{place + 1}"

    def picture(self, place: int, canvas: str) -> str:
        """A file name. It leaves out the window, which grows as customers join, while the picture stays the same."""
        return f"{self.audience}-r{self.round}-{self.content(place)}-{canvas}.png"


def legend(names: Sequence[AdNames]) -> list[tuple[str, str]]:
    """(name, what it means): of each audience with its window, then of each part that names have."""
    rows = []
    for one in names:
        values = (
            [SEGMENTS[letter] for letter in segment_code(one.segments)] if segment_code(one.segments) != ALL else []
        )
        said = [KINDS[one.event].name, one.tier or "all tiers", " and ".join(values) or "all values"]
        if one.from_day:
            said.append(f"from day {one.from_day} after the event")
        window = f"{one.start:%-d %B %Y} to {one.end:%-d %B %Y}"
        rows.append((one.group, f"{', '.join(said)}; {window}; creative {one.creative_id}, version {one.round + 1}"))
    rows += [(kind.code, kind.name) for kind in KINDS.values()]
    rows += sorted({(tier_code(one.tier), one.tier) for one in names if one.tier})
    rows += SEGMENTS.items()
    return [*rows, (ALL, "All tiers, or all value segments"), ("v2", "The second variant of a creative")]
