"""Sample sets of every event, for reading, for a preview before Stripe is connected, and for the contact sheet."""

import io

from PIL import Image

from manimod.creatives.engine.brief import Brand, Brief, ExportItem, Offer
from manimod.creatives.engine.copy import angles
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.picture.layouts import LAYOUTS
from manimod.creatives.engine.policy.platforms import MASTERS
from manimod.lifecycle import KINDS

BRANDS = (
    Brand(name="Northwind", primary="#2b45c9", accent="#ffb84d", landing_page="https://northwind.example/"),
    Brand(
        name="Lumen Studio", primary="#0f5c4d", accent="#ff7a59", tone="expert", landing_page="https://lumen.example/"
    ),
    Brand(name="Paper Crane", primary="#f2c230", accent="#d8345f", tone="plain", landing_page="https://crane.example/"),
)
OFFERS = (Offer(text="Pause for up to three months", kind="pause"), Offer(text="Two weeks to try it", kind="trial"))
RELEASE_NOTES = ("Shared calendars", "Faster search")
# event, segment, tier, its position
AUDIENCES = [(event, *sample) for event, kind in KINDS.items() for sample in kind.samples]


def sample_sets(today, brands=BRANDS):
    """(name, creative set, brand) of every sample audience; an account passes its own brand."""
    for i, (event, segment, tier, position) in enumerate(AUDIENCES):
        brand = brands[i % len(brands)]
        stored = {"offers": OFFERS, "release_notes": RELEASE_NOTES} if i % 2 else {}
        brief = Brief(
            event=event, segment=segment, tier=tier, tier_position=position, brand=brand, today=today, **stored
        )
        yield ExportItem(f"{event}-{segment}-{tier}", write(brief), brand)


def contact_sheet(items, height=340, gap=14):
    """PNG bytes: every layout, a row each in all canvases, drawn with variants of the items that suit it."""
    rows = []
    for turn, name in enumerate(LAYOUTS):
        variant, brand = _example(items, name, turn)
        rows.append([_thumbnail(variant, brand, canvas, name, height) for canvas in MASTERS])
    width = max(sum(p.width + gap for p in row) for row in rows) + gap
    sheet = Image.new("RGB", (width, len(rows) * (height + gap) + gap), "#dfe1e6")
    for j, row in enumerate(rows):
        x = gap
        for thumbnail in row:
            sheet.paste(thumbnail, (x, gap + j * (height + gap)))
            x += thumbnail.width + gap
    out = io.BytesIO()
    sheet.quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _example(items, layout, turn):
    """A variant of an objective that the layout suits, and its brand."""
    suiting = [item for item in items if layout in angles.LAYOUTS[item.creative_set.objective]]
    pairs = [(variant, item.brand) for item in suiting for variant in item.creative_set.variants]
    return pairs[turn * 4 % len(pairs)]


def _thumbnail(variant, brand, canvas, layout, height):
    """A picture at the sheet's height; the wide one as Google's display ads want it, with little text."""
    png = picture.rasterise(picture.draw(variant, brand, canvas, canvas == "1200x628", layout))
    with Image.open(io.BytesIO(png)) as full:
        return full.convert("RGB").resize((full.width * height // full.height, height), Image.Resampling.LANCZOS)
