"""variant -> picture: an SVG master with outlined text, and PNG from it on demand."""

import io
import re
from functools import lru_cache

import resvg_py
from PIL import Image

from manimod.creatives.engine.brief import Brand, Variant
from manimod.creatives.engine.picture import colour
from manimod.creatives.engine.picture.canvas import Canvas
from manimod.creatives.engine.picture.layouts import LAYOUTS
from manimod.creatives.engine.picture.text_layout import PictureRefused, missing_glyphs
from manimod.creatives.engine.policy.platforms import CANVASES, PLACEMENTS

MAX_BODY = 105  # characters of the body that a picture carries, whole sentences only and at least one


def lay_out(variant: Variant, brand: Brand, size: str, little_text: bool = False, layout: str | None = None) -> Canvas:
    """The drawn canvas: its `boxes` and `text_share` are what the picture rules look at. Raises PictureRefused."""
    label, body = variant.label, ""
    if little_text or label.casefold() in variant.headline.casefold():
        label = ""
    if not little_text:
        body, *others = re.split(r"(?<=[.!?]) ", variant.body)
        while others and len(body) + 1 + len(others[0]) <= MAX_BODY:
            body = f"{body} {others.pop(0)}"
    missing = missing_glyphs(f"{brand.name} {variant.label} {variant.headline} {body}")
    if missing:
        raise PictureRefused(
            f"The picture's font has no sign for “{missing[:12]}”. Use Latin, Greek or Cyrillic letters in the texts "
            "that are drawn, and no emoji."
        )
    draw_shapes, backgrounds = LAYOUTS.get(layout or variant.layout, LAYOUTS["tiles"])  # stored sets have older ones
    background = backgrounds[int(variant.angle[1:]) % len(backgrounds)]
    palette = colour.palette(brand.primary, brand.accent, background)
    seed = f"{variant.angle}{variant.label}{brand.name}"
    canvas = Canvas(CANVASES[size].master or size, palette, seed, little_text)
    draw_shapes(canvas, brand, variant.label)
    canvas.place_texts(brand, label, variant.headline, body)
    return canvas


def draw(variant: Variant, brand: Brand, size: str, little_text: bool = False, layout: str | None = None) -> str:
    """The SVG master of a variant's picture. Raises PictureRefused with a plain sentence where it cannot be drawn."""
    return lay_out(variant, brand, size, little_text, layout).svg(f"{brand.name}: {variant.headline}", size)


@lru_cache(maxsize=64)
def rasterise(svg: str, width: int | None = None) -> bytes:
    """PNG bytes of an SVG that `draw` made, the latest of them kept (about 8 MB). Never hand it a foreign SVG: resvg
    would read files that it names."""
    if "<image" in svg and not re.search(r'href="data:image/png;base64,', svg):
        raise ValueError("only pictures drawn by this engine are rasterised")
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width, skip_system_fonts=True))


def png(svg: str, size: str, limit: int | None = None) -> bytes:
    """PNG bytes in the canvas's size, with fewer colours if it weighs more than `limit`, or than a placement allows."""
    limit = limit or min(placement.weight_limit for placement in PLACEMENTS.values() if size in placement.canvases)
    data = rasterise(svg, CANVASES[size].width)
    if len(data) <= limit:
        return data
    out = io.BytesIO()
    with Image.open(io.BytesIO(data)) as full:
        full.convert("RGB").quantize(dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()
