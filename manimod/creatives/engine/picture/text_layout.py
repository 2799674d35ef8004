"""Text as outlines: shaped and measured by HarfBuzz against Inter, or Noto Sans CJK where Inter lacks a character,
broken into even lines, drawn as SVG paths. Widths are in em (1 = the font size), so that one measurement serves every
size."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import groupby
from pathlib import Path

import fontpkg_inter
import manimgx_fonts_cjk
import uharfbuzz as hb

INTER = Path(fontpkg_inter.__file__).parent / "files" / "Inter[opsz,wght].ttf"
NOTO_CJK = Path(manimgx_fonts_cjk.__file__).with_name("NotoSansCJK-VF.otf.ttc")
JAPANESE, KOREAN, CHINESE = 0, 1, 2  # where each region's forms stand in that collection
CAP_HEIGHT, ASCENDER, DESCENDER = 0.727, 0.80, 0.22  # of Inter, in em; what the eye takes as a line's height
UNITS = 2048  # of an em, in which outlines are kept, as in Inter
MAX_TEXT_LENGTH = 600  # characters that are tried at all

# Where an East Asian line may break: beside an ideograph or a hiragana, not inside a katakana word, not before closing
# punctuation or a small kana, not after opening punctuation (W3C's Requirements for Japanese Text Layout, 3.1.7).
_CJ, _OPEN = "\u3041-\u3096\u30a1-\u30ff\u3400-\u4dbf\u4e00-\u9fff々", "「『（【〈《"
_CLOSE, _KATAKANA = "、。，．：；！？」』）】〉》", "\u30a1-\u30ff"
_BREAK = re.compile(
    f"(?<=[{_CJ}{_CLOSE}])(?=[{_CJ}{_OPEN}])(?![ぁぃぅぇぉっゃゅょァィゥェォッャュョー々])(?!(?<=[{_KATAKANA}])[{_KATAKANA}])"
)


class PictureRefused(Exception):
    """The picture cannot be drawn as it should be; the message is a plain sentence for the person."""


@dataclass(frozen=True)
class Face:
    """One cut of the variable fonts: weight 100-900, optical size 14-32, tracking in em."""

    weight: int
    optical: int
    tracking: float = 0.0


DISPLAY = Face(700, 32, -0.022)
TEXT = Face(430, 20, -0.006)
STRONG = Face(620, 20, -0.006)


@cache
def _font(face: Face, region: int | None = None) -> hb.Font:
    """Inter, or Noto Sans CJK in a region's forms."""
    blob = hb.Blob.from_file_path(str(INTER if region is None else NOTO_CJK))
    font = hb.Font(hb.Face(blob, region or 0))
    font.set_variations({"wght": face.weight, "opsz": face.optical})
    return font


def typographic(text: str) -> str:
    """Curly quotes and apostrophes, as a typesetter sets them; spaces tidied."""
    text = re.sub(r"(?<=\w)'", "’", " ".join(text.split()))
    return re.sub(r"(^|[\s(])\"", r"\1“", text).replace('"', "”").replace("'", "’")


def _runs(text: str) -> Iterator[tuple[int | None, str]]:
    """The text in pieces of one font each: (region of Noto Sans CJK or None for Inter, piece). A text with kana is
    Japanese, one with hangul Korean; other ideographs take the forms of mainland China."""
    region = CHINESE
    if re.search(r"[\u3041-\u30ff]", text):
        region = JAPANESE
    elif re.search(r"[\u1100-\u11ff\uac00-\ud7af]", text):
        region = KOREAN
    for is_inter, characters in groupby(text, lambda c: bool(_font(TEXT).get_nominal_glyph(ord(c)))):
        yield None if is_inter else region, "".join(characters)


@lru_cache(maxsize=4096)
def _shape(text: str, face: Face) -> tuple[tuple[tuple[int | None, int, float], ...], float]:
    """((region of the font, glyph id, x), ...) and the whole advance, in em."""
    x, glyphs = 0.0, []
    for region, piece in _runs(text):
        font = _font(face, region)
        buffer = hb.Buffer()
        buffer.add_str(piece)
        buffer.guess_segment_properties()
        hb.shape(font, buffer, {"kern": True, "liga": True})
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
            glyphs.append((region, info.codepoint, x + position.x_offset / font.face.upem))
            x += position.x_advance / font.face.upem + face.tracking
    return tuple(glyphs), max(0.0, x - face.tracking)


def width(text: str, face: Face) -> float:
    return _shape(text, face)[1]


@lru_cache(maxsize=512)
def missing_glyphs(text: str) -> str:
    """Characters of the text that no font can draw, each once."""
    missing = ""
    for c in typographic(text):
        is_drawn = _font(TEXT).get_nominal_glyph(ord(c)) or _font(TEXT, JAPANESE).get_nominal_glyph(ord(c))
        if not is_drawn and not c.isspace() and c not in missing:
            missing += c
    return missing


@lru_cache(maxsize=2048)
def _outline(region: int | None, glyph: int, face: Face) -> str:
    """A glyph's path in relative whole units, to be started at its origin. Relative paths are short."""
    font, path, x, y = _font(face, region), "", 0, 0
    scale = UNITS / font.face.upem

    def draw(letter: str, points: tuple[float, ...]) -> None:
        nonlocal path, x, y
        ends = [round(number * scale) for number in points]
        path += letter + " ".join(f"{px - x} {py - y}" for px, py in zip(ends[::2], ends[1::2], strict=True))
        if ends:
            x, y = ends[-2:]

    pen = hb.DrawFuncs()  # each contour ends where it began
    pen.set_move_to_func(lambda *points: draw("m", points[:-1]))
    pen.set_line_to_func(lambda *points: draw("l", points[:-1]))
    pen.set_quadratic_to_func(lambda *points: draw("q", points[:-1]))
    pen.set_cubic_to_func(lambda *points: draw("c", points[:-1]))
    pen.set_close_path_func(lambda _: draw("z", ()))
    font.draw_glyph(glyph, pen, None)
    return path


def path(text: str, face: Face, x: float, baseline: float, size: float, fill: str) -> str:
    """One line of text as an SVG path element, its origin at (x, baseline)."""
    d = ""
    for region, glyph, glyph_x in _shape(text, face)[0]:
        outline = _outline(region, glyph, face)
        if outline:
            d += f"M{glyph_x * UNITS:.0f} 0{outline}"
    place = f"translate({x:.1f} {baseline:.1f}) scale({size / UNITS:.5f} -{size / UNITS:.5f})"
    return f'<path fill="{fill}" transform="{place}" d="{d}"/>'


@dataclass(frozen=True)
class Block:
    """Lines of one text at one size; `width` and `height` in pixels."""

    lines: tuple[str, ...]
    face: Face
    size: float
    leading: float = 1.0

    @property
    def width(self) -> float:
        return max(width(line, self.face) for line in self.lines) * self.size

    @property
    def height(self) -> float:
        return ((len(self.lines) - 1) * self.leading + ASCENDER + DESCENDER) * self.size


def fit(
    text: str, face: Face, box_width: float, box_height: float, largest: float, smallest: float, leading: float = 1.1
) -> Block:
    """The text broken into even lines at the largest size whose block fits the box."""
    text = typographic(text)
    size = largest
    while size >= smallest and len(text) <= MAX_TEXT_LENGTH:
        block = Block(wrap(text, face, box_width / size), face, size, leading)
        if block.lines and block.height <= box_height:
            return block
        size *= 0.96
    raise PictureRefused(f"“{text[:40]}…” is too long to be read in this picture. Please shorten it.")


@lru_cache(maxsize=1024)
def wrap(text: str, face: Face, measure: float) -> tuple[str, ...]:
    """The text in as few lines as fit the measure (em), as even as they can be; none where a word is too wide.
    A line costs its empty share squared, less if it ends with a stop, more with a short word or as a lonely last."""
    words = []
    for word in text.split(" "):
        words += _BREAK.split(f"{word} ")  # a space ends all but parts of a word
    if max(width(word.rstrip(), face) for word in words) > measure:
        return ()
    best = {len(words): (0, 0.0, ())}  # from a word on: number of lines, cost, the lines themselves
    for start in range(len(words) - 1, -1, -1):
        options = []
        for end in range(start + 1, len(words) + 1):
            line = "".join(words[start:end]).rstrip()
            slack = 1 - width(line, face) / measure
            if slack < 0:
                break
            count, cost, rest = best[end]
            if line[-1] in ".,:;?":
                cost -= 0.06
            elif rest and words[end - 1][-1] == " " and len(words[end - 1]) <= 3:
                cost += 0.08
            elif not rest and 0 < start == end - 1:
                cost += 0.6
            options.append((count + 1, cost + slack**2, (line, *rest)))
        best[start] = min(options)
    return best[0][2]
