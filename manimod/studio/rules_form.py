"""Rules about form: spelling and signs, lengths and counts, calls to action, the address and the brand."""

import re
from urllib.parse import urlsplit

from .lint import BLOCK, WARN, Hit, rule, search
from .specifications import CTA_LISTS, CTA_MAP, CTA_SUITS, PLACEMENTS_WITHOUT_CTA, X_LINK_LENGTH
from .typesetting import missing_glyphs

# Written in capitals by everybody; a three-letter word that is not in SHOUTED is taken for an acronym too.
ACRONYMS = set(
    "JSON HTML HTTP HTTPS SAML SCIM OAUTH HIPAA GDPR CCPA SAAS REST YAML JPEG HEIC WEBP MIDI RSVP ASAP NASA UNICEF ISBN "
    "POSIX AJAX LDAP IMAP SMTP VOIP DICOM OLED WLAN NATO EMEA APAC LATAM CCTV BYOD SQLITE CMYK".split()
)
SHOUTED = set(
    "NOW NEW GET BUY YOU OUR OFF TRY ALL THE AND FOR WIN HOT BIG YES ACT ADD USE DAY ONE TOP WOW ANY SEE".split()
)
CAPITALS = re.compile(r"(?<![\w/@])[A-ZÀ-ÖØ-Þ]{3,}(?![\w/])")


@rule("EDT-01", "google linkedin", BLOCK, "No word in capitals", "Google 14848295; LinkedIn a468679")
def capitals(copy, context):
    def is_acronym(word):
        return word in ACRONYMS or len(word) == 3 and word not in SHOUTED

    return search(
        copy, CAPITALS, "Words in capitals are refused, acronyms aside. Write it in small letters.", is_acronym
    )


ODD_CAPITALS = re.compile(
    r"\b(?:[A-Z][a-z]){2,}\b|\b(?:[a-z][A-Z]){2,}[a-z]?\b|\b(?:\w\.){3,}\w\b|(?<!\w)(?:\w ){3,}\w(?!\w)"
)


@rule("EDT-02", "google", BLOCK, "No cApItAlS inside words, no s p a c e d letters", "Google 14848295")
def odd_capitals(copy, context):
    return search(copy, ODD_CAPITALS, "Odd capitals or spaced letters are refused. Write the word as usual.")


REPEATED_SIGNS = re.compile(r"[!?]{2,}|[,;:]{2,}|(?<!\.)\.\.(?!\.)|\.{4,}|[-–—]{3,}|([*~#=_$€%&+])\1+")


@rule("EDT-03", "all", BLOCK, "No repeated punctuation", "Google 14847994")
def repeated_signs(copy, context):
    return search(copy, REPEATED_SIGNS, "Repeated punctuation is refused. One sign is enough.")


@rule(
    "EDT-04", "google", BLOCK, "No exclamation mark in a headline, at most one in the ad", "Google adwordspolicy 176095"
)
def exclamation(copy, context):
    shouting = [t for t in copy.texts if "!" in t.plain]
    for text in shouting:
        if "headline" in text.field:
            yield Hit(text, "!", "Google refuses “!” in a headline. End it without one.")
    if sum(t.plain.count("!") for t in shouting) > 1:
        yield Hit(shouting[-1], "!", "Google allows one “!” in an ad. Keep one at most.")


SUBSTITUTES = re.compile(
    r"\b(?:gr8|l8r|b4|2day|2nite|2morrow|4u|4ever|m8|w8|str8|thx|pls|ur|u r)\b|\b[a-z]+[@$][a-z]+\b(?!\.)|\b[a-z]+[013][a-z]+\b",
    re.I,
)


@rule("EDT-05", "google", BLOCK, "No sign or digit in place of letters", "Google 14847994")
def substitutes(copy, context):
    return search(copy, SUBSTITUTES, "Signs or digits in place of letters are refused. Write the word out.")


EMOJI = re.compile(r"[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B00-\u2BFF\u203C\u2049\uFE0F]")


@rule("EDT-06", "google tiktok", BLOCK, "No emoji", "Google 14847994; TikTok business API")
def emoji(copy, context):
    return search(copy, EMOJI, "Emoji are refused here. Let the words do it.")


@rule("EDT-07", "linkedin", WARN, "At most ten emoji", "LinkedIn a426534")
def many_emoji(copy, context):
    if sum(len(EMOJI.findall(t.text)) for t in copy.texts) > 10:
        yield Hit(copy.texts[0], "", "More than ten emoji. LinkedIn advises few; best none.")


CONTACT = re.compile(
    r"\b\d{3}[-.\s]\d{4}\b|\b(?:call|dial|text|phone)(?: us)?(?: at| on)? \+?\d[\d ()-]+|\S+@\S+\.\w+|https?://\S+|\bwww\.",
    re.I,
)


@rule(
    "EDT-08",
    "google linkedin",
    BLOCK,
    "No phone number or contact data in the text",
    "Google google-ads 1206870; LinkedIn a468679",
)
def contact_in_text(copy, context):
    return search(copy, CONTACT, "Phone numbers and addresses belong in the platform's own fields, not in the text.")


@rule("EDT-09", "google", WARN, "No bullets or ellipses", "Google adwordspolicy 176095")
def bullets(copy, context):
    return search(
        copy, re.compile(r"^\s*[*•·–-]\s|•|…|\.{3}"), "Bullets and ellipses are frowned upon. Write a whole sentence."
    )


TWICE = re.compile(r"\S(?:  +)\S|\b(?!had\b|that\b|bye\b|\d)(\w+)\s+\1\b", re.I)


@rule("EDT-10", "all", WARN, "No double space, no word twice", "Google adwordspolicy 176095")
def twice(copy, context):
    return search(copy, TWICE, "There is a double space or a word stands twice. Remove one.")


@rule(
    "EDT-11",
    "google_display",
    WARN,
    "Short headline: no end mark, not the name, not the description",
    "Google google-ads 10042900",
)
def short_headline(copy, context):
    others = {t.text.casefold() for t in copy.texts if t.field in ("business_name", "descriptions", "long_headline")}
    for text in copy.texts:
        if text.field == "headlines" and text.text:
            if text.plain[-1] in ".!?" or text.text.casefold() in others:
                message = "A short headline carries no end mark and repeats neither the business name nor another text."
                yield Hit(text, text.text, message)


PROMOTION = re.compile(r"%|!|\b(?:off|free|sale|best|cheap(?:est)?|discount|official|deals?)\b", re.I)


@rule("EDT-12", "google", BLOCK, "The business name carries no promotion", "Google google-ads 1206870")
def promoting_name(copy, context):
    for text in copy.texts:
        if text.field == "business_name" and text.text != context.brand.name and PROMOTION.search(text.text):
            yield Hit(text, text.text, "The business name is a name only. Take the promotion out.")


@rule(
    "LEN-01",
    "all",
    BLOCK,
    "The platform's lengths: hard ones block, recommended ones warn",
    "specifications.py",
    "placement",
)
def length(copy, context):
    for text in copy.texts:
        field = copy.placement and copy.placement.field(text.field)
        if not field:
            continue
        hard = field.hard - (X_LINK_LENGTH + 1 if field.name == "post" else 0)
        size = measure(text.text, copy.platform)
        if size > hard or not size:
            message = f"{field.label} holds 1 to {hard} characters; this has {size}. Shorten it."
            yield Hit(text, text.text[:60], message)
        elif size > field.target:
            message = f"{field.label} shows about {field.target} characters; this has {size} and may be cut off."
            yield Hit(text, text.text[:60], message, WARN)


def measure(text, platform):
    """Characters as the platform counts them: TikTok counts wide East Asian ones twice."""
    wide = len(re.findall(r"[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\uff00-\uffef]", text))
    return len(text) + (wide if platform == "tiktok" else 0)


@rule("CNT-01", "all", BLOCK, "As many distinct lines as the platform asks for", "specifications.py", "placement")
def count(copy, context):
    if not (copy.placement and copy.complete):
        return
    for field in copy.placement.fields:
        lines = copy.lines(field.name)
        distinct = len({frozenset(re.findall(r"\w+", line.casefold())) for line in lines})
        if distinct < field.at_least or len(lines) > field.at_most:
            wants = f"{field.at_least} to {field.at_most}" if field.at_most > 1 else "one"
            yield Hit(field.name, "", f"{field.label}: {wants} wanted, {distinct} different ones are here.")
        elif distinct < field.wanted:
            yield Hit(
                field.name, "", f"{field.label}: {field.wanted} different ones work better; here are {distinct}.", WARN
            )


@rule("CTA-01", "all", BLOCK, "A call to action that the platform knows", "specifications.py", "placement")
def known_call_to_action(copy, context):
    if copy.placement and copy.complete and copy.platform not in PLACEMENTS_WITHOUT_CTA:
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


@rule("URL-01", "all", BLOCK, "A landing page with https", "TikTok ad-format-and-functionality", "words")
def landing_page(copy, context):
    page = context.brand.landing_page
    if not copy.complete or copy.platform != "all":
        return
    if not page:
        yield Hit("landing_page", "", "No landing page is set yet. Add one to the brand kit before you export.", WARN)
    elif urlsplit(page).scheme != "https" or not urlsplit(page).netloc or re.search(r"\s", page):
        yield Hit("landing_page", page, "The landing page must be a full address that starts with https://.")


PLATFORM_BRANDS = re.compile(
    r"\b(?:Facebook|Instagram|LinkedIn|TikTok|Pinterest|Twitter|YouTube)\b|"
    r"\bGoogle\b(?! (?:Calendar|Sheets|Drive|Docs|Workspace|Maps|Analytics|Meet))|"
    r"\b(?:Meta|X|Stripe)[- ](?:approved|partner|verified|certified|endorsed)\b",
    re.I,
)


@rule("BRD-01", "all", BLOCK, "No platform's brand, no implied endorsement", "LinkedIn a468679")
def platform_brand(copy, context):
    return search(copy, PLATFORM_BRANDS, "Ads may not use a platform's name or look endorsed by it. Leave it out.")


@rule("BRD-02", "all", BLOCK, "No banned term; the disclaimer is there", "own rule", "placement")
def brand_wishes(copy, context):
    terms = [t.strip() for t in context.brand.banned_terms if t.strip()]
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, terms))})(?!\w)", re.I) if terms else None
    for text in copy.texts:
        found = pattern and pattern.search(text.text)
        if found:
            yield Hit(text, found[0], "The brand kit bans this term. Say it in another way.")
    disclaimer = context.brand.disclaimer.strip()
    if disclaimer and copy.complete and not any(disclaimer in t.text for t in copy.texts):
        yield Hit("disclaimer", "", "The brand's disclaimer is missing here. Add it to one of the texts.")


@rule("FLD-01", "meta", WARN, "Each text works alone", "Meta 418015731022150")
def stands_alone(copy, context):
    pattern = re.compile(r"\b(?:as|see|read|mentioned) (?:above|below)\b|\bcontinued\b", re.I)
    return search(copy, pattern, "Meta mixes texts freely, so each must work alone. Do not refer to another.")


@rule("IMG-05", "all", WARN, "The picture's font has every sign of the drawn texts", "own rule")
def drawable(copy, context):
    for text in copy.texts:
        missing = text.platform == "all" and missing_glyphs(text.text)
        if missing:
            message = "The picture's font has no such sign, so no picture can be drawn. Use other characters here."
            yield Hit(text, missing[:12], message)
