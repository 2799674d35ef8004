"""A canvas to draw on: shapes and outlined texts go in, the box of every text is kept, an SVG string comes out."""

import base64
import io
import math
from dataclasses import dataclass, field, replace
from html import escape

from PIL import Image, ImageStat

from manimod.creatives.engine.brief import Brand
from manimod.creatives.engine.picture import text_layout
from manimod.creatives.engine.picture.colour import BLACK, WHITE, Palette, contrast
from manimod.creatives.engine.picture.text_layout import ASCENDER, CAP_HEIGHT, DISPLAY, STRONG, TEXT, Block, fit
from manimod.creatives.engine.policy.platforms import CANVASES, LITTLE_TEXT_SHARE

LOGO_CONTRAST = 3.0  # below which a logo gets a backing


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    w: float
    h: float


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


@dataclass
class Canvas:
    """One picture being drawn. `text` and `art` divide it so that shapes never run under words; `unit` is a hundredth
    of its mean side; `little` leaves room for little text only."""

    size: str
    palette: Palette
    seed: str
    little: bool = False
    shapes: list[str] = field(default_factory=list)
    boxes: list[TextBox] = field(default_factory=list)

    def __post_init__(self) -> None:
        w, h = self.w, self.h = CANVASES[self.size].width, CANVASES[self.size].height
        self.wide = w > 1.5 * h
        self.tall = h > 1.6 * w
        self.unit = math.sqrt(w * h) / 100
        margin = 6.6 * self.unit
        if self.wide:
            split = (0.47 if self.little else 0.57) * w
            self.text = Rect(margin, margin, split - margin, h - 2 * margin)
            self.art = Rect(split + 0.4 * margin, 0, w - split - 0.4 * margin, h)
            return
        if self.tall:
            top, bottom, _ = CANVASES[self.size].clear
            end = 0.40 if self.little else 1 - bottom
            self.text = Rect(0.08 * w, (top + 0.008) * h, 0.84 * w, (end - top - 0.016) * h)
        else:
            end = 0.44 if self.little else {"1000x1500": 0.56}.get(self.size, 0.61)
            self.text = Rect(margin, margin, w - 2 * margin, end * h - margin)
        start = self.text.y + self.text.h + 0.5 * margin
        self.art = Rect(0, start, w, h - start)

    def rect(self, x: float, y: float, w: float, h: float, fill: str, radius: float = 0) -> None:
        rx = f' rx="{radius:.1f}"' if radius else ""
        self.shapes.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"{rx} fill="{fill}"/>')

    def circle(self, x: float, y: float, r: float, fill: str) -> None:
        self.shapes.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="{fill}"/>')

    def path(self, d: str, fill: str, more: str = "") -> None:
        self.shapes.append(f'<path d="{d}" fill="{fill}"{more}/>')

    def place(self, kind: str, block: Block, x: float, y: float, fill: str, background: str | None = None) -> None:
        """Draws a block of text with its top left corner at (x, y)."""
        for i, line in enumerate(block.lines):
            baseline = y + (ASCENDER + i * block.leading) * block.size
            self.shapes.append(text_layout.path(line, block.face, x, baseline, block.size, fill))
        text, background = " ".join(block.lines), background or self.palette.background
        self.boxes.append(TextBox(kind, x, y, block.width, block.height, fill, background, text))

    def place_texts(self, brand: Brand, label: str, headline: str, body: str) -> None:
        """The brand on top, then label, headline and body, in `text`; sizes follow the room there is."""
        area, unit, palette = self.text, self.unit, self.palette
        badge = (5.6 if self.wide else 5.8) * unit
        self.logo_lockup(brand, area.x, area.y, badge, area.w)
        top, room = area.y + badge + 4.2 * unit, area.h - badge - 4.2 * unit
        label_size = 2.7 * unit
        label_height = label_size * 1.9 if label else 0
        lower, lower_height, gap = None, 0.0, 0.0
        if body:
            largest, smallest, measure = (3.5, 2.4, 0.96) if self.wide else (3.6, 2.3, 0.9)
            lower = fit(body, TEXT, area.w * measure, room * 0.4, largest * unit, smallest * unit, 1.38)
            lower_height, gap = lower.height, 3.0 * unit
        largest = (8.4 if self.wide else 10.8) * unit
        left = room - label_height - gap - lower_height
        upper = fit(headline, DISPLAY, area.w, left, largest, 3.2 * unit, 1.07)
        taken, limit = self.text_share * self.w * self.h, (LITTLE_TEXT_SHARE - 0.005) * self.w * self.h
        while self.little and taken + upper.width * upper.height > limit:
            upper = replace(upper, size=upper.size * 0.97)
        total = label_height + upper.height + gap + lower_height
        y = top + (room - total) * (0.86 if self.wide else 0.35)
        if label:
            size = min(label_size, area.w / text_layout.width(label, STRONG))
            self.place("label", Block((text_layout.typographic(label),), STRONG, size), area.x, y, palette.mark)
        self.place("headline", upper, area.x, y + label_height, palette.ink)
        if lower:
            self.place("body", lower, area.x, y + label_height + upper.height + gap, palette.soft)

    def logo_lockup(self, brand: Brand, x: float, y: float, height: float, max_width: float) -> None:
        """The brand's logo, or a monogram, with its name beside it unless the logo is wide enough to hold a name."""
        palette, mark_width = self.palette, height
        if brand.logo:
            mark_width = self._place_logo(brand.logo, x, y, height, max_width)
            if mark_width > 1.7 * height:
                return
        else:
            self.rect(x, y, height, height, palette.accent, 0.3 * height)
            letter = next(filter(str.isalnum, brand.name), brand.name[:1]).upper()
            block = Block((text_layout.typographic(letter),), DISPLAY, 0.62 * height)
            left, top = x + (height - block.width) / 2, y + height / 2 - (ASCENDER - CAP_HEIGHT / 2) * block.size
            self.place("monogram", block, left, top, palette.on_accent, palette.accent)
        taken = mark_width + 0.32 * height
        block = fit(brand.name, STRONG, max_width - taken, 1.05 * height, 0.5 * height, 0.2 * height)
        self.place("brand", block, x + taken, y + (height - block.height) / 2, palette.ink)

    def _place_logo(self, png: bytes, x: float, y: float, height: float, max_width: float) -> float:
        """Places the logo, on a backing if it could not be seen on the background; returns the width taken."""
        with Image.open(io.BytesIO(png), formats=["PNG"]) as logo:
            (width, full), small = logo.size, logo.convert("RGBA").resize((32, 32))
        backing, pad, inner = None, 0.0, height
        visible = small.getchannel("A").point([0] * 129 + [255] * 127)
        if visible.getbbox():
            mean = "#" + "".join(f"{round(channel):02x}" for channel in ImageStat.Stat(small, visible).mean[:3])
            if contrast(mean, self.palette.background) < LOGO_CONTRAST:
                backing, inner = max(WHITE, BLACK, key=lambda colour: contrast(mean, colour)), 0.72 * height
        scale = min(inner / full, (max_width - height) / width)
        w, h = width * scale, full * scale
        if backing:
            pad = (height - h) / 2
            self.rect(x, y, w + 2 * pad, height, backing, 0.22 * height)
        place = f'x="{x + pad:.1f}" y="{y + (height - h) / 2:.1f}" width="{w:.1f}" height="{h:.1f}"'
        self.shapes.append(f'<image {place} href="data:image/png;base64,{base64.b64encode(png).decode()}"/>')
        return w + 2 * pad

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
