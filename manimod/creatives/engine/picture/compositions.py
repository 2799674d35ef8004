"""How a picture is composed: which layout, on which background, with the words in which place. A seed chooses, so that
an account's pictures differ and the same ad always has the same picture."""

import itertools
from collections.abc import Iterable
from typing import NamedTuple

from manimod.creatives.engine.brief import PictureContent
from manimod.creatives.engine.copy.phrase_selection import digest
from manimod.creatives.engine.picture.colour import BACKGROUNDS

FACT_LAYOUTS = ("comparison", "figure", "list")
QUIET_LAYOUTS = ("statement", "tiles", "arcs", "thread", "steps")  # for ads that have nothing to show
LAYOUTS = (*FACT_LAYOUTS, "product", *QUIET_LAYOUTS)
POSITIONS = ("left", "right", "top", "bottom", "centred")  # of the words
WIDE_LAYOUTS = ("comparison", "product")  # which need the whole width of a square


class Composition(NamedTuple):
    layout: str
    background: str
    position: str

    def __str__(self) -> str:
        return " ".join(self)


EVERY = tuple(
    Composition(layout, background, position)
    for layout, background in itertools.product(LAYOUTS, BACKGROUNDS)
    for position in POSITIONS[2 if layout in WIDE_LAYOUTS else 0 :]
)


def fitting_layouts(content: PictureContent, has_product_picture: bool) -> tuple[str, ...]:
    """The layouts that show what there is to show."""
    facts = {"comparison": len(content.columns) == 2, "figure": content.figure, "list": content.facts}
    found = [layout for layout in FACT_LAYOUTS if facts[layout]]
    if has_product_picture:
        found.append("product")
    return tuple(found) or QUIET_LAYOUTS


def choose(content: PictureContent, has_product_picture: bool, seed: str, taken: Iterable[str] = ()) -> str:
    """The composition of an ad as one name. `taken`: those of the ads beside it, which it differs from in layout,
    background and position as far as it can."""
    others = [composition for name in taken if (composition := parse(name))]

    def alike(one: Composition) -> tuple[int, float]:
        same = sum(sum(a == b for a, b in zip(one, other, strict=True)) for other in others)
        grounds = sum(one.background == other.background for other in others)
        return 2 * same + grounds, digest(seed, str(one))

    fitting = fitting_layouts(content, has_product_picture)
    return str(min((one for one in EVERY if one.layout in fitting), key=alike))


def parse(name: str) -> Composition | None:
    """The composition of a name; None for what earlier versions stored."""
    parts = Composition(*name.split()) if name.count(" ") == 2 else None
    return parts if parts in EVERY else None
