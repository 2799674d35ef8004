"""How a picture is composed: which layout, on which background, with the words in which place. A seed chooses, so that
an account's pictures differ and the same ad always has the same picture."""

import itertools
from collections.abc import Iterable
from typing import NamedTuple

from manimod.creatives.engine.brief import PictureContent
from manimod.creatives.engine.copy.phrase_selection import digest
from manimod.creatives.engine.picture.colour import BACKGROUNDS

QUIET_LAYOUTS = ("statement", "tiles", "arcs", "thread", "steps")  # for ads that have nothing to show
LAYOUTS = ("comparison", "figure", "list", "product", *QUIET_LAYOUTS)
POSITIONS = ("left", "right", "top", "bottom", "centred")  # of the words
WIDE_LAYOUTS = ("comparison", "product")  # which need the whole width of a square


class Composition(NamedTuple):
    layout: str
    background: str
    position: str

    def __str__(self) -> str:
        return " ".join(self)


EVERY = []
for layout, background, position in itertools.product(LAYOUTS, BACKGROUNDS, POSITIONS):
    if layout not in WIDE_LAYOUTS or position not in ("left", "right"):
        EVERY.append(Composition(layout, background, position))


def fitting_layouts(content: PictureContent, has_product_picture: bool) -> tuple[str, ...]:
    """The layouts that show what there is to show."""
    is_shown = {
        "comparison": len(content.columns) == 2,
        "figure": content.figure,
        "list": content.facts,
        "product": has_product_picture,
    }
    return tuple(layout for layout, there in is_shown.items() if there) or QUIET_LAYOUTS


def choose(content: PictureContent, has_product_picture: bool, seed: str, taken: Iterable[str] = ()) -> str:
    """The composition of an ad as one name. `taken`: those of the ads beside it, which it differs from in layout,
    background and position as far as it can."""
    others = list(filter(None, map(parse, taken)))

    def alike(one: Composition) -> tuple[int, float]:
        same = 0
        for other in others:
            same += 2 * (one.layout == other.layout) + 2 * (one.position == other.position)
            same += 3 * (one.background == other.background)
        return same, digest(seed, str(one))

    fitting = fitting_layouts(content, has_product_picture)
    return str(min((one for one in EVERY if one.layout in fitting), key=alike))


def parse(name: str) -> Composition | None:
    """The composition of a name; None for what earlier versions stored."""
    return next((composition for composition in EVERY if str(composition) == name), None)
