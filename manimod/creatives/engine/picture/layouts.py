"""The layouts: quiet shapes in the brand's colours beside the words. Each draws into the canvas's `art` and is told
apart by its form and its background. None draws anything that looks like a button, a play icon or an input box."""

import math

from manimod.creatives.engine.brief import Brand
from manimod.creatives.engine.copy.phrase_selection import digest
from manimod.creatives.engine.picture.canvas import Canvas
from manimod.creatives.engine.picture.text_layout import DISPLAY, STRONG, fit

# Shapes in a square with side {s} and half of it {r}, drawn from its top left corner.
TILES = (
    "m0 {r}a{r} {r} 0 0 1 {s} 0a{r} {r} 0 0 1 -{s} 0z",  # circle
    "h{s}a{s} {s} 0 0 1 -{s} {s}z",  # quarters of a circle
    "m0 {s}v-{s}a{s} {s} 0 0 1 {s} {s}z",
    "h{r}a{r} {r} 0 0 1 {r} {r}v{r}h-{r}a{r} {r} 0 0 1 -{r} -{r}z",  # leaf
    "m0 {s}a{r} {r} 0 0 1 {s} 0z",  # half a circle
)


def tiles(canvas: Canvas, brand: Brand, label: str) -> None:
    """A quilt of circles and leaves: everything in its place."""
    p, art = canvas.palette, canvas.art
    rows = (2 if canvas.wide else 3) if canvas.little else 2
    cell = art.w / 2 if canvas.wide and not canvas.little else art.h / rows
    cell = max(cell, art.w / 6)
    across, down = math.ceil(art.w / cell), math.ceil(art.h / cell)
    fills = (p.far, p.near, p.strong, p.accent, p.far, p.mark)
    for i in range(across):
        for j in range(down):
            x, y = canvas.w - (i + 1) * cell, canvas.h - (j + 1) * cell
            form = int(digest(canvas.seed, "form", i, j) * 5)
            back, front = (p.background, p.near)[(i + j) % 2], fills[(i * 2 + j * 3 + int(digest(canvas.seed) * 6)) % 6]
            if front == back:
                front = p.far
            canvas.rect(x, y, cell + 0.5, cell + 0.5, back)
            shape = TILES[form].format(s=f"{cell:.1f}", r=f"{cell / 2:.1f}")
            canvas.path(f"M{x:.1f} {y:.1f}{shape}", front)


def arcs(canvas: Canvas, brand: Brand, label: str) -> None:
    """Rings rising from the edge: something that goes on."""
    p, art = canvas.palette, canvas.art
    if canvas.wide:
        x, y, reach = canvas.w, canvas.h, min(art.w * 1.02, canvas.h * 0.96)
    else:
        x, y, reach = canvas.w * 0.66, canvas.h, art.h * 0.97
    for share, fill in ((1, p.near), (0.8, p.far), (0.6, p.accent), (0.42, p.background), (0.24, p.strong)):
        canvas.circle(x, y, reach * share, fill)


def thread(canvas: Canvas, brand: Brand, label: str) -> None:
    """One line that loops and goes on: picking up where it was left."""
    p, art = canvas.palette, canvas.art

    def at(fx: float, fy: float) -> str:
        return f"{art.x + fx * art.w:.1f} {art.y + fy * art.h:.1f}"

    thick = 0.12 * min(art.w, art.h) + 1.2 * canvas.unit
    canvas.circle(art.x + 0.62 * art.w, art.y + 0.56 * art.h, 0.36 * min(art.w, art.h), p.near)
    if canvas.wide:
        d = f"M{at(0.1, 1.1)}C{at(0.1, 0.62)} {at(0.95, 0.78)} {at(0.86, 0.42)}C{at(0.78, 0.12)} {at(0.3, 0.22)} "
        d += f"{at(0.42, 0.5)}C{at(0.54, 0.74)} {at(0.9, 0.6)} {at(1.15, 0.3)}"
    else:
        d = f"M{at(-0.08, 0.72)}C{at(0.2, 0.2)} {at(0.62, 0.98)} {at(0.74, 0.6)}C{at(0.84, 0.24)} {at(0.5, 0.1)} "
        d += f"{at(0.52, 0.46)}C{at(0.54, 0.86)} {at(0.84, 0.9)} {at(1.1, 0.34)}"
    for colour, width in ((p.strong, thick), (p.accent, thick * 0.42)):
        canvas.path(d, "none", f' stroke="{colour}" stroke-width="{width:.1f}" stroke-linecap="round"')


def membership(canvas: Canvas, brand: Brand, label: str) -> None:
    """A tilted pass that bears the tier's name: something that is yours."""
    p, art, unit = canvas.palette, canvas.art, canvas.unit
    w = min(art.w * 0.78, art.h * 1.25) if not canvas.wide else art.w * 0.92
    h = w * 0.63
    x, y = art.x + (art.w - w) / 2, art.y + (art.h - h) / 2
    if not canvas.wide:
        x, y = art.x + art.w - w - 0.11 * art.w, art.y + max(0.1 * art.h, (art.h - h) / 2) + 0.3 * unit
    centre = f"{x + w / 2:.1f} {y + h / 2:.1f}"
    canvas.shapes.append(f'<g transform="rotate(5 {centre})">')
    canvas.rect(x - 0.02 * w, y + 0.03 * h, w, h, p.strong, 0.06 * w)
    canvas.shapes.append(f'</g><g transform="rotate(-7 {centre})">')
    canvas.rect(x, y, w, h, p.accent, 0.06 * w)
    for share in (0.42, 0.31, 0.2):
        r = h * share
        d = f"M{x + w:.1f} {y + 0.44 * h - r:.1f}a{r:.1f} {r:.1f} 0 0 0 0 {2 * r:.1f}z"
        canvas.path(d, p.on_accent, ' fill-opacity="0.1"')
    if not canvas.tall:  # the platform covers the lower part of a story
        block = fit(label or brand.name, DISPLAY, 0.62 * w, 0.44 * h, 0.115 * w, 0.03 * w, 1.08)
        canvas.place("tier", block, x + 0.075 * w, y + h * 0.9 - block.height, p.on_accent, p.accent)
        if label:
            small = fit(brand.name, STRONG, 0.6 * w, 0.2 * h, 0.042 * w, 0.016 * w)
            canvas.place("tier", small, x + 0.077 * w, y + 0.1 * h, p.on_accent, p.accent)
    canvas.shapes.append("</g>")


def steps(canvas: Canvas, brand: Brand, label: str) -> None:
    """Columns that rise: one step up."""
    p, art = canvas.palette, canvas.art
    count = 4 if canvas.wide else 5
    column = art.w / count
    fills = (p.near, p.far, p.near, p.strong, p.accent)[-count:]
    for i, fill in enumerate(fills):
        x, half = canvas.w - (count - i) * column, column / 2
        rise = art.h * (0.24 + 0.7 * (i / (count - 1)) ** 1.15) * (0.86 if canvas.wide else 1)
        arch = f"v{-rise + half:.1f}a{half:.1f} {half:.1f} 0 0 1 {column:.1f} 0"
        canvas.path(f"M{x:.1f} {canvas.h}{arch}V{canvas.h}z", fill)
        if i == count - 3:
            mark = (x + half, canvas.h - rise - 0.26 * column)
    canvas.circle(*mark, 0.2 * column, p.mark)


def doorway(canvas: Canvas, brand: Brand, label: str) -> None:
    """A wide arch with light falling out of it: the way back in."""
    p, art = canvas.palette, canvas.art
    floor = canvas.h - 0.17 * art.h
    height = (floor - art.y) * (0.86 if canvas.wide else 0.98)
    width = min(height * 1.3, art.w * 0.86)
    x = art.x + art.w * (0.5 if canvas.wide else 0.66)
    for inset, fill in ((0, p.near), (0.13, p.far), (0.26, p.accent)):
        left, w, h = x - width * (0.5 - inset), width * (1 - 2 * inset), height - width * inset
        arch = f"v{-(h - w / 2):.1f}a{w / 2:.1f} {w / 2:.1f} 0 0 1 {w:.1f} 0"
        canvas.path(f"M{left:.1f} {floor:.1f}{arch}V{floor:.1f}z", fill)
    canvas.rect(0 if not canvas.wide else art.x, floor, canvas.w, canvas.h - floor + 1, p.strong)
    half, drop = 0.24 * width, canvas.h - floor
    d = f"M{x - half:.1f} {floor:.1f}h{2 * half:.1f}l{drop * 1.3:.1f} {drop + 2:.1f}h{-2 * half - drop * 2.6:.1f}z"
    canvas.path(d, "#ffffff", ' fill-opacity="0.3"')


# What draws a layout, and on which of colour.BACKGROUNDS it looks good: an angle takes one of them.
LAYOUTS = {
    "tiles": (tiles, ("paper", "deep")),
    "arcs": (arcs, ("primary", "paper")),
    "thread": (thread, ("deep", "paper")),
    "pass": (membership, ("paper", "primary")),
    "steps": (steps, ("primary", "deep")),
    "doorway": (doorway, ("deep", "paper")),
}
