"""Sample sets of every event, for reading, for a preview before Stripe is connected, and for the contact sheet."""

import io
from collections.abc import Iterator, Sequence
from datetime import date

from PIL import Image

from manimod.creatives.engine.brief import Brand, Brief, ExportItem, Offer, OfferKind, Tone, Variant
from manimod.creatives.engine.copy import angles
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.picture.layouts import LAYOUTS
from manimod.creatives.engine.policy.platforms import MASTERS
from manimod.lifecycle import KINDS

BRANDS = (
    Brand(name="Northwind", landing_page="https://northwind.example/"),
    Brand(
        name="Lumen Studio",
        primary="#0f5c4d",
        accent="#ff7a59",
        tone=Tone.EXPERT,
        landing_page="https://lumen.example/",
    ),
    Brand(
        name="Paper Crane",
        primary="#f2c230",
        accent="#d8345f",
        tone=Tone.PLAIN,
        landing_page="https://crane.example/",
    ),
)
OFFERS = (
    Offer(text="Pause for up to three months", kind=OfferKind.PAUSE),
    Offer(text="Two weeks to try it", kind=OfferKind.TRIAL),
)
RELEASE_NOTES = ("Shared calendars", "Faster search")
# event, segment, tier, its position
AUDIENCES = [(event, *sample) for event, kind in KINDS.items() for sample in kind.samples]


def sample_sets(today: date, brands: Sequence[Brand] = BRANDS) -> Iterator[ExportItem]:
    """A set of every sample audience; an account passes its own brand. Every other one has something stored."""
    for i, (event, segment, tier, position) in enumerate(AUDIENCES):
        brand = brands[i % len(brands)]
        stored = {"offers": OFFERS, "release_notes": RELEASE_NOTES} if i % 2 else {}
        brief = Brief(
            event=event, segment=segment, tier=tier, tier_position=position, brand=brand, today=today, **stored
        )
        yield ExportItem(f"{event}-{segment}-{tier}", write(brief), brand)


def contact_sheet(items: Sequence[ExportItem], height: int = 340, gap: int = 14) -> bytes:
    """PNG bytes: one row per layout, in all canvas sizes, each drawn with a variant of an objective that suits it."""
    rows = []
    for number, name in enumerate(LAYOUTS):
        pairs = []
        for item in items:
            if name in angles.layouts(item.creative_set.objective):
                pairs += [(variant, item.brand) for variant in item.creative_set.variants]
        variant, brand = pairs[number * 4 % len(pairs)]
        rows.append([_thumbnail(variant, brand, size, name, height) for size in MASTERS])
    width = max(sum(thumbnail.width + gap for thumbnail in row) for row in rows) + gap
    sheet = Image.new("RGB", (width, len(rows) * (height + gap) + gap), "#dfe1e6")
    y = gap
    for row in rows:
        x = gap
        for thumbnail in row:
            sheet.paste(thumbnail, (x, y))
            x += thumbnail.width + gap
        y += height + gap
    out = io.BytesIO()
    sheet.quantize(256, dither=Image.Dither.NONE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _thumbnail(variant: Variant, brand: Brand, size: str, layout: str, height: int) -> Image.Image:
    """A picture at the sheet's height; the wide one with little text, as Google's display ads want it."""
    png = picture.rasterise(picture.draw(variant, brand, size, size == "1200x628", layout))
    with Image.open(io.BytesIO(png)) as full:
        return full.convert("RGB").resize((full.width * height // full.height, height), Image.Resampling.LANCZOS)
