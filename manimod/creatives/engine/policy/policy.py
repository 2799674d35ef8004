"""May this text or picture be published? The rules of rules.toml, with the checks that need more than terms.
It lowers the risk that a platform refuses an ad; it never promises a platform's approval."""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from manimod.creatives.engine.brief import Finding, PlatformCopy, Variant
from manimod.creatives.engine.picture.canvas import Canvas
from manimod.creatives.engine.picture.colour import contrast
from manimod.creatives.engine.picture.text_layout import missing_glyphs
from manimod.creatives.engine.policy import platforms
from manimod.creatives.engine.policy.platforms import AUDIENCE_MINIMUMS, CANVASES, CTA_LISTS, CTA_MAP, CTA_SUITS
from manimod.creatives.engine.policy.rules import (
    ALL,
    ANY,
    BLOCK,
    WARN,
    CheckedCopy,
    Hit,
    PolicyContext,
    Text,
    broken_tables,
    find_terms,
    load_rules,
)

UTM_KEYS = ("utm_source", "utm_medium", "utm_campaign", "utm_content")


def check(variant: Variant, context: PolicyContext) -> list[Finding]:
    """Every finding of a variant: its own texts and all its placements. Universal rules judge a text only once."""
    own = PlatformCopy({"headline": (variant.headline,), "body": (variant.body,)}, variant.call_to_action)
    findings, seen = [], set()
    for platform, copy in {ALL: own, **variant.platforms}.items():
        texts, unseen, broken = [], [], set()
        for field, _, line in copy.texts():
            text = Text.masked(field, line, context)
            texts.append(text)
            broken.update(broken_tables(text.plain))
            if line not in seen:
                unseen.append(text)
                seen.add(line)
        new, whole = CheckedCopy(platform, unseen), CheckedCopy(platform, texts, copy.call_to_action)
        scopes = ("ad",) if platform == ALL else ("text", "field", "placement")
        for rule in RULES.values():
            if rule.check is None and rule.terms not in broken:
                continue
            if rule.is_universal:
                findings += rule.findings(platform, new, context)
            elif rule.scope in scopes and rule.applies(platform):
                findings += rule.findings(platform, whole, context)
    return list(dict.fromkeys(findings))


def check_text(text: str, field: str, platform: str, context: PolicyContext) -> list[Finding]:
    """The findings of one text while it is being typed. `platform` is a placement id or "all"."""
    copy = CheckedCopy(platform, [Text.masked(field, text, context)])
    return _judge(("text", "field"), platform, copy, context)


def check_stored(text: str, context: PolicyContext) -> list[Finding]:
    """The findings of a text that the account stores. It is its own proof: nobody else can know whether it is true."""
    context = replace(context, proof=(*context.proof, text))
    copy = CheckedCopy(ALL, [Text.masked("stored", text, context)])
    return _judge(("text",), ANY, copy, context)


def check_name(name: str, context: PolicyContext) -> list[Finding]:
    """The findings of a brand's or tier's name. Capitals are its own affair, and "Free" is a name here. Of customers'
    names only whole ones count ("Acme Corp Enterprise"), because "Max" is a tier beside a Max Example; a customer who
    is called like the brand does not count, because the brand may well be its own first customer."""
    whole = []
    for customer in context.customer_names:
        folded = customer.casefold()
        if " " in customer and folded in name.casefold() and folded not in context.brand.name.casefold():
            whole.append(customer)
    context = replace(context, tier=None, brand=replace(context.brand, name=""), customer_names=whole)
    exempt = ["EDT-01", "EDT-02"]
    if re.fullmatch(r"free( (plan|tier|forever))?", name, re.IGNORECASE):
        exempt.append("MIS-01")
    copy = CheckedCopy(ALL, [Text.masked("stored", name, context)])
    return [finding for finding in _judge(("text",), ANY, copy, context) if finding.rule_id not in exempt]


def check_ad_name(name: str) -> list[Finding]:
    """The findings of what a campaign, an ad, a file or a part of a link is called."""
    return _judge(("name",), ALL, name)


def check_link(link: str) -> list[Finding]:
    """The findings of the address to which a click on an ad leads, with all that a platform adds to it."""
    return _judge(("link",), ALL, link)


def check_picture(canvas: Canvas, placement: str) -> list[Finding]:
    """The findings of a drawn picture for a placement."""
    return _judge(("picture",), placement, canvas, placement)


def _judge(scopes: tuple[str, ...], platform: str, *subject: object) -> list[Finding]:
    findings = []
    for rule in RULES.values():
        if rule.scope in scopes and rule.applies(platform):
            findings += rule.findings(platform, *subject)
    return findings


def blocks(findings: Iterable[Finding]) -> list[Finding]:
    return [finding for finding in findings if finding.severity == BLOCK]


def customer_name(copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
    for text in copy.texts:
        found = context.customers.search(text.plain)
        if found:
            yield Hit(text.field, found[0])


def small_audience(copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
    size, minimum = context.audience_size, AUDIENCE_MINIMUMS.get(copy.platform, {}).get("people", 0)
    if size is not None and size < minimum:
        message = f"The audience has {size:,} people; ads to lists run here from {minimum:,} matched ones. "
        yield Hit("audience", str(size), message + "Wait, or join it with another audience.")


def exclamation(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    shouting = [text for text in copy.texts if "!" in text.plain]
    for text in shouting:
        if "headline" in text.field:
            yield Hit(text.field, "!", "Google refuses “!” in a headline. End it without one.")
    if len(shouting) > 1 or (shouting and shouting[0].plain.count("!") > 1):
        yield Hit(shouting[-1].field, "!", "Google allows one “!” in an ad. Keep one at most.")


def length(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    for text in copy.texts:
        field = copy.fields.get(text.field)
        if field is None:
            continue
        size = field.size(text.text)
        if not 0 < size <= field.hard:
            message = f"{field.label} holds 1 to {field.hard} characters; this has {size}. Change its length."
            yield Hit(text.field, text.text[:60], message)
        elif size > field.target:
            message = f"{field.label} shows about {field.target} characters; this has {size} and may be cut off."
            yield Hit(text.field, text.text[:60], message, WARN)


def number_of_lines(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    for field in copy.fields.values():
        at_least, at_most, wanted = field.lines
        count, different = 0, set()
        for text in copy.texts:
            if text.field == field.name:
                count += 1
                different.add(frozenset(re.findall(r"\w+", text.text.casefold())))
        if len(different) < at_least or count > at_most:
            message = f"{field.label}: {at_least} to {at_most} wanted, {len(different)} different ones are here."
            yield Hit(field.name, "", message)
        elif len(different) < wanted:
            message = f"{field.label}: {wanted} different ones work better than {len(different)}."
            yield Hit(field.name, "", message, WARN)


def known_call_to_action(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    placement, given = platforms.PLACEMENTS[copy.platform], copy.call_to_action
    if placement.button and given not in CTA_LISTS[placement.family]:
        known = ", ".join(CTA_LISTS[placement.family])
        message = f"{placement.label} does not know this call to action. Choose one of: {known}."
        yield Hit("call_to_action", str(given), message)


def fitting_call_to_action(copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
    given = copy.call_to_action
    if context.objective and given not in CTA_SUITS[context.objective]:
        label = CTA_MAP.get(given, {}).get("label", given)
        message = f"“{label}” asks for something else than {context.objective}. Choose a gentler call to action."
        yield Hit("call_to_action", str(given), message)


def landing_page(_copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
    page = context.brand.landing_page
    if not page:
        yield Hit("landing_page", "", "No landing page is set yet. Add one to the brand kit before you export.", WARN)
    elif not re.fullmatch(r"https://[^\s/?#]\S*", page, re.IGNORECASE):
        yield Hit("landing_page", page, "The landing page must be a full address that starts with https://.")


def banned_terms(copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
    for text in copy.texts:
        for found in context.banned.finditer(text.text):
            # A part of the brand's own name is no break: "Free" in "Free Range".
            if context.own_names.search(found[0]) or context.banned.search(text.plain):
                yield Hit(text.field, found[0], "The brand kit bans this term. Say it in another way.")
                break


def disclaimer(copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
    wanted = context.brand.disclaimer.strip()
    if not any(wanted in text.text for text in copy.texts):
        yield Hit("disclaimer", "", "The brand's disclaimer is missing here. Add it to one of the texts.")


def drawable(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    for text in copy.texts:
        missing = copy.platform == ALL and missing_glyphs(text.text)
        if missing:
            yield Hit(text.field, missing[:12])


def little_text(canvas: Canvas, _placement: str) -> Iterator[Hit]:
    if canvas.text_share > platforms.LITTLE_TEXT_SHARE:
        yield Hit("picture", f"{canvas.text_share:.0%}")


def neutral_name(name: str) -> Iterator[Hit]:
    for found in find_terms("names", re.sub(r"[\W_]+", " ", name)):
        yield Hit("name", found)


def measurable_link(link: str) -> Iterator[Hit]:
    said = Counter(key for key, value in parse_qsl(urlsplit(link).query) if value)
    for key in UTM_KEYS:
        if said[key] == 0:
            yield Hit(
                "link", key, f"{key} is missing in the link, so nobody can tell which ad a visit came from. Add it."
            )
        elif said[key] > 1:
            yield Hit(
                "link", key, f"{key} stands twice in the link. Take it out of the landing page or of the pattern."
            )
    for odd in re.findall(r"\{[^}]*\}?", link):
        yield Hit(
            "link", odd, f"{odd} in the link means nothing. Use {{platform}}, {{medium}}, {{campaign}} and {{content}}."
        )


def drawn_button(canvas: Canvas, _placement: str) -> Iterator[Hit]:
    for box in canvas.boxes:
        for call_to_action in CTA_MAP.values():
            if box.text.casefold().strip(" .›→>") == call_to_action["label"].casefold():
                yield Hit(box.kind, box.text)


def safe_zone(canvas: Canvas, _placement: str) -> Iterator[Hit]:
    top, bottom, sides = CANVASES[canvas.size].clear
    for box in canvas.boxes:
        is_too_high_or_low = box.y < top * canvas.h or box.y + box.h > (1 - bottom) * canvas.h
        is_too_far_aside = box.x < sides * canvas.w or box.x + box.w > (1 - sides) * canvas.w
        if is_too_high_or_low or is_too_far_aside:
            yield Hit(box.kind, box.text[:40])


def legible(canvas: Canvas, _placement: str) -> Iterator[Hit]:
    for box in canvas.boxes:
        if contrast(box.fill, box.background) < platforms.CONTRAST:
            yield Hit(box.kind, f"{box.fill} on {box.background}")


RULES = load_rules(tomllib.loads(Path(__file__).with_name("rules.toml").read_text("utf-8")), globals())
