"""A canvas to draw on: shapes and outlined texts go in, boxes of every text are kept, an SVG string comes out."""

import base64
import io
import math
import struct
from dataclasses import dataclass, field, replace
from functools import lru_cache
from html import escape

from PIL import Image

from manimod.creatives.engine.picture import colour, text_layout
from manimod.creatives.engine.picture.text_layout import ASCENDER, DISPLAY, STRONG, TEXT
from manimod.creatives.engine.policy.platforms import CANVASES, CONTRAST, LITTLE_TEXT_SHARE


@dataclass(frozen=True)
class Rect:
    x: float
    y: float
    w: float
    h: float

    @property
    def right(self):
        return self.x + self.w

    @property
    def bottom(self):
        return self.y + self.h


@dataclass(frozen=True)
class TextBox:
    """Where a text stands, in pixels, and in which colours; what the picture rules measure."""

    kind: str
    x: float
    y: float
    w: float
    h: float
    fill: str
    ground: str
    text: str


@dataclass
class Canvas:
    """One picture being drawn. `text` and `art` divide the canvas so that shapes never run under words."""

    canvas: str
    palette: colour.Palette
    seed: str
    little: bool = False
    shapes: list[str] = field(default_factory=list)
    boxes: list[TextBox] = field(default_factory=list)

    def __post_init__(self):
        self.w, self.h = CANVASES[self.canvas].width, CANVASES[self.canvas].height
        self.wide = self.w > 1.5 * self.h
        self.tall = self.h > 1.6 * self.w
        self.unit = math.sqrt(self.w * self.h) / 100
        self.text, self.art = self._divide()

    def _divide(self):
        margin = 6.6 * self.unit
        if self.wide:
            split = (0.47 if self.little else 0.57) * self.w
            text = Rect(margin, margin, split - margin, self.h - 2 * margin)
            return text, Rect(split + 0.4 * margin, 0, self.w - split - 0.4 * margin, self.h)
        top, bottom, side = CANVASES[self.canvas].clear
        if self.tall:
            end = 0.40 if self.little else 1 - bottom
            text = Rect(0.08 * self.w, (top + 0.008) * self.h, 0.84 * self.w, (end - top - 0.016) * self.h)
        else:
            end = 0.44 if self.little else {"1000x1500": 0.56}.get(self.canvas, 0.61)
            text = Rect(margin, margin, self.w - 2 * margin, end * self.h - margin)
        start = text.bottom + 0.5 * margin
        return text, Rect(0, start, self.w, self.h - start)

    # shapes

    def add(self, element):
        self.shapes.append(element)

    def rect(self, x, y, w, h, fill, radius=0, more=""):
        rx = f' rx="{radius:.1f}"' if radius else ""
        self.add(f'<rect x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}"{rx} fill="{fill}"{more}/>')

    def circle(self, x, y, r, fill):
        self.add(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{r:.1f}" fill="{fill}"/>')

    def path(self, d, fill, more=""):
        self.add(f'<path d="{d}" fill="{fill}"{more}/>')

    def stroke(self, d, stroke, width):
        self.path(d, "none", f' stroke="{stroke}" stroke-width="{width:.1f}" stroke-linecap="round"')

    # texts

    def set(self, kind, block, x, y, fill, ground=None, measured=True):
        """Draws a block of text with its top left corner at (x, y); `measured` False for text inside a turned group."""
        ground = ground or self.palette.ground
        for i, line in enumerate(block.lines):
            baseline = y + (ASCENDER + i * block.leading) * block.size
            self.add(text_layout.path(line, block.face, x, baseline, block.size, fill))
        if measured:
            self.boxes.append(TextBox(kind, x, y, block.width, block.height, fill, ground, " ".join(block.lines)))

    def line(self, kind, text, face, size, x, y, fill, **more):
        block = text_layout.Block((text_layout.typographic(text),), face, size, 1.0)
        self.set(kind, block, x, y, fill, **more)
        return block

    def lockup(self, brand, x, y, height, widest):
        """The brand's logo, or a monogram and its name; returns nothing, takes `height`."""
        name_x, name_width = x, widest
        if brand.logo:
            drawn = self._logo(brand.logo, x, y, height, widest)
            if drawn > 1.7 * height:
                return
            name_x, name_width = x + drawn + 0.32 * height, widest - drawn - 0.32 * height
        else:
            self.rect(x, y, height, height, self.palette.accent, 0.3 * height)
            letter = next((c for c in brand.name if c.isalnum()), brand.name[:1]).upper()
            size = 0.62 * height
            left = x + (height - text_layout.width(letter, DISPLAY) * size) / 2
            top = y + height / 2 - (ASCENDER - text_layout.CAP_HEIGHT / 2) * size
            self.line("monogram", letter, DISPLAY, size, left, top, self.palette.on_accent, ground=self.palette.accent)
            name_x, name_width = x + 1.32 * height, widest - 1.32 * height
        block = text_layout.fit(brand.name, STRONG, name_width, 1.05 * height, 0.5 * height, 0.2 * height)
        self.set("brand", block, name_x, y + (height - block.height) / 2, self.palette.ink)

    def _logo(self, png, x, y, height, widest):
        """Places the logo, on a plate if it could not be seen on the ground; returns the width taken."""
        width, full = _png_size(png)
        plate = logo_backing(png, self.palette.ground)
        inner = height * (0.72 if plate else 1)
        scale = min(inner / full, (widest - height) / width)
        w, h = width * scale, full * scale
        pad = (height - h) / 2 if plate else 0
        if plate:
            self.rect(x, y, w + 2 * pad, height, plate, 0.22 * height)
        data = base64.b64encode(png).decode()
        self.add(
            f'<image x="{x + pad:.1f}" y="{y + (height - h) / 2:.1f}" width="{w:.1f}" height="{h:.1f}" '
            f'href="data:image/png;base64,{data}"/>'
        )
        return w + 2 * pad

    def stack(self, brand, label, headline, body):
        """The brand on top, then label, headline and body, in `text`; sizes follow the room there is."""
        area, unit, palette = self.text, self.unit, self.palette
        badge = (5.6 if self.wide else 5.8) * unit
        self.lockup(brand, area.x, area.y, badge, area.w)
        room = Rect(area.x, area.y + badge + 4.2 * unit, area.w, area.h - badge - 4.2 * unit)
        small = 2.7 * unit if label else 0
        lower = self._body(body, room)
        gap = 3.0 * unit if lower else 0
        for_headline = room.h - (small * 1.9 if label else 0) - gap - (lower.height if lower else 0)
        upper = self._headline(headline, room.w, for_headline)
        total = (small * 1.9 if label else 0) + upper.height + gap + (lower.height if lower else 0)
        y = room.y + (room.h - total) * (0.86 if self.wide else 0.35)
        if label:
            shrunk = min(small, room.w / text_layout.width(label, STRONG))
            self.line("label", label, STRONG, shrunk, room.x, y, palette.mark)
            y += small * 1.9
        self.set("headline", upper, room.x, y, palette.ink)
        if lower:
            self.set("body", lower, room.x, y + upper.height + gap, palette.soft)

    def _body(self, body, room):
        if not body:
            return None
        largest, smallest = (3.5, 2.4) if self.wide else (3.6, 2.3)
        measure = room.w * (0.96 if self.wide else 0.9)
        return text_layout.fit(body, TEXT, measure, room.h * 0.4, largest * self.unit, smallest * self.unit, 1.38)

    def _headline(self, text, width, height):
        largest, smallest = (8.4 if self.wide else 10.8) * self.unit, 3.2 * self.unit
        block = text_layout.fit(text, DISPLAY, width, height, largest, smallest, 1.07)
        taken = sum(box.w * box.h for box in self.boxes)
        while self.little and taken + block.width * block.height > (LITTLE_TEXT_SHARE - 0.005) * self.w * self.h:
            block = replace(block, size=block.size * 0.97)
        return block

    def svg(self, title):
        """The picture as SVG: presentation attributes only, no style, script or outside reference."""
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.w} {self.h}" width="{self.w}" '
            f'height="{self.h}" role="img"><title>{escape(title)}</title>'
            f'<rect width="{self.w}" height="{self.h}" fill="{self.palette.ground}"/>{"".join(self.shapes)}</svg>'
        )

    @property
    def text_share(self):
        """How much of the picture the boxes of its texts take, 0..1."""
        return sum(box.w * box.h for box in self.boxes) / (self.w * self.h)


def _png_size(png):
    if png[:8] != b"\x89PNG\r\n\x1a\n":
        raise text_layout.PictureRefused("The logo is not a PNG picture. Please upload it again.")
    return struct.unpack(">II", png[16:24])


@lru_cache(maxsize=16)
def logo_backing(png, ground):
    """None where the logo can be seen on the ground; otherwise the colour of the plate to put under it."""
    with Image.open(io.BytesIO(png)) as picture:
        pixels = picture.convert("RGBA").resize((32, 32)).tobytes()
    seen = [pixels[i : i + 3] for i in range(0, len(pixels), 4) if pixels[i + 3] > 128]
    if not seen:
        return None
    mean = colour.hexadecimal(sum(p[c] for p in seen) / len(seen) / 255 for c in range(3))
    if colour.contrast(mean, ground) >= CONTRAST - 1.5:
        return None
    return "#ffffff" if colour.contrast(mean, "#ffffff") > colour.contrast(mean, "#111318") else "#111318"
