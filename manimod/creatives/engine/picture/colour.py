"""A brand's two colours made into palettes whose text can always be read and whose hues do not fight. Tints are mixed
in OKLCH, where equal steps look equal; contrast is WCAG 2.2's."""

from dataclasses import dataclass
from functools import lru_cache

from coloraide import Color

from manimod.creatives.engine.policy.platforms import CONTRAST

BLACK, WHITE = "#111318", "#ffffff"
BACKGROUNDS = ("paper", "primary", "deep", "near")  # light, the brand's colour, dark, a soft tint
SEEN_APART = 0.09  # distance in OKLab from which two areas side by side are told apart


@lru_cache(maxsize=2048)
def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio, 1..21."""
    return Color(one).contrast(other)


@lru_cache(maxsize=2048)
def distance(one: str, other: str) -> float:
    """How different two colours look: the distance in OKLab, 0..1."""
    return Color(one).delta_e(other, method="ok")


def readable(background: str, *wanted: str) -> str:
    """The first wanted colour that can be read on the background; failing that, white, near-black or black."""
    for colour in (*wanted, WHITE, BLACK):
        if contrast(colour, background) >= CONTRAST:
            return colour
    return "#000000"


def lch(colour: str) -> tuple[float, float, float]:
    """OKLCH: lightness 0..1, chroma 0..0.4, hue in degrees (0 for greys)."""
    lightness, chroma, hue = Color(colour).convert("oklch").coords(nans=False)
    if chroma <= 0.01:
        return lightness, 0.0, 0.0
    return lightness, chroma, hue


def from_lch(lightness: float, chroma: float, hue: float) -> str:
    """The colour, with less chroma where a screen cannot show it."""
    wanted = Color("oklch", [min(1, max(0, lightness)), chroma, hue])
    return wanted.convert("srgb").fit(method="oklch-chroma", jnd=0).to_string(hex=True)


def is_yellow(hue: float, chroma: float) -> bool:
    return 75 < hue < 128 and chroma > 0.04


def hue_difference(one: float, other: float) -> float:
    """In degrees, 0..180."""
    return abs((one - other + 180) % 360 - 180)


def tone(colour: str, lightness: float, strength: float = 1.0) -> str:
    """The colour at another lightness (0..1); `strength` scales its chroma. A dark yellow is olive, so the shades of a
    yellow turn to amber and brown, as its shadows do."""
    own, chroma, hue = lch(colour)
    if is_yellow(hue, chroma) and lightness < min(own, 0.8):
        hue = 66
        strength *= 0.75 if lightness > 0.35 else 0.3
    return from_lch(lightness, chroma * strength, hue)


def harmonise(accent: str, background: str) -> str:
    """The accent as it may lie on the background: two strong hues far apart and equally light seem to tremble, so the
    accent is then made paler, or darker on a light background, and calmer."""
    light, chroma, hue = lch(accent)
    ground_light, ground_chroma, ground_hue = lch(background)
    apart = hue_difference(hue, ground_hue)
    enough = 0.34 if apart > 90 else 0.2
    if min(chroma, ground_chroma) < 0.11 or apart < 50 or abs(light - ground_light) > enough:
        return accent
    away = 0.36 if ground_light < 0.66 else -0.42
    return from_lch(min(0.95, ground_light + away), min(chroma, 0.11), hue)


@dataclass(frozen=True)
class Palette:
    """A background with what may stand on it: `ink` headline, `soft` body text, `mark` accent shapes and small text,
    `near`/`far` quiet shapes that sit close to and further from the background, `accent` the brand's second colour."""

    background: str
    ink: str
    soft: str
    mark: str
    near: str
    far: str
    accent: str
    on_accent: str


@lru_cache(maxsize=512)
def palettes(primary: str, accent: str, background_name: str) -> tuple[Palette, Palette]:
    """The palettes of one of the BACKGROUNDS and of the panel that lies on it. They take some milliseconds, so each
    pair is made once."""
    lightness, chroma, hue = lch(primary)
    _, accent_chroma, accent_hue = lch(accent)
    solid, paper, deep = _solid(primary), tone(primary, 0.975, 0.1), tone(primary, 0.25, 0.5)
    second = _solid(accent)
    if min(chroma, accent_chroma) > 0.2 and hue_difference(hue, accent_hue) > 50:
        second = solid  # both are so strong that only one of them may fill a large area
    near = tone(primary, 0.93, 0.3)
    if is_yellow(hue, chroma):
        near = tone(primary, 0.955, 0.42)
    if lightness > 0.93:
        near = solid
    backgrounds = {"paper": paper, "primary": solid, "deep": deep, "near": near}
    panels = {
        "paper": (solid, second, deep),
        "primary": (paper, deep),
        "deep": (solid, tone(primary, 0.45), paper),
        "near": (second, solid, deep),
    }
    background = backgrounds[background_name]
    panel = max(panels[background_name], key=lambda colour: min(SEEN_APART, distance(colour, background)))
    return _palette(background, primary, accent), _palette(panel, primary, accent)


def _solid(colour: str) -> str:
    """The colour as an area that bears text: dark ink stands on light ones, the others are darkened for white."""
    lightness, _, _ = lch(colour)
    while lightness < 0.68 and contrast(colour, WHITE) < CONTRAST + 0.3 and lightness > 0.2:
        lightness -= 0.02
        colour = tone(colour, lightness)
    return colour


def _palette(background: str, primary: str, accent: str) -> Palette:
    lightness, chroma, hue = lch(background)
    _, primary_chroma, primary_hue = lch(primary)
    if lightness <= 0.9:  # mostly lighter ones, since darker shades of a warm colour are mud
        step = 0.05 + 0.12 * max(0, 0.25 - lightness)
        if lightness >= 0.86:
            step = -0.045
        near = from_lch(lightness + step, 0.92 * chroma, hue)
        far = from_lch(lightness + 2.2 * step, (1 - 0.08 * 2.2) * chroma, hue)
    elif is_yellow(primary_hue, primary_chroma):
        near, far = tone(primary, lightness - 0.02, 0.4), tone(primary, lightness - 0.055, 0.75)
    else:
        near, far = tone(primary, lightness - 0.05, 0.3), tone(primary, lightness - 0.12, 0.6)
    if Color(background).luminance() < 0.3:
        ink, soft, own = tone(primary, 0.985, 0.1), tone(primary, 0.9, 0.25), ()
    else:
        ink, soft, own = tone(primary, 0.24, 0.6), tone(primary, 0.4, 0.5), (primary, tone(primary, 0.45))
    ink = readable(background, ink)
    soft = readable(background, soft, ink)
    calm = shown = harmonise(accent, background)
    mark = readable(background, *own, calm, *(tone(calm, light) for light in (0.85, 0.7, 0.5, 0.4)), ink)
    if distance(shown, background) < SEEN_APART:
        shown = harmonise(primary, background)
    if distance(shown, background) < SEEN_APART:
        shown = mark
    return Palette(background, ink, soft, mark, near, far, shown, readable(shown, tone(primary, 0.24, 0.6)))
