"""The brand's signature: its logo, or a monogram, with its name beside it where the logo is not wide enough to hold
one. A logo of which a part could not be seen on the background stands on a backing."""

import io
from dataclasses import dataclass
from functools import lru_cache

from PIL import Image

from manimod.creatives.engine.brief import Brand
from manimod.creatives.engine.picture import text_layout
from manimod.creatives.engine.picture.canvas import Canvas, Rect
from manimod.creatives.engine.picture.colour import BLACK, WHITE, Palette, contrast
from manimod.creatives.engine.picture.text_layout import ASCENDER, CAP_HEIGHT, DISPLAY, STRONG, Block, PictureRefused

SEEN, SEEN_THIN = 2.0, 3.0  # contrast from which a part of a logo is seen, and one of thin lines
MAX_UNSEEN = 0.08  # share of a logo that may vanish
BACKINGS = (WHITE, BLACK, "#8b919b", "#c9ccd2")  # the greys for logos of which one part is white and one is black


@dataclass(frozen=True)
class Logo:
    """A logo without the empty margins around it. `colours`: (colour, share of what is visible)."""

    png: bytes
    aspect: float
    is_thin: bool
    colours: tuple[tuple[str, float], ...]

    @classmethod
    @lru_cache(maxsize=64)
    def of(cls, png: bytes) -> "Logo | None":
        """None where nothing of it is visible."""
        with Image.open(io.BytesIO(png), formats=["PNG"]) as stored:
            logo = stored.convert("RGBA")
        visible = logo.getchannel("A").point([0] * 90 + [255] * 166)
        if visible.getbbox() is None:
            return None
        has_background = visible.histogram()[255] > 0.97 * logo.width * logo.height
        logo, visible = logo.crop(visible.getbbox()), visible.crop(visible.getbbox())
        out = io.BytesIO()
        logo.save(out, "PNG")
        colours = ()
        if not has_background:
            few = logo.convert("RGB").point([level // 32 * 36 for level in range(256)] * 3)
            few.thumbnail((96, 96), Image.Resampling.NEAREST)
            mask = visible.resize(few.size, Image.Resampling.NEAREST)
            few.putalpha(mask)
            found = [(count, colour) for count, colour in few.getcolors(96 * 96) if colour[3]]
            total = sum(count for count, _ in found)
            for count, (red, green, blue, _) in found:
                colours += ((f"#{min(255, red):02x}{min(255, green):02x}{min(255, blue):02x}", count / total),)
        is_thin = visible.histogram()[255] < 0.3 * logo.width * logo.height
        return cls(out.getvalue(), logo.width / logo.height, is_thin, colours)

    def unseen(self, background: str) -> float:
        """The share of it that cannot be told from the background, 0..1."""
        enough = SEEN_THIN if self.is_thin else SEEN
        unseen = 0.0
        for colour, share in self.colours:
            if contrast(colour, background) < enough:
                unseen += share
        return unseen

    def backing(self, background: str) -> str | None:
        """The colour it has to stand on, or None where the background will do."""
        if self.unseen(background) <= MAX_UNSEEN:
            return None
        for colour in BACKINGS:
            if self.unseen(colour) <= MAX_UNSEEN:
                return colour
        return WHITE


class Lockup:
    """The signature, measured before it is placed. `height` in pixels is that of the mark."""

    def __init__(self, brand: Brand, height: float, max_width: float, palette: Palette) -> None:
        self.brand_name, self.palette, self.height, self.mark_width, self.pad = brand.name, palette, height, height, 0.0
        self.logo = brand.logo and Logo.of(brand.logo)
        self.backing = self.name = None
        if self.logo:
            self.backing = self.logo.backing(palette.background)
            full = height * min(1.7, max(0.8, self.logo.aspect**-0.5))  # a tall logo is shown higher, a long one lower
            if self.logo.is_thin:
                full *= 1.2
            if self.backing:
                self.pad = 0.13 * full
            inner = min(full - 2 * self.pad, (0.75 * max_width - 2 * self.pad) / self.logo.aspect)
            self.height, self.mark_width = inner + 2 * self.pad, inner * self.logo.aspect + 2 * self.pad
        self.width = self.mark_width
        if not self.logo or self.logo.aspect <= 1.7:
            gap = 0.3 * height
            self.name = fit_name(brand.name, max_width - self.width - gap, height)
            self.width += gap + self.name.width

    def draw(self, canvas: Canvas, x: float, y: float) -> None:
        p, middle = self.palette, y + self.height / 2
        box = Rect(x, y, self.mark_width, self.height)
        if self.logo:
            if self.backing:
                canvas.rect(box, self.backing, 0.16 * self.height)
            canvas.image(box.inset(self.pad), self.logo.png)
        else:
            draw_monogram(canvas, box, self.brand_name, p)
        if self.name:
            left = x + self.width - self.name.width
            canvas.place("brand", self.name, left, middle - self.name.height / 2, p.ink, p.background)


def fit_name(name: str, width: float, height: float) -> Block:
    """On one line, or on two where it would be too small on one."""
    try:
        return text_layout.fit(name, STRONG, width, 0.7 * height, 0.56 * height, 0.4 * height)
    except PictureRefused:
        return text_layout.fit(name, STRONG, width, 1.15 * height, 0.5 * height, 0.2 * height)


def draw_monogram(canvas: Canvas, box: Rect, name: str, palette: Palette) -> None:
    """The name's first letter in a square box."""
    letter = next(filter(str.isalnum, name), name[:1]).upper()
    block = Block((text_layout.typographic(letter),), DISPLAY, 0.62 * box.h)
    canvas.rect(box, palette.accent, 0.28 * box.h)
    top = box.y + box.h / 2 - (ASCENDER - CAP_HEIGHT / 2) * block.size
    canvas.place("monogram", block, box.x + (box.w - block.width) / 2, top, palette.on_accent, palette.accent)
