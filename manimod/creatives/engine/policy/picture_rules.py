"""Rules about a drawn picture. They look at the boxes of its texts, which the easel keeps while drawing."""

from manimod.creatives.engine.picture.colour import contrast
from manimod.creatives.engine.picture.text_layout import missing_glyphs
from manimod.creatives.engine.policy.platforms import CANVASES, CONTRAST, CTA_MAP, LITTLE_TEXT_SHARE, PLACEMENTS
from manimod.creatives.engine.policy.policy import BLOCK, Hit, rule


@rule("IMG-01", "google_display", BLOCK, "Text takes at most a fifth of the picture", "Google 6363786", "picture")
def little_text(easel, placement, weight):
    if easel.text_share > LITTLE_TEXT_SHARE:
        message = "Google's display ads want pictures with little text. Use the picture with little text."
        yield Hit("picture", f"{easel.text_share:.0%}", message)


@rule("IMG-02", "all", BLOCK, "No drawn button", "TikTok ads handbook", "picture")
def drawn_button(easel, placement, weight):
    labels = {entry["label"].casefold() for entry in CTA_MAP.values()}
    for box in easel.boxes:
        if box.text.casefold().strip(" .›→>") in labels:
            message = "The picture shows what looks like a button. The platform adds the real one."
            yield Hit(box.kind, box.text, message)


@rule("IMG-03", "all", BLOCK, "Size, file weight and safe zone", "specifications.py", "picture")
def size_and_zone(easel, placement, weight):
    spec = PLACEMENTS[placement]
    masters = {CANVASES[c].master or c for c in spec.canvases}
    if easel.canvas not in masters:
        yield Hit("picture", easel.canvas, f"{spec.label} takes pictures of {', '.join(spec.canvases)} pixels.")
    if weight and weight > spec.weight_limit:
        yield Hit("picture", f"{weight:,} bytes", f"{spec.label} takes files up to {spec.weight_limit:,} bytes.")
    top, bottom, sides = CANVASES[easel.canvas].clear
    for box in easel.boxes:
        outside = box.y < top * easel.h or box.y + box.h > (1 - bottom) * easel.h
        if outside or box.x < sides * easel.w or box.x + box.w > (1 - sides) * easel.w:
            yield Hit(box.kind, box.text[:40], "This text lies where the platform puts its own controls. Move it in.")


@rule(
    "IMG-04", "all", BLOCK, "Contrast of at least 4.5:1, and no sign that the font lacks", "WCAG 2.2, 1.4.3", "picture"
)
def legible(easel, placement, weight):
    for box in easel.boxes:
        if contrast(box.fill, box.ground) < CONTRAST:
            yield Hit(
                box.kind, f"{box.fill} on {box.ground}", "This text is hard to read on its ground. Change a colour."
            )
        if missing_glyphs(box.text):
            yield Hit(box.kind, missing_glyphs(box.text), "The picture's font has no such sign. Use other characters.")
