"""Approved creatives -> a streamed ZIP for a marketing team: CSV sheets, pictures and a README. Every row is PAUSED: a
person switches it on. Columns were checked against the published ones; no platform has promised to accept them."""

import csv
import io
import zipfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from manimod.creatives.engine.brief import ExportItem, Variant
from manimod.creatives.engine.copy.plan_names import slug
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.picture.text_layout import PictureRefused
from manimod.creatives.engine.policy.platforms import CANVASES, CHECKED, PLACEMENTS, SHEETS
from manimod.lifecycle import Segment

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
README = Path(__file__).with_name("readme.txt").read_text("utf-8")


def rows(item: ExportItem, sheet: str) -> Iterator[dict[str, str]]:
    """A sheet's rows: one per variant and placement, or one per text for platforms that publish no bulk format."""
    content, columns = item.creative_set, SHEETS[sheet]["columns"]
    audience = "+".join(content.segments or [content.segment or "all values"])
    if len(content.segments) == len(Segment):
        audience = "all values"
    for placement in PLACEMENTS.values():
        own_sheet = placement.family if placement.family in SHEETS else "other"
        for variant in content.variants:
            copy, ad = variant.platforms.get(placement.id), ad_name(item, variant)
            if copy is None or own_sheet != sheet:
                continue
            values = defaultdict(str, SHEETS[sheet].get(placement.id, {}))
            values["campaign"] = f"mani {content.objective} - {content.tier or 'all tiers'} - {audience}"
            values |= {"ad": ad, "angle": variant.angle_name, "placement": placement.id, "label": placement.label}
            values |= {"link": item.brand.landing_page, "call_to_action": copy.call_to_action or ""}
            values["pictures"] = " ".join(f"pictures/{ad}-{canvas}.png" for canvas in placement.canvases)
            if variant.from_day:
                values["start"] = f" - from day {variant.from_day}"
            per_text = []
            for field, number, text in copy.texts():
                values[f"{field}_{number + 1}"] = text
                per_text.append({"field": placement.fields[field].label, "line": number + 1, "text": text})
            for own in per_text if SHEETS[sheet].get("row_per_text") else [{}]:
                cells = values | own
                yield {column: defuse_formula(template.format_map(cells)) for column, template in columns.items()}


def defuse_formula(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    if text.lstrip(" ").startswith(FORMULA_SIGNS):
        return f"'{text}"
    return text


def ad_name(item: ExportItem, variant: Variant) -> str:
    name = f"{slug(item.name)}-{variant.angle.lower()}"
    if variant.from_day:
        name += f"-from-day-{variant.from_day}"
    return name


def pictures(item: ExportItem) -> Iterator[tuple[str, bytes | None]]:
    """(file name, PNG bytes) of every variant in every size, and (file name, None) for one that cannot be drawn."""
    wanted = [(canvas, False, "") for canvas in CANVASES]
    for placement in PLACEMENTS.values():
        if placement.little_text:
            wanted += [(canvas, True, "-little-text") for canvas in placement.canvases]
    for variant in item.creative_set.variants:
        for canvas, little_text, ending in dict.fromkeys(wanted):
            name = f"pictures/{ad_name(item, variant)}-{canvas}{ending}.png"
            try:
                yield name, picture.png(picture.draw(variant, item.brand, canvas, little_text), canvas)
            except PictureRefused:
                yield name, None


class Sheets:
    """The texts of an export, added item by item: the rows of each sheet, and what the README counts."""

    def __init__(self) -> None:
        self.sets = self.ads = 0
        self.texts: dict[str, io.StringIO] = {}
        self.writers: dict[str, csv.DictWriter] = {}
        for name, sheet in SHEETS.items():
            self.texts[name] = io.StringIO("\ufeff", newline="")  # the mark tells spreadsheets that it is UTF-8
            self.texts[name].seek(0, io.SEEK_END)
            self.writers[name] = csv.DictWriter(self.texts[name], sheet["columns"])
            self.writers[name].writeheader()

    def add(self, item: ExportItem) -> None:
        self.sets += 1
        self.ads += len(item.creative_set.variants)
        for name, writer in self.writers.items():
            writer.writerows(rows(item, name))

    def files(self, pictures: int, refused: Sequence[str], left_out: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
        """(name, content) of each sheet and of the README. `refused`: names of pictures that cannot be drawn;
        `left_out`: number of a creative -> why it is missing."""
        for name, text in self.texts.items():
            yield SHEETS[name]["file"], text.getvalue().encode()
        counts = {"sets": self.sets, "ads": self.ads, "pictures": pictures}
        yield "README.txt", readme(counts, refused, left_out).encode()


def zip_files(files: Iterable[tuple[str, bytes]]) -> Iterator[bytes]:
    """A ZIP of (name, content) in chunks, one file at a time. The same files always give the same bytes."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w") as archive:
        for name, content in files:
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16  # or unzip makes files that nobody may read
            is_packed = name.endswith(".png")
            archive.writestr(entry, content, zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED)
            yield sink.take()
    yield sink.take()


def unzip_files(data: bytes) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for name in archive.namelist():
            yield name, archive.read(name)


def readme(counts: Mapping[str, int], refused: Sequence[str] = (), left_out: Mapping[str, str] | None = None) -> str:
    """What is in the ZIP and what was checked, in plain words."""
    text = README.format(checked=CHECKED, **counts)
    if left_out:
        text += "\nLeft out, because they break a rule by now, or what they rest on has changed:\n"
        text += "".join(f"  Creative {number}: {why}\n" for number, why in left_out.items())
    if refused:
        text += "\nThese pictures could not be drawn, because the font lacks a sign:\n"
        text += "".join(f"  {name}\n" for name in refused)
    return text


class _Sink(io.RawIOBase):
    """What zipfile writes to; `take` hands over what has come since."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, data: bytes) -> int:
        self.parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        parts, self.parts = self.parts, []
        return b"".join(parts)
