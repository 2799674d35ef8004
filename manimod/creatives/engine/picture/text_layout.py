"""Text as outlines: shaped, kerned and measured by HarfBuzz against Inter, broken into even lines, drawn as SVG paths.

Widths are in em (1 = the font size), so that one measurement serves every size. The font is opened once a process.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

import fontpkg_inter
import uharfbuzz as hb

FONT = Path(fontpkg_inter.__file__).parent / "files" / "Inter[opsz,wght].ttf"
CAP_HEIGHT, ASCENDER, DESCENDER = 0.727, 0.80, 0.22  # of Inter, in em; what the eye takes as a line's height
MAX_TEXT_LENGTH = 600  # characters that are tried at all


class PictureRefused(Exception):
    """The picture cannot be drawn as it should be; the message is a plain sentence for the person."""


@dataclass(frozen=True)
class Face:
    """One cut of the variable font: weight 100-900, optical size 14-32, tracking in em."""

    weight: int
    optical: int
    tracking: float = 0.0


DISPLAY = Face(700, 32, -0.022)
TEXT = Face(430, 20, -0.006)
STRONG = Face(620, 20, -0.006)


@cache
def _face():
    return hb.Face(hb.Blob.from_file_path(str(FONT)))


@cache
def _font(face):
    font = hb.Font(_face())
    font.set_variations({"wght": face.weight, "opsz": face.optical})
    return font


@cache
def _upem():
    return _face().upem


def typographic(text):
    """Curly quotes and apostrophes, as a typesetter sets them; spaces tidied."""
    text = re.sub(r"(?<=\w)'", "’", " ".join(text.split()))
    return re.sub(r"(^|[\s(])\"", r"\1“", text).replace('"', "”").replace("'", "’")


@lru_cache(maxsize=4096)
def _shape(text, face):
    """((glyph id, x in font units), ...) and the whole advance in em."""
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    hb.shape(_font(face), buffer, {"kern": True, "liga": True})
    track, x, glyphs = face.tracking * _upem(), 0.0, []
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        glyphs.append((info.codepoint, x + position.x_offset))
        x += position.x_advance + track
    return tuple(glyphs), max(0.0, x - track) / _upem()


def width(text, face):
    return _shape(text, face)[1]


def missing_glyphs(text):
    """Characters of the text that the font cannot draw, each once."""
    font = _font(TEXT)
    return "".join(
        dict.fromkeys(c for c in typographic(text) if not c.isspace() and not font.get_nominal_glyph(ord(c)))
    )


def refuse_missing(text):
    missing = missing_glyphs(text)
    if missing:
        raise PictureRefused(
            f"The picture's font has no sign for “{missing[:12]}”. Use Latin, Greek or Cyrillic letters in the texts "
            "that are drawn, and no emoji."
        )


@lru_cache(maxsize=2048)
def _outline(glyph, face):
    """A glyph's path in relative whole font units, to be started at its origin."""
    parts, at, start = [], (0, 0), (0, 0)

    def step(letter, *points):
        nonlocal at
        parts.append(letter + " ".join(f"{round(x) - at[0]} {round(y) - at[1]}" for x, y in points))
        at = (round(points[-1][0]), round(points[-1][1]))

    def move(x, y, _):
        nonlocal start
        step("m", (x, y))
        start = at

    def close(_):
        nonlocal at
        parts.append("z")
        at = start

    pen = hb.DrawFuncs()
    pen.set_move_to_func(move)
    pen.set_line_to_func(lambda x, y, _: step("l", (x, y)))
    pen.set_quadratic_to_func(lambda cx, cy, x, y, _: step("q", (cx, cy), (x, y)))
    pen.set_cubic_to_func(lambda ax, ay, bx, by, x, y, _: step("c", (ax, ay), (bx, by), (x, y)))
    pen.set_close_path_func(close)
    _font(face).draw_glyph(glyph, pen, None)
    return "".join(parts)


def path(text, face, x, baseline, size, fill):
    """One line of text as an SVG path element, its origin at (x, baseline)."""
    scale = size / _upem()
    d = "".join(f"M{gx:.0f} 0{_outline(glyph, face)}" for glyph, gx in _shape(text, face)[0] if _outline(glyph, face))
    return (
        f'<path fill="{fill}" transform="translate({x:.1f} {baseline:.1f}) scale({scale:.5f} -{scale:.5f})" d="{d}"/>'
    )


@dataclass(frozen=True)
class Block:
    """Lines of one text at one size; `width` and `height` in pixels."""

    lines: tuple[str, ...]
    face: Face
    size: float
    leading: float

    @property
    def width(self):
        return max(width(line, self.face) for line in self.lines) * self.size

    @property
    def height(self):
        return ((len(self.lines) - 1) * self.leading + ASCENDER + DESCENDER) * self.size


def fit(text, face, box_width, box_height, largest, smallest, leading=1.1):
    """The text broken into even lines at the largest size whose block fits the box."""
    text = typographic(text)
    size = largest if len(text) <= MAX_TEXT_LENGTH else 0
    while size >= smallest:
        lines = wrap(text, face, box_width / size)
        block = lines and Block(lines, face, size, leading)
        if block and block.height <= box_height:
            return block
        size *= 0.96
    raise PictureRefused(f"“{text[:40]}…” is too long to be read in this picture. Please shorten it.")


@lru_cache(maxsize=1024)
def wrap(text, face, measure):
    """The text in as few lines as fit the measure (em), as even as they can be, without a lonely last word; None where
    a word alone is too wide."""
    words = text.split(" ")
    if max(width(word, face) for word in words) > measure:
        return None
    best = {len(words): (0, 0.0, ())}  # from a word on: lines, unevenness, the lines themselves
    for i in range(len(words) - 1, -1, -1):
        options = []
        for j in range(i + 1, len(words) + 1):
            line = " ".join(words[i:j])
            room = measure - width(line, face)
            if room < 0:
                break
            count, cost, rest = best[j]
            options.append(
                (count + 1, cost + _unevenness(room / measure, words[i:j], j == len(words), i), (line, *rest))
            )
        best[i] = min(options)
    return best[0][2]


def _unevenness(slack, words, is_last, start):
    """Squared empty share of the line; an orphan, a comma-less break after a short word and such cost extra."""
    cost = slack**2
    if is_last and start and (len(words) == 1 or slack > 0.72):
        cost += 0.6
    if not is_last and len(words[-1].strip(",.:")) <= 2:
        cost += 0.08
    if not is_last and words[-1][-1] in ".,:;?":
        cost -= 0.06
    return cost
