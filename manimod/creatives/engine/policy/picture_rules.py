"""Rules about a drawn picture. They look at the boxes of its texts, which the canvas keeps while drawing."""

from collections.abc import Iterator

from manimod.creatives.engine.picture.canvas import Canvas
from manimod.creatives.engine.picture.colour import contrast
from manimod.creatives.engine.picture.text_layout import missing_glyphs
from manimod.creatives.engine.policy.platforms import CANVASES, CONTRAST, CTA_MAP, LITTLE_TEXT_SHARE, PLACEMENTS
from manimod.creatives.engine.policy.rules import Hit


def little_text(canvas: Canvas, _placement: str) -> Iterator[Hit]:
    if canvas.text_share > LITTLE_TEXT_SHARE:
        yield Hit("picture", f"{canvas.text_share:.0%}")


def drawn_button(canvas: Canvas, _placement: str) -> Iterator[Hit]:
    labels = {entry["label"].casefold() for entry in CTA_MAP.values()}
    for box in canvas.boxes:
        if box.text.casefold().strip(" .›→>") in labels:
            yield Hit(box.kind, box.text)


def size_and_zone(canvas: Canvas, placement: str) -> Iterator[Hit]:
    spec = PLACEMENTS[placement]
    masters = {CANVASES[name].master or name for name in spec.canvases}
    if canvas.size not in masters:
        yield Hit("picture", canvas.size, f"{spec.label} takes pictures of {', '.join(spec.canvases)} pixels.")
    top, bottom, sides = CANVASES[canvas.size].clear
    for box in canvas.boxes:
        is_too_high_or_low = box.y < top * canvas.h or box.y + box.h > (1 - bottom) * canvas.h
        is_too_far_aside = box.x < sides * canvas.w or box.x + box.w > (1 - sides) * canvas.w
        if is_too_high_or_low or is_too_far_aside:
            yield Hit(box.kind, box.text[:40], "This text lies where the platform puts its own controls. Move it in.")


def legible(canvas: Canvas, _placement: str) -> Iterator[Hit]:
    for box in canvas.boxes:
        if contrast(box.fill, box.background) < CONTRAST:
            message = "This text is hard to read on its background. Change a colour."
            yield Hit(box.kind, f"{box.fill} on {box.background}", message)
        missing = missing_glyphs(box.text)
        if missing:
            yield Hit(box.kind, missing, "The picture's font has no such sign. Use other characters.")


CHECKS = {"IMG-01": little_text, "IMG-02": drawn_button, "IMG-03": size_and_zone, "IMG-04": legible}
