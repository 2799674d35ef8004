"""What stands on the panel beside the words: facts, a figure, two plans, the product's own picture, or a quiet shape.
Nothing is drawn that looks like a button, a play icon, an input or a check box."""

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
    facts = variant.picture.facts or variant.picture.columns[-1][1]
    if canvas.little:
        facts = facts[:2]
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
    for count in range(len(facts), 0, -1):  # without the last ones where they would be too small to read
        down = math.ceil(count / across)
        try:
            blocks = at_one_size(canvas, facts[:count], STRONG, width, 0.66 * area.h / down, 6.4, canvas.smallest)
            break
        except PictureRefused:
            if count == 1:
                raise
    spacing = 4.6 if canvas.little else 3.4
    pitch = min(area.h / down, spacing * max(block.height for block in blocks))
    top = area.y
    if canvas.is_columns:
        top += 0.5 * (area.h - down * pitch)
    for i, block in enumerate(blocks):
        row = Rect(area.x + i % across * (width + gap), top + i // across * pitch, width, pitch)
        canvas.rect(Rect(row.x, row.y, row.w, 0.22 * unit), p.far)
        canvas.stack([Line("fact", block, p.ink)], row, p.background, canvas.align)


def comparison(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """Two plans with what each has, side by side, or in a story one above the other: the lighter one quiet, the other
    one bright."""
    area, unit = canvas.inner, canvas.unit
    gap, dot = 1.8 * unit, 2.4 * unit
    if canvas.tall:  # the names stand beside the facts
        pad, w, h = 1.9 * unit, area.w, (area.h - gap) / 2
        name_width, name_height = 0.23 * w, 0.8 * h
    else:
        pad, w, h = 2.6 * unit, (area.w - gap) / 2, area.h
        name_width, name_height = w - 2 * pad, 0.4 * h
    names = [name for name, _ in variant.picture.columns]
    heads = at_one_size(canvas, names, DISPLAY, name_width, name_height, 4.8, 1.4)
    left, top = dot, max(heads[0].height, heads[1].height) + 1.8 * unit
    if canvas.tall:
        left, top = name_width + gap + dot, 0.0
    room = Rect(left, top, w - 2 * pad - left, h - 2 * pad - top)
    stacks = _fit_columns(canvas, variant, room)
    height = min(h, max(map(stack_height, stacks)) + top + 2 * pad)
    x, y = area.x, area.y + (area.h - height) / 2
    if canvas.tall:
        y = area.y + (area.h - 2 * height - gap) / 2
    sides = ((canvas.panel_palette, canvas.panel_palette.near), (canvas.palette, canvas.palette.background))
    for head, lines, (colours, fill) in zip(heads, stacks, sides, strict=True):
        canvas.rect(Rect(x, y, w, height), fill, 1.6 * unit)
        canvas.place("tier", head, x + pad, y + pad, readable(fill, colours.ink), fill)
        start = len(canvas.boxes)
        canvas.stack(lines, Rect(x + pad + left, y + pad + top, room.w, room.h), fill, 0, 0)
        for fact, line in zip(canvas.boxes[start:], lines, strict=True):
            first_line = fact.y + 0.45 * line.block.size
            canvas.circle(fact.x - dot + 0.6 * unit, first_line, 0.5 * unit, colours.mark)
        if canvas.tall:
            y += height + gap
        else:
            x += w + gap


def _fit_columns(canvas: Canvas, variant: Variant, room: Rect) -> list[list[Line]]:
    """The facts of both plans at the largest size that fits; without the last ones where it would be too small."""
    quiet, bright, unit = canvas.panel_palette, canvas.palette, canvas.unit * canvas.scale
    inks = (readable(quiet.near, quiet.soft, quiet.ink), bright.ink)
    columns = [facts[: 2 if canvas.little else 4] for _, facts in variant.picture.columns]
    for left_out in range(max(map(len, columns))):
        size, is_small = 4.6 * unit, False
        while not is_small:
            is_small = 0.95 * size < 0.84 * canvas.smallest * unit
            stacks = []
            for facts, ink in zip(columns, inks, strict=True):
                lines = []
                for fact in facts[: max(1, len(facts) - left_out)]:
                    block = text_layout.fit(fact, STRONG, room.w, 9 * size, size, 0.8 * size, 1.16)
                    lines.append(Line("fact", block, ink, 0.62 * size))
                stacks.append(lines)
            is_short = all(len(line.block.lines) <= 2 for line in (*stacks[0], *stacks[1]))
            if max(map(stack_height, stacks)) <= room.h and (is_short or is_small):
                return stacks
            size *= 0.95
    raise PictureRefused(
        f"The facts of “{variant.picture.columns[1][0]}” are too long to be compared. Please shorten them."
    )


def at_one_size(
    canvas: Canvas, texts: Sequence[str], face: Face, width: float, height: float, largest: float, smallest: float
) -> list[Block]:
    """The texts at the largest size at which each fits. Raises PictureRefused."""
    size = min(canvas.fit(text, face, width, height, largest, smallest, 1.16).size for text in texts)
    return [text_layout.fit(text, face, width, height, size, 0.99 * size, 1.16) for text in texts]


def figure(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """One amount, as large as the panel allows, and what it counts, below it or at its side."""
    p, area, unit, content = canvas.panel_palette, canvas.inner, canvas.unit, variant.picture
    caption = []
    if variant.label and not canvas.little:
        caption.append(Line("label", canvas.fit(variant.label, STRONG, area.w, area.h * 0.2, 3.4, 1.6), p.mark))
    above = 1.4 * unit
    room = area.h - stack_height(caption) - above
    if area.w < 1.7 * area.h:
        below = canvas.fit(content.unit, STRONG, area.w, room * 0.4, 5.6, canvas.smallest, 1.12)
        amount = canvas.fit(content.figure, DISPLAY, area.w, room - below.height - unit, 32, 4, 1.0)
        lines = [*caption, Line("figure", amount, p.ink, above), Line("unit", below, p.soft, unit)]
        canvas.stack(lines, area, p.background, canvas.align)
        return
    amount = canvas.fit(content.figure, DISPLAY, 0.6 * area.w, room, 26, 4, 1.0)
    free = area.w - amount.width - 2.4 * unit
    beside = canvas.fit(content.unit, STRONG, free, 0.8 * room, 6.4, canvas.smallest, 1.12)
    top = area.y + (room - amount.height) / 2
    canvas.stack(caption, Rect(area.x, top, area.w, area.h), p.background, canvas.align, 0)
    top += stack_height(caption) + above
    left = area.x + canvas.align * (free - beside.width)
    canvas.place("figure", amount, left, top, p.ink, p.background)
    last_line = top + amount.height - 0.2 * amount.size + 0.2 * beside.size  # on the baseline of the amount
    canvas.place("unit", beside, left + area.w - free, last_line - beside.height, p.soft, p.background)


def product(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """The product's own picture, whole, with round corners."""
    p, area = canvas.panel_palette, canvas.panel.inset(0.62 * canvas.margin)
    if canvas.tall:
        area = canvas.inner
    w = min(area.w, area.h * aspect(brand.product_picture))
    h = w / aspect(brand.product_picture)
    box = Rect(area.x + (area.w - w) / 2, area.y + (area.h - h) / 2, w, h)
    canvas.image(box, brand.product_picture, ' preserveAspectRatio="none"')
    r, edge = 1.5 * canvas.unit, 0.4 * canvas.unit
    for x, y, dx, dy in (
        (box.x, box.y, 1, 1), (box.right, box.y, -1, 1), (box.x, box.bottom, 1, -1), (box.right, box.bottom, -1, -1)
    ):  # fmt: skip
        sweep = 0 if dx == dy else 1
        # Each square corner is covered; one pixel more, so that no edge shines through.
        start = f"M{x - dx:.1f} {y - dy:.1f}h{dx * r:.1f}"
        canvas.path(f"{start}a{r:.1f} {r:.1f} 0 0 {sweep} {-dx * r:.1f} {dy * r:.1f}z", p.background)
    frame = box.inset(-0.5 * edge + 0.5)
    canvas.rect(frame, "none", r + 0.5 * edge, f' stroke="{p.far}" stroke-width="{edge + 1:.1f}"')


@lru_cache(maxsize=16)
def aspect(picture: bytes) -> float:
    """Its width by its height."""
    with Image.open(io.BytesIO(picture)) as image:
        return image.width / image.height


def tiles(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """A quilt of circles and leaves: everything in its place."""
    draw_tiles(canvas, canvas.panel, 2, canvas.panel_palette)


def statement(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """The headline has the picture; rows of shapes at its edge give the brand's colours."""
    rows = 2 if canvas.tall or canvas.little else 1
    draw_tiles(canvas, canvas.panel, rows, canvas.panel_palette)


def draw_tiles(canvas: Canvas, area: Rect, rows: int, p: Palette) -> None:
    short, long = sorted((area.w, area.h))
    count = max(1, round(long * rows / short))
    cell = long / count  # a whole number of them fills the long side, and a little of the other side is cut off or free
    across, down = count, rows
    if area.w <= area.h:
        across, down = rows, count
    left, top = (area.w - across * cell) / 2, (area.h - down * cell) / 2
    fills = (p.near, p.ink, p.near, p.far, p.accent, p.near)
    turn = int(digest(canvas.seed) * 6)
    with canvas.window(area):
        for i in range(across):
            for j in range(down):
                x, y = left + i * cell, top + j * cell
                front = fills[(i * 2 + j * 3 + turn) % 6]
                if (i + j) % 2:
                    front = p.near  # half of them stay quiet
                shape = TILES[int(digest(canvas.seed, "form", i, j) * 5)].format(s=f"{cell:.1f}", r=f"{cell / 2:.1f}")
                canvas.path(f"M{x:.1f} {y:.1f}{shape}", front)


def arcs(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """Rings rising from the edge: something that goes on."""
    area = canvas.panel
    x, y, reach = 0.66 * area.w, area.h, 0.97 * min(area.h, 0.8 * area.w)
    if canvas.align:
        x = 0.5 * area.w
    if canvas.is_columns:
        x, reach = 0, 0.97 * min(area.w, area.h)
    if canvas.position == "left":
        x = area.w
    if canvas.position == "bottom":
        y = 0
    draw_arcs(canvas, area, canvas.panel_palette, x, y, reach)


def draw_arcs(canvas: Canvas, area: Rect, p: Palette, x: float, y: float, reach: float) -> None:
    with canvas.window(area):
        for share, fill in ((1, p.near), (0.8, p.far), (0.6, p.accent), (0.42, p.background), (0.24, p.ink)):
            canvas.circle(x, y, reach * share, fill)


def thread(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """One line that loops and goes on: picking up where it was left."""
    p, area = canvas.panel_palette, canvas.panel
    side = min(area.w, area.h)
    left, top = (area.w - side) / 2, (area.h - side) / 2

    def at(x: float, y: float) -> str:
        return f"{left + x * side:.1f} {top + y * side:.1f}"

    d = f"M{-0.1 * area.w:.1f} {top + 0.86 * side:.1f}"
    d += f"C{at(0.1, 0.62)} {at(0.95, 0.86)} {at(0.84, 0.46)}C{at(0.76, 0.16)} {at(0.3, 0.22)} {at(0.4, 0.5)}"
    d += f"C{at(0.5, 0.76)} {at(0.9, 0.62)} {1.1 * area.w:.1f} {top + 0.2 * side:.1f}"
    thick = 0.15 * side
    with canvas.window(area):
        canvas.circle(area.w / 2, area.h / 2, 0.42 * side, p.near)
        for colour, width in ((p.ink, thick), (p.accent, thick * 0.5)):
            canvas.path(d, "none", f' stroke="{colour}" stroke-width="{width:.1f}" stroke-linecap="round"')


def steps(canvas: Canvas, variant: Variant, brand: Brand) -> None:
    """Columns that rise: one step up."""
    p, area = canvas.panel_palette, canvas.panel
    fills = [p.near, p.far, p.near, p.far, p.ink, p.accent]
    if canvas.is_columns:
        fills = fills[2:]
    elif not canvas.wide:
        fills = fills[1:]
    column = area.w / len(fills)
    half = column / 2
    with canvas.window(area):
        for i, fill in enumerate(fills):
            rise = area.h * (0.24 + 0.62 * (i / (len(fills) - 1)) ** 1.15)
            arch = f"v{-rise + half:.1f}a{half:.1f} {half:.1f} 0 0 1 {column:.1f} 0"
            canvas.path(f"M{i * column:.1f} {area.h:.1f}{arch}V{area.h:.1f}z", fill)


def fill_foot(canvas: Canvas) -> None:
    """Shapes at the foot of a story, where the platform's own controls leave no room for words."""
    p = canvas.palette if canvas.position == "bottom" else canvas.panel_palette
    start = canvas.safe.bottom + 0.05 * canvas.h
    area = Rect(0, start, canvas.w, canvas.h - start)
    if digest(canvas.seed, "foot") < 0.5:
        draw_tiles(canvas, area, 2, p)
    else:
        x = 0.5 if canvas.align else 0.72
        draw_arcs(canvas, area, p, x * area.w, area.h, 0.98 * area.h)


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
