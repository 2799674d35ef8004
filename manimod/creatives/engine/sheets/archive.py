"""The export's files: sheets for upload, plain tables, the legend, a README and the pictures, as a streamed ZIP.

Every row is PAUSED: a person switches it on. sheets.toml says where the columns come from; no platform has promised to
accept them.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import NamedTuple

import xlsxwriter

from manimod.creatives.engine.ad_names import AdNames, legend
from manimod.creatives.engine.brief import Brand, ExportItem, Variant
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.picture.text_layout import PictureRefused
from manimod.creatives.engine.policy.platforms import CANVASES, CHECKED, PLACEMENTS
from manimod.creatives.engine.sheets.ad_accounts import SHEETS, AdAccounts
from manimod.creatives.engine.sheets.rows import PICTURES, ad_groups, columns, importable, is_formula, rows

README = Path(__file__).with_name("readme.txt").read_text("utf-8")
PLAIN_TABLES = ("other",)
LOGO_SIZES = {"google_display": {"logo_square": (1200, 1200), "logo_wide": (1200, 300)}}
LITTLE_TEXT = "-little-text"


class PictureFile(NamedTuple):
    name: str
    variant: Variant
    canvas: str
    little_text: bool


def picture_files(item: ExportItem) -> Iterator[PictureFile]:
    """Every variant in every size, and with little text where a placement wants that."""
    wanted = [(canvas, "") for canvas in CANVASES]
    for placement in PLACEMENTS.values():
        if placement.little_text:
            wanted += [(canvas, LITTLE_TEXT) for canvas in placement.canvases]
    for group in ad_groups(item):
        for place, variant in group.ads:
            for canvas, ending in dict.fromkeys(wanted):
                name = PICTURES + group.names.picture(place, canvas + ending)
                yield PictureFile(name, variant, canvas, bool(ending))


def pictures(item: ExportItem) -> Iterator[tuple[str, bytes | None]]:
    """(file name, PNG bytes) of every picture, and (file name, None) of one that cannot be drawn."""
    for name, variant, canvas, little_text in picture_files(item):
        try:
            yield name, picture.png(picture.draw(variant, item.brand, canvas, little_text), canvas)
        except PictureRefused:
            yield name, None


class Sheets:
    """The texts of an export, added item by item. `today`: the day on which it is made, in the account's time zone."""

    def __init__(self, accounts: AdAccounts, today: date) -> None:
        self.accounts, self.today = accounts, today
        self.sets = self.ads = 0
        self.left_out = accounts.left_out()
        self.rows: dict[str, list[dict[str, str]]] = {name: [] for name in SHEETS if name not in self.left_out}
        self.names: list[AdNames] = []
        self.not_importable: list[str] = []
        self.brand: Brand | None = None

    def add(self, item: ExportItem) -> None:
        self.sets += 1
        self.ads += len(item.creative_set.variants)
        self.brand = item.brand
        for name, added in self.rows.items():
            added += rows(item, name, self.accounts, self.today)
        for group in ad_groups(item):
            self.names.append(group.names)
            for place, variant in group.ads:
                for placement in PLACEMENTS.values():
                    if placement.id in variant.platforms and importable(variant, placement, item.brand) is None:
                        self.not_importable.append(f"{group.names.ad(place)} ({placement.label})")

    def files(self, pictures: int, refused: Sequence[str], left_out: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
        """(name, content) of each sheet, the logos, the legend and the README. `refused`: names of pictures that cannot
        be drawn; `left_out`: number of a creative -> why it is missing."""
        for name, added in self.rows.items():
            file = SHEETS[name]["file"]
            if file.endswith(".xlsx"):
                yield file, xlsx_file(columns(name), added)
            else:
                yield file, csv_file(columns(name), added, is_plain=name in PLAIN_TABLES)
        meanings = [{"Name": name, "What it means": meaning} for name, meaning in legend(self.names)]
        yield "legend.csv", csv_file(["Name", "What it means"], meanings, is_plain=True)
        if "google" in self.rows and self.brand:
            for placement, sizes in LOGO_SIZES.items():
                for name, size in sizes.items():
                    yield SHEETS["google"][placement][name], picture.logo_png(self.brand, *size)
        yield "README.txt", self.readme(pictures, refused, left_out).encode()

    def readme(self, pictures: int, refused: Sequence[str], left_out: Mapping[str, str]) -> str:
        """What is in the ZIP, what was checked and what is left to do, in plain words."""
        budget = f"{self.accounts.daily_budget} {self.accounts.currency}"
        counts = {"sets": self.sets, "ads": self.ads, "pictures": pictures}
        text = README.format(checked=CHECKED, budget=budget, **counts)
        for sheet, missing in self.left_out.items():
            text += f"\n{SHEETS[sheet]['file']} is left out, because mani does not know this yet:\n"
            text += "".join(f"  {what}\n" for what in missing)
        for heading, lines in {
            "Left out, because they break a rule by now, or what they rest on has changed": [
                f"Creative {number}: {why}" for number, why in left_out.items()
            ],
            "Not in Google's sheet, because a text begins with a formula's sign": self.not_importable,
            "These pictures could not be drawn, because the font lacks a sign": refused,
        }.items():
            if lines:
                text += f"\n{heading}:\n" + "".join(f"  {line}\n" for line in lines)
        return text


def csv_file(header: Sequence[str], rows: Iterable[Mapping[str, str]], is_plain: bool) -> bytes:
    """UTF-8 with the mark by which spreadsheets and Google Ads Editor know it. `is_plain`: a table that people open."""
    text = io.StringIO("\ufeff", newline="")
    text.seek(0, io.SEEK_END)
    writer = csv.DictWriter(text, header, restval="")
    writer.writeheader()
    for row in rows:
        if is_plain:
            row = {column: defuse_formula(cell) for column, cell in row.items()}
        writer.writerow(row)
    return text.getvalue().encode()


def defuse_formula(text: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{text}" if is_formula(text) else text


def xlsx_file(header: Sequence[str], rows: Iterable[Mapping[str, str]]) -> bytes:
    """A workbook with one sheet, every cell a text. The same rows always give the same bytes."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        book.set_properties({"created": datetime(1980, 1, 1)})
        sheet = book.add_worksheet("Ads")
        for place, column in enumerate(header):
            sheet.write_string(0, place, column)
        for line, row in enumerate(rows, 1):
            for place, column in enumerate(header):
                if row.get(column):
                    sheet.write_string(line, place, row[column])
    return out.getvalue()


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
