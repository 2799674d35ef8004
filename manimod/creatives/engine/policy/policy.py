"""May this text be published? The engine: what a rule is, what it looks at, and what it finds.

The rules are in rules_people.py (persons, money, claims), rules_form.py (spelling, lengths, counts) and
rules_picture.py; each is one function in the table RULES. A lint lowers risk; it never promises a platform's approval.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import date
from functools import cache, cached_property, lru_cache
from typing import NamedTuple

from manimod.creatives.engine.brief import Brand, Finding, Offer
from manimod.creatives.engine.copy.plan_names import slug
from manimod.creatives.engine.policy.platforms import CHECKED, PLACEMENTS
from manimod.creatives.engine.policy.terms import pattern, pattern_tables

BLOCK, WARN = "block", "warn"


@dataclass(frozen=True)
class LintContext:
    """What a text is judged against. `customer_names` is optional and is never kept in a finding's message."""

    brand: Brand
    tier: str | None = None
    offers: tuple[Offer, ...] = ()
    proof: tuple[str, ...] = ()
    customer_names: Collection[str] = ()
    audience_size: int | None = None
    objective: str | None = None
    today: date | None = None

    @classmethod
    def of(cls, brief, **more):
        stored = {"customer_names": brief.customer_names, "objective": brief.objective, "today": brief.today}
        return cls(brief.brand, brief.tier, brief.offers, brief.proof, **stored | more)

    @cached_property
    def active_offers(self):
        return tuple(offer for offer in self.offers if offer.is_active(self.today))

    @cached_property
    def _names(self):
        codes = [offer.code for offer in self.offers if offer.code]
        slugs = [slug(self.tier)] if self.tier else []  # as it stands in a display path
        names = [name for name in (self.brand.name, self.tier, *codes, *slugs) if name]
        names.sort(key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, names))})(?!\w)") if names else None

    @cached_property
    def banned(self):
        """The brand's banned terms as one pattern, or None."""
        terms = [re.escape(term.strip()) for term in self.brand.banned_terms if term.strip()]
        return re.compile(rf"(?<!\w)(?:{'|'.join(terms)})(?!\w)", re.I) if terms else None

    @cached_property
    def known_names(self):
        """Customers' full names (case folded) and first names, apart from words of the brand's own name."""
        names = [" ".join(name.split()) for name in self.customer_names if name and name.strip()]
        first = {n.split()[0] for n in names if len(n.split()[0]) > 2 and n[0].isupper()}
        return {n.casefold() for n in names if " " in n}, first - set(re.findall(r"\w+", self.brand.name))

    @cached_property
    def mask(self):
        """text -> the same with the brand, the tier and coupon codes replaced: their own spelling breaks no rule."""
        return cache(lambda text: self._names.sub("Name", text) if self._names else text)

    def is_offered(self, excerpt):
        return any(excerpt.casefold() in offer.text.casefold() for offer in self.active_offers)

    def is_proven(self, excerpt):
        return any(excerpt.casefold().strip(" .,") in proof.casefold() for proof in self.proof)


class Text(NamedTuple):
    """One text under the lint; `plain` has names masked."""

    platform: str
    field: str
    text: str
    plain: str


@dataclass(frozen=True)
class CheckedCopy:
    """What a rule looks at: one placement's texts, or all distinct texts of a variant (platform "all"). While a person
    types, `complete` is False and only that one text is here."""

    platform: str
    texts: tuple[Text, ...]
    call_to_action: str | None = None
    complete: bool = True

    @property
    def placement(self):
        return PLACEMENTS.get(self.platform)

    @cached_property
    def matched_terms(self):
        """The tables of words.toml that some text here has to do with; nearly always none."""
        return frozenset().union(*(_matched_terms(text.plain) for text in self.texts))

    def lines(self, field):
        return [t.text for t in self.texts if t.field == field]


class Hit(NamedTuple):
    """A rule's finding before it is dressed; `where` is a Text or a field's name; severity only if not the rule's."""

    where: Text | str
    excerpt: str
    message: str
    severity: str | None = None


@dataclass(frozen=True)
class PolicyRule:
    """`platforms`: "all", a family ("google") or a placement; `scope`: "words" judges each text alone, "placement"
    needs the placement, "picture" looks at a drawn picture."""

    id: str
    platforms: tuple[str, ...]
    severity: str
    summary: str
    source: str
    scope: str
    check: Callable
    checked: date = CHECKED

    @property
    def for_all(self):
        return self.platforms == ("all",)

    def applies(self, platform):
        family = PLACEMENTS[platform].family if platform in PLACEMENTS else platform
        return self.for_all or platform in self.platforms or family in self.platforms


RULES: dict[str, PolicyRule] = {}


def rule(id, platforms, severity, summary, source, scope="words"):
    """Registers a function (copy, context) -> iterable of Hit as the rule `id`."""

    def register(function):
        RULES[id] = PolicyRule(id, tuple(platforms.split()), severity, summary, source, scope, function)
        return function

    return register


def find_terms(copy, table, message, allowed=lambda excerpt: False):
    """A hit for every text in which a pattern of this table of words.toml is found, unless the excerpt is allowed. The
    brand's and the tier's own names are masked."""
    for text in copy.texts if table in copy.matched_terms else ():
        for match in pattern(table).finditer(text.plain):
            if not allowed(match[0]):
                yield Hit(text, match[0].strip(), message)
                break


@lru_cache(maxsize=4096)
def _matched_terms(text):
    """The tables of which something is found; phrasings come back again and again, so that most of it is known."""
    return frozenset(table for table in pattern_tables() if pattern(table).search(text))


def check(variant, context):
    """Every finding of a variant: its own texts and all its placements."""
    headline, body = _text("all", "headline", variant.headline, context), _text("all", "body", variant.body, context)
    distinct = {headline.text: headline, body.text: body}
    copies = []
    for name, copy in variant.platforms.items():
        texts = tuple(_text(name, field, text, context) for field, _, text in copy.texts())
        copies.append(CheckedCopy(name, texts, copy.call_to_action))
        for text in texts:
            distinct.setdefault(text.text, text)
    findings = _run(_rules_for_all(), CheckedCopy("all", tuple(distinct.values()), variant.call_to_action), context)
    for copy in copies:
        findings += _run(_rules_of(copy.platform, beside_those_for_all=True), copy, context)
    return list(dict.fromkeys(findings))


@cache
def _rules_for_all():
    """Those that judge each text alone, whatever the platform: a variant's texts go through them once."""
    return [r for r in RULES.values() if r.for_all and r.scope == "words"]


@cache
def _rules_of(platform, beside_those_for_all=False):
    rules = [r for r in RULES.values() if r.scope != "picture" and r.applies(platform)]
    return [r for r in rules if r not in _rules_for_all()] if beside_those_for_all else rules


def check_text(text, field, platform, context):
    """The findings of one text while it is being typed. `platform` is a placement id or "all"."""
    copy = CheckedCopy(platform, (_text(platform, field, text, context),), complete=False)
    return _run(_rules_of(platform), copy, context)


def check_stored(text, context):
    """The findings of a text that the account stores (proof, release note), judged for every platform. It is its own
    proof: nobody else can know whether it is true."""
    return _check_alone(text, replace(context, proof=(*context.proof, text)))


def check_name(name, context):
    """The findings of a brand's or tier's name: capitals are its own affair, and "Free" is a name here. Of customers'
    names only whole ones count ("Acme Corp Enterprise"), for "Max" is a tier beside a Max Example, and not the brand's
    own, which may well be its first customer."""
    own = context.brand.name.casefold()
    names = [full for full in context.customer_names if " " in full and full.casefold() not in own]
    whole = [full for full in names if full.casefold() in name.casefold()]
    context = replace(context, tier=None, brand=replace(context.brand, name=""), customer_names=whole)
    free = {"EDT-01", "EDT-02"} | ({"MIS-01"} if re.fullmatch(r"free( (plan|tier|forever))?", name, re.I) else set())
    return [f for f in _check_alone(name, context) if f.rule_id not in free]


def _check_alone(text, context):
    copy = CheckedCopy("all", (_text("all", "stored", text, context),), complete=False)
    return _run([r for r in RULES.values() if r.scope == "words"], copy, context)


def check_picture(easel, placement, context=None, weight=None):
    """The findings of a drawn picture for a placement; `weight` in bytes of the exported file, where it is known."""
    rules = [r for r in RULES.values() if r.scope == "picture" and r.applies(placement)]
    return [
        Finding(r.id, hit.severity or r.severity, placement, hit.where, hit.message, hit.excerpt)
        for r in rules
        for hit in r.check(easel, placement, weight)
    ]


def blocks(findings):
    return [finding for finding in findings if finding.severity == BLOCK]


def _text(platform, field, text, context):
    return Text(platform, field, text, context.mask(text))


def _run(rules, copy, context):
    found = []
    for rule_ in rules:
        for hit in rule_.check(copy, context):
            platform, field = hit.where[:2] if isinstance(hit.where, Text) else (copy.platform, hit.where)
            found.append(Finding(rule_.id, hit.severity or rule_.severity, platform, field, hit.message, hit.excerpt))
    return found


from manimod.creatives.engine.policy import form_rules, people_rules, picture_rules  # noqa: E402, F401  rules register themselves
