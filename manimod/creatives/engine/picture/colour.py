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
    return (lightness, chroma, hue) if chroma > 0.01 else (lightness, 0.0, 0.0)


def from_lch(lightness: float, chroma: float, hue: float) -> str:
    """The colour, with less chroma where a screen cannot show it."""
    wanted = Color("oklch", [min(1, max(0, lightness)), chroma, hue])
    return wanted.convert("srgb").fit(method="oklch-chroma", jnd=0).to_string(hex=True)


def is_yellow(hue: float, chroma: float) -> bool:
    return 75 < hue < 128 and chroma > 0.04


def tone(colour: str, lightness: float, strength: float = 1.0) -> str:
    """The colour at another lightness (0..1); `strength` scales its chroma. A dark yellow is olive, so the shades of a
    yellow turn to amber and brown, as its shadows do."""
    own, chroma, hue = lch(colour)
    if is_yellow(hue, chroma) and lightness < min(own, 0.8):
        hue, strength = 66, strength * (0.75 if lightness > 0.35 else 0.3)
    return from_lch(lightness, chroma * strength, hue)


def harmonise(accent: str, background: str) -> str:
    """The accent as it may lie on the background: two strong hues far apart and equally light seem to tremble, so the
    accent is then made paler, or darker on a light background, and calmer."""
    light, chroma, hue = lch(accent)
    ground_light, ground_chroma, ground_hue = lch(background)
    apart = abs((hue - ground_hue + 180) % 360 - 180)
    enough = 0.34 if apart > 90 else 0.2
    if min(chroma, ground_chroma) < 0.11 or apart < 50 or abs(light - ground_light) > enough:
        return accent
    away = 0.36 if ground_light < 0.66 else -0.42
    return from_lch(min(0.95, ground_light + away), min(chroma, 0.11), hue)


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
def palettes(primary: str, accent: str, background_name: str) -> tuple[Palette, Palette]:
    """The palettes of one of the BACKGROUNDS and of the panel that lies on it. They take some milliseconds, so each
    pair is made once."""
    lightness, chroma, hue = lch(primary)
    solid, paper, deep = _solid(primary), tone(primary, 0.975, 0.1), tone(primary, 0.25, 0.5)
    near = tone(primary, 0.955, 0.42) if is_yellow(hue, chroma) else tone(primary, 0.93, 0.3)
    second = solid if _glare(accent, primary) else _solid(accent)
    backgrounds = {"paper": paper, "primary": solid, "deep": deep, "near": solid if lightness > 0.93 else near}
    panels = {
        "paper": (solid, second, deep),
        "primary": (paper, deep),
        "deep": (solid, tone(primary, 0.45), paper),
        "near": (second, solid, deep),
    }
    background = backgrounds[background_name]
    seen = [colour for colour in panels[background_name] if distance(colour, background) >= SEEN_APART]
    panel = seen[0] if seen else max(panels[background_name], key=lambda colour: distance(colour, background))
    return _palette(background, primary, accent), _palette(panel, primary, accent)


def _glare(one: str, other: str) -> bool:
    """Whether two colours are both so strong, and so far apart, that only one of them may fill a large area."""
    _, chroma, hue = lch(one)
    _, other_chroma, other_hue = lch(other)
    return min(chroma, other_chroma) > 0.2 and abs((hue - other_hue + 180) % 360 - 180) > 50


def _solid(colour: str) -> str:
    """The colour as an area that bears text: dark ink stands on light ones, the others are darkened for white."""
    lightness, _, _ = lch(colour)
    while lightness < 0.68 and contrast(colour, WHITE) < CONTRAST + 0.3 and lightness > 0.2:
        lightness -= 0.02
        colour = tone(colour, lightness)
    return colour


def _palette(background: str, primary: str, accent: str) -> Palette:
    lightness, chroma, hue = lch(background)
    if lightness > 0.9:
        pale = is_yellow(lch(primary)[2], lch(primary)[1])
        steps = ((0.02, 0.4), (0.055, 0.75)) if pale else ((0.05, 0.3), (0.12, 0.6))
        near, far = (tone(primary, lightness - step, strength) for step, strength in steps)
    else:  # mostly lighter ones, since darker shades of a warm colour are mud
        step = 0.05 + 0.12 * max(0, 0.25 - lightness) if lightness < 0.86 else -0.045
        near, far = (from_lch(lightness + times * step, chroma * (1 - 0.08 * times), hue) for times in (1, 2.2))
    is_dark = Color(background).luminance() < 0.3
    if is_dark:
        ink, soft, own = tone(primary, 0.985, 0.1), tone(primary, 0.9, 0.25), []
    else:
        ink, soft, own = tone(primary, 0.24, 0.6), tone(primary, 0.4, 0.5), [primary, tone(primary, 0.45)]
    ink = readable(background, ink)
    soft = readable(background, soft, ink)
    calm = harmonise(accent, background)
    accents = [calm, *(tone(calm, light) for light in (0.85, 0.7, 0.5, 0.4))]
    mark = readable(background, *own, *accents, ink)
    shown = next((c for c in (calm, harmonise(primary, background)) if distance(c, background) >= SEEN_APART), mark)
    on_accent = readable(shown, tone(primary, 0.24, 0.6))
    strong = harmonise(primary if distance(primary, background) >= SEEN_APART else far, background)
    return Palette(background, ink, soft, mark, near, far, strong, shown, on_accent)
