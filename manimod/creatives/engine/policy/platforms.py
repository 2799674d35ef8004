"""What the platforms accept, read once from platforms.toml: placements, lengths, canvases, calls to action,
audience minimums and export sheets, with their sources and the date on which they were checked."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


@dataclass(frozen=True)
class Field:
    """A text of a placement; the head of platforms.toml explains each value."""

    name: str
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


CHECKED = _TABLES["checked"]
PLACEMENTS: dict[str, Placement] = {}
for id, table in _TABLES["placements"].items():
    fields = {name: Field(name, **values) for name, values in table["fields"].items()}
    PLACEMENTS[id] = Placement(id, **table | {"fields": fields})
CANVASES = {name: CanvasSize(**values) for name, values in _TABLES["canvases"].items()}
MASTERS = tuple(name for name, canvas in CANVASES.items() if not canvas.master)
CTA_LISTS = _TABLES["call_to_action_lists"]
CTA_MAP = _TABLES["calls_to_action"]
CTA_SUITS = _TABLES["suitable"]
AUDIENCE_MINIMUMS = _TABLES["audience_minimums"]
LITTLE_TEXT_SHARE, CONTRAST = _TABLES["picture"]["little_text_share"], _TABLES["picture"]["contrast"]
SHEETS = _TABLES["sheets"]
