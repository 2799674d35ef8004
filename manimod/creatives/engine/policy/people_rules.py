"""Rules about people, money and claims: what an ad may not say of anybody, and what it may not promise."""

import re

from manimod.creatives.engine.policy.platforms import AUDIENCE_MINIMUMS
from manimod.creatives.engine.policy.policy import BLOCK, WARN, Hit, find_terms, rule
from manimod.creatives.engine.policy.terms import pattern, terms


@rule("PII-01", "all", BLOCK, "No customer's name", "Meta 2557868957763449; Google 6299717")
def customer_name(copy, context):
    if not context.customer_names:
        return
    full, first = context.known_names
    for text in copy.texts:
        name = _named(text.plain, full, first)
        if name:
            yield Hit(text, name, "This is a customer's name. Ads never name a person: leave the name out.")


def _named(text, full, first):
    """The first full name, or first name, of a customer in the text. A first name that is also an everyday word counts
    only where somebody is addressed: "Grace, come back"."""
    tokens = list(re.finditer(r"[\w'’.-]+", text))
    for i, token in enumerate(tokens):
        for last in tokens[i : i + 4]:
            span = text[token.start() : last.end()].strip(".'’-")
            if span.casefold() in full:
                return span
        word = re.sub(r"['’]s$", "", token[0].strip(".'’-"))
        if word in first and (word.casefold() not in terms("everyday") or text[token.end() : token.end() + 1] == ","):
            return word
    return None


@rule("PII-02", "all", BLOCK, "No e-mail address, phone number or Stripe id", "Google 6299717")
def contact_data(copy, context):
    return find_terms(copy, "PII-02", "An e-mail address, a phone number or an id points to a person. Take it out.")


@rule("PII-03", "all", BLOCK, "No card or bank number, not even its last digits", "own rule")
def card_data(copy, context):
    return find_terms(
        copy, "PII-03", "This looks like a card or bank number. It must never stand in an ad: take it out."
    )


@rule("PII-04", "all", BLOCK, "No amount of money unless an approved offer says it", "own rule")
def money(copy, context):
    message = "An amount of money may only come from an approved offer. Take it out, or add the offer to the brand kit."
    return find_terms(copy, "PII-04", message, context.is_offered)


@rule("FIN-01", "all", BLOCK, "No word about payment trouble", "Meta 2557868957763449; Google 6299717")
def payment_trouble(copy, context):
    message = "Ads never speak of payment trouble: it shames people and breaks the platforms' rules. Remind of value."
    return find_terms(copy, "FIN-01", message)


@rule("FIN-02", "meta", BLOCK, "No question about somebody's finances", "Meta 2557868957763449")
def finance_question(copy, context):
    for text, sentence in _sentences(copy, "FIN-02"):
        if sentence.endswith("?") and pattern("FIN-02").search(sentence):
            yield Hit(text, sentence, "Meta forbids asking people about their finances. Make it a statement of value.")


@rule("ATT-01", "meta", BLOCK, "No personal attribute said of the reader", "Meta 2557868957763449")
def personal_attribute(copy, context):
    for text, sentence in _sentences(copy, "attributes", "age"):
        told = pattern("you").search(sentence) and pattern("attributes").search(sentence)
        if told or pattern("age").search(sentence):
            message = "Meta forbids telling people their age, health, faith or other personal attributes."
            yield Hit(text, sentence, f"{message} Speak of the offer.")


def _sentences(copy, *tables):
    """(text, sentence) of the texts, where one of the tables of words.toml has to do with any."""
    for text in copy.texts if copy.matched_terms.intersection(tables) else ():
        for sentence in re.findall(r"[^.?!]+[.?!]?", text.plain):
            yield text, sentence.strip()


@rule("ACC-01", "all", WARN, "No statement about the state of somebody's account", "Google 6299717")
def account_state(copy, context):
    return find_terms(
        copy, "ACC-01", "Telling people what happened to their account feels watched. Say what they can do."
    )


@rule("ACC-02", "all", WARN, "No claim to have watched the reader", "Google 6299717")
def observation(copy, context):
    return find_terms(copy, "ACC-02", "This sounds as if somebody had been watched. Speak to everyone in the audience.")


@rule("ACC-03", " ".join(AUDIENCE_MINIMUMS), WARN, "A large enough audience", "Google 6299717", "placement")
def small_audience(copy, context):
    minimum = AUDIENCE_MINIMUMS[copy.platform]["people"]
    if copy.complete and context.audience_size is not None and context.audience_size < minimum:
        message = (
            f"The audience has {context.audience_size:,} people; ads to lists run here from {minimum:,} matched ones."
        )
        yield Hit("audience", str(context.audience_size), f"{message} Wait, or join it with another audience.")


@rule("SEN-01", "google", BLOCK, "No sensitive category with own customer lists", "Google 143465")
def sensitive_category(copy, context):
    return find_terms(
        copy, "SEN-01", "Google forbids customer lists for sensitive subjects such as this. Leave it out."
    )


@rule("CLK-01", "google", BLOCK, "No clickbait", "Google 15936667")
def clickbait(copy, context):
    return find_terms(copy, "CLK-01", "Google treats this as clickbait. Say plainly what the reader will find.")


@rule("CLK-02", "all", BLOCK, "No “click here”", "Google 15936667")
def click_here(copy, context):
    return find_terms(copy, "CLK-02", "“Click here” is not allowed. Say what happens; the platform adds the button.")


@rule("CLK-03", "google", BLOCK, "No fear, guilt or threat", "Google 15936667")
def pressure(copy, context):
    return find_terms(copy, "CLK-03", "Fear, guilt and threats are not allowed. Say what the reader gains.")


@rule("MIS-01", "all", BLOCK, "Offers and discounts only as approved", "Google 6020955; LinkedIn a468679")
def invented_offer(copy, context):
    kinds = {offer.kind for offer in context.active_offers}

    def approved(excerpt):
        word = excerpt.casefold()
        general = (word == "trial" and "trial" in kinds) or (word.startswith("discount") and "discount" in kinds)
        return general or word.startswith("100") or context.is_offered(word) or context.is_proven(word)

    return find_terms(
        copy, "MIS-01", "No active offer says this. Add the offer to the brand kit, or take it out.", approved
    )


@rule("MIS-02", "all", BLOCK, "No guarantee or superlative without stored proof", "Google 6020955")
def absolute(copy, context):
    message = "A guarantee or superlative needs proof that is stored in the brand kit. Say something you can show."
    return find_terms(copy, "MIS-02", message, lambda e: context.is_proven(e) or context.is_offered(e))


@rule("MIS-03", "all", BLOCK, "Urgency only with a real end date", "Google 6020955")
def urgency(copy, context):
    ends = {offer.ends_on for offer in context.active_offers if offer.ends_on}

    def is_real(excerpt):
        return context.today in ends if re.search(r"today|tonight|midnight", excerpt, re.I) else bool(ends)

    message = "Urgency needs an offer that really ends then. Give its date, or take the hurry out."
    return find_terms(copy, "MIS-03", message, is_real)


@rule("MIS-04", "all", BLOCK, "No invented testimonial", "FTC 16 CFR 465")
def testimonial(copy, context):
    def is_stored(excerpt):
        return context.is_proven(re.sub(r"^\W+|\W*[-–—~,]\s*\w+$", "", excerpt))

    message = "A customer's words need to be stored as proof in the brand kit, as they were said. Never invent them."
    return find_terms(copy, "MIS-04", message, is_stored)


@rule("MIS-05", "all", WARN, "Customer counts and ratings need stored proof", "FTC 16 CFR 465; Google 6020955")
def counted(copy, context):
    message = "A number of customers or a rating needs proof. Store it in the brand kit, or take it out."
    return find_terms(copy, "MIS-05", message, context.is_proven)


@rule("MIS-06", "tiktok", WARN, "No comparison with competitors", "TikTok ads handbook")
def comparison(copy, context):
    return find_terms(copy, "MIS-06", "TikTok does not allow comparing with competitors. Speak of your own product.")
