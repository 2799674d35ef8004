"""The phrase library: templates in phrases/<language>/*.toml, whose README says how they are written.

A line may offer choices in brackets: "[See|Look at] {fact}" is two templates.
"""

import itertools
import re
import tomllib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from manimod.creatives.engine.brief import Claim, ClaimKind
from manimod.creatives.engine.facts.model import Fact, FactKind

SLOT = re.compile(r"{([a-z_]+)(\d?)(?::(\d))?}")
CHOICE = re.compile(r"\[([^\[\]]*)\]")
AGREEMENT = re.compile(r"{([^{}|]*)\|([^{}|]*)}")
WORD_TWICE = re.compile(r"\b(\w+) \1\b", re.IGNORECASE)
SENTENCE_BREAK = re.compile(r"[.!?] ")
# The slots that facts fill, each from the pool of its name. "do" says what one can do with a fact: "open the timeline
# view"; "the" means a certain one: "the timeline view"; "text" takes any fact exactly as it is stored.
POOLS = {"fact", "the", "do", "added", "kept", "left_out", "grown_from", "grown_to", "text"}
# What naming a slot states, besides that the fact is one.
SLOT_CLAIMS = {
    "brand": ClaimKind.BRAND,
    "tier": ClaimKind.TIER,
    "plan": ClaimKind.TIER,
    "next": ClaimKind.NEXT,
    "added": ClaimKind.NEXT,
    "grown_to": ClaimKind.NEXT,
    "lighter": ClaimKind.LIGHTER,
    "kept": ClaimKind.LIGHTER,
    "left_out": ClaimKind.LACKS,
    "seat": ClaimKind.SEATS,
    "proof": ClaimKind.PROOF,
    "news": ClaimKind.RELEASE,
    "month": ClaimKind.RELEASE,
}
FUNCTION_WORDS = set("a also an and are at by for from has have in is of on or plus the to with your".split())  # noqa: SIM905
KEEPS_ARTICLE = re.compile(
    r"\b(?:has|have|includes?|adds?|offers?|comes? with|need|want|about|of|without|for)\b", re.IGNORECASE
)
WORDS_OF = {"plan": " plan "}  # what slots say beside names
FEATURES = (FactKind.CAPABILITY, FactKind.THING, FactKind.SERVICE, FactKind.ACCESS)
KINDS = {
    "any": frozenset(FactKind),
    "feature": frozenset(FEATURES),
    "capability": frozenset((FactKind.CAPABILITY,)),
    "do": frozenset((FactKind.CAPABILITY, FactKind.ACCESS)),
    "thing": frozenset((FactKind.THING, FactKind.QUANTITY)),
    "amount": frozenset((FactKind.QUANTITY,)),
    "amount or do": frozenset((FactKind.QUANTITY, FactKind.CAPABILITY, FactKind.ACCESS)),
}


@dataclass(frozen=True)
class Template:
    """A sentence with slots. `wording` is what is left of it when names and facts look alike, so that two templates
    of one wording sound the same; nothing, where that is no more than "and" and "with". `counts`: how many facts it
    takes from each pool; `kinds`: those that may stand in it; `after`: how many the headline before it must name.
    `is_bare`: nothing but slots. `is_sentence`: a body, where a feature has its article ("a calendar view")."""

    text: str
    wording: str
    claims: frozenset[ClaimKind]
    counts: Mapping[str, int]
    names: frozenset[str]
    kinds: frozenset[FactKind]
    tone: str | None = None
    after: int | None = None
    is_bare: bool = False
    is_sentence: bool = False

    @classmethod
    def parse(
        cls,
        text: str,
        claims: Sequence[str] = (),
        kinds: str = "any",
        tone: str | None = None,
        after: int | None = None,
        is_sentence: bool = False,
    ) -> "Template":
        stated, counts = set(map(ClaimKind, claims)), defaultdict(int)
        for name, number, length in SLOT.findall(text):
            if name in SLOT_CLAIMS:
                stated.add(SLOT_CLAIMS[name])
            if name in POOLS:
                stated.add(ClaimKind.FACT)
                counts[name] = max(counts[name], int(number or 1), int(length or 1))
        names = frozenset(name for name, _, _ in SLOT.findall(text) if name not in POOLS)
        bare = SLOT.sub(lambda slot: " and " if slot[3] and slot[1] != "text" else WORDS_OF.get(slot[1], " "), text)
        wording = " ".join(re.findall(r"[\w’']+", bare.casefold()))
        if set(wording.split()) <= FUNCTION_WORDS:
            wording = ""
        is_bare = not re.search(r"\w", bare)
        stated = frozenset(stated)
        return cls(text, wording, stated, dict(counts), names, KINDS[kinds], tone, after, is_bare, is_sentence)

    def fill(self, filling: "Filling") -> tuple[str, list[tuple[str, Fact]]] | None:
        """The sentence, and the facts it names with their pools; None where a name or a fitting fact is missing."""
        used: list[tuple[str, Fact]] = []
        for pool, count in self.counts.items():
            chosen = filling.facts[pool][:count]
            if len(chosen) < count:
                return None
            for fact in chosen:
                if pool != "text" and fact.kind not in self.kinds:
                    return None
                used.append((pool, fact))
        for name in self.names:
            if not filling.names.get(name):
                return None
        facts = filling.facts
        text = AGREEMENT.sub(lambda match: match[2 if self._is_plural(match.start(), facts) else 1], self.text)
        parts, at = [], 0
        for slot in SLOT.finditer(text):
            begins = slot.start() == 0 or SENTENCE_BREAK.fullmatch(text[slot.start() - 2 : slot.start()])
            *_, clause = re.split(r"[.:?!]", text[: slot.start()])
            is_listed = text[: slot.start()].rstrip().endswith(":")
            has_article = not is_listed
            if not self.is_sentence:
                has_article = bool(KEEPS_ARTICLE.search(clause))
            value = filling.value(*slot.groups(), has_article)
            if begins and slot[1] in POOLS:
                value = capitalised(value)
            parts += [text[at : slot.start()], value]
            at = slot.end()
        said = re.sub(r"([.!?])[.]", r"\1", "".join(parts) + text[at:])
        return None if WORD_TWICE.search(said) else (said, used)

    def _is_plural(self, at: int, facts: Mapping[str, Sequence[Fact]]) -> bool:
        """Whether the verb at this place has more than one thing, or a plural one, before it in its sentence; where
        there is none, the headline's."""
        before = SENTENCE_BREAK.split(self.text[:at])[-1]
        slots = [slot for slot in SLOT.finditer(before) if slot[1] in POOLS]
        named = facts.get("named", ())
        if not slots:
            return len(named) > 1 or any(fact.is_plural for fact in named)
        if len(slots) != 1 or int(slots[0][3] or 1) > 1:
            return True
        name, number, _ = slots[0].groups()
        return facts[name][int(number or 1) - 1].is_plural


@dataclass(frozen=True)
class Filling:
    """What slots stand for: names and stored texts, and for each pool its facts, the next to be named first."""

    names: Mapping[str, str | None]
    facts: Mapping[str, Sequence[Fact]]

    def value(self, name: str, number: str, length: str | None, has_article: bool = True) -> str:
        if name not in POOLS:
            return self.names[name]
        chosen = self.facts[name][: int(length)] if length else [self.facts[name][int(number or 1) - 1]]
        if name == "do":
            return what_to_do(chosen[0])
        if name == "the":
            return definite(chosen[0].phrase)
        if name == "text":
            return ", ".join(fact.text for fact in chosen)
        return join([fact.phrase if has_article else without_article(fact.phrase) for fact in chosen])


class FilledLine(NamedTuple):
    """A filled template: what it says, the facts it names with the pools they are from, and what it states."""

    text: str
    template: Template
    used: Sequence[tuple[str, Fact]] = ()
    claims: tuple[Claim, ...] = ()

    @property
    def wording(self) -> str:
        """A line of names and facts alone is known by what it names, in whatever order."""
        return self.template.wording or " ".join(sorted(re.findall(r"[^\W_]+", self.text.casefold())))

    @property
    def facts(self) -> set[str]:
        return {fact.text for _, fact in self.used}


@cache
def what_to_do(fact: Fact, language: str = "en") -> str | None:
    """ "open the timeline view", "add one of your 2 endpoints"; None where no verb of verbs.toml is sure to fit."""
    phrase = fact.phrase or ""
    head = re.split(r" (?:for|of|with|by|in|on|per|from|to|a) ", phrase)[0]
    verb = _verbs(language).get(head.split(" ")[-1].lower()) if head else None
    if verb is None:
        return None
    if fact.kind == FactKind.QUANTITY:
        is_countable = fact.is_plural and head == phrase and re.match(r"(?!1 )[\d,]+ ", phrase)
        return f"{verb} one of your {phrase}" if is_countable else None
    return f"{verb} {definite(phrase)}"


@cache
def _verbs(language: str) -> dict[str, str]:
    path = Path(__file__).with_name("phrases").joinpath(language, "verbs.toml")
    verbs = {}
    for verb, nouns in tomllib.loads(path.read_text("utf-8"))["verbs"].items():
        verbs |= dict.fromkeys(nouns.split(), verb)
    return verbs


def join(phrases: Sequence[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *front, last = phrases
    return f"{', '.join(front)} and {last}" if front else last


def is_all(fact: Fact) -> bool:
    """ "all needed X-rays": how much there is of something, not a thing that works."""
    return (fact.phrase or "").startswith("all ")


def definite(phrase: str) -> str:
    """ "the calendar view"; what has no article stays as it is: "bank rules"."""
    return re.sub(r"^an? ", "the ", phrase)


def without_article(phrase: str) -> str:
    """As the name of a feature: "calendar view"."""
    return re.sub(r"^(?:an?|the) ", "", phrase)


def content_words(text: str) -> set[str]:
    """The words that the ear notices when they come twice."""
    return set(re.findall(r"\b\w{5,}", text.casefold()))


def capitalised(text: str) -> str:
    """With a capital at the beginning, but not of a word that has one of its own inside: iPhone."""
    word = text.split(" ", 1)[0]
    return text if any(c.isupper() for c in word[1:]) else text[:1].upper() + text[1:]


@cache
def load(language: str = "en") -> dict[tuple[str, str], tuple[Template, ...]]:
    """(angle, part) -> its templates. The parts are headline, body and short (a headline of at most 30 characters)."""
    found = defaultdict(list)
    for path in sorted(Path(__file__).with_name("phrases").joinpath(language).glob("*.toml")):
        for block in tomllib.loads(path.read_text("utf-8")).get("block", ()):
            style = {key: block[key] for key in ("claims", "kinds", "tone", "after") if key in block}
            style["is_sentence"] = block["part"] == "body"
            for line in block["lines"]:
                templates = [Template.parse(text, **style) for text in expand(line)]
                for angle in block["angles"].split():
                    found[angle, block["part"]] += templates
    return {key: tuple(templates) for key, templates in found.items()}


def expand(line: str) -> list[str]:
    """Every sentence that the choices of a line allow."""
    parts = CHOICE.split(line)
    texts = []
    for chosen in itertools.product(*(part.split("|") if i % 2 else [part] for i, part in enumerate(parts))):
        texts.append(" ".join("".join(chosen).split()))
    return texts
