"""What the platforms accept, read once from platforms.toml: placements, lengths, canvases, calls to action,
and audience minimums, with their sources and the date on which they were checked."""

import re
import tomllib
import unicodedata
from dataclasses import dataclass
from pathlib import Path

_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
COUNTED_TWICE = {family: re.compile(table["signs"]) for family, table in _TABLES["counted_twice"].items()}
_SIGN = "(?:[\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff]|[\xa9\xae](?=\ufe0f))"
_SIGN += "[\ufe0f\U0001f3fb-\U0001f3ff]*"  # its picture form and skin tone
_FLAG = "[\U0001f1e6-\U0001f1ff]{2}|\U0001f3f4[\U000e0061-\U000e007a]{2,6}\U000e007f"
EMOJI = re.compile(rf"{_FLAG}|[0-9#*]\ufe0f?\u20e3|{_SIGN}(?:\u200d{_SIGN})*")


@dataclass(frozen=True)
class Field:
    """A text of a placement; the head of platforms.toml explains each value."""

    name: str
    family: str
    label: str
    hard: int
    filled_by: str
    recommended: int | None = None
    lines: tuple[int, int, int] = (1, 1, 1)
    written: int | None = None
    end_mark: bool = True

    @property
    def target(self) -> int:
        return self.recommended or self.hard

    def size(self, text: str) -> int:
        """How many characters the platform counts, which may be more than there are."""
        return count_characters(text, self.family)

    @property
    def count(self) -> int:
        """How many lines the copywriter writes at most."""
        return self.written or self.lines[1]


@dataclass(frozen=True)
class Placement:
    """Where an ad runs. `little_text`: it wants the picture with little text. `button`: it has a call to action."""

    id: str
    label: str
    family: str
    fields: dict[str, Field]
    canvases: tuple[str, ...]
    source: str
    weight_limit: int = 5_000_000
    little_text: bool = False
    button: bool = True


@dataclass(frozen=True)
class CanvasSize:
    """Pixels of a picture; `clear` shares of top, bottom and sides hold no text."""

    width: int
    height: int
    clear: tuple[float, float, float] = (0.0, 0.0, 0.0)
    master: str | None = None


def count_characters(text: str, family: str) -> int:
    """The length of a text as the family's platforms count it."""
    if text.isascii() or family not in COUNTED_TWICE:
        return len(text)
    text = unicodedata.normalize("NFC", text)
    if _TABLES["counted_twice"][family].get("emoji_are_one"):
        text = EMOJI.sub("\U0001f642", text)
    return len(text) + len(COUNTED_TWICE[family].findall(text))


def greatest_length(text: str) -> int:
    """The length of a text on the platform that counts most."""
    return len(text) if text.isascii() else max(count_characters(text, family) for family in COUNTED_TWICE)


CHECKED = _TABLES["checked"]
PLACEMENTS: dict[str, Placement] = {}
for id, table in _TABLES["placements"].items():
    fields = {name: Field(name, table["family"], **values) for name, values in table["fields"].items()}
    PLACEMENTS[id] = Placement(id, **table | {"fields": fields})
CANVASES = {name: CanvasSize(**values) for name, values in _TABLES["canvases"].items()}
MASTERS = tuple(name for name, canvas in CANVASES.items() if not canvas.master)
CTA_LISTS = _TABLES["call_to_action_lists"]
CTA_MAP = _TABLES["calls_to_action"]
CTA_SUITS = _TABLES["suitable"]
AUDIENCE_MINIMUMS = _TABLES["audience_minimums"]
LITTLE_TEXT_SHARE, CONTRAST = _TABLES["picture"]["little_text_share"], _TABLES["picture"]["contrast"]
