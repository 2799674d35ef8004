"""A brand's two colours made into a palette whose text can always be read. Tints are mixed in OKLCH, where equal steps
look equal; contrast is WCAG 2.2's."""

from dataclasses import dataclass
from functools import lru_cache

from coloraide import Color

from manimod.creatives.engine.policy.platforms import CONTRAST

BLACK, WHITE = "#111318", "#ffffff"
BACKGROUNDS = ("paper", "primary", "deep")  # light, the brand's colour, dark
# Lightness and strength of a background in the brand's hue and of its near and far tints.
TINTS = {"paper": ((0.972, 0.1), (0.925, 0.3), (0.84, 0.6)), "deep": ((0.25, 0.5), (0.31, 0.6), (0.4, 0.75))}


@lru_cache(maxsize=1024)
def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio, 1..21."""
    return Color(one).contrast(other)


def readable(background: str, *wanted: str) -> str:
    """The first wanted colour that can be read on the background; failing that, white, near-black or black."""
    for colour in (*wanted, WHITE, BLACK):
        if contrast(colour, background) >= CONTRAST:
            return colour
    return "#000000"


def tone(colour: str, lightness: float, strength: float = 1.0) -> str:
    """The colour's hue at another lightness (0..1); `strength` scales its chroma, which gives way until a screen can
    show the colour."""
    tinted = Color(colour).convert("oklch")
    tinted["lightness"] = lightness
    tinted["chroma"] *= strength
    return tinted.convert("srgb").fit(method="oklch-chroma", jnd=0).to_string(hex=True)


@dataclass(frozen=True)
class Palette:
    """A background with what may stand on it: `ink` headline, `soft` body text, `mark` accent shapes and small text,
    `near`/`far` quiet shapes that sit close to and further from the background, `strong` the boldest of the brand's own
    hue, `accent` the brand's second colour."""

    background: str
    ink: str
    soft: str
    mark: str
    near: str
    far: str
    strong: str
    accent: str
    on_accent: str


@lru_cache(maxsize=512)
def palette(primary: str, accent: str, background_name: str) -> Palette:
    """The palette of a brand on one of the BACKGROUNDS. It takes some milliseconds, so each is made once."""
    lightness, _, hue = Color(primary).convert("oklch").coords()
    if background_name in TINTS:
        is_mud = background_name == "deep" and 50 < hue < 130  # dark yellow looks like mud, so it is greyed
        rich = 0.3 if is_mud else 1
        background, near, far = (tone(primary, light, strength * rich) for light, strength in TINTS[background_name])
    else:  # the brand's own colour, moved until white can be read on it; light brands stay light
        background, away = primary, -0.045 if lightness >= 0.75 else 0.055
        while away > 0 and contrast(background, WHITE) < CONTRAST + 0.3 and lightness > 0.2:
            lightness -= 0.02
            background = tone(primary, lightness)
        shown = Color(background).convert("oklch")["lightness"]
        near = tone(background, min(0.98, max(0.1, shown + away)))
        far = tone(background, min(0.98, max(0.1, shown + away * 2.2)))
    is_dark = Color(background).luminance() < 0.3
    ink, soft, own = tone(primary, 0.24, 0.6), tone(primary, 0.4, 0.5), [primary, tone(primary, 0.45)]
    if is_dark:
        ink, soft, own = tone(primary, 0.985, 0.1), tone(primary, 0.9, 0.25), []
    ink = readable(background, ink)
    soft = readable(background, soft, ink)
    accents = [accent, tone(accent, 0.85), tone(accent, 0.7), tone(accent, 0.5), tone(accent, 0.4)]
    mark = readable(background, *own, *accents, ink)
    shown = accent if contrast(accent, background) >= 1.25 else mark
    on_accent = readable(shown, tone(primary, 0.24, 0.6))
    strong = primary if contrast(primary, background) >= (1.8 if is_dark else 1.25) else far
    return Palette(background, ink, soft, mark, near, far, strong, shown, on_accent)
