"""A brand's two colours made into a palette whose text can always be read. Tints are mixed in OKLCH, where equal steps
look equal (Ottosson, "A perceptual color space for image processing", 2020); contrast is WCAG 2.2's."""

import math
import re
from dataclasses import dataclass
from functools import lru_cache

from manimod.creatives.engine.policy.platforms import CONTRAST

FALLBACK = {"primary": "#2b45c9", "accent": "#ffb84d"}


def rgb(colour):
    """ "#2b45c9" or "#24c" -> three numbers 0..1."""
    digits = colour.strip().lstrip("#")
    digits = "".join(c * 2 for c in digits) if len(digits) == 3 else digits
    return tuple(int(digits[i : i + 2], 16) / 255 for i in (0, 2, 4))


def hexadecimal(channels):
    return "#" + "".join(f"{round(min(1, max(0, c)) * 255):02x}" for c in channels)


def is_colour(text):
    return bool(re.fullmatch(r"#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})", (text or "").strip()))


def luminance(colour):
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb(colour))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b


def contrast(a, b):
    """WCAG contrast ratio, 1..21."""
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable(background, *wanted):
    """The first wanted colour that can be read on the background; failing that, near-black or white."""
    for colour in (*wanted, "#ffffff", "#111318"):
        if contrast(colour, background) >= CONTRAST:
            return colour
    return "#000000"


def oklch(colour):
    """Lightness 0..1, chroma 0..~0.37, hue in radians."""
    r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgb(colour))
    lms_l = (0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b) ** (1 / 3)
    lms_m = (0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b) ** (1 / 3)
    lms_s = (0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b) ** (1 / 3)
    a = 1.9779984951 * lms_l - 2.4285922050 * lms_m + 0.4505937099 * lms_s
    bb = 0.0259040371 * lms_l + 0.7827717662 * lms_m - 0.8086757660 * lms_s
    return 0.2104542553 * lms_l + 0.7936177850 * lms_m - 0.0040720468 * lms_s, math.hypot(a, bb), math.atan2(bb, a)


def from_oklch(lightness, chroma, hue):
    """The nearest colour a screen shows: chroma gives way until it fits."""
    while True:
        channels = _linear(lightness, chroma, hue)
        if chroma < 0.002 or all(-0.0005 <= c <= 1.0005 for c in channels):
            break
        chroma *= 0.92
    return hexadecimal(12.92 * c if c <= 0.0031308 else 1.055 * max(c, 0) ** (1 / 2.4) - 0.055 for c in channels)


def _linear(lightness, chroma, hue):
    a, b = chroma * math.cos(hue), chroma * math.sin(hue)
    lms_l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    lms_m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    lms_s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * lms_l - 3.3077115913 * lms_m + 0.2309699292 * lms_s,
        -1.2684380046 * lms_l + 2.6097574011 * lms_m - 0.3413193965 * lms_s,
        -0.0041960863 * lms_l - 0.7034186147 * lms_m + 1.7076147010 * lms_s,
    )


def tone(colour, lightness, strength=1.0):
    """The colour's hue at another lightness; `strength` scales its chroma."""
    _, chroma, hue = oklch(colour)
    return from_oklch(lightness, chroma * strength, hue)


def shift(colour, by):
    """A little lighter (by > 0) or darker, hue and chroma kept."""
    lightness, chroma, hue = oklch(colour)
    return from_oklch(min(0.98, max(0.1, lightness + by)), chroma, hue)


@dataclass(frozen=True)
class Palette:
    """A ground with what may stand on it: `ink` headline, `soft` body text, `mark` accent shapes and small text,
    `near`/`far` quiet shapes that sit close to and further from the ground, `strong` the boldest of the brand's own
    hue, `accent` the brand's second colour."""

    ground: str
    ink: str
    soft: str
    mark: str
    near: str
    far: str
    strong: str
    accent: str
    on_accent: str


@lru_cache(maxsize=512)
def palette(primary, accent, ground_name):
    """The palette of a brand on one of three grounds: "paper" light, "primary" the brand colour, "deep" dark."""
    primary = primary if is_colour(primary) else FALLBACK["primary"]
    accent = accent if is_colour(accent) else FALLBACK["accent"]
    ground, near, far = GROUNDS[ground_name](primary)
    dark_ground = luminance(ground) < 0.3
    ink = readable(ground, tone(primary, 0.985, 0.1) if dark_ground else tone(primary, 0.24, 0.6))
    soft = readable(ground, tone(primary, 0.9, 0.25) if dark_ground else tone(primary, 0.4, 0.5), ink)
    own = () if dark_ground else (primary, tone(primary, 0.45))
    mark = readable(ground, *own, accent, *(tone(accent, light) for light in (0.85, 0.7, 0.5, 0.4)), ink)
    shown = accent if contrast(accent, ground) >= 1.25 else mark
    on_accent = readable(shown, tone(primary, 0.24, 0.6))
    strong = primary if contrast(primary, ground) >= (1.8 if dark_ground else 1.25) else far
    return Palette(ground, ink, soft, mark, near, far, strong, shown, on_accent)


def _paper(primary):
    return tone(primary, 0.972, 0.1), tone(primary, 0.925, 0.3), tone(primary, 0.84, 0.6)


def _primary(primary):
    """The brand's own colour, moved until text can be read on it; very light brands stay light."""
    lightness = oklch(primary)[0]
    ground = primary
    if lightness < 0.75:
        while contrast(ground, "#ffffff") < CONTRAST + 0.3 and lightness > 0.2:
            lightness -= 0.02
            ground = tone(primary, lightness)
    away = 0.055 if lightness < 0.75 else -0.045
    return ground, shift(ground, away), shift(ground, away * 2.2)


def _deep(primary):
    """A dark ground of the brand's hue; yellows are greyed, since dark yellow looks like mud."""
    hue = math.degrees(oklch(primary)[2])
    rich = 0.3 if 50 < hue < 130 else 1
    return tone(primary, 0.25, 0.5 * rich), tone(primary, 0.31, 0.6 * rich), tone(primary, 0.4, 0.75 * rich)


GROUNDS = {"paper": _paper, "primary": _primary, "deep": _deep}
