"""variant -> picture: an SVG master with outlined text, and PNG from it on demand."""

import io
import re
from collections.abc import Iterator
from functools import lru_cache

import resvg_py
from PIL import Image

from manimod.creatives.engine.brief import Brand, Variant
from manimod.creatives.engine.picture import colour, compositions
from manimod.creatives.engine.picture.canvas import Canvas, Line, Rect
from manimod.creatives.engine.picture.layouts import ART, LAYOUTS, Layout, embed, fill_foot
from manimod.creatives.engine.picture.logo import Lockup
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
    fitting = compositions.fitting_layouts(shown, bool(brand.product_picture))
    chosen = compositions.parse(composition or variant.layout)
    if chosen is None or not (composition or chosen.layout in fitting):  # stored sets have older ones
        seed = f"{variant.angle}{variant.label}{brand.name}"
        chosen = compositions.parse(compositions.choose(shown, bool(brand.product_picture), seed))
    statement = chosen._replace(layout="statement", position="top")  # which has the most room for words
    refusal = None
    for composed, share in ((chosen, 1.0), (chosen, 0.85), (chosen, 0.7), (statement, 1.0)):
        try:
            return _compose(variant, brand, size, little_text, composed, share)
        except PictureRefused as error:
            refusal = refusal or error
    raise refusal


def _compose(
    variant: Variant, brand: Brand, size: str, little: bool, chosen: compositions.Composition, share: float
) -> Canvas:
    """Draws with a panel of a `share` of its own size, in ever smaller type where it must have little text."""
    palette, panel = colour.palettes(brand.primary, brand.accent, chosen.background)
    seed = f"{variant.angle}{variant.label}{brand.name}"
    layout, scale = LAYOUTS[chosen.layout], 1.0
    more = layout.more_if_little if little else 0.0
    while True:
        canvas = Canvas(CANVASES[size].master or size, palette, panel, chosen.position, seed, little, scale)
        if layout.is_product and not canvas.tall and (canvas.wide or embed(brand.product_picture).aspect < 0.9):
            canvas.stand_beside()
        canvas.divide(layout.beside * share + more, layout.below * share + more)
        canvas.rect(canvas.panel, panel.background)
        layout.draw(canvas, variant, brand)
        if canvas.tall and (layout.draw not in ART or canvas.position == "bottom"):
            fill_foot(canvas)
        _place_words(canvas, variant, brand, layout)
        if not little or canvas.text_share <= LITTLE_TEXT_SHARE - 0.005:
            return canvas
        scale *= 0.94


def _place_words(canvas: Canvas, variant: Variant, brand: Brand, layout: Layout) -> None:
    """Signature, label, headline and what belongs to it, in `text`; sizes follow the room there is."""
    area, unit, p = canvas.text, canvas.unit, canvas.palette
    is_last = canvas.position in ("right", "bottom")  # the signature then stands at the bottom right
    is_beside = canvas.wide and not canvas.is_columns and canvas.position != "centred"
    height = (7.0 if canvas.wide else 7.4) * unit
    lockup = Lockup(brand, height, area.w * (0.3 if is_beside else 1), p)
    x = area.x + canvas.align * (area.w - lockup.width)
    if is_last or is_beside:
        x = area.right - lockup.width
    if is_beside:
        area = Rect(area.x, area.y, area.w - lockup.width - 4 * unit, area.h)
    lockup.draw(canvas, x, area.bottom - lockup.height if is_last else area.y)
    if not is_beside:
        taken = lockup.height + (2.4 if canvas.tall else 3.2) * unit
        area = Rect(area.x, area.y + (0 if is_last else taken), area.w, area.h - taken)
    largest = 16 if layout.beside < 0.3 else 9 if canvas.wide else 11
    lines = []
    for above, below in _companions(canvas, variant, layout, area):  # the most of them that leaves the headline large
        room = area.h - sum(line.block.height + line.above for line in (*above, *below))
        try:
            headline = canvas.fit_headline(variant.headline, area.w, room, largest)
        except PictureRefused:
            if not above and not below:
                raise
            continue
        lines = [*above, Line("headline", headline, p.ink, 1.4 * unit), *below]
        if headline.size >= 0.55 * largest * unit * canvas.scale:
            break
    anchor = 1.0 if is_beside and not is_last else 0.5 if canvas.is_columns or canvas.align else 0.4
    canvas.stack(lines, area, p.background, canvas.align, anchor)


def _companions(
    canvas: Canvas, variant: Variant, layout: Layout, area: Rect
) -> Iterator[tuple[list[Line], list[Line]]]:
    """What may stand above and below the headline, from all there is to nothing: the label; two facts, or as many of
    the body's first sentences as can be read."""
    p, unit, label, below = canvas.palette, canvas.unit, [], []
    if layout.with_label and not canvas.little and variant.label.casefold() not in variant.headline.casefold():
        block = canvas.fit(variant.label, STRONG, area.w, area.h * 0.2, 3.2, 1.2)
        label.append(Line("label", block, p.mark, 1.4 * unit))
    body, *others = re.split(r"(?<=[.!?]) ", variant.body)
    while others and len(body) + 1 + len(others[0]) <= MAX_BODY:
        body = f"{body} {others.pop(0)}"
    facts = variant.picture.facts[:2] if layout.is_product else ()
    texts = [(fact, STRONG, 1.1) for fact in facts] or [(body, TEXT, 1.36)] * layout.with_body
    for number, (text, face, leading) in enumerate([] if canvas.little else texts):
        try:
            block = canvas.fit(text, face, 0.94 * area.w, area.h * 0.42, 3.9, canvas.smallest, leading)
        except PictureRefused:
            break  # the ad's own text says it
        below.append(Line("fact" if facts else "body", block, p.soft, (1.2 if number else 2.8) * unit))
    yield label, below
    yield [], below
    yield [], below[:1]
    yield [], []


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
