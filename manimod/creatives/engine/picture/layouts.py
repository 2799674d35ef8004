"""What stands on the panel beside the words: facts, a figure, two plans, the product's own picture, or a quiet shape.
Nothing is drawn that looks like a button, a play icon, an input or a check box."""

import base64
import io
import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

from PIL import Image

from manimod.creatives.engine.brief import Brand, Variant
from manimod.creatives.engine.copy.phrase_selection import digest
from manimod.creatives.engine.picture import text_layout
from manimod.creatives.engine.picture.canvas import Canvas, Line, Rect, stack_height
from manimod.creatives.engine.picture.colour import Palette, readable
from manimod.creatives.engine.picture.text_layout import DISPLAY, STRONG, Block, Face, PictureRefused

MAX_FACTS = 4

# Shapes in a square with side {s} and half of it {r}, drawn from its top left corner.
TILES = (
    "m0 {r}a{r} {r} 0 0 1 {s} 0a{r} {r} 0 0 1 -{s} 0z",  # circle
    "h{s}a{s} {s} 0 0 1 -{s} {s}z",  # quarters of a circle
    "m0 {s}v-{s}a{s} {s} 0 0 1 {s} {s}z",
    "h{r}a{r} {r} 0 0 1 {r} {r}v{r}h-{r}a{r} {r} 0 0 1 -{r} -{r}z",  # leaf
    "m0 {s}a{r} {r} 0 0 1 {s} 0z",  # half a circle
)


def fact_list(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """The facts one below the other, or in two columns where the panel is wide, parted by fine lines."""
    p, area, unit = canvas.panel_palette, canvas.inner, canvas.unit
    facts = (variant.picture.facts or variant.picture.columns[-1][1])[: max_facts(canvas)]
    if variant.label and not canvas.little:
        caption = canvas.fit(variant.label, STRONG, area.w, area.h * 0.3, 3.4, 1.6)
        canvas.stack([Line("label", caption, p.mark)], area, p.background, canvas.align, 0)
        taken = caption.height + 1.8 * unit
        area = Rect(area.x, area.y + taken, area.w, area.h - taken)
    across = 1
    if canvas.wide and not canvas.is_columns:
        across = 3 if len(facts) == 3 else min(len(facts), 2)
    gap = 4 * unit
    width = (area.w - (across - 1) * gap) / across
    blocks = fit_rows(canvas, facts, STRONG, width, area.h * across, 6.4, 0.66, across)
    down = math.ceil(len(blocks) / across)
    spacing = 4.6 if canvas.little else 3.4
    pitch = min(area.h / down, spacing * max(block.height for block in blocks))
    top = area.y
    if canvas.is_columns:
        top += 0.5 * (area.h - down * pitch)
    for i, block in enumerate(blocks):
        row = Rect(area.x + i % across * (width + gap), top + i // across * pitch, width, pitch)
        canvas.rect(Rect(row.x, row.y, row.w, 0.22 * unit), p.far)
        canvas.stack([Line("fact", block, p.ink)], row, p.background, canvas.align)


def _fact_lines(facts: Sequence[str], size: float, room: Rect, ink: str) -> list[Line]:
    lines = []
    for fact in facts:
        block = text_layout.fit(fact, STRONG, room.w, 9 * size, size, 0.8 * size, 1.16)
        lines.append(Line("fact", block, ink, 0.62 * size))
    return lines


def max_facts(canvas: Canvas) -> int:
    return 2 if canvas.little else MAX_FACTS


def fit_rows(
    canvas: Canvas,
    texts: Sequence[str],
    face: Face,
    width: float,
    height: float,
    largest: float,
    share: float = 0.8,
    across: int = 1,
    smallest: float = 1.0,
) -> list[Block]:
    """The texts at one size, the largest at which each fits into the `share` of its row. The last ones are left out
    where they would be too small to read; `smallest` in parts of what a running text needs."""
    smallest *= canvas.smallest
    for count in range(len(texts), 0, -1):
        row = share * height / (math.ceil(count / across) * across)
        try:
            return at_one_size(canvas, texts[:count], face, width, row, largest, smallest)
        except PictureRefused:
            if count == 1:
                raise
    return []


def at_one_size(
    canvas: Canvas, texts: Sequence[str], face: Face, width: float, height: float, largest: float, smallest: float
) -> list[Block]:
    """The texts at the largest size at which each fits. Raises PictureRefused."""
    size = min(canvas.fit(text, face, width, height, largest, smallest, 1.16).size for text in texts)
    return [text_layout.fit(text, face, width, height, size, 0.99 * size, 1.16) for text in texts]


def comparison(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """Two plans with what each has, side by side, or in a story one above the other: the lighter one quiet, the other
    one bright."""
    area, unit = canvas.inner, canvas.unit
    gap, dot = 1.8 * unit, 2.4 * unit
    (name, facts), (other_name, other_facts) = variant.picture.columns
    facts, other_facts = facts[: max_facts(canvas)], other_facts[: max_facts(canvas)]
    if canvas.tall:  # the names stand beside the facts
        pad, w, h = 1.9 * unit, area.w, (area.h - gap) / 2
        name_width, name_height = 0.23 * w, 0.8 * h
    else:
        pad, w, h = 2.6 * unit, (area.w - gap) / 2, area.h
        name_width, name_height = w - 2 * pad, 0.4 * h
    heads = at_one_size(canvas, (name, other_name), DISPLAY, name_width, name_height, 4.8, 1.4)
    left, top = dot, max(heads[0].height, heads[1].height) + 1.8 * unit
    if canvas.tall:
        left, top = name_width + gap + dot, 0.0
    room = Rect(left, top, w - 2 * pad - left, h - 2 * pad - top)
    panel, bright = canvas.panel_palette, canvas.palette
    quiet_ink = readable(panel.near, panel.soft, panel.ink)
    largest = size = 4.6 * unit * canvas.scale
    while True:  # the largest size at which the facts of both fit, without the last ones where it would be too small
        lines, other_lines = _fact_lines(facts, size, room, quiet_ink), _fact_lines(other_facts, size, room, bright.ink)
        taken = max(stack_height(lines), stack_height(other_lines))
        is_small = 0.95 * size < 0.84 * canvas.smallest * unit * canvas.scale
        is_short = all(len(line.block.lines) <= 2 for line in (*lines, *other_lines))
        if taken <= room.h and (is_short or is_small):
            break
        size *= 0.95
        if is_small:
            if len(facts) == len(other_facts) == 1:
                message = f"The facts of “{other_name}” are too long to be compared. Please shorten them."
                raise PictureRefused(message)
            facts, other_facts = facts[:-1] or facts, other_facts[:-1] or other_facts
            size = largest
    height = min(h, taken + top + 2 * pad)
    x, y = area.x, area.y + (area.h - height) / 2
    if canvas.tall:
        y = area.y + (area.h - 2 * height - gap) / 2
    sides = ((heads[0], lines, panel, panel.near), (heads[1], other_lines, bright, bright.background))
    for head, stack, colours, fill in sides:
        canvas.rect(Rect(x, y, w, height), fill, 1.6 * unit)
        canvas.place("tier", head, x + pad, y + pad, readable(fill, colours.ink), fill)
        start = len(canvas.boxes)
        canvas.stack(stack, Rect(x + pad + left, y + pad + top, room.w, room.h), fill, 0, 0)
        for fact in canvas.boxes[start:]:
            canvas.circle(fact.x - dot + 0.6 * unit, fact.y + 0.45 * size, 0.5 * unit, colours.mark)
        if canvas.tall:
            y += height + gap
        else:
            x += w + gap


def figure(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """One amount, as large as the panel allows, and what it counts, below it or at its side."""
    p, area, unit, content = canvas.panel_palette, canvas.inner, canvas.unit, variant.picture
    caption = []
    if variant.label and not canvas.little:
        caption.append(Line("label", canvas.fit(variant.label, STRONG, area.w, area.h * 0.2, 3.4, 1.6), p.mark))
    above = 1.4 * unit
    room = area.h - stack_height(caption) - above
    if area.w < 1.7 * area.h:
        below = canvas.fit(content.unit or " ", STRONG, area.w, room * 0.4, 5.6, canvas.smallest, 1.12)
        amount = canvas.fit(content.figure, DISPLAY, area.w, room - below.height - unit, 32, 4, 1.0)
        lines = [*caption, Line("figure", amount, p.ink, above), Line("unit", below, p.soft, unit)]
        canvas.stack(lines, area, p.background, canvas.align)
        return
    gap = 2.4 * unit
    amount = canvas.fit(content.figure, DISPLAY, 0.6 * area.w, room, 26, 4, 1.0)
    free = area.w - amount.width - gap
    beside = canvas.fit(content.unit or " ", STRONG, free, 0.8 * room, 6.4, canvas.smallest, 1.12)
    top = area.y + (room - amount.height) / 2
    canvas.stack(caption, Rect(area.x, top, area.w, area.h), p.background, canvas.align, 0)
    top += stack_height(caption) + above
    left = area.x + canvas.align * (free - beside.width)
    canvas.place("figure", amount, left, top, p.ink, p.background)
    baseline = top + amount.height - 0.2 * amount.size
    canvas.place(
        "unit", beside, left + amount.width + gap, baseline - beside.height + 0.2 * beside.size, p.soft, p.background
    )


def product(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """The product's own picture, whole, with round corners."""
    p, area = canvas.panel_palette, canvas.panel
    kind, data, aspect = embed(brand.product_picture)
    area = canvas.inner if canvas.tall else area.inset(0.62 * canvas.margin)
    w = min(area.w, area.h * aspect)
    box = Rect(area.x + (area.w - w) / 2, area.y + (area.h - w / aspect) / 2, w, w / aspect)
    radius, edge = 1.5 * canvas.unit, 0.4 * canvas.unit
    place = f'x="{box.x:.1f}" y="{box.y:.1f}" width="{box.w:.1f}" height="{box.h:.1f}"'
    canvas.shapes.append(f'<image {place} preserveAspectRatio="none" href="data:image/{kind};base64,{data}"/>')
    for x, y, dx, dy in ((box.x, box.y, 1, 1), (box.right, box.y, -1, 1), (box.x, box.bottom, 1, -1)):
        corner(canvas, x, y, dx, dy, radius, p.background)
    corner(canvas, box.right, box.bottom, -1, -1, radius, p.background)
    frame = box.inset(-0.5 * edge + 0.5)
    canvas.rect(frame, "none", radius + 0.5 * edge, f' stroke="{p.far}" stroke-width="{edge + 1:.1f}"')


def corner(canvas: Canvas, x: float, y: float, dx: int, dy: int, r: float, fill: str) -> None:
    """Covers the square corner of a picture at (x, y), so that it looks round; (dx, dy) leads to its middle."""
    sweep = 0 if dx == dy else 1
    x, y = x - dx, y - dy  # one pixel more, so that no edge shines through
    canvas.path(f"M{x:.1f} {y:.1f}h{dx * r:.1f}a{r:.1f} {r:.1f} 0 0 {sweep} {-dx * r:.1f} {dy * r:.1f}z", fill)


class Embedded(NamedTuple):
    """A picture as it stands in an SVG; `aspect` is its width by its height."""

    kind: str
    data: str
    aspect: float


@lru_cache(maxsize=16)
def embed(picture: bytes) -> Embedded:
    """A PNG or JPEG of mani's own encoding."""
    with Image.open(io.BytesIO(picture), formats=["PNG", "JPEG"]) as image:
        return Embedded(image.format.lower(), base64.b64encode(picture).decode(), image.width / image.height)


def tiles(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """A quilt of circles and leaves: everything in its place."""
    draw_tiles(canvas, canvas.panel, 2)


def statement(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """The headline has the picture; one row of shapes at its edge gives the brand's colours."""
    draw_tiles(canvas, canvas.panel, 2 if canvas.tall or canvas.little else 1)


def draw_tiles(canvas: Canvas, area: Rect, rows: int, palette: Palette | None = None) -> None:
    p = palette or canvas.panel_palette
    short, long = sorted((area.w, area.h))
    count = max(1, round(long * rows / short))
    cell = long / count  # a whole number of them fills the long side, and a little of the other side is cut off or free
    across, down = (count, rows) if area.w > area.h else (rows, count)
    left, top = (area.w - across * cell) / 2, (area.h - down * cell) / 2
    fills = (p.near, p.ink, p.near, p.far, p.accent, p.near)
    turn = int(digest(canvas.seed) * 6)
    with canvas.window(area):
        for i in range(across):
            for j in range(down):
                x, y = left + i * cell, top + j * cell
                front = p.near if (i + j) % 2 else fills[(i * 2 + j * 3 + turn) % 6]  # half of them stay quiet
                shape = TILES[int(digest(canvas.seed, "form", i, j) * 5)].format(s=f"{cell:.1f}", r=f"{cell / 2:.1f}")
                canvas.path(f"M{x:.1f} {y:.1f}{shape}", front)


def arcs(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """Rings rising from the edge: something that goes on."""
    p, area = canvas.panel_palette, canvas.panel
    x = (0.5 if canvas.align else 0.66) * area.w
    if canvas.is_columns:
        x = area.w if canvas.position == "left" else 0
    y = 0 if canvas.position == "bottom" else area.h
    reach = 0.97 * (min(area.w, area.h) if canvas.is_columns else min(area.h, 0.8 * area.w))
    draw_arcs(canvas, area, p, x, y, reach)


def draw_arcs(canvas: Canvas, area: Rect, p: Palette, x: float, y: float, reach: float) -> None:
    with canvas.window(area):
        for share, fill in ((1, p.near), (0.8, p.far), (0.6, p.accent), (0.42, p.background), (0.24, p.ink)):
            canvas.circle(x, y, reach * share, fill)


def thread(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """One line that loops and goes on: picking up where it was left."""
    p, area = canvas.panel_palette, canvas.panel
    side = min(area.w, area.h)
    dx, dy = (area.w - side) / 2, (area.h - side) / 2

    def at(fx: float, fy: float, to_edge: bool = False) -> str:
        return f"{dx + fx * side if not to_edge else fx * area.w:.1f} {dy + fy * side:.1f}"

    d = f"M{at(-0.1, 0.86, True)}C{at(0.1, 0.62)} {at(0.95, 0.86)} {at(0.84, 0.46)}C{at(0.76, 0.16)} {at(0.3, 0.22)} "
    d += f"{at(0.4, 0.5)}C{at(0.5, 0.76)} {at(0.9, 0.62)} {at(1.1, 0.2, True)}"
    thick = 0.15 * side
    with canvas.window(area):
        canvas.circle(area.w / 2, area.h / 2, 0.42 * side, p.near)
        for colour, width in ((p.ink, thick), (p.accent, thick * 0.5)):
            canvas.path(d, "none", f' stroke="{colour}" stroke-width="{width:.1f}" stroke-linecap="round"')


def steps(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """Columns that rise: one step up."""
    p, area = canvas.panel_palette, canvas.panel
    count = 4 if canvas.is_columns else 6 if canvas.wide else 5
    column = area.w / count
    fills = (p.near, p.far, p.near, p.far, p.ink, p.accent)[-count:]
    with canvas.window(area):
        for i, fill in enumerate(fills):
            x, half = i * column, column / 2
            rise = area.h * (0.24 + 0.62 * (i / (count - 1)) ** 1.15)
            arch = f"v{-rise + half:.1f}a{half:.1f} {half:.1f} 0 0 1 {column:.1f} 0"
            canvas.path(f"M{x:.1f} {area.h:.1f}{arch}V{area.h:.1f}z", fill)


def fill_foot(canvas: Canvas) -> None:
    """Shapes at the foot of a story, where the platform's own controls leave no room for words."""
    p = canvas.palette if canvas.position == "bottom" else canvas.panel_palette
    start = canvas.safe.bottom + 0.05 * canvas.h
    area = Rect(0, start, canvas.w, canvas.h - start)
    if digest(canvas.seed, "foot") < 0.5:
        draw_tiles(canvas, area, 2, p)
    else:
        draw_arcs(canvas, area, p, (0.5 if canvas.align else 0.72) * area.w, area.h, 0.98 * area.h)


class Layout(NamedTuple):
    """What draws it; which share of the canvas the panel takes beside the words, and below or above them, and how much
    more where there is little text; and what stands in the words with the headline."""

    draw: Callable[[Canvas, Variant, Brand], None]
    beside: float
    below: float
    more_if_little: float = 0.0
    with_label: bool = False
    with_body: bool = False
    is_product: bool = False


LAYOUTS = {
    "list": Layout(fact_list, 0.48, 0.51),
    "comparison": Layout(comparison, 0.54, 0.6),
    "figure": Layout(figure, 0.46, 0.44, 0.06, with_body=True),
    "product": Layout(product, 0.56, 0.52, 0.06, with_body=True, is_product=True),
    "statement": Layout(statement, 0.28, 0.26, 0.08, with_label=True),
    "tiles": Layout(tiles, 0.44, 0.42, 0.06, with_label=True, with_body=True),
    "arcs": Layout(arcs, 0.44, 0.42, 0.06, with_label=True, with_body=True),
    "thread": Layout(thread, 0.44, 0.42, 0.06, with_label=True, with_body=True),
    "steps": Layout(steps, 0.44, 0.42, 0.06, with_label=True, with_body=True),
}
ART = (statement, tiles, arcs, thread, steps)  # which fill the panel to its edges
