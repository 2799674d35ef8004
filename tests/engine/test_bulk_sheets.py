"""Exported files: the published columns, every row paused, no formula, pictures in their sizes, streamed."""

import csv
import io
import zipfile
from dataclasses import replace

import pytest

from manimod.creatives.engine import bulk_sheets
from manimod.creatives.engine.brief import ExportItem, Offer
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.policy.platforms import CANVASES, SHEETS
from tests.engine.samples import PLAIN, brief

ITEM = ExportItem("renewed-core-Team", write(brief()), PLAIN)


def rows(archive, name):
    return list(csv.DictReader(io.StringIO(archive.read(name).decode("utf-8-sig"))))


@pytest.fixture(scope="module")
def archive():
    sheets = bulk_sheets.Sheets()
    sheets.add(ITEM)
    sheets.add(ITEM)
    return zipfile.ZipFile(io.BytesIO(b"".join(bulk_sheets.zip_files(sheets.files(0, [], {})))))


def test_the_zip_is_sound_and_says_what_was_checked(archive):
    assert archive.testzip() is None
    text = archive.read("README.txt").decode()
    assert "2 creative sets, 6 ads" in text
    assert "paused" in text
    assert "no platform has approved" in text


def test_the_sheets_have_the_published_columns(archive):
    assert list(rows(archive, "meta-bulk-sheet.csv")[0]) == list(SHEETS["meta"]["columns"])
    assert list(rows(archive, "google-ads-editor.csv")[0]) == list(SHEETS["google"]["columns"])


def test_every_row_is_paused(archive):
    for row in rows(archive, "meta-bulk-sheet.csv"):
        assert {row["Campaign Status"], row["Ad Set Run Status"], row["Ad Status"]} == {"PAUSED"}
    for row in rows(archive, "google-ads-editor.csv"):
        assert {row["Campaign Status"], row["Ad Group Status"], row["Status"]} == {"Paused"}
    assert {row["Status"] for row in rows(archive, "other-platforms.csv")} == {"PAUSED"}


def test_the_texts_arrive_unchanged(archive):
    variant = ITEM.creative_set.variants[0]
    meta, google = rows(archive, "meta-bulk-sheet.csv")[0], rows(archive, "google-ads-editor.csv")[0]
    assert meta["Body"] == variant.platforms["meta_feed"].fields["primary_text"][0]
    assert google["Headline 1"] == variant.platforms["google_search"].fields["headlines"][0]
    assert google["Final URL"] == PLAIN.landing_page


def test_an_ad_for_later_is_exported_apart_with_its_day():
    pause = Offer(text="Pause for up to three months", kind="pause")
    item = ITEM._replace(creative_set=write(brief("cancelled", offers=(pause,))))
    assert (
        len({row["Ad Set Name"] for row in bulk_sheets.rows(item, "meta") if "from day 30" in row["Ad Set Name"]}) == 2
    )
    assert [row["Ad Group"] for row in bulk_sheets.rows(item, "google")][-1] == "Pause - from day 30"
    assert "at least 30 days ago" in bulk_sheets.readme({"sets": 1, "ads": 4, "pictures": 0})


@pytest.mark.parametrize("sign", ["=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "  =1"])
def test_a_formula_is_neutralised(sign):
    assert bulk_sheets.defuse_formula(sign).startswith("'")
    assert bulk_sheets.defuse_formula("A = B") == "A = B"


def test_pictures_come_in_every_size_and_with_little_text():
    one = replace(ITEM.creative_set, variants=ITEM.creative_set.variants[:1])
    names = [name for name, png in bulk_sheets.pictures(ITEM._replace(creative_set=one)) if png[:4] == b"\x89PNG"]
    assert len(names) == len(CANVASES) + 2
    assert sum("little-text" in name for name in names) == 2


def test_a_picture_that_cannot_be_drawn_is_named_in_the_readme():
    variant = replace(ITEM.creative_set.variants[0], headline="مرحبا")
    item = ITEM._replace(creative_set=replace(ITEM.creative_set, variants=(variant,)))
    assert {png for _, png in bulk_sheets.pictures(item)} == {None}
    text = bulk_sheets.readme({"sets": 1, "ads": 1, "pictures": 0}, [name for name, _ in bulk_sheets.pictures(item)])
    assert "could not be drawn" in text


def test_the_archive_is_handed_over_in_pieces():
    one = replace(ITEM.creative_set, variants=ITEM.creative_set.variants[:1])
    pieces = bulk_sheets.zip_files(bulk_sheets.pictures(ITEM._replace(creative_set=one)))
    assert next(pieces)[:2] == b"PK"
    pieces.close()
