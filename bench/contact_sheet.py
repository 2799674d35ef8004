"""Draws docs/contact-sheet.png: one row per layout, in every canvas size. `python -m bench.contact_sheet`."""

import io
from datetime import date

from PIL import Image

from manimod.creatives.engine import samples
from manimod.creatives.engine.copy import angles
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.policy.platforms import MASTERS

HEIGHT, GAP = 340, 14


def draw_row(number, layout, items):
    """A variant of an objective that suits the layout; the wide canvas has little text, as Google's display ads do."""
    suitable = [item for item in items if layout in angles.layouts(item.creative_set.objective)]
    pairs = [(variant, item.brand) for item in suitable for variant in item.creative_set.variants]
    variant, brand = pairs[number * 4 % len(pairs)]
    for size in MASTERS:
        png = picture.rasterise(picture.draw(variant, brand, size, size == "1200x628", layout))
        with Image.open(io.BytesIO(png)) as full:
            width = full.width * HEIGHT // full.height
            yield full.convert("RGB").resize((width, HEIGHT), Image.Resampling.LANCZOS)


def main():
    items = list(samples.sample_sets(date.today()))
    rows = [list(draw_row(number, layout, items)) for number, layout in enumerate(picture.LAYOUTS)]
    width = max(sum(thumbnail.width + GAP for thumbnail in row) for row in rows) + GAP
    sheet = Image.new("RGB", (width, len(rows) * (HEIGHT + GAP) + GAP), "#dfe1e6")
    for number, row in enumerate(rows):
        x = GAP
        for thumbnail in row:
            sheet.paste(thumbnail, (x, GAP + number * (HEIGHT + GAP)))
            x += thumbnail.width + GAP
    sheet.quantize(256, dither=Image.Dither.NONE).save("docs/contact-sheet.png", optimize=True)


if __name__ == "__main__":
    main()
