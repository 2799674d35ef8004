"""What a policy rule is, what it looks at and what it finds. The table of rules is rules.toml."""

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from manimod.creatives.engine.brief import Brand, Brief, Finding, Offer
from manimod.creatives.engine.copy.plan_names import slug
from manimod.creatives.engine.policy.platforms import CHECKED, PLACEMENTS, Placement
from manimod.creatives.engine.policy.terms import pattern, pattern_tables
from manimod.lifecycle import Objective

BLOCK, WARN = "block", "warn"
ALL = "all"  # every platform; also the platform of a variant's own headline and body


@dataclass(frozen=True)
class PolicyContext:
    """What a text is judged against. A finding's message never holds one of the `customer_names`."""

    brand: Brand
    tier: str | None = None
    offers: tuple[Offer, ...] = ()
    proof: tuple[str, ...] = ()
    customer_names: Collection[str] = ()
    audience_size: int | None = None
    objective: Objective | None = None
    today: date | None = None

    @classmethod
    def of(cls, brief: Brief, **more: object) -> "PolicyContext":
        stored = {"customer_names": brief.customer_names, "objective": brief.objective, "today": brief.today}
        return cls(brief.brand, brief.tier, brief.offers, brief.proof, **stored | more)

    @cached_property
    def active_offers(self) -> tuple[Offer, ...]:
        return tuple(offer for offer in self.offers if offer.is_active(self.today))

    @cached_property
    def banned(self) -> re.Pattern | None:
        """The brand's banned terms as one pattern."""
        terms = [term.strip() for term in self.brand.banned_terms if term.strip()]
        return _whole_words(terms, re.IGNORECASE)

    @cached_property
    def own_names(self) -> re.Pattern | None:
        """The brand, the tier and coupon codes: their own spelling breaks no rule."""
        names = [self.brand.name, *(offer.code for offer in self.offers)]
        if self.tier:
            names += [self.tier, slug(self.tier)]  # the slug stands in a display path
        return _whole_words(sorted(filter(None, names), key=len, reverse=True))

    @cached_property
    def known_names(self) -> tuple[set[str], set[str]]:
        """Customers' full names (case folded) and first names, without words of the brand's own name."""
        full, first = set(), set()
        for name in self.customer_names:
            words = name.split()
            if len(words) > 1:
                full.add(" ".join(words).casefold())
            if words and len(words[0]) > 2 and words[0][0].isupper():
                first.add(words[0])
        return full, first - set(re.findall(r"\w+", self.brand.name))

    def is_offered(self, excerpt: str) -> bool:
        return any(excerpt.casefold() in offer.text.casefold() for offer in self.active_offers)

    def is_proven(self, excerpt: str) -> bool:
        return any(excerpt.casefold().strip(" .,") in proof.casefold() for proof in self.proof)


def _whole_words(words: list[str], flags: int = 0) -> re.Pattern | None:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?!\w)", flags) if words else None


class Text(NamedTuple):
    """One text to be judged; in `plain` the account's own names are masked."""

    platform: str
    field: str
    text: str
    plain: str

    @classmethod
    def masked(cls, platform: str, field: str, text: str, context: PolicyContext) -> "Text":
        return cls(platform, field, text, context.own_names.sub("Name", text) if context.own_names else text)


@dataclass(frozen=True)
class CheckedCopy:
    """What a rule looks at: one placement's texts, or all distinct texts of a variant (platform ALL). While a person
    types, only that one text is here and `complete` is False."""

    platform: str
    texts: tuple[Text, ...]
    call_to_action: str | None = None
    complete: bool = True

    @property
    def placement(self) -> Placement | None:
        return PLACEMENTS.get(self.platform)

    @cached_property
    def matched_terms(self) -> frozenset[str]:
        """The tables of terms.toml that match some text here; nearly always none."""
        return frozenset().union(*(_matched_terms(text.plain) for text in self.texts))

    def lines(self, field: str) -> list[str]:
        return [text.text for text in self.texts if text.field == field]


@lru_cache(maxsize=4096)
def _matched_terms(text: str) -> frozenset[str]:
    """Cached, because phrases come back again and again."""
    return frozenset(table for table in pattern_tables() if pattern(table).search(text))


class Hit(NamedTuple):
    """Where a rule is broken: a Text, or a field's name. Message and severity only if they are not the rule's."""

    where: Text | str
    excerpt: str
    message: str = ""
    severity: str = ""


Check = Callable[..., Iterable[Hit]]  # of (CheckedCopy, PolicyContext); of (Canvas, placement id) for pictures
IsAllowed = Callable[[PolicyContext, str], bool]  # whether the context allows an excerpt that the terms match


@dataclass(frozen=True)
class PolicyRule:
    """A row of rules.toml. A rule without a `check` of its own is broken where its `terms` match."""

    id: str
    platforms: list[str]
    severity: str
    summary: str
    source: str
    scope: str = "text"
    message: str = ""
    terms: str = ""
    check: Check | None = None
    is_allowed: IsAllowed | None = None
    checked: date = CHECKED

    @property
    def is_universal(self) -> bool:
        """Judges each text alone, whatever the platform: a variant's texts go through it once."""
        return self.platforms == [ALL] and self.scope == "text"

    def applies(self, platform: str) -> bool:
        family = PLACEMENTS[platform].family if platform in PLACEMENTS else platform
        return not {ALL, platform, family}.isdisjoint(self.platforms)

    def findings(self, copy: CheckedCopy, context: PolicyContext) -> list[Finding]:
        hits = self.check(copy, context) if self.check else self._find_terms(copy, context)
        return [self.finding(hit, copy.platform) for hit in hits]

    def finding(self, hit: Hit, platform: str) -> Finding:
        platform, field = hit.where[:2] if isinstance(hit.where, Text) else (platform, hit.where)
        return Finding(
            self.id, hit.severity or self.severity, platform, field, hit.message or self.message, hit.excerpt
        )

    def _find_terms(self, copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
        """At most one hit for each text."""
        if self.terms not in copy.matched_terms:
            return
        for text in copy.texts:
            for match in pattern(self.terms).finditer(text.plain):
                if not (self.is_allowed and self.is_allowed(context, match[0])):
                    yield Hit(text, match[0].strip())
                    break


def load_rules(checks: Mapping[str, Check], exceptions: Mapping[str, IsAllowed]) -> dict[str, PolicyRule]:
    """The rules by id, in the order of the table. Raises ValueError for a function without a row, and for a row with
    neither a function nor terms and a message."""
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    unknown = {*checks, *exceptions} - set(rows)
    if unknown:
        raise ValueError(f"not in rules.toml: {unknown}")
    rules = {}
    for id, row in rows.items():
        row.setdefault("terms", id)
        rule = rules[id] = PolicyRule(id, **row, check=checks.get(id), is_allowed=exceptions.get(id))
        if not rule.check and not (rule.terms in pattern_tables() and rule.message):
            raise ValueError(f"rules.toml: {id} can never find anything")
    return rules
