"""Export items of every kind, and the files of an export of them."""

import io
from dataclasses import replace
from datetime import date

from PIL import Image

from manimod.creatives.engine.ad_names import AdNames
from manimod.creatives.engine.brief import Brand, CreativeSet, ExportItem
from manimod.creatives.engine.sheets import archive
from manimod.creatives.engine.sheets.ad_accounts import AdAccounts
from manimod.lifecycle import KINDS
from tests.creatives.sheets import validator
from tests.engine.samples import PLAIN, TODAY, cells

SAVED = {
    "page_id": "102030405060",
    "instagram_account": "17841400000000000",
    "countries": ["US", "DE"],
    "languages": ["en", "de"],
    "daily_budget": 15,
    "payer": "Northwind Ltd",
}
ACCOUNTS = AdAccounts.from_json(SAVED)
START, END = date(2026, 11, 23), date(2027, 1, 31)


def make_item(made: CreativeSet, creative_id: int = 41, brand: Brand = PLAIN, **names: object) -> ExportItem:
    own = {"event": made.event, "tier": made.tier, "segments": made.segments or (made.segment,), "round": 0}
    called = AdNames(**own | {"creative_id": creative_id, "start": START, "end": END} | names)
    return ExportItem(called, made, tuple(range(len(made.variants))), brand)


def items_of_every_kind() -> list[ExportItem]:
    """43 sets: each event, segment, place on the price list and brand, with and without offers for later."""
    found = []
    for number, (asked, made) in enumerate(cells()[::3]):
        first_day = KINDS[made.event].runs[0]
        start = date.fromordinal(TODAY.toordinal() + first_day)
        found.append(make_item(made, number + 1, asked.brand, start=start, round=number % 3))
    return found


def export_files(items: list[ExportItem], accounts: AdAccounts = ACCOUNTS, today: date = TODAY) -> dict[str, bytes]:
    """The files of an export; its pictures are blank, which is quick."""
    sheets = archive.Sheets(accounts, today)
    files: dict[str, bytes] = {}
    for item in items:
        sheets.add(item)
        for picture in archive.picture_files(item):
            files[picture.name] = blank(picture.canvas)
    packed = b"".join(archive.zip_files(sheets.files(len(files), [], {})))
    return files | validator.unzip(packed)


def blank(canvas: str) -> bytes:
    width, height = map(int, canvas.split("x"))
    out = io.BytesIO()
    Image.new("L", (width, height)).save(out, "PNG")
    return out.getvalue()


def with_line(item: ExportItem, placement: str, field: str, *lines: str) -> ExportItem:
    """The item whose first variant has other lines in a field."""
    first, *others = item.creative_set.variants
    copy = first.platforms[placement]
    copy = replace(copy, fields=copy.fields | {field: lines})
    first = replace(first, platforms=first.platforms | {placement: copy})
    return item._replace(creative_set=replace(item.creative_set, variants=(first, *others)))
