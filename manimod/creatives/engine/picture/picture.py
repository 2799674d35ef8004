"""variant -> picture: an SVG master with outlined text, and PNG from it on demand."""

import io
import re
from functools import lru_cache

import resvg_py
from PIL import Image

from manimod.creatives.engine.picture import colour
from manimod.creatives.engine.picture.canvas import Canvas
from manimod.creatives.engine.picture.layouts import LAYOUTS
from manimod.creatives.engine.picture.text_layout import (
    PictureRefused,  # noqa: F401
    missing_glyphs,  # noqa: F401
    refuse_missing,
)
from manimod.creatives.engine.policy.platforms import CANVASES, weight_limit

__all__ = ["LAYOUTS", "PictureRefused", "draw", "lay_out", "missing_glyphs", "png", "rasterise", "title"]

LONGEST_BODY = 105  # characters of the body that a picture carries; whole sentences only


def lay_out(variant, brand, canvas, little_text=False, layout=None):
    """The drawn easel of a variant: its `boxes` and `text_share` are what the picture rules look at."""
    layout = LAYOUTS[layout or variant.layout]
    master = CANVASES[canvas].master or canvas
    label = variant.label if variant.label.casefold() not in variant.headline.casefold() else ""
    refuse_missing(f"{brand.name} {variant.label} {variant.headline} {'' if little_text else variant.body}")
    ground = layout.grounds[_turn(variant) % len(layout.grounds)]
    palette = colour.palette(brand.primary, brand.accent, ground)
    easel = Canvas(master, palette, f"{variant.angle}{variant.label}{brand.name}", little_text)
    layout.draw(easel, brand, variant.label)
    easel.stack(brand, "" if little_text else label, variant.headline, "" if little_text else opening(variant.body))
    return easel


def draw(variant, brand, canvas, little_text=False, layout=None):
    """The SVG master of a variant's picture. Raises PictureRefused with a plain sentence where it cannot be drawn."""
    easel = lay_out(variant, brand, canvas, little_text, layout)
    svg, size = easel.svg(title(variant, brand)), CANVASES[canvas]
    if size.master:
        return svg.replace(
            f'width="{easel.w}" height="{easel.h}" role', f'width="{size.width}" height="{size.height}" role', 1
        )
    return svg


def _turn(variant):
    return int(variant.angle[1:]) if variant.angle[1:].isdigit() else 0


def title(variant, brand):
    return f"{brand.name}: {variant.headline}"


def opening(body):
    """The body's first sentences, as many as a picture should carry; at least one."""
    sentences = re.split(r"(?<=[.!?]) ", body)
    text = sentences[0]
    for sentence in sentences[1:]:
        if len(text) + len(sentence) + 1 > LONGEST_BODY:
            break
        text = f"{text} {sentence}"
    return text


@lru_cache(maxsize=64)
def rasterise(svg, width=None):
    """PNG bytes of an SVG that `draw` made; never hand it a foreign SVG: resvg would read files that it names.

    The last ones are kept, about 8 MB of them: the SVG itself is the key, so none is ever out of date. Another process
    draws its own, a fifth of a second each; browsers keep what they were sent, by the version in its address.
    """
    if "<image" in svg and not re.search(r'href="data:image/png;base64,', svg):
        raise ValueError("only pictures drawn by the studio are rasterised")
    return bytes(resvg_py.svg_to_bytes(svg_string=svg, width=width, skip_system_fonts=True))


def png(svg, canvas):
    """PNG bytes in the canvas's size, no heavier than the placements that show it allow."""
    return lighten(rasterise(svg, CANVASES[canvas].width), weight_limit(canvas))


def lighten(png, limit):
    """The PNG with fewer colours, as long as it weighs more than `limit` bytes."""
    for colours in (256, 96, 32):
        if len(png) <= limit:
            break
        out = io.BytesIO()
        with Image.open(io.BytesIO(png)) as full:
            full.convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
        png = out.getvalue()
    return png
