"""What a policy rule is, what it looks at and what it finds. The table of rules is rules.toml."""

import re
import tomllib
import unicodedata
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from manimod.creatives.engine.brief import Brand, Brief, Finding, Offer
from manimod.creatives.engine.copy.plan_names import slug
from manimod.creatives.engine.policy.platforms import PLACEMENTS, Field
from manimod.lifecycle import Objective

BLOCK, WARN = "block", "warn"
OFFER_WORDS = {"trial": "trial", "discount": "discount discounts discounted"}  # that an offer of a kind allows
ALL = "all"  # every platform; also the platform of a variant's own headline and body
ANY = "any"  # a text that may come to stand on each of them
SAME_LETTERS = {"İ": "i", "’": "'", "‘": "'", "–": "-", "—": "-", "\xa0": " ", "\u2009": " ", "\u202f": " "}
for letter in map(chr, range(0xC0, 0x250)):
    SAME_LETTERS.setdefault(letter, unicodedata.normalize("NFD", letter)[0])
FOLD = str.maketrans(SAME_LETTERS)
PLACEHOLDERS = {"start": r"(?:^|(?<=[.?!:] ))[¿¡]?", "ask": r"[^.?!]{0,80}\?"}


def load_terms(folder: Path) -> dict[str, dict]:
    """The tables of all files by the rule's name; each holds the patterns of every language."""
    tables = {}
    for path in sorted(folder.glob("*.toml")):
        file = tomllib.loads(path.read_text("utf-8"))
        words = dict(PLACEHOLDERS)
        for name, listed in file.pop("words", {}).items():
            words[name] = f"(?:{_fill(listed, words)})"
        for name, table in file.items():
            patterns = [_fill(pattern, words) for pattern in table.get("patterns", ())]
            if not table.get("exact"):
                patterns = [pattern.replace("’", "'") for pattern in patterns]
            merged = tables.setdefault(name, table | {"patterns": []})
            merged["patterns"] += patterns
    return tables


def _fill(pattern: str, words: Mapping[str, str]) -> str:
    for name, expression in words.items():
        pattern = pattern.replace(f"{{{name}}}", expression)
    one, both, other = pattern.partition(" & ")
    gap = r"\b[^.?!]{0,60}?\b"
    return f"(?:{one}{gap}{other}|{other}{gap}{one})" if both else pattern


TERMS = load_terms(Path(__file__).with_name("terms"))
TABLES_OF_RULES = [name for name, table in TERMS.items() if table["patterns"] and name not in ("model", "names")]


@cache
def pattern(name: str) -> re.Pattern:
    """The patterns of a table as one regular expression."""
    table = TERMS[name]
    joined = "|".join(table["patterns"])
    if table.get("exact"):
        return re.compile(joined)
    if "beside" in table:  # both in one sentence, in any order
        before = rf"(?:^|(?<=[.?!]))(?=[^.?!]*\b(?:{table['beside']})\b)[^.?!]*"
        return re.compile(rf"{before}\b(?:{joined})\b[^.?!]*[.?!]?")
    return re.compile(rf"(?<!\w)(?:{joined})(?!\w)")


def fold(text: str) -> str:
    """The text in small letters, without accents, as long as before: "Prélèvement" is "prelevement"."""
    return text.translate(FOLD).lower()


def find_terms(name: str, text: str, folded: str | None = None) -> tuple[str, ...]:
    """What the table matches in the text."""
    seen = text if TERMS[name].get("exact") else folded or fold(text)
    return tuple(text[match.start() : match.end()] for match in pattern(name).finditer(seen))


@lru_cache(maxsize=2**15)
def broken_tables(text: str) -> dict[str, tuple[str, ...]]:
    """What the tables match that match anything. Cached, because phrases come back again and again."""
    folded, found = fold(text), {}
    for name in TABLES_OF_RULES:
        excerpts = find_terms(name, text, folded)
        if excerpts:
            found[name] = excerpts
    return found


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
    event: str | None = None
    today: date | None = None

    @classmethod
    def of(cls, brief: Brief, **more: object) -> "PolicyContext":
        known = {
            name: getattr(brief, name) for name in ("tier", "offers", "customer_names", "objective", "event", "today")
        }
        proof = tuple(proof.text for proof in brief.proof)
        return cls(brief.brand, proof=proof, **known | more)

    def is_approved(self, excerpt: str, sources: Collection[str]) -> bool:
        """Whether the account's `proof` or active `offers` say this, or an offer has the `deadline` that is meant."""
        stored, ends = [], []
        if "proof" in sources:
            stored += self.proof
        for offer in self.offers:
            if offer.is_active(self.today):
                ends.append(offer.ends_on)
                if "offers" in sources:
                    stored.append(f"{offer.text} {OFFER_WORDS.get(offer.kind, '')}")
        if "deadline" in sources and any(ends):
            return self.today in ends or not re.search(r"today|tonight|midnight", excerpt, re.IGNORECASE)
        return fold(excerpt).strip(" .,") in fold("\n".join(stored))

    @cached_property
    def banned(self) -> re.Pattern:
        """The brand's banned terms."""
        terms = sorted(map(str.strip, self.brand.banned_terms), key=len, reverse=True)
        return _whole_words(map(re.escape, terms), re.IGNORECASE)

    @cached_property
    def own_names(self) -> re.Pattern:
        """The brand, the tier and coupon codes: their own spelling breaks no rule."""
        names = [self.brand.name, self.tier or "", slug(self.tier or "")]  # the slug stands in a display path
        names += [offer.code or "" for offer in self.offers]
        return _whole_words(map(re.escape, sorted(map(str.strip, names), key=len, reverse=True)))

    @cached_property
    def customers(self) -> re.Pattern:
        """Full names in any case, and first names with a capital letter, without words of the brand's own name. A first
        name that is also an everyday word counts only where somebody is addressed: "Grace, come back"."""
        names, of_brand = [], re.findall(r"\w+", self.brand.name)
        for name in self.customer_names:
            first, *others = name.split() or [""]
            if others:
                names.append(f"(?i:{re.escape(' '.join([first, *others]))})")
            if len(first) > 2 and first[0].isupper() and first not in of_brand:
                is_everyday = first.casefold() in TERMS["everyday"]["words"]
                names.append(re.escape(first) + "(?=,)" * is_everyday)
        return _whole_words(names)


def _whole_words(patterns: Iterable[str], flags: int = 0) -> re.Pattern:
    """The patterns as whole words; nothing matches where there are none."""
    joined = "|".join(filter(None, patterns))
    return re.compile(rf"(?<!\w)(?:{joined or '(?!)'})(?!\w)", flags)


class Text(NamedTuple):
    """One text to be judged; in `plain` the account's own names are masked."""

    field: str
    text: str
    plain: str

    @classmethod
    def masked(cls, field: str, text: str, context: PolicyContext) -> "Text":
        return cls(field, text, context.own_names.sub("Name", text))


@dataclass(frozen=True)
class CheckedCopy:
    """One placement's texts, or a variant's own ones (platform ALL)."""

    platform: str
    texts: list[Text]
    call_to_action: str | None = None

    @property
    def fields(self) -> dict[str, Field]:
        return PLACEMENTS[self.platform].fields if self.platform in PLACEMENTS else {}


class Hit(NamedTuple):
    """Where a rule is broken, and by what. Message and severity only if they are not the rule's."""

    field: str
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
    event: str = ""
    allowed_by: Collection[str] = ()
    check: Callable[..., Iterable[Hit]] | None = None

    @property
    def is_universal(self) -> bool:
        """Judges each text alone, whatever the platform: a text of a variant goes through it once."""
        return self.platforms == [ALL] and self.scope == "text"

    def applies(self, platform: str) -> bool:
        family = PLACEMENTS[platform].family if platform in PLACEMENTS else platform
        return platform == ANY or not {ALL, platform, family}.isdisjoint(self.platforms)

    def findings(self, platform: str, *subject: object) -> Iterator[Finding]:
        """`subject`: a CheckedCopy and its PolicyContext, or for a picture its Canvas and the placement's id."""
        check = self.check or self.find_terms
        for hit in check(*subject):
            severity, message = hit.severity or self.severity, hit.message or self.message
            yield Finding(self.id, severity, platform, hit.field, message, hit.excerpt)

    def find_terms(self, copy: CheckedCopy, context: PolicyContext) -> Iterator[Hit]:
        """At most one hit for each text."""
        if self.event not in ("", context.event):
            return
        for text in copy.texts:
            if self.field not in ("", text.field):
                continue
            for found in broken_tables(text.plain).get(self.terms, ()):
                if not (self.allowed_by and context.is_approved(found, self.allowed_by)):
                    yield Hit(text.field, found.strip())
                    break


def load_rules(rows: dict[str, dict], checks: dict[str, Callable]) -> dict[str, PolicyRule]:
    """The rules by id. Raises KeyError or ValueError for a row whose check does not exist, or that has no terms."""
    rules = {}
    for id, row in rows.items():
        rule = rules[id] = PolicyRule(id, **{"terms": id} | row | {"check": row.get("check") and checks[row["check"]]})
        if not rule.check and not (rule.message and "patterns" in TERMS.get(rule.terms, {})):
            raise ValueError(f"rules.toml: {id} can never find anything")
    return rules
