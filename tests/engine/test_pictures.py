"""Every layout on every canvas: readable, inside the safe zone, light, and an SVG that a strict page may show."""

import io
import itertools
import json
import re
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from PIL import Image

from manimod.creatives.engine.brief import Brand, CreativeSet, PictureContent
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.picture import colour, picture
from manimod.creatives.engine.picture.canvas import TextBox
from manimod.creatives.engine.picture.text_layout import PictureRefused, missing_glyphs
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import CANVASES, MASTERS, PLACEMENTS
from tests.engine.samples import PLAIN, brief

COLOURS = [
    ("#2b45c9", "#ffb84d"),
    ("#f2c230", "#d8345f"),
    ("#ffffff", "#ffffff"),
    ("#000000", "#000000"),
    ("#7f7f7f", "#7f7f7f"),
    ("#ff0000", "#00ff00"),
    ("#ffff00", "#ffffaa"),
    ("#0b3d2e", "#0b3d2f"),
]
VARIANT = write(brief()).variants[0]
EVERY = list(itertools.product(picture.LAYOUTS, MASTERS, (False, True)))


def example(angle="U1", **more):
    return replace(VARIANT, angle=angle, **more)


def test_what_a_picture_shows_survives_json():
    columns = (("Starter", ("20 automations a month",)), ("Team", ("500 automations a month", "Timeline view")))
    shown = PictureContent(facts=("Timeline view",), figure="500", unit="automations a month", columns=columns)
    made = replace(write(brief()), variants=(example(picture=shown),))
    assert CreativeSet.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_there_are_at_least_six_layouts():
    assert len(picture.LAYOUTS) >= 6


@pytest.mark.parametrize(("layout", "size", "little"), EVERY)
def test_a_picture_keeps_every_picture_rule(layout, size, little):
    for angle, (primary, accent) in itertools.product(("U1", "U2"), COLOURS[:3]):
        canvas = picture.lay_out(
            example(angle), Brand(name="Acme", primary=primary, accent=accent), size, little, layout
        )
        for name, placement in PLACEMENTS.items():
            if size in placement.canvases and little >= placement.little_text:
                assert policy.check_picture(canvas, name) == []


@pytest.mark.parametrize(("primary", "accent"), COLOURS)
@pytest.mark.parametrize("background", colour.BACKGROUNDS)
def test_text_colours_have_a_contrast_of_four_and_a_half(primary, accent, background):
    palette = colour.palette(primary, accent, background)
    for ink in (palette.ink, palette.soft, palette.mark):
        assert colour.contrast(ink, palette.background) >= 4.5
    assert colour.contrast(palette.on_accent, palette.accent) >= 4.5


@pytest.mark.parametrize("layout", picture.LAYOUTS)
@pytest.mark.parametrize("size", MASTERS)
def test_no_shape_runs_under_the_words(layout, size):
    """The picture without its outlined texts is one flat colour wherever a text stands."""
    canvas = picture.lay_out(example(), PLAIN, size, layout=layout)
    canvas.shapes = [shape for shape in canvas.shapes if "scale(" not in shape]
    with Image.open(io.BytesIO(picture.rasterise(canvas.svg("bare")))) as bare:
        for box in canvas.boxes:
            if box.kind in ("headline", "body", "label", "brand"):
                area = bare.convert("RGB").crop((int(box.x), int(box.y), int(box.x + box.w), int(box.y + box.h)))
                assert len(area.getcolors(4) or ()) == 1, box.kind


@pytest.mark.parametrize(("layout", "size", "little"), EVERY)
def test_the_svg_is_sound_and_holds_nothing_active(layout, size, little):
    svg = picture.draw(example(headline='Fish & <b>chips</b> "now"'), PLAIN, size, little, layout)
    root = ElementTree.fromstring(svg)
    tags = {element.tag.split("}")[1] for element in root.iter()}
    assert tags <= {"svg", "title", "rect", "circle", "path", "g", "image"}
    assert not re.search(r"<script|<style|style=|\son\w+=|href=\"(?!data:image/png)|url\(", svg)
    assert root.attrib["viewBox"].startswith("0 0 ")
    assert root[0].text == 'Northwind: Fish & <b>chips</b> "now"'


@pytest.mark.parametrize("size", CANVASES)
def test_a_png_has_the_canvas_size_and_is_light(size):
    data = picture.png(picture.draw(example(), PLAIN, size), size)
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (CANVASES[size].width, CANVASES[size].height)
    assert len(data) <= 500_000


def test_a_heavy_png_is_made_lighter():
    svg = picture.draw(example(), PLAIN, "1080x1080")
    assert len(picture.png(svg, "1080x1080", limit=40_000)) < len(picture.rasterise(svg))


def test_the_same_picture_is_rasterised_once():
    svg = picture.draw(example(), PLAIN, "1080x1080")
    assert picture.rasterise(svg) is picture.rasterise(svg)


@pytest.mark.parametrize("text", ["ようこそ", "مرحبا", "Welcome 🎉"])
def test_a_script_that_the_font_lacks_is_refused_in_a_plain_sentence(text):
    assert missing_glyphs(text)
    with pytest.raises(PictureRefused, match="no sign for"):
        picture.draw(example(headline=text), PLAIN, "1080x1080")


@pytest.mark.parametrize(
    "text", ["Добро пожаловать", "Καλώς ήρθες", "Über Größe, naïve façade, Łódź", "“Quotes” – dash"]
)
def test_latin_greek_and_cyrillic_are_drawn(text):
    assert missing_glyphs(text) == ""
    assert picture.draw(example(headline=text), PLAIN, "1080x1080")


def test_a_text_too_long_for_a_picture_is_refused():
    with pytest.raises(PictureRefused, match="too long"):
        picture.draw(example(headline="many words " * 60), PLAIN, "1200x628")


def png_logo(size, colour_):
    out = io.BytesIO()
    Image.new("RGBA", size, colour_).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize("size", [(400, 100), (100, 100), (60, 300), (3000, 90)])
@pytest.mark.parametrize("ink", ["#ffffff", "#111111", "#2b45c9", (0, 0, 0, 0)])
def test_a_logo_of_any_shape_and_colour_fits(size, ink):
    brand = replace(PLAIN, logo=png_logo(size, ink))
    for size in ("1080x1920", "1200x628"):
        canvas = picture.lay_out(example(), brand, size)
        assert len([shape for shape in canvas.shapes if shape.startswith("<image")]) == 1
        assert not [box for box in canvas.boxes if box.x + box.w > canvas.w or box.y + box.h > canvas.h]
    assert picture.rasterise(picture.draw(example(), brand, "1200x628"), width=200)


def test_a_foreign_picture_is_not_rasterised():
    with pytest.raises(ValueError, match="this engine"):
        picture.rasterise('<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/hostname"/></svg>')


def test_headlines_have_no_lonely_last_word():
    for layout, size in itertools.product(picture.LAYOUTS, MASTERS):
        for variant in write(brief(event="cancelled")).variants:
            canvas = picture.lay_out(variant, PLAIN, size, layout=layout)
            (headline,) = [box for box in canvas.boxes if box.kind == "headline"]
            assert headline.w > 0.25 * canvas.text.w


def test_threads_draw_the_same_picture():
    with ThreadPoolExecutor(4) as pool:
        drawn = set(pool.map(lambda _: picture.draw(example(), PLAIN, "1080x1080"), range(16)))
    assert len(drawn) == 1


def test_a_drawn_button_is_found():
    canvas = picture.lay_out(example(), PLAIN, "1080x1080")
    canvas.boxes.append(TextBox("label", 100, 100, 50, 20, "#000000", "#ffffff", "Learn more"))
    assert "IMG-02" in {f.rule_id for f in policy.check_picture(canvas, "meta_feed")}


def test_text_under_the_platforms_controls_too_large_or_faint_is_found():
    canvas = picture.lay_out(example(), PLAIN, "1080x1920")
    canvas.boxes.append(TextBox("body", 100, 1800, 900, 100, "#ffff00", "#ffffff", "Low"))
    assert {f.rule_id for f in policy.check_picture(canvas, "meta_story")} == {"IMG-03", "IMG-04"}
    wide = picture.lay_out(example(), PLAIN, "1200x628")
    wide.boxes.append(TextBox("body", 60, 60, 1000, 500, "#000000", "#ffffff", "Poster"))
    assert "IMG-01" in {f.rule_id for f in policy.check_picture(wide, "google_display")}
