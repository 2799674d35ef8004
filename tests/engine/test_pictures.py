"""Every composition on every canvas: readable, inside the safe zone, in the brand's colours, showing the facts, and an
SVG that a strict page may show."""

import io
import itertools
import json
import re
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache

import pytest
from PIL import Image, ImageChops, ImageStat

from manimod.creatives.engine.brief import Brand, CreativeSet, PictureContent
from manimod.creatives.engine.copy.copywriter import write
from manimod.creatives.engine.picture import colour, compositions, picture
from manimod.creatives.engine.picture.canvas import Rect, TextBox
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
    ("#39ff14", "#ff00ff"),
    ("#ffff00", "#ffffaa"),
    ("#0b3d2e", "#0b3d2f"),
    ("#fce4ec", "#f8bbd0"),
]
FACTS = ("500 automations a month", "Timeline view", "Guest access", "Approvals for every task")
COLUMNS = (("Starter", ("20 automations a month", "Board view")), ("Team Workspace", FACTS[:3]))
CONTENT = {
    "list": PictureContent(facts=FACTS),
    "figure": PictureContent(figure="500", unit="automations a month"),
    "comparison": PictureContent(columns=COLUMNS),
    "product": PictureContent(facts=FACTS[:2]),
}
VARIANT = replace(
    write(brief()).variants[0],
    headline="A year of the Team plan, with everything that is in it",
    body="Team has unlimited boards, a timeline view and approvals. Compare it with Business before you choose.",
)
EVERY = compositions.EVERY
DRAWN = [(size, False) for size in MASTERS]
DRAWN += [(size, True) for placement in PLACEMENTS.values() if placement.little_text for size in placement.canvases]


def png_bytes(size, fill, mode="RGBA"):
    out = io.BytesIO()
    Image.new(mode, size, fill).save(out, "PNG")
    return out.getvalue()


def example(layout="tiles", **more):
    return replace(VARIANT, picture=CONTENT.get(layout, PictureContent()), **more)


def brand(colours=COLOURS[0], **more):
    return Brand(name="Acme", primary=colours[0], accent=colours[1], **more)


SCREENSHOT = png_bytes((600, 400), "#dddddd")


@cache
def canvases():
    """Each composition on every canvas, the little-text ones too, with all the colours in turn."""
    found, colours = [], itertools.cycle(COLOURS)
    for composition in EVERY:
        for size, little in DRAWN:
            shown = brand(next(colours), product_picture=SCREENSHOT)
            canvas = picture.lay_out(example(composition.layout), shown, size, little, str(composition))
            found.append((composition, shown, size, little, canvas))
    return found


def pixels(canvas, width=None):
    with Image.open(io.BytesIO(picture.rasterise(canvas.svg("picture"), width))) as image:
        return image.convert("RGB")


def test_what_a_picture_shows_survives_json():
    shown = PictureContent(facts=FACTS, figure="500", unit="automations a month", columns=COLUMNS)
    made = replace(write(brief()), variants=(replace(VARIANT, picture=shown),))
    assert CreativeSet.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_at_least_60_compositions_give_different_pictures():
    different = []
    for composition in EVERY:
        shown = brand(product_picture=SCREENSHOT)
        canvas = picture.lay_out(example(composition.layout), shown, "1080x1080", composition=str(composition))
        image = pixels(canvas, 64)
        if all(max(ImageStat.Stat(ImageChops.difference(image, other)).mean) > 4 for other in different):
            different.append(image)
    assert len(different) >= 60


def test_every_picture_keeps_every_picture_rule():
    for composition, _, size, little, canvas in canvases():
        for name, placement in PLACEMENTS.items():
            if size in placement.canvases and little >= placement.little_text:
                assert policy.check_picture(canvas, name) == [], (composition, size)


def test_texts_stand_inside_the_picture_and_not_on_each_other():
    for composition, _, size, little, canvas in canvases():
        boxes = [Rect(box.x, box.y, box.w, box.h) for box in canvas.boxes]
        for box in boxes:
            assert min(box.x, box.y, canvas.w - box.right, canvas.h - box.bottom) >= 0, (composition, size, little)
        for one, other in itertools.combinations(boxes, 2):
            shared = one.overlap(other)
            assert shared.w <= 1 or shared.h <= 0.25 * min(one.h, other.h) / 4, (composition, size, little)


def test_every_text_can_be_read_on_what_it_stands_on():
    for composition, shown, size, _, canvas in canvases():
        for box in canvas.boxes:
            assert colour.contrast(box.fill, box.background) >= 4.5, (composition, size, shown.primary, box)


def test_texts_stand_on_one_flat_colour_which_is_the_one_they_were_judged_on():
    """The picture without its outlined texts, one canvas of every third composition."""
    for number, (composition, _, size, _, canvas) in enumerate(canvases()):
        if number % len(DRAWN) != number // len(DRAWN) % len(DRAWN) or number // len(DRAWN) % 3:
            continue
        texts, canvas.shapes = canvas.shapes, [shape for shape in canvas.shapes if "scale(" not in shape]
        bare, scale = pixels(canvas, canvas.w // 2), 0.5
        canvas.shapes = texts
        for box in canvas.boxes:
            if box.kind == "monogram":
                continue
            corners = (box.x * scale + 1, box.y * scale + 1, (box.x + box.w) * scale - 1, (box.y + box.h) * scale - 1)
            colours = bare.crop(tuple(map(round, corners))).getcolors(4) or ()
            assert ["#" + bytes(rgb).hex() for _, rgb in colours] == [box.background], (composition, size, box)


def test_running_texts_of_a_story_are_large_enough():
    for composition, _, size, _, canvas in canvases():
        if size == "1080x1920":
            for box in canvas.boxes:
                lines = {"body": 1.38, "headline": 1.05}.get(box.kind)
                if lines:
                    assert box.h >= 0.026 * canvas.h, composition


@pytest.mark.parametrize("size", MASTERS)
def test_the_facts_are_shown(size):
    for composition, _, drawn_size, little, canvas in canvases():
        if drawn_size == size and not little:
            shown = {box.text for box in canvas.boxes}
            match composition.layout:
                case "list":
                    assert shown >= set(FACTS)
                case "figure":
                    assert shown >= {"500", "automations a month"}
                case "comparison":
                    assert shown >= {"Starter", "Team Workspace", *FACTS[:3], *COLUMNS[0][1]}


def test_the_brands_colours_take_at_least_15_percent_of_every_picture():
    for number, (composition, shown, size, _, canvas) in enumerate(canvases()):
        if number % len(DRAWN) != number // len(DRAWN) % len(DRAWN):
            continue
        image = pixels(canvas, 100)
        own = 0
        for count, rgb in image.getcolors(20_000):
            nearest = min(colour.distance("#" + bytes(rgb).hex(), c) for c in (shown.primary, shown.accent))
            own += count if nearest < 0.13 else 0
        assert own >= 0.15 * image.width * image.height, (composition, size, shown)


def test_two_strong_hues_of_equal_lightness_never_lie_on_each_other():
    for primary, accent in (*COLOURS, ("#ff00ff", "#39ff14"), ("#e53935", "#43a047"), ("#0057ff", "#ff3d00")):
        for background in colour.BACKGROUNDS:
            for palette in colour.palettes(primary, accent, background):
                light, chroma, hue = colour.lch(palette.accent)
                ground_light, ground_chroma, ground_hue = colour.lch(palette.background)
                if min(chroma, ground_chroma) > 0.12 and abs((hue - ground_hue + 180) % 360 - 180) > 90:
                    assert abs(light - ground_light) > 0.25, (primary, accent, background)


@pytest.mark.parametrize("primary", ["#f2c230", "#ffff00", "#ffd54f"])
def test_a_yellow_brand_has_no_olive_and_no_khaki(primary):
    for background in colour.BACKGROUNDS:
        for palette in colour.palettes(primary, "#d8345f", background):
            for name in ("background", "ink", "soft", "mark", "near", "far"):
                light, chroma, hue = colour.lch(getattr(palette, name))
                assert not (85 < hue < 130 and chroma > 0.03 and light < 0.72), (background, name)


@pytest.mark.parametrize("primary", ["#ffffff", "#7f7f7f", "#000000"])
def test_a_brand_without_a_hue_gets_none(primary):
    for background in colour.BACKGROUNDS:
        for palette in colour.palettes(primary, primary, background):
            assert all(colour.lch(getattr(palette, name))[1] < 0.02 for name in ("background", "ink", "near", "far"))


@pytest.mark.parametrize(("primary", "accent"), COLOURS)
@pytest.mark.parametrize("background", colour.BACKGROUNDS)
def test_text_colours_have_a_contrast_of_four_and_a_half(primary, accent, background):
    for palette in colour.palettes(primary, accent, background):
        for ink in (palette.ink, palette.soft, palette.mark):
            assert colour.contrast(ink, palette.background) >= 4.5
        assert colour.contrast(palette.on_accent, palette.accent) >= 4.5


def test_ads_side_by_side_differ_in_layout_background_and_position():
    for turn in range(50):
        taken = []
        for _ in range(3):
            taken.append(compositions.choose(PictureContent(), False, f"seed {turn}", taken))
        for parts in zip(*map(compositions.parse, taken), strict=True):
            assert len(set(parts)) == 3


def test_ads_that_all_list_facts_never_share_one_background_three_times():
    for turn in range(50):
        taken = []
        for _ in range(4):
            taken.append(compositions.choose(CONTENT["list"], False, f"seed {turn}", taken))
        backgrounds = [compositions.parse(name).background for name in taken]
        assert max(map(backgrounds.count, backgrounds)) == 1


def test_an_accounts_pictures_differ():
    chosen = {compositions.choose(PictureContent(), False, f"seed {turn}") for turn in range(200)}
    assert len(chosen) >= 60


@pytest.mark.parametrize("layout", CONTENT)
def test_an_ad_that_has_something_to_show_shows_it(layout):
    has_picture = layout == "product"
    for turn in range(20):
        chosen = compositions.parse(compositions.choose(CONTENT[layout], has_picture, f"seed {turn}"))
        assert chosen.layout in {layout, "list"} | ({"product"} if has_picture else set())


@pytest.mark.parametrize("stored", ["pass", "doorway", "tiles"])
def test_a_set_of_an_earlier_version_is_drawn_too(stored):
    canvas = picture.lay_out(replace(example("list"), layout=stored), PLAIN, "1080x1080")
    assert {box.text for box in canvas.boxes} >= set(FACTS)


@pytest.mark.parametrize("size", MASTERS)
def test_facts_that_do_not_all_fit_leave_the_last_ones_out(size):
    long = PictureContent(facts=tuple(f"{n} rather long facts about automations in every workspace" for n in range(4)))
    for position in compositions.POSITIONS:
        canvas = picture.lay_out(replace(VARIANT, picture=long), PLAIN, size, composition=f"list paper {position}")
        assert [box for box in canvas.boxes if box.text == long.facts[0]]


@pytest.mark.parametrize("size", MASTERS)
def test_long_headlines_and_names_are_drawn_in_every_composition(size):
    shown = brand(product_picture=SCREENSHOT)
    shown = replace(shown, name="The Very Long Company Name of Accounting and Sons")
    headline = "Arbeitsunfähigkeitsbescheinigungen und Reisekostenabrechnungen"
    for composition in EVERY[:: 3 if size == "1080x1350" else 2]:
        variant = example(composition.layout, headline=headline, label="Professional Accounting Workspace plan")
        assert picture.draw(variant, shown, size, composition=str(composition))


@pytest.mark.parametrize(("size", "little"), DRAWN)
def test_the_svg_is_sound_and_holds_nothing_active(size, little):
    for composition in EVERY[::3]:
        variant = example(composition.layout, headline='Fish & <b>chips</b> "now"')
        svg = picture.draw(variant, replace(PLAIN, product_picture=SCREENSHOT), size, little, str(composition))
        root = ElementTree.fromstring(svg)
        tags = {element.tag.split("}")[1] for element in root.iter()}
        assert tags <= {"svg", "title", "rect", "circle", "path", "image"}
        assert not re.search(r"<script|<style|style=|\son\w+=|href=\"(?!data:image/(png|jpeg))|url\(", svg)
        assert root.attrib["viewBox"].startswith("0 0 ")
        assert root[0].text == 'Northwind: Fish & <b>chips</b> "now"'


@pytest.mark.parametrize("size", CANVASES)
def test_a_png_has_the_canvas_size_no_alpha_channel_and_is_light(size):
    data = picture.png(picture.draw(example(), PLAIN, size), size)
    with Image.open(io.BytesIO(data)) as image:
        assert image.size == (CANVASES[size].width, CANVASES[size].height)
        assert image.mode == "RGB"
        assert "transparency" not in image.info
    assert len(data) <= 500_000


def test_a_heavy_png_is_made_lighter():
    svg = picture.draw(example(), PLAIN, "1080x1080")
    data = picture.png(svg, "1080x1080", limit=10_000)
    with Image.open(io.BytesIO(data)) as image:
        assert "transparency" not in image.info
    assert len(data) < len(picture.rasterise(svg))


def test_the_same_picture_is_rasterised_once():
    svg = picture.draw(example(), PLAIN, "1080x1080")
    assert picture.rasterise(svg) is picture.rasterise(svg)


@pytest.mark.parametrize("text", ["مرحبا", "สวัสดี", "Welcome 🎉"])
def test_a_script_that_no_font_has_is_refused_in_a_plain_sentence(text):
    assert missing_glyphs(text)
    with pytest.raises(PictureRefused, match="no sign for"):
        picture.draw(example(headline=text), PLAIN, "1080x1080")


@pytest.mark.parametrize(
    "text",
    [
        "Добро пожаловать",
        "Καλώς ήρθες",
        "Über Größe, naïve façade, Łódź",
        "“Quotes” – dash",
        "プロプランなら、月に500件の自動化を使えます。",
        "升级到专业版，即可每月使用500个自动化流程。",
        "프로 요금제에는 매달 500개의 자동화가 포함됩니다",
    ],
)
def test_latin_greek_cyrillic_and_east_asian_texts_are_drawn(text):
    assert missing_glyphs(text) == ""
    assert picture.draw(example(headline=text), PLAIN, "1080x1080")


def test_east_asian_lines_break_between_characters_and_not_before_closing_punctuation():
    canvas = picture.lay_out(
        example(headline="プロプランなら、月に500件の自動化を使えます。"),
        PLAIN,
        "1080x1080",
        composition="tiles paper left",
    )
    (headline,) = [box for box in canvas.boxes if box.kind == "headline"]
    assert " " in headline.text  # which parts lines
    assert not re.search(r" [、。]|プ ロ", headline.text)


def test_a_text_too_long_for_a_picture_is_refused():
    with pytest.raises(PictureRefused, match="too long"):
        picture.draw(example(headline="many words " * 60), PLAIN, "1200x628")


@pytest.mark.parametrize("size", [(400, 100), (100, 100), (60, 300), (3000, 90)])
@pytest.mark.parametrize("ink", ["#ffffff", "#111111", "#2b45c9", (0, 0, 0, 0)])
def test_a_logo_of_any_shape_and_colour_fits(size, ink):
    shown = replace(PLAIN, logo=png_bytes(size, ink))
    for canvas_size in ("1080x1920", "1200x628"):
        canvas = picture.lay_out(example(), shown, canvas_size)
        assert len([shape for shape in canvas.shapes if shape.startswith("<image")]) == (ink != (0, 0, 0, 0))
        assert not [box for box in canvas.boxes if box.x + box.w > canvas.w or box.y + box.h > canvas.h]
    assert picture.rasterise(picture.draw(example(), shown, "1200x628"), width=200)


@pytest.mark.parametrize("size", MASTERS)
def test_a_logo_is_large_enough_to_be_seen(size):
    for shape in ((300, 300), (100, 400), (900, 200)):
        logo = Image.new("RGBA", (shape[0] + 100, shape[1] + 100))  # with an empty margin, which does not count
        logo.paste("#2b45c9", (50, 50, 50 + shape[0], 50 + shape[1]))
        out = io.BytesIO()
        logo.save(out, "PNG")
        for composition in EVERY[::11]:
            canvas = picture.lay_out(
                example(composition.layout),
                replace(PLAIN, logo=out.getvalue(), product_picture=SCREENSHOT),
                size,
                composition=str(composition),
            )
            places = [shape for shape in canvas.shapes if shape.startswith("<image")]
            w, h = map(float, re.search(r'width="([\d.]+)" height="([\d.]+)"', places[-1]).groups())
            assert h >= 0.03 * canvas.h, (composition, size)
            assert w * h >= 0.0018 * canvas.w * canvas.h, (composition, size)


@pytest.mark.parametrize("background", colour.BACKGROUNDS)
def test_a_logo_of_which_a_part_would_vanish_stands_on_a_backing(background):
    logo = Image.new("RGBA", (200, 120))
    logo.paste("#ffffff", (10, 10, 100, 110))
    logo.paste("#111111", (100, 10, 190, 110))
    out = io.BytesIO()
    logo.save(out, "PNG")
    canvas = picture.lay_out(
        example(), replace(PLAIN, logo=out.getvalue()), "1080x1080", composition=f"tiles {background} left"
    )
    image = next(number for number, shape in enumerate(canvas.shapes) if shape.startswith("<image"))
    backing = re.search(r'fill="(#\w+)"', canvas.shapes[image - 1])[1] if "<rect" in canvas.shapes[image - 1] else None
    ground = backing or canvas.palette.background
    assert min(colour.contrast(ground, "#ffffff"), colour.contrast(ground, "#111111")) >= 2


def test_the_products_own_picture_is_shown_whole():
    for shape in ((600, 400), (400, 600), (900, 300)):
        for size in MASTERS:
            shown = replace(PLAIN, product_picture=png_bytes(shape, "#dddddd"))
            canvas = picture.lay_out(example("product"), shown, size, composition="product paper top")
            (image,) = [s for s in canvas.shapes if s.startswith("<image")]
            x, y, w, h = (float(re.search(rf'\b{name}="([\d.]+)"', image)[1]) for name in ("x", "y", "width", "height"))
            assert abs(w / h - shape[0] / shape[1]) < 0.02
            assert min(x, y, canvas.w - x - w, canvas.h - y - h) >= 0
            assert w * h > 0.06 * canvas.w * canvas.h


def test_a_foreign_picture_is_not_rasterised():
    with pytest.raises(ValueError, match="this engine"):
        picture.rasterise('<svg xmlns="http://www.w3.org/2000/svg"><image href="/etc/hostname"/></svg>')


def test_headlines_have_no_lonely_last_word():
    variants = write(brief(event="cancelled")).variants
    for composition, size in itertools.product(EVERY[::5], MASTERS):
        for variant in variants:
            canvas = picture.lay_out(
                replace(variant, picture=CONTENT.get(composition.layout, PictureContent())),
                replace(PLAIN, product_picture=SCREENSHOT),
                size,
                composition=str(composition),
            )
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
