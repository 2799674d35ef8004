"""A canvas to draw on: shapes and outlined texts go in, the box of every text is kept, an SVG string comes out."""

import base64
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from html import escape
from typing import NamedTuple

from manimod.creatives.engine.picture import text_layout
from manimod.creatives.engine.picture.colour import Palette
from manimod.creatives.engine.picture.text_layout import ASCENDER, DISPLAY, Block, Face
from manimod.creatives.engine.policy.platforms import CANVASES


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    w: float
    h: float

    @property
    def right(self) -> float:
        return self.x + self.w

    @property
    def bottom(self) -> float:
        return self.y + self.h

    @property
    def attributes(self) -> str:
        return f'x="{self.x:.1f}" y="{self.y:.1f}" width="{self.w:.1f}" height="{self.h:.1f}"'

    def overlap(self, other: "Rect") -> "Rect":
        x, y = max(self.x, other.x), max(self.y, other.y)
        return Rect(x, y, min(self.right, other.right) - x, min(self.bottom, other.bottom) - y)

    def inset(self, by: float) -> "Rect":
        return Rect(self.x + by, self.y + by, self.w - 2 * by, self.h - 2 * by)


@dataclass(frozen=True)
class TextBox:
    """Where a text stands, in pixels, and in which colours; what the picture rules measure."""

    kind: str
    x: float
    y: float
    w: float
    h: float
    fill: str
    background: str
    text: str


class Line(NamedTuple):
    """A block of text in a stack, and the space above it in pixels."""

    kind: str
    block: Block
    fill: str
    above: float = 0.0


@dataclass
class Canvas:
    """One picture being drawn: `text` bears the words, `panel` what they are about, in colours of its own. Of the panel
    `inner` is what may bear text. `unit` is a hundredth of the mean side; `scale` makes its texts smaller."""

    size: str
    palette: Palette
    panel_palette: Palette
    position: str
    seed: str
    little: bool = False
    scale: float = 1.0
    shapes: list[str] = field(default_factory=list)
    boxes: list[TextBox] = field(default_factory=list)

    def __post_init__(self) -> None:
        w, h = self.w, self.h = CANVASES[self.size].width, CANVASES[self.size].height
        self.wide, self.tall = w > 1.5 * h, h > 1.6 * w
        self.unit = math.sqrt(w * h) / 100
        self.margin = (6.0 if self.wide else 6.6) * self.unit
        top, bottom, _ = CANVASES[self.size].clear
        self.safe = Rect(0, 0, w, h).inset(self.margin)
        if h > 1.4 * w:  # too narrow for two columns
            self.position = {"left": "top", "right": "bottom"}.get(self.position, self.position)
        if self.tall:  # and so never in columns
            self.safe = Rect(0.08 * w, (top + 0.006) * h, 0.84 * w, (1 - top - bottom - 0.012) * h)

    @property
    def is_columns(self) -> bool:
        """Whether the words stand beside the panel; otherwise above or below it."""
        return self.position in ("left", "right")

    @property
    def align(self) -> float:
        return 0.5 if self.position == "centred" else 0.0

    def divide(self, beside: float, below: float) -> None:
        """Divides the canvas; the panel takes the share `beside` of its width, or `below` of its height. On a tall one
        it goes on to the edge, under what the platform covers."""
        self.is_signed_last = self.position in ("right", "bottom")  # at the bottom right of the words, not above them
        self.is_signed_beside = self.wide and self.position in ("top", "bottom")
        safe, w, h = self.safe, self.w, self.h
        gap, edge = 0.75 * self.margin, 0.8 * self.margin
        top, bottom = 0.0, h
        if self.tall:
            gap, edge = 0.4 * self.margin, 0.5 * self.margin
            top, bottom = safe.y, safe.bottom
        width, height = beside * w, below * (bottom - top)
        room = w - width - self.margin - gap
        if self.position == "left":
            self.panel = Rect(w - width, 0, width, h)
            self.text = Rect(safe.x, safe.y, room, safe.h)
        elif self.position == "right":
            self.panel = Rect(0, 0, width, h)
            self.text = Rect(width + gap, safe.y, room, safe.h)
        elif self.position == "bottom":
            end = top + height
            self.panel = Rect(0, 0, w, end)
            self.text = Rect(safe.x, end + gap, safe.w, safe.bottom - end - gap)
        else:
            start = bottom - height
            self.panel = Rect(0, start, w, h - start)
            self.text = Rect(safe.x, safe.y, safe.w, start - gap - safe.y)
        self.inner = self.panel.inset(edge).overlap(self.safe)

    def rect(self, area: Rect, fill: str, radius: float = 0, more: str = "") -> None:
        rx = f' rx="{radius:.1f}"' if radius else ""
        self.shapes.append(f'<rect {area.attributes}{rx} fill="{fill}"{more}/>')

    def image(self, area: Rect, picture: bytes, more: str = "") -> None:
        """A PNG or JPEG of mani's own encoding."""
        kind = "png" if picture.startswith(b"\x89PNG") else "jpeg"
        data = base64.b64encode(picture).decode()
        self.shapes.append(f'<image {area.attributes}{more} href="data:image/{kind};base64,{data}"/>')

    def circle(self, x: float, y: float, r: float, fill: str) -> None:
        self.shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="{fill}"/>')

    def path(self, d: str, fill: str, more: str = "") -> None:
        self.shapes.append(f'<path d="{d}" fill="{fill}"{more}/>')

    @contextmanager
    def window(self, area: Rect) -> Iterator[None]:
        """What is drawn inside is measured from the area's corner and cut off at its edges."""
        self.shapes.append(f'<svg {area.attributes} overflow="hidden">')
        yield
        self.shapes.append("</svg>")

    def place(
        self, kind: str, block: Block, x: float, y: float, fill: str, background: str, align: float = 0.0
    ) -> None:
        """Draws a block of text with its top left corner at (x, y); `align` 0.5 centres its lines."""
        for i, line in enumerate(block.lines):
            baseline = y + (ASCENDER + i * block.leading) * block.size
            inset = align * (block.width - text_layout.width(line, block.face) * block.size)
            self.shapes.append(text_layout.path(line, block.face, x + inset, baseline, block.size, fill))
        self.boxes.append(TextBox(kind, x, y, block.width, block.height, fill, background, " ".join(block.lines)))

    def stack(
        self, lines: Sequence[Line], area: Rect, background: str, align: float = 0.0, anchor: float = 0.5
    ) -> None:
        """Blocks of text one below the other; `anchor` is where they stand in the area, 0 at its top, 1 at its end."""
        y = area.y + anchor * (area.h - stack_height(lines))
        for line in lines:
            if line is not lines[0]:
                y += line.above
            x = area.x + align * (area.w - line.block.width)
            self.place(line.kind, line.block, x, y, line.fill, background, align)
            y += line.block.height

    def fit(
        self, text: str, face: Face, width: float, height: float, largest: float, smallest: float, leading: float = 1.07
    ) -> Block:
        """The text at the largest size that fits, sizes in units. Raises PictureRefused."""
        largest, smallest = largest * self.unit * self.scale, smallest * self.unit * self.scale
        return text_layout.fit(text, face, width, height, largest, smallest, leading)

    def fit_headline(self, text: str, width: float, height: float, largest: float) -> Block:
        """The text as large as it fits, or a little smaller where its lines are then more even."""
        biggest = best = self.fit(text, DISPLAY, width, height, largest, 3.2, 1.05)
        best_score = 0.0
        for share in (1.0, 0.93, 0.87, 0.81):
            size = share * biggest.size
            block = text_layout.fit(text, DISPLAY, width, height, size, 0.99 * size, 1.05)
            score = share - 0.025 * len(block.lines)
            for line in block.lines:
                if text_layout.width(line, DISPLAY) * size < 0.5 * block.width:
                    score -= 0.3
            if score > best_score:
                best, best_score = block, score
        return best

    @property
    def smallest(self) -> float:
        """The smallest size of a text of several words, in units; in a story 2.6 % of the height."""
        return 0.0262 * self.h / self.unit if self.tall else 2.5

    def svg(self, title: str, size: str | None = None) -> str:
        """SVG to be shown as large as the canvas `size`: presentation attributes only, nothing active or outside."""
        shown = CANVASES[size or self.size]
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.w} {self.h}" width="{shown.width}" '
            f'height="{shown.height}" role="img"><title>{escape(title)}</title>'
            f'<rect width="{self.w}" height="{self.h}" fill="{self.palette.background}"/>{"".join(self.shapes)}</svg>'
        )

    @property
    def text_share(self) -> float:
        """How much of the picture the boxes of its texts take, 0..1."""
        return sum(box.w * box.h for box in self.boxes) / (self.w * self.h)


def stack_height(lines: Sequence[Line]) -> float:
    """Without the space above the first one."""
    height = sum(line.block.height + line.above for line in lines)
    return height - lines[0].above if lines else 0
