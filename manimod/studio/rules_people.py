"""Rules about people, money and claims: what an ad may not say of anybody, and what it may not promise."""

import re

from .lint import BLOCK, WARN, Hit, rule, search
from .specifications import AUDIENCE_MINIMUMS


def words(pattern):
    return re.compile(rf"\b(?:{pattern})\b", re.I)


# persons

# First names that are also everyday words count only where somebody is addressed: "Grace, come back".
EVERYDAY = set(
    "will mark grace may hope art rose joy faith dawn rich bill drew chance summer june april august".split()
)


@rule("PII-01", "all", BLOCK, "No customer's name", "Meta 2557868957763449; Google 6299717")
def customer_name(copy, context):
    if not context.customer_names:
        return
    full, first = _names(context)
    for text in copy.texts:
        tokens = list(re.finditer(r"[\w'’.-]+", text.plain))
        for i, token in enumerate(tokens):
            spans = (text.plain[token.start() : t.end()].strip(".'’-") for t in tokens[i : i + 4])
            named = next((s for s in spans if s.casefold() in full), None)
            word = token[0].strip(".'’-").removesuffix("'s").removesuffix("’s")
            after = text.plain[token.end() : token.end() + 1]
            if not named and word in first and (word.casefold() not in EVERYDAY or after == ","):
                named = word
            if named:
                yield Hit(text, named, "This is a customer's name. Ads never name a person: leave the name out.")
                break


def _names(context):
    names = [" ".join(n.split()) for n in context.customer_names if n and n.strip()]
    full = {n.casefold() for n in names if " " in n}
    first = {n.split()[0] for n in names if len(n.split()[0]) > 2 and n.split()[0][0].isupper()}
    own = set(re.findall(r"\w+", context.brand.name))
    return full, first - own


CONTACT = re.compile(
    r"[\w.+-]+@[\w-]+\.\w+|\b(?:cus|sub|in|pi|ch|price|prod|acct|evt|sk|rk|pk|si|pm|seti|txn)_[A-Za-z0-9_]{6,}"
    r"|(?<![\d-])(?!\d{4}-\d\d-\d\d\b)\+?\d[\d\s().-]{7,}\d"
)


@rule("PII-02", "all", BLOCK, "No e-mail address, phone number or Stripe id", "Google 6299717")
def contact_data(copy, context):
    return search(copy, CONTACT, "An e-mail address, a phone number or an id points to a person. Take it out.")


CARD = re.compile(
    r"\b(?:card|visa|mastercard|amex|account|iban|ending(?: in)?|last (?:four|4))\b[^.\d]{0,20}\d{4}\b"
    r"|\blast (?:four|4) digits\b|\b\d(?:[ -]?\d){12,18}\b|\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,}",
    re.I,
)


@rule("PII-03", "all", BLOCK, "No card or bank number, not even its last digits", "own rule")
def card_data(copy, context):
    return search(copy, CARD, "This looks like a card or bank number. It must never stand in an ad: take it out.")


MONEY = re.compile(r"[$€£¥]\s?\d[\d.,]*|\b\d[\d.,]*\s?(?:[$€£¥]|(?:dollars?|euros?|pounds?|usd|eur|gbp)\b)", re.I)


@rule("PII-04", "all", BLOCK, "No amount of money unless an approved offer says it", "own rule")
def money(copy, context):
    message = "An amount of money may only come from an approved offer. Take it out, or add the offer to the brand kit."
    return search(copy, MONEY, message, context.is_offered)


TROUBLE = words(
    r"failed|failing|declin(?:e|ed|ing)|overdue|past[- ]due|(?:card|payment)s? (?:has |have |is |was )?expired|expired card|"
    r"you owe|owed?|owing|debts?|can['’]?t afford|cannot afford|insufficient|unpaid|arrears|delinquent|"
    r"update your (?:card|payment|billing)(?: \w+)?|(?:billing|payment|card) (?:problem|issue|trouble|method|details)|your payment"
)


@rule("FIN-01", "all", BLOCK, "No word about payment trouble", "Meta 2557868957763449; Google 6299717")
def payment_trouble(copy, context):
    message = (
        "Ads never speak of payment trouble: it embarrasses people and breaks the platforms' rules. Remind of value."
    )
    return search(copy, TROUBLE, message)


FINANCE_QUESTION = re.compile(
    r"[^.?!]*\b(?:money|budgets?|afford|cash|broke|bills|income|salary|finances?|savings|debts?|credit|paycheck)\b[^.?!]*\?",
    re.I,
)


@rule("FIN-02", "meta", BLOCK, "No question about somebody's finances", "Meta 2557868957763449")
def finance_question(copy, context):
    return search(
        copy, FINANCE_QUESTION, "Meta forbids asking people about their finances. Make it a statement of value."
    )


ATTRIBUTE = (
    r"diabet\w+|depress(?:ed|ion)|anxiety|cancer|overweight|obes\w+|disab(?:led|ility)|pregnan\w+|adhd|hiv|addict\w+|insomnia|"
    r"christian|muslim|jewish|hindu|buddhist|atheist|hispanic|latin[oa]|gay|lesbian|bisexual|transgender|lgbtq?|republican|"
    r"democrat|divorced|widowed|bankrupt\w*|criminal record|senior citizen|pensioner|retire[ed]|teenager|"
    r"\d{2} years old|in your (?:teens|twenties|thirties|forties|fifties|sixties)"
)
YOU_ARE = re.compile(
    rf"\byou(?:r|['’]re| are)?\b[^.?!]*\b(?:{ATTRIBUTE})\b|\b(?:{ATTRIBUTE})\b[^.?!]*\byou\b|\byou(?:['’]re| are) \d\d\b",
    re.I,
)


@rule("ATT-01", "meta", BLOCK, "No personal attribute said of the reader", "Meta 2557868957763449")
def personal_attribute(copy, context):
    message = "Meta forbids telling people their age, health, faith or other personal attributes. Speak of the offer."
    return search(copy, YOU_ARE, message)


STATE = words(
    r"you(?:['’]ve| have)? (?:cancell?ed|unsubscribed|quit|downgraded|churned|stopped (?:using|paying))|"
    r"you(?:['’]ve| have)? left(?! (?:it|off|them|things|aside|over|here|there|to))|"
    r"your (?:subscription|plan|membership|account|trial) (?:has |is |was |will )?(?:been )?"
    r"(?:end(?:s|ed|ing)?|expire[sd]?|lapsed|cancell?ed|suspended|inactive|on hold|paused)"
)


@rule("ACC-01", "all", WARN, "No statement about the state of somebody's account", "Google 6299717")
def account_state(copy, context):
    message = "Telling people what happened to their account feels watched. Say what they can do instead."
    return search(copy, STATE, message)


OBSERVED = words(
    r"we(?:['’]ve| have)? (?:noticed|saw|seen|detected|spotted|tracked)|we (?:see|know) (?:that )?you(?:['’]ve| have| were)|"
    r"(?:you )?haven['’]t (?:logged in|used|visited|been)|(?:based on|according to) your (?:activity|usage|history)|"
    r"since you (?:last )?(?:logged|left|visited|stopped)"
)


@rule("ACC-02", "all", WARN, "No claim to have watched the reader", "Google 6299717")
def observation(copy, context):
    return search(copy, OBSERVED, "This sounds as if somebody had been watched. Speak to everyone in the audience.")


@rule(
    "ACC-03",
    "google_search meta_feed linkedin tiktok",
    WARN,
    "Audience of at least the minimum",
    "Google 6299717",
    "placement",
)
def small_audience(copy, context):
    minimum = AUDIENCE_MINIMUMS[copy.placement.family]
    if copy.complete and context.audience_size is not None and context.audience_size < minimum:
        message = (
            f"The audience has {context.audience_size:,} people; {copy.placement.label} shows an ad to matched lists from "
            f"{minimum:,}. Wait for more, or join it with another audience."
        )
        yield Hit("audience", str(context.audience_size), message)


SENSITIVE = words(
    r"debt (?:relief|consolidation)|payday loans?|personal loans?|gambling|casino|sports betting|weight[- ]loss|diet pills?|"
    r"rehab|addiction (?:treatment|help)|online dating|divorce lawyers?|bankruptcy|fertility treatments?|cosmetic surgery|bail bonds?"
)


@rule("SEN-01", "google", BLOCK, "No sensitive category with own customer lists", "Google 143465")
def sensitive_category(copy, context):
    return search(copy, SENSITIVE, "Google forbids customer lists for sensitive subjects such as this. Leave it out.")


# tricks

BAIT = words(
    r"you won['’]?t believe|what happen(?:s|ed) next|this one (?:weird )?trick|shocking|mind[- ]?blowing|you['’]?ll never guess|"
    r"jaw[- ]dropping|must[- ]see|doctors hate|secret (?:they|nobody|no one)|gone wrong"
)


@rule("CLK-01", "google", BLOCK, "No clickbait", "Google 15936667")
def clickbait(copy, context):
    return search(copy, BAIT, "Google treats this as clickbait. Say plainly what the reader will find.")


HERE = words(r"(?:click|tap|press) (?:here|below|this|the (?:link|button))")


@rule("CLK-02", "all", BLOCK, "No “click here”", "Google 15936667")
def click_here(copy, context):
    return search(copy, HERE, "“Click here” is not allowed. Say what happens instead; the platform adds the button.")


FEAR = words(
    r"or (?:you['’]?ll )?lose|lose (?:your|all|everything|access)|or else|will be deleted|you['’]?ll regret|before it['’]?s too late|"
    r"too late|how could you|we(?:['’]re| are) (?:sad|hurt|disappointed|heartbroken)|don['’]t let us down|your data (?:is|are) at risk"
)


@rule("CLK-03", "google", BLOCK, "No fear, guilt or threat", "Google 15936667")
def pressure(copy, context):
    return search(copy, FEAR, "Fear, guilt and threats are not allowed. Say what the reader gains.")


# claims

OFFERED = re.compile(
    r"\b\d+\s?%(?: (?:off|discount))?|(?<!feel )(?<![-\w])free(?! (?:up|to|of|from|time|hand))(?![-\w])|\bhalf[- ]price\b|"
    r"\bdiscount(?:s|ed)?\b|\bcoupons?\b|\bpromo(?:tional)? codes?\b|\bon sale\b|\bflash sale\b|\bdeals?\b(?! (?:with|of))|"
    r"\bmoney[- ]back\b|\bcash ?back\b|\bsave \d+|\bspecial (?:price|offer)\b|\b(?<!a )trial\b(?! and)",
    re.I,
)


@rule("MIS-01", "all", BLOCK, "Offers and discounts only as approved", "Google 6020955; LinkedIn a468679")
def invented_offer(copy, context):
    kinds = {offer.kind for offer in context.active_offers}

    def approved(excerpt):
        word = excerpt.casefold()
        general = word == "trial" and "trial" in kinds or word.startswith("discount") and "discount" in kinds
        return general or excerpt.startswith("100") or context.is_offered(excerpt) or context.is_proven(excerpt)

    return search(copy, OFFERED, "No active offer says this. Add the offer to the brand kit, or take it out.", approved)


ABSOLUTE = words(
    r"guarant\w+|100\s?%|risk[- ]free|no\.? ?1|number one|best[- ](?:in[- ]class|selling|rated)|world['’]s (?:best|leading|first)|"
    r"the best (?:app|tool|software|service|product|platform|plan|price|value)|never fails|always works|proven|instant results|"
    r"miracles?|effortless results"
)
NUMBER_ONE = re.compile(rf"{ABSOLUTE.pattern}|#1\b|\b100\s?%", re.I)


@rule("MIS-02", "all", BLOCK, "No guarantee or superlative without stored proof", "Google 6020955")
def absolute(copy, context):
    message = "A guarantee or superlative needs proof that is stored in the brand kit. Say something you can show."
    return search(copy, NUMBER_ONE, message, lambda e: context.is_proven(e) or context.is_offered(e))


URGENT = words(
    r"ends? (?:today|tonight|soon|tomorrow|at midnight)|last chance|hurry|limited[- ]time|today only|only \d+ (?:left|days?|hours?)|"
    r"act (?:now|fast)|expires? (?:soon|today|tonight)|don['’]t miss (?:out|this|it)|final (?:days|hours|call)|before it['’]s gone|"
    r"while (?:stocks|supplies) last|running out|now or never|time is running"
)


@rule("MIS-03", "all", BLOCK, "Urgency only with a real end date", "Google 6020955")
def urgency(copy, context):
    ends = {offer.ends_on for offer in context.active_offers if offer.ends_on}

    def is_real(excerpt):
        return context.today in ends if re.search(r"today|tonight|midnight", excerpt, re.I) else bool(ends)

    return search(
        copy, URGENT, "Urgency needs an offer that really ends then. Give its date, or take the hurry out.", is_real
    )


TESTIMONIAL = re.compile(
    r"[“\"][^”\"]{3,}[”\"]\s*[-–—~,]\s*\w+|(?:^|\s)['‘][^'’]{3,}['’]\s*[-–—~]\s*\w+|\b(?:says|said|writes)\b[^.]{0,20}[“\"]"
)


@rule("MIS-04", "all", BLOCK, "No invented testimonial", "FTC 16 CFR 465")
def testimonial(copy, context):
    message = "A customer's words need to be stored as proof in the brand kit, as they were said. Never invent them."
    return search(copy, TESTIMONIAL, message, lambda e: context.is_proven(re.sub(r"^\W+|\W*[-–—~,]\s*\w+$", "", e)))


COUNTED = words(
    r"\d[\d,.]*\s?(?:k|m|thousand|million)?\+? (?:happy )?(?:customers|users|teams|people|companies|members|subscribers|businesses)|"
    r"(?:thousands|millions) of \w+|rated \d[\d.]*|\d(?:\.\d)? (?:out )?of 5|\d(?:\.\d)?[- ]stars?"
)


@rule("MIS-05", "all", WARN, "Customer counts and ratings need stored proof", "FTC 16 CFR 465; Google 6020955")
def counted(copy, context):
    message = "A number of customers or a rating needs proof stored in the brand kit, and a date in case it changes."
    return search(copy, COUNTED, message, context.is_proven)


COMPARED = re.compile(
    r"\b[Bb]etter than (?!last|before|ever|most|you)\w+|\b[Uu]nlike (?:other|[A-Z])\w*|\b[Ss]witch from [A-Z]\w+|\bvs\.?\s\w+|"
    r"\b[Bb]eats (?:every|all|[A-Z])\w*"
)


@rule("MIS-06", "tiktok", WARN, "No comparison with competitors", "TikTok ads handbook")
def comparison(copy, context):
    return search(copy, COMPARED, "TikTok does not allow comparing with competitors. Speak of your own product.")
