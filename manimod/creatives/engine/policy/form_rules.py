"""Rules about form: spelling and signs, lengths and counts, calls to action, the address and the brand."""

import re
from functools import lru_cache
from urllib.parse import urlsplit

from manimod.creatives.engine.picture.text_layout import missing_glyphs
from manimod.creatives.engine.policy.platforms import CTA_LISTS, CTA_MAP, CTA_SUITS
from manimod.creatives.engine.policy.policy import BLOCK, WARN, Hit, find_terms, rule
from manimod.creatives.engine.policy.terms import pattern, terms

WIDE = re.compile(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]")


@rule("EDT-01", "google linkedin", BLOCK, "No word in capitals", "Google 14848295; LinkedIn a468679")
def capitals(copy, context):
    def is_acronym(word):
        return word in terms("acronyms") or (len(word) == 3 and word not in terms("acronyms", "shouted"))

    return find_terms(copy, "EDT-01", "Words in capitals are refused, acronyms aside. Use small letters.", is_acronym)


@rule("EDT-02", "google", BLOCK, "No cApItAlS inside words, no s p a c e d letters", "Google 14848295")
def odd_capitals(copy, context):
    return find_terms(copy, "EDT-02", "Odd capitals or spaced letters are refused. Write the word as usual.")


@rule("EDT-03", "all", BLOCK, "No repeated punctuation", "Google 14847994")
def repeated_signs(copy, context):
    return find_terms(copy, "EDT-03", "Repeated punctuation is refused. One sign is enough.")


@rule("EDT-04", "google", BLOCK, "No “!” in a headline, at most one in the ad", "Google adwordspolicy 176095")
def exclamation(copy, context):
    shouting = [t for t in copy.texts if "!" in t.plain]
    for text in shouting:
        if "headline" in text.field:
            yield Hit(text, "!", "Google refuses “!” in a headline. End it without one.")
    if sum(t.plain.count("!") for t in shouting) > 1:
        yield Hit(shouting[-1], "!", "Google allows one “!” in an ad. Keep one at most.")


@rule("EDT-05", "google", BLOCK, "No sign or digit in place of letters", "Google 14847994")
def substitutes(copy, context):
    return find_terms(copy, "EDT-05", "Signs or digits in place of letters are refused. Write the word out.")


@rule("EDT-06", "google tiktok", BLOCK, "No emoji", "Google 14847994; TikTok business API")
def emoji(copy, context):
    return find_terms(copy, "emoji", "Emoji are refused here. Let the words do it.")


@rule("EDT-07", "linkedin", WARN, "At most ten emoji", "LinkedIn a426534")
def many_emoji(copy, context):
    if sum(len(pattern("emoji").findall(t.text)) for t in copy.texts) > 10:
        yield Hit(copy.texts[0], "", "More than ten emoji. LinkedIn advises few; best none.")


@rule("EDT-08", "google linkedin", BLOCK, "No contact data in the text", "Google google-ads 1206870; LinkedIn a468679")
def contact_in_text(copy, context):
    return find_terms(
        copy, "EDT-08", "Phone numbers and addresses belong in the platform's own fields, not in the text."
    )


@rule("EDT-09", "google", WARN, "No bullets or ellipses", "Google adwordspolicy 176095")
def bullets(copy, context):
    return find_terms(copy, "EDT-09", "Bullets and ellipses are frowned upon. Write a whole sentence.")


@rule("EDT-10", "all", WARN, "No double space, no word twice", "Google adwordspolicy 176095")
def twice(copy, context):
    return find_terms(copy, "EDT-10", "There is a double space or a word stands twice. Remove one.")


@rule("EDT-11", "google_display", WARN, "A short headline without end mark or repetition", "Google google-ads 10042900")
def short_headline(copy, context):
    others = {t.text.casefold() for t in copy.texts if t.field in ("business_name", "descriptions")}
    for text in copy.texts:
        ends = text.plain.endswith((".", "!", "?"))
        if text.field == "headlines" and (ends or text.text.casefold() in others):
            message = "A short headline carries no end mark and repeats neither business name nor description."
            yield Hit(text, text.text, message)


@rule("EDT-12", "google", BLOCK, "The business name carries no promotion", "Google google-ads 1206870")
def promoting_name(copy, context):
    for text in copy.texts:
        if text.field == "business_name" and text.text != context.brand.name and pattern("EDT-12").search(text.text):
            yield Hit(text, text.text, "The business name is a name only. Take the promotion out.")


@rule("LEN-01", "all", BLOCK, "Lengths: hard ones block, recommended ones warn", "specifications.toml", "placement")
def length(copy, context):
    for text in copy.texts:
        field = copy.placement and copy.placement.fields.get(text.field)
        size = measure(text.text, copy.platform)
        if field and not 0 < size <= field.hard:
            message = f"{field.label} holds 1 to {field.hard} characters; this has {size}. Change its length."
            yield Hit(text, text.text[:60], message)
        elif field and size > field.target:
            message = f"{field.label} shows about {field.target} characters; this has {size} and may be cut off."
            yield Hit(text, text.text[:60], message, WARN)


def measure(text, platform):
    """Characters as the platform counts them: TikTok counts wide East Asian ones twice."""
    return len(text) + (len(WIDE.findall(text)) if platform == "tiktok" else 0)


@rule("CNT-01", "all", BLOCK, "As many different lines as the platform asks for", "specifications.toml", "placement")
def count(copy, context):
    for field in copy.placement.fields.values() if copy.placement and copy.complete else ():
        at_least, at_most, wanted = field.lines
        lines = copy.lines(field.name)
        different = len(set(map(_different_words, lines)))
        if different < at_least or len(lines) > at_most:
            message = f"{field.label}: {at_least} to {at_most} wanted, {different} different ones are here."
            yield Hit(field.name, "", message)
        elif different < wanted:
            message = f"{field.label}: {wanted} different ones work better than {different}."
            yield Hit(field.name, "", message, WARN)


@lru_cache(maxsize=512)
def _different_words(line):
    return frozenset(re.findall(r"\w+", line.casefold()))


@rule("CTA-01", "all", BLOCK, "A call to action that the platform knows", "specifications.toml", "placement")
def known_call_to_action(copy, context):
    if copy.placement and copy.complete and copy.placement.button:
        known = CTA_LISTS[copy.placement.family]
        if copy.call_to_action not in known:
            message = f"{copy.placement.label} does not know this call to action. Choose one of: {', '.join(known)}."
            yield Hit("call_to_action", str(copy.call_to_action), message)


@rule("CTA-02", "all", WARN, "A call to action that suits the objective", "own rule")
def fitting_call_to_action(copy, context):
    given = copy.call_to_action
    if copy.platform == "all" and copy.complete and context.objective and given not in CTA_SUITS[context.objective]:
        label = CTA_MAP.get(given, {}).get("label", given)
        message = f"“{label}” asks for something else than {context.objective}. Choose a gentler call to action."
        yield Hit("call_to_action", str(given), message)


@rule("URL-01", "all", BLOCK, "A landing page with https", "TikTok ad-format-and-functionality")
def landing_page(copy, context):
    page = context.brand.landing_page
    if not copy.complete or copy.platform != "all":
        return
    if not page:
        yield Hit("landing_page", "", "No landing page is set yet. Add one to the brand kit before you export.", WARN)
    elif urlsplit(page).scheme != "https" or not urlsplit(page).netloc or re.search(r"\s", page):
        yield Hit("landing_page", page, "The landing page must be a full address that starts with https://.")


@rule("BRD-01", "all", BLOCK, "No platform's brand, no implied endorsement", "LinkedIn a468679")
def platform_brand(copy, context):
    return find_terms(copy, "BRD-01", "Ads may not use a platform's name or look endorsed by it. Leave it out.")


@rule("BRD-02", "all", BLOCK, "No banned term; the disclaimer is there", "own rule", "placement")
def brand_wishes(copy, context):
    for text in copy.texts:
        found = context.banned and context.banned.search(text.text)
        if found:
            yield Hit(text, found[0], "The brand kit bans this term. Say it in another way.")
    disclaimer = context.brand.disclaimer.strip()
    if disclaimer and copy.complete and not any(disclaimer in t.text for t in copy.texts):
        yield Hit("disclaimer", "", "The brand's disclaimer is missing here. Add it to one of the texts.")


@rule("FLD-01", "meta", WARN, "Each text works alone", "Meta 418015731022150")
def stands_alone(copy, context):
    return find_terms(copy, "FLD-01", "Meta mixes texts freely, so each must work alone. Do not refer to another.")


@rule("IMG-05", "all", WARN, "The picture's font has every sign of the drawn texts", "own rule")
def drawable(copy, context):
    for text in copy.texts:
        missing = text.platform == "all" and missing_glyphs(text.text)
        if missing:
            message = "The picture's font has no such sign, so no picture can be drawn. Use other characters here."
            yield Hit(text, missing[:12], message)
