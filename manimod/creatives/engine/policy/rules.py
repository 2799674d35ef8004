"""What a policy rule is, what it looks at and what it finds. The table of rules is rules.toml."""

import re
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from manimod.creatives.engine.brief import Brand, Brief, Finding, Offer
from manimod.creatives.engine.copy.plan_names import slug
from manimod.creatives.engine.policy.platforms import CHECKED, PLACEMENTS, Field
from manimod.lifecycle import Objective

BLOCK, WARN = "block", "warn"
ALL = "all"  # every platform; also the platform of a variant's own headline and body
TERMS = tomllib.loads(Path(__file__).with_name("terms.toml").read_text("utf-8"))


@cache
def pattern(name: str) -> re.Pattern:
    """The patterns of a table of terms.toml as one regular expression."""
    table = TERMS[name]
    joined = "|".join(table["patterns"])
    if table.get("exact"):
        return re.compile(joined)
    in_a_question = r"[^.?!]*\?" if table.get("question") else ""
    return re.compile(rf"\b(?:{joined})\b{in_a_question}", re.IGNORECASE)


@lru_cache(maxsize=2**15)
def find_terms(name: str, text: str) -> tuple[str, ...]:
    """What the table matches in the text. Cached, because phrases come back again and again."""
    return tuple(match[0] for match in pattern(name).finditer(text))


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
    def active_offers(self) -> list[Offer]:
        return [offer for offer in self.offers if offer.is_active(self.today)]

    @cached_property
    def banned(self) -> re.Pattern:
        """The brand's banned terms."""
        return _whole_words(self.brand.banned_terms, re.IGNORECASE)

    @cached_property
    def own_names(self) -> re.Pattern:
        """The brand, the tier and coupon codes: their own spelling breaks no rule."""
        names = [self.brand.name, self.tier, slug(self.tier or "")]  # the slug stands in a display path
        names += [offer.code for offer in self.offers]
        return _whole_words(sorted(filter(None, names), key=len, reverse=True))


def _whole_words(words: Iterable[str], flags: int = 0) -> re.Pattern:
    """A pattern of the words; one that matches nothing where there are none."""
    joined = "|".join(re.escape(word.strip()) for word in words if word.strip())
    return re.compile(rf"(?<!\w)(?:{joined or '(?!)'})(?!\w)", flags)


class Text(NamedTuple):
    """One text to be judged; in `plain` the account's own names are masked."""

    platform: str
    field: str
    text: str
    plain: str

    @classmethod
    def masked(cls, platform: str, field: str, text: str, context: PolicyContext) -> "Text":
        return cls(platform, field, text, context.own_names.sub("Name", text))


@dataclass(frozen=True)
class CheckedCopy:
    """One placement's texts, or all distinct texts of a variant (platform ALL); not `complete` while a person types."""

    platform: str
    texts: list[Text]
    call_to_action: str | None = None
    complete: bool = True

    @property
    def fields(self) -> dict[str, Field]:
        placement = PLACEMENTS.get(self.platform)
        return placement.fields if placement else {}


class Hit(NamedTuple):
    """Where a rule is broken: a Text, or a field's name. Message and severity only if they are not the rule's."""

    where: Text | str
    excerpt: str
    message: str = ""
    severity: str = ""


@dataclass(frozen=True)
class PolicyRule:
    """A row of rules.toml, whose head explains each value."""

    id: str
    platforms: list[str]
    severity: str
    summary: str
    source: str
    scope: str = "text"
    message: str = ""
    terms: str = ""
    field: str = ""
    check: Callable[..., Iterable[Hit]] | None = None
    is_allowed: Callable[[PolicyContext, str], bool] | None = None
    checked: date = CHECKED

    @property
    def is_universal(self) -> bool:
        """Judges each text alone, whatever the platform: a variant's texts go through it once."""
        return self.platforms == [ALL] and self.scope == "text"

    def applies(self, platform: str) -> bool:
        family = PLACEMENTS[platform].family if platform in PLACEMENTS else platform
        return not {ALL, platform, family}.isdisjoint(self.platforms)

    def findings(self, *subject: object) -> Iterator[Finding]:
        """`subject`: a CheckedCopy and its PolicyContext, or for a picture the Canvas and the placement's id."""
        check = self.check or self.find_terms
        for hit in check(*subject):
            where = hit.where
            platform = subject[0].platform if isinstance(subject[0], CheckedCopy) else subject[1]
            if isinstance(where, Text):
                platform, where = where.platform, where.field
            severity, message = hit.severity or self.severity, hit.message or self.message
            yield Finding(self.id, severity, platform, where, message, hit.excerpt)

    def find_terms(self, copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
        """At most one hit for each text."""
        for text in copy.texts:
            if self.field in ("", text.field):
                for found in find_terms(self.terms, text.plain):
                    if not (self.is_allowed and self.is_allowed(context, found)):
                        yield Hit(text, found.strip())
                        break


def load_rules(rows: dict[str, dict], functions: dict[str, Callable]) -> dict[str, PolicyRule]:
    """The rules by id. Raises KeyError or ValueError for a row that names no function that is there, and no terms."""
    rules = {}
    for id, row in rows.items():
        named = {key: functions[row[key]] for key in ("check", "is_allowed") if key in row}
        rule = rules[id] = PolicyRule(id, **{"terms": id} | row | named)
        if not rule.check and not (rule.message and "patterns" in TERMS.get(rule.terms, {})):
            raise ValueError(f"rules.toml: {id} can never find anything")
    return rules
