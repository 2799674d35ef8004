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
from manimod.creatives.engine.picture.text_layout import refuse_missing
from manimod.creatives.engine.policy.platforms import CANVASES, weight_limit

MAX_BODY = 105  # characters of the body that a picture carries; whole sentences only


def lay_out(variant: Variant, brand: Brand, size: str, little_text: bool = False, layout: str | None = None) -> Canvas:
    """The drawn canvas of a variant: its `boxes` and `text_share` are what the picture rules look at."""
    chosen = LAYOUTS[layout or variant.layout]
    label = "" if little_text or variant.label.casefold() in variant.headline.casefold() else variant.label
    body = "" if little_text else variant.body
    refuse_missing(f"{brand.name} {variant.label} {variant.headline} {body}")
    number = int(variant.angle[1:]) if variant.angle[1:].isdigit() else 0
    background = chosen.backgrounds[number % len(chosen.backgrounds)]
    palette = colour.palette(brand.primary, brand.accent, background)
    seed = f"{variant.angle}{variant.label}{brand.name}"
    canvas = Canvas(CANVASES[size].master or size, palette, seed, little_text)
    chosen.draw(canvas, brand, variant.label)
    canvas.place_texts(brand, label, variant.headline, opening(body))
    return canvas


def draw(variant: Variant, brand: Brand, size: str, little_text: bool = False, layout: str | None = None) -> str:
    """The SVG master of a variant's picture. Raises PictureRefused with a plain sentence where it cannot be drawn."""
    canvas = lay_out(variant, brand, size, little_text, layout)
    svg = canvas.svg(f"{brand.name}: {variant.headline}")
    if CANVASES[size].master:
        drawn, wanted = f'width="{canvas.w}" height="{canvas.h}" role', CANVASES[size]
        return svg.replace(drawn, f'width="{wanted.width}" height="{wanted.height}" role', 1)
    return svg


def opening(body: str) -> str:
    """The body's first sentences, as many as a picture should carry; at least one."""
    text, *others = re.split(r"(?<=[.!?]) ", body)
    for sentence in others:
        if len(text) + len(sentence) + 1 > MAX_BODY:
            break
        text = f"{text} {sentence}"
    return text


@lru_cache(maxsize=64)
def rasterise(svg: str, width: int | None = None) -> bytes:
    """PNG bytes of an SVG that `draw` made; never hand it a foreign SVG: resvg would read files that it names.

    The latest are kept, about 8 MB of them: the SVG itself is the key, so none is ever out of date. Another process
    draws its own, a fifth of a second each; browsers keep what they were sent, by the version in its address.
    """
    if "<image" in svg and not re.search(r'href="data:image/png;base64,', svg):
        raise ValueError("only pictures drawn by this engine are rasterised")
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width, skip_system_fonts=True))


def png(svg: str, size: str) -> bytes:
    """PNG bytes in the canvas's size, no heavier than the placements that show it allow."""
    return lighten(rasterise(svg, CANVASES[size].width), weight_limit(size))


def lighten(png: bytes, limit: int) -> bytes:
    """The PNG with fewer colours, as long as it weighs more than `limit` bytes."""
    for colours in (256, 96, 32):
        if len(png) <= limit:
            break
        out = io.BytesIO()
        with Image.open(io.BytesIO(png)) as full:
            full.convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        png = out.getvalue()
    return png
