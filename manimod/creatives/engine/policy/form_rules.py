"""Rules about form that need more than a list of terms: lengths and counts, calls to action, the address, the brand."""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from manimod.creatives.engine.picture.text_layout import missing_glyphs
from manimod.creatives.engine.policy.platforms import CTA_LISTS, CTA_MAP, CTA_SUITS
from manimod.creatives.engine.policy.rules import ALL, WARN, CheckedCopy, Hit, PolicyContext
from manimod.creatives.engine.policy.terms import pattern, terms

WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")
MAX_EMOJI = 10


def is_acronym(_context: PolicyContext, word: str) -> bool:
    return word in terms("acronyms") or (len(word) == 3 and word not in terms("acronyms", "shouted"))


def exclamation(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    shouting = [text for text in copy.texts if "!" in text.plain]
    for text in shouting:
        if "headline" in text.field:
            yield Hit(text, "!", "Google refuses “!” in a headline. End it without one.")
    if sum(text.plain.count("!") for text in shouting) > 1:
        yield Hit(shouting[-1], "!", "Google allows one “!” in an ad. Keep one at most.")


def many_emoji(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    if sum(len(pattern("emoji").findall(text.text)) for text in copy.texts) > MAX_EMOJI:
        yield Hit(copy.texts[0], "")


def short_headline(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    others = {text.text.casefold() for text in copy.texts if text.field in ("business_name", "descriptions")}
    for text in copy.texts:
        ends = text.plain.endswith((".", "!", "?"))
        if text.field == "headlines" and (ends or text.text.casefold() in others):
            yield Hit(text, text.text)


def promoting_name(copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
    for text in copy.texts:
        is_own = text.text == context.brand.name
        if text.field == "business_name" and not is_own and pattern("EDT-12").search(text.text):
            yield Hit(text, text.text)


def length(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    fields = copy.placement.fields if copy.placement else {}
    for text in copy.texts:
        field = fields.get(text.field)
        if field is None:
            continue
        size = measure(text.text, copy.platform)
        if not 0 < size <= field.hard:
            message = f"{field.label} holds 1 to {field.hard} characters; this has {size}. Change its length."
            yield Hit(text, text.text[:60], message)
        elif size > field.target:
            message = f"{field.label} shows about {field.target} characters; this has {size} and may be cut off."
            yield Hit(text, text.text[:60], message, WARN)


def measure(text: str, platform: str) -> int:
    """Characters as the platform counts them: TikTok counts wide East Asian ones twice."""
    return len(text) + (len(WIDE.findall(text)) if platform == "tiktok" else 0)


def number_of_lines(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    if not copy.placement or not copy.complete:
        return
    for field in copy.placement.fields.values():
        at_least, at_most, wanted = field.lines
        lines = copy.lines(field.name)
        different = len({frozenset(re.findall(r"\w+", line.casefold())) for line in lines})
        if different < at_least or len(lines) > at_most:
            message = f"{field.label}: {at_least} to {at_most} wanted, {different} different ones are here."
            yield Hit(field.name, "", message)
        elif different < wanted:
            message = f"{field.label}: {wanted} different ones work better than {different}."
            yield Hit(field.name, "", message, WARN)


def known_call_to_action(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    if copy.placement and copy.complete and copy.placement.button:
        known = CTA_LISTS[copy.placement.family]
        if copy.call_to_action not in known:
            message = f"{copy.placement.label} does not know this call to action. Choose one of: {', '.join(known)}."
            yield Hit("call_to_action", str(copy.call_to_action), message)


def fitting_call_to_action(copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
    given = copy.call_to_action
    if copy.platform == ALL and copy.complete and context.objective and given not in CTA_SUITS[context.objective]:
        label = CTA_MAP.get(given, {}).get("label", given)
        message = f"“{label}” asks for something else than {context.objective}. Choose a gentler call to action."
        yield Hit("call_to_action", str(given), message)


def landing_page(copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
    if not copy.complete or copy.platform != ALL:
        return
    page = context.brand.landing_page
    if not page:
        yield Hit("landing_page", "", "No landing page is set yet. Add one to the brand kit before you export.", WARN)
    elif urlsplit(page).scheme != "https" or not urlsplit(page).netloc or re.search(r"\s", page):
        yield Hit("landing_page", page, "The landing page must be a full address that starts with https://.")


def brand_terms(copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
    for text in copy.texts:
        found = context.banned and context.banned.search(text.text)
        if found:
            yield Hit(text, found[0], "The brand kit bans this term. Say it in another way.")
    disclaimer = context.brand.disclaimer.strip()
    if disclaimer and copy.complete and not any(disclaimer in text.text for text in copy.texts):
        yield Hit("disclaimer", "", "The brand's disclaimer is missing here. Add it to one of the texts.")


def drawable(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    for text in copy.texts:
        missing = text.platform == ALL and missing_glyphs(text.text)
        if missing:
            yield Hit(text, missing[:12])


CHECKS = {
    "EDT-04": exclamation,
    "EDT-07": many_emoji,
    "EDT-11": short_headline,
    "EDT-12": promoting_name,
    "LEN-01": length,
    "CNT-01": number_of_lines,
    "CTA-01": known_call_to_action,
    "CTA-02": fitting_call_to_action,
    "URL-01": landing_page,
    "BRD-02": brand_terms,
    "IMG-05": drawable,
}
EXCEPTIONS = {"EDT-01": is_acronym}
