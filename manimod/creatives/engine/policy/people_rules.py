"""Rules about people, money and claims that need more than a list of terms."""

import re
from collections.abc import Iterator

from manimod.creatives.engine.policy.platforms import AUDIENCE_MINIMUMS
from manimod.creatives.engine.policy.rules import CheckedCopy, Hit, PolicyContext, Text
from manimod.creatives.engine.policy.terms import pattern, terms


def customer_name(copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
    if not context.customer_names:
        return
    full, first = context.known_names
    for text in copy.texts:
        name = _find_name(text.plain, full, first)
        if name:
            yield Hit(text, name)


def _find_name(text: str, full: set[str], first: set[str]) -> str | None:
    """The first full name, or first name, of a customer in the text. A first name that is also an everyday word counts
    only where somebody is addressed: "Grace, come back"."""
    tokens = list(re.finditer(r"[\w'’.-]+", text))
    for i, token in enumerate(tokens):
        for last in tokens[i : i + 4]:
            span = text[token.start() : last.end()].strip(".'’-")
            if span.casefold() in full:
                return span
        word = re.sub(r"['’]s$", "", token[0].strip(".'’-"))
        is_addressed = text[token.end() : token.end() + 1] == ","
        if word in first and (is_addressed or word.casefold() not in terms("everyday")):
            return word
    return None


def finance_question(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    for text, sentence in _sentences(copy, "FIN-02"):
        if sentence.endswith("?") and pattern("FIN-02").search(sentence):
            yield Hit(text, sentence)


def personal_attribute(copy: CheckedCopy, _context: PolicyContext) -> Iterator[Hit]:
    for text, sentence in _sentences(copy, "attributes", "age"):
        is_about_you = pattern("you").search(sentence) and pattern("attributes").search(sentence)
        if is_about_you or pattern("age").search(sentence):
            yield Hit(text, sentence)


def _sentences(copy: CheckedCopy, *tables: str) -> Iterator[tuple[Text, str]]:
    """The sentences of the texts, if one of the tables of terms.toml matches any text."""
    if copy.matched_terms.isdisjoint(tables):
        return
    for text in copy.texts:
        for sentence in re.findall(r"[^.?!]+[.?!]?", text.plain):
            yield text, sentence.strip()


def small_audience(copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
    if not copy.complete or copy.platform not in AUDIENCE_MINIMUMS or context.audience_size is None:
        return
    minimum, size = AUDIENCE_MINIMUMS[copy.platform]["people"], context.audience_size
    if size < minimum:
        message = (
            f"The audience has {size:,} people; ads to lists run here from {minimum:,} matched ones. "
            "Wait, or join it with another audience."
        )
        yield Hit("audience", str(size), message)


def is_approved_offer(context: PolicyContext, excerpt: str) -> bool:
    word = excerpt.casefold()
    kinds = {offer.kind for offer in context.active_offers}
    if (word == "trial" and "trial" in kinds) or (word.startswith("discount") and "discount" in kinds):
        return True
    return word.startswith("100") or context.is_offered(word) or context.is_proven(word)


def is_proven_or_offered(context: PolicyContext, excerpt: str) -> bool:
    return context.is_proven(excerpt) or context.is_offered(excerpt)


def is_real_deadline(context: PolicyContext, excerpt: str) -> bool:
    ends = {offer.ends_on for offer in context.active_offers if offer.ends_on}
    if re.search(r"today|tonight|midnight", excerpt, re.IGNORECASE):
        return context.today in ends
    return bool(ends)


def is_stored_quotation(context: PolicyContext, excerpt: str) -> bool:
    return context.is_proven(re.sub(r"^\W+|\W*[-–—~,]\s*\w+$", "", excerpt))


CHECKS = {
    "PII-01": customer_name,
    "FIN-02": finance_question,
    "ATT-01": personal_attribute,
    "ACC-03": small_audience,
}
EXCEPTIONS = {
    "PII-04": PolicyContext.is_offered,
    "MIS-01": is_approved_offer,
    "MIS-02": is_proven_or_offered,
    "MIS-03": is_real_deadline,
    "MIS-04": is_stored_quotation,
    "MIS-05": PolicyContext.is_proven,
}
