"""The pictures of an export: every size, the logos that Google's display ads need, and what cannot be drawn is said."""

import io
from dataclasses import replace

import pytest
from PIL import Image, ImageDraw

from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.policy.platforms import CANVASES
from manimod.creatives.engine.sheets import archive
from tests.creatives.sheets.items import ACCOUNTS, make_item
from tests.engine.samples import PLAIN, TODAY, brief


@pytest.fixture(scope="module")
def item():
    made = write(brief())
    return make_item(replace(made, variants=made.variants[:1]))


def png(width: int, height: int, colour: str) -> bytes:
    out = io.BytesIO()
    drawn = Image.new("RGBA", (width, height))
    ImageDraw.Draw(drawn).ellipse((0, 0, width, height), colour)
    drawn.save(out, "PNG")
    return out.getvalue()


def test_pictures_come_in_every_size_and_with_little_text(item):
    drawn = dict(archive.pictures(item))
    assert len(drawn) == len(CANVASES) + 2
    assert sum("little-text" in name for name in drawn) == 2
    assert all(data.startswith(b"\x89PNG") for data in drawn.values())


def test_a_picture_that_cannot_be_drawn_is_named_in_the_readme(item):
    variant = replace(item.creative_set.variants[0], headline="مرحبا")
    item = make_item(replace(item.creative_set, variants=(variant,)))
    drawn = dict(archive.pictures(item))
    assert {*drawn.values()} == {None}
    sheets = archive.Sheets(ACCOUNTS, TODAY)
    sheets.add(item)
    assert "could not be drawn" in sheets.readme(0, list(drawn), {})


def test_the_archive_is_handed_over_in_pieces(item):
    pieces = archive.zip_files(archive.pictures(item))
    assert next(pieces)[:2] == b"PK"
    pieces.close()


@pytest.mark.parametrize("name", ["Northwind", "東京", "مرحبا"])
@pytest.mark.parametrize("logo", [None, png(300, 300, "white"), png(900, 100, "#2b45c9"), png(64, 512, "black")])
def test_a_logo_has_the_shape_that_google_wants_whatever_the_brand_has(name, logo):
    brand = replace(PLAIN, name=name, logo=logo)
    for width, height in ((1200, 1200), (1200, 300)):
        with Image.open(io.BytesIO(picture.logo_png(brand, width, height))) as drawn:
            assert (drawn.size, drawn.mode) == ((width, height), "RGB")
            has_letter = name != "مرحبا"
            assert len(drawn.getcolors(1_000_000)) > 1 or not (logo or has_letter)
