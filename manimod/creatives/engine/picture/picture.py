"""variant -> picture: an SVG master with outlined text, and PNG from it on demand."""

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache

import resvg_py
from PIL import Image, ImageOps

from manimod.creatives.engine.brief import Brand, Variant
from manimod.creatives.engine.picture import colour, compositions
from manimod.creatives.engine.picture.canvas import Canvas, Line, Rect
from manimod.creatives.engine.picture.layouts import LAYOUTS, Layout, aspect, fill_foot
from manimod.creatives.engine.picture.logo import Lockup, Logo, draw_monogram
from manimod.creatives.engine.picture.text_layout import STRONG, TEXT, PictureRefused, missing_glyphs
from manimod.creatives.engine.policy.platforms import CANVASES, LITTLE_TEXT_SHARE, PLACEMENTS

MAX_BODY = 105  # characters of the body that a picture carries, whole sentences only and at least one


def lay_out(
    variant: Variant, brand: Brand, size: str, little_text: bool = False, composition: str | None = None
) -> Canvas:
    """The drawn canvas: its `boxes` and `text_share` are what the picture rules look at. Raises PictureRefused."""
    shown = variant.picture
    texts = [brand.name, variant.label, variant.headline, variant.body, *shown.facts, shown.figure, shown.unit]
    for name, facts in shown.columns:
        texts += [name, *facts]
    missing = missing_glyphs(" ".join(texts))
    if missing:
        raise PictureRefused(
            f"The picture's fonts have no sign for “{missing[:12]}”. Use Latin, Greek, Cyrillic, Chinese, Japanese or "
            "Korean characters in the texts that are drawn, and no emoji."
        )
    seed = f"{variant.angle}{variant.label}{brand.name}"
    has_product_picture = bool(brand.product_picture)
    chosen = compositions.parse(composition or variant.layout)
    fitting = compositions.fitting_layouts(shown, has_product_picture)
    if chosen is None or not (composition or chosen.layout in fitting):  # stored sets have older ones
        chosen = compositions.parse(compositions.choose(shown, has_product_picture, seed))
    statement = chosen._replace(layout="statement", position="top")  # which has the most room for words
    refusal = None
    for composed, share in ((chosen, 1.0), (chosen, 0.85), (chosen, 0.7), (statement, 1.0)):
        try:
            return _compose(variant, brand, size, little_text, composed, share, seed)
        except PictureRefused as error:
            refusal = refusal or error
    raise refusal


def _compose(
    variant: Variant, brand: Brand, size: str, little: bool, chosen: compositions.Composition, share: float, seed: str
) -> Canvas:
    """Draws with a panel of a `share` of its own size, in ever smaller type where it must have little text."""
    palette, panel = colour.palettes(brand.primary, brand.accent, chosen.background)
    layout, scale = LAYOUTS[chosen.layout], 1.0
    beside, below = layout.beside * share, layout.below * share
    if little:
        beside, below = beside + layout.more_if_little, below + layout.more_if_little
    while True:
        canvas = Canvas(CANVASES[size].master or size, palette, panel, chosen.position, seed, little, scale)
        if layout.is_product and not canvas.tall and (canvas.wide or aspect(brand.product_picture) < 0.9):
            canvas.position = "right" if canvas.position == "bottom" else "left"
        canvas.divide(beside, below)
        canvas.rect(canvas.panel, panel.background)
        layout.draw(canvas, variant, brand)
        if canvas.tall and (chosen.layout not in compositions.QUIET_LAYOUTS or canvas.position == "bottom"):
            fill_foot(canvas)  # which quiet shapes have reached already
        room = _sign(canvas, brand)
        _place_words(canvas, variant, layout, room)
        if not little or canvas.text_share <= LITTLE_TEXT_SHARE - 0.005:
            return canvas
        scale *= 0.94


def _sign(canvas: Canvas, brand: Brand) -> Rect:
    """Draws the brand's signature. Returns the room that is left for words."""
    area, unit = canvas.text, canvas.unit
    height = 7.0 if canvas.wide else 7.4
    max_width = 0.3 * area.w if canvas.is_signed_beside else area.w
    lockup = Lockup(brand, height * unit, max_width, canvas.palette)
    x, y = area.x + canvas.align * (area.w - lockup.width), area.y
    if canvas.is_signed_last:
        x, y = area.right - lockup.width, area.bottom - lockup.height
    elif canvas.is_signed_beside:
        x = area.right - lockup.width
    lockup.draw(canvas, x, y)
    if canvas.is_signed_beside:
        return Rect(area.x, area.y, area.w - lockup.width - 4 * unit, area.h)
    gap = 2.4 if canvas.tall else 3.2
    taken = lockup.height + gap * unit
    top = area.y if canvas.is_signed_last else area.y + taken
    return Rect(area.x, top, area.w, area.h - taken)


def _place_words(canvas: Canvas, variant: Variant, layout: Layout, room: Rect) -> None:
    """Label, headline and what belongs to it; sizes follow the room there is."""
    unit, p = canvas.unit, canvas.palette
    largest = 9 if canvas.wide else 11
    if layout.beside < 0.3:
        largest = 16
    lines = []
    for above, below in _companions(canvas, variant, layout, room):  # the most of them that leaves the headline large
        height = room.h - sum(line.block.height + line.above for line in (*above, *below))
        try:
            headline = canvas.fit_headline(variant.headline, room.w, height, largest)
        except PictureRefused:
            if not above and not below:
                raise
            continue
        lines = [*above, Line("headline", headline, p.ink, 1.4 * unit), *below]
        if headline.size >= 0.55 * largest * unit * canvas.scale:
            break
    anchor = 0.4
    if canvas.is_signed_beside and not canvas.is_signed_last:
        anchor = 1.0
    elif canvas.is_columns or canvas.align:
        anchor = 0.5
    canvas.stack(lines, room, p.background, canvas.align, anchor)


def _companions(
    canvas: Canvas, variant: Variant, layout: Layout, room: Rect
) -> Iterator[tuple[list[Line], list[Line]]]:
    """What may stand above and below the headline, from all there is to nothing: the label; two facts, or as many of
    the body's first sentences as can be read."""
    label, below = [], []
    if not canvas.little:
        p, unit = canvas.palette, canvas.unit
        if layout.with_label and variant.label.casefold() not in variant.headline.casefold():
            block = canvas.fit(variant.label, STRONG, room.w, room.h * 0.2, 3.2, 1.2)
            label.append(Line("label", block, p.mark, 1.4 * unit))
        kind, texts, face, leading = "body", [], TEXT, 1.36
        if layout.is_product and variant.picture.facts:
            kind, texts, face, leading = "fact", variant.picture.facts[:2], STRONG, 1.1
        elif layout.with_body:
            texts = [_first_sentences(variant.body)]
        above = 2.8 * unit
        with suppress(PictureRefused):  # the ad's own text says it
            for text in texts:
                block = canvas.fit(text, face, 0.94 * room.w, room.h * 0.42, 3.9, canvas.smallest, leading)
                below.append(Line(kind, block, p.soft, above))
                above = 1.2 * unit
    yield label, below
    yield [], below
    yield [], below[:1]
    yield [], []


def _first_sentences(body: str) -> str:
    """At least one, and more as far as a picture can carry them."""
    text, *others = re.split(r"(?<=[.!?]) ", body)
    for sentence in others:
        if len(text) + 1 + len(sentence) > MAX_BODY:
            break
        text = f"{text} {sentence}"
    return text


def draw(variant: Variant, brand: Brand, size: str, little_text: bool = False, composition: str | None = None) -> str:
    """The SVG master of a variant's picture. Raises PictureRefused with a plain sentence where it cannot be drawn."""
    return lay_out(variant, brand, size, little_text, composition).svg(f"{brand.name}: {variant.headline}", size)


@lru_cache(maxsize=64)
def rasterise(svg: str, width: int | None = None) -> bytes:
    """PNG bytes of an SVG that `draw` made, the latest of them kept (about 8 MB). Never hand it a foreign SVG: resvg
    would read files that it names."""
    if re.search(r'href="(?!data:image/(png|jpeg);base64,)', svg):
        raise ValueError("only pictures drawn by this engine are rasterised")
    data = bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width, skip_system_fonts=True))
    return _encode(data)


def _encode(data: bytes, colours: int | None = None) -> bytes:
    """The PNG without an alpha channel, which platforms warn of; with fewer colours where asked for."""
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as image:
        opaque = image.convert("RGB")
    if colours:
        opaque = opaque.quantize(colours, dither=Image.Dither.NONE)
    opaque.save(out, "PNG", optimize=bool(colours))
    return out.getvalue()


def png(svg: str, size: str, limit: int | None = None) -> bytes:
    """PNG bytes in the canvas's size, with fewer colours if it weighs more than `limit`, or than a placement allows."""
    limit = limit or min(placement.weight_limit for placement in PLACEMENTS.values() if size in placement.canvases)
    data = rasterise(svg, CANVASES[size].width)
    return data if len(data) <= limit else _encode(data, 256)


def logo_png(brand: Brand, width: int, height: int) -> bytes:
    """PNG bytes of the logo alone, on a colour on which it is seen; without a logo, of the brand's monogram."""
    palette, _ = colour.palettes(brand.primary, brand.accent, "paper")
    logo, background = brand.logo and Logo.of(brand.logo), palette.accent
    if logo:
        mark, background = logo.png, logo.backing(colour.WHITE) or colour.WHITE
    else:
        canvas = Canvas("1080x1080", palette, palette, "top", brand.name)
        draw_monogram(canvas, Rect(0, 0, canvas.w, canvas.h), brand.name, palette)
        mark = rasterise(canvas.svg(brand.name), height)
    drawn = Image.new("RGB", (width, height), background)
    with Image.open(io.BytesIO(mark)) as opened:
        shown = ImageOps.contain(opened.convert("RGBA"), (int(0.84 * width), int(0.84 * height)))
    drawn.paste(shown, ((width - shown.width) // 2, (height - shown.height) // 2), shown)
    out = io.BytesIO()
    drawn.save(out, "PNG")
    return out.getvalue()
