"""Approved creatives -> the files that a marketing team uploads: CSV sheets, pictures and a README in a streamed ZIP.

Every row is PAUSED: a person switches it on. Columns were checked against the published ones; no platform has promised
to accept them.
"""

import csv
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from manimod.creatives.engine.brief import ExportItem, PlatformCopy, Variant
from manimod.creatives.engine.copy.plan_names import slug
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.picture.text_layout import PictureRefused
from manimod.creatives.engine.policy.platforms import CANVASES, CHECKED, COLUMNS, PLACEMENTS

Row = dict[str, object]  # column -> value

PLAIN_COLUMNS = ["Platform", "Campaign", "Ad", "Status", "Field", "Line", "Text", "Call to action", "Link", "Pictures"]
META_CANVASES = {"meta_feed": "1440x1440", "meta_story": "1080x1920"}
GOOGLE_AD_TYPES = {"google_search": "Responsive search ad", "google_display": "Responsive display ad"}
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
MAX_SHEET_IN_MEMORY = 1_000_000  # bytes; a larger sheet moves to disk
CHUNK_SIZE = 65536
README = Path(__file__).with_name("readme.txt").read_text("utf-8")


def defuse_formula(value: object) -> str:
    """A cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_SIGNS) else text


def campaign(item: ExportItem) -> str:
    content = item.creative_set
    return f"mani {content.objective} - {content.tier or 'all tiers'} - {content.segment or 'all values'}"


def ad_name(item: ExportItem, variant: Variant) -> str:
    start = f"-from-day-{variant.from_day}" if variant.from_day else ""
    return f"{slug(item.name)}-{variant.angle.lower()}{start}"


def picture_name(item: ExportItem, variant: Variant, canvas: str, little_text: bool = False) -> str:
    return f"{ad_name(item, variant)}-{canvas}{'-little-text' if little_text else ''}.png"


def meta_rows(item: ExportItem) -> Iterator[Row]:
    """One row per variant and placement, for Meta's bulk sheet."""
    for placement, canvas in META_CANVASES.items():
        for variant, copy in _copies(item, placement):
            yield {
                "Campaign Name": campaign(item),
                "Campaign Status": "PAUSED",
                "Buying Type": "AUCTION",
                "Ad Set Name": f"{campaign(item)} - {PLACEMENTS[placement].label}{_start(variant)}",
                "Ad Set Run Status": "PAUSED",
                "Link": item.brand.landing_page,
                "Ad Name": f"{ad_name(item, variant)}-{placement}",
                "Ad Status": "PAUSED",
                "Title": copy.fields["headline"][0],
                "Body": copy.fields["primary_text"][0],
                "Link Description": "".join(copy.fields.get("description", ())[:1]),
                "Call to Action": copy.call_to_action,
                "Image File Name": picture_name(item, variant, canvas),
                "Creative Type": "Link Page Post Ad",
                "Optimize text per person": "No",
            }


def google_rows(item: ExportItem) -> Iterator[Row]:
    """A responsive search ad and a responsive display ad per variant, for Google Ads Editor."""
    for placement, ad_type in GOOGLE_AD_TYPES.items():
        for variant, copy in _copies(item, placement):
            row = {
                "Campaign": campaign(item),
                "Ad Group": f"{variant.angle_name}{_start(variant)}",
                "Ad type": ad_type,
                "Final URL": item.brand.landing_page,
                "Labels": "mani",
                "Campaign Status": "Paused",
                "Ad Group Status": "Paused",
                "Status": "Paused",
            }
            for column, field in (("Headline", "headlines"), ("Description", "descriptions"), ("Path", "paths")):
                for number, line in enumerate(copy.fields.get(field, ()), 1):
                    row[f"{column} {number}"] = line
            if "long_headline" in copy.fields:
                row["Long headline 1"] = copy.fields["long_headline"][0]
                row["Business name"] = copy.fields["business_name"][0]
                row["Call to action"] = copy.call_to_action
            yield row


def plain_rows(item: ExportItem) -> Iterator[Row]:
    """One row per text, for the platforms that publish no bulk format."""
    for placement in PLACEMENTS.values():
        if placement.family in COLUMNS:
            continue
        for variant, copy in _copies(item, placement.id):
            for field, number, text in copy.texts():
                yield {
                    "Platform": placement.label,
                    "Campaign": campaign(item),
                    "Ad": ad_name(item, variant),
                    "Status": "PAUSED",
                    "Field": placement.fields[field].label,
                    "Line": number + 1,
                    "Text": text,
                    "Call to action": copy.call_to_action or "",
                    "Link": item.brand.landing_page,
                    "Pictures": " ".join(f"pictures/{picture_name(item, variant, c)}" for c in placement.canvases),
                }


def _copies(item: ExportItem, placement: str) -> list[tuple[Variant, PlatformCopy]]:
    variants = [variant for variant in item.creative_set.variants if placement in variant.platforms]
    return [(variant, variant.platforms[placement]) for variant in variants]


def _start(variant: Variant) -> str:
    return f" - from day {variant.from_day}" if variant.from_day else ""


SHEETS = {
    "meta-bulk-sheet.csv": (COLUMNS["meta"], meta_rows),
    "google-ads-editor.csv": (COLUMNS["google"], google_rows),
    "other-platforms.csv": (PLAIN_COLUMNS, plain_rows),
}


def pictures(item: ExportItem) -> Iterator[tuple[str, bytes | None]]:
    """(file name, PNG bytes) of every variant in every size, and (file name, None) for one that cannot be drawn."""
    wanted = dict.fromkeys((canvas, False) for canvas in CANVASES)
    for placement in PLACEMENTS.values():
        if placement.little_text:
            wanted |= dict.fromkeys((canvas, True) for canvas in placement.canvases)
    for variant in item.creative_set.variants:
        for canvas, little_text in wanted:
            name = f"pictures/{picture_name(item, variant, canvas, little_text)}"
            try:
                yield name, picture.png(picture.draw(variant, item.brand, canvas, little_text), canvas)
            except PictureRefused:
                yield name, None


def stream(
    items: Iterable[ExportItem], with_pictures: bool = True, left_out: Mapping[int, str] | None = None
) -> Iterator[bytes]:
    """The ZIP in chunks of bytes. One creative is in memory at a time, however many there are.

    `left_out`: id of a creative -> why it is missing, for the README; the items may add to it until they end.
    """
    counts, refused, sink = {"sets": 0, "ads": 0, "pictures": 0}, [], _Sink()
    with ExitStack() as open_files, zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        files, writers = {}, {}
        for name, (columns, _) in SHEETS.items():
            file = tempfile.SpooledTemporaryFile(MAX_SHEET_IN_MEMORY, "w+", encoding="utf-8", newline="")  # noqa: SIM115
            files[name] = open_files.enter_context(file)
            file.write("\ufeff")  # so that spreadsheets read it as UTF-8
            writers[name] = csv.DictWriter(file, columns, restval="")
            writers[name].writeheader()
        for item in items:
            counts["sets"] += 1
            counts["ads"] += len(item.creative_set.variants)
            for name, (_, rows) in SHEETS.items():
                for row in rows(item):
                    writers[name].writerow({column: defuse_formula(value) for column, value in row.items()})
            for name, png in pictures(item) if with_pictures else ():
                if png is None:
                    refused.append(name)
                    continue
                counts["pictures"] += 1
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), png)
                yield sink.take()
        for name, file in files.items():
            file.seek(0)
            with archive.open(name, "w") as entry:
                while chunk := file.read(CHUNK_SIZE):
                    entry.write(chunk.encode())
            yield sink.take()
        archive.writestr("README.txt", readme(counts, refused, left_out or {}))
    yield sink.take()


def readme(counts: Mapping[str, int], refused: Sequence[str] = (), left_out: Mapping[int, str] | None = None) -> str:
    """What is in the ZIP and what was checked, in plain words."""
    text = README.format(checked=CHECKED, **counts)
    if left_out:
        text += "\nLeft out, because they break a rule by now:\n"
        text += "".join(f"  Creative {number}: {why}\n" for number, why in left_out.items())
    if refused:
        text += "\nThese pictures could not be drawn, because the font lacks a sign:\n"
        text += "".join(f"  {name}\n" for name in refused)
    return text


class _Sink:
    """What zipfile writes to; `take` hands over what has come since."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Part of what zipfile expects of a file."""

    def take(self) -> bytes:
        parts, self.parts = self.parts, []
        return b"".join(parts)
