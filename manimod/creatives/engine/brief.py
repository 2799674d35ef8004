"""What the engine is asked for (Brief) and what it delivers (CreativeSet): plain frozen values that survive JSON."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple, Protocol

import orjson

from manimod.creatives.engine.facts.model import TierFacts
from manimod.lifecycle import KINDS, LabelledEnum, Objective, Segment, TierPosition

EVENTS = tuple(KINDS)


class Tone(LabelledEnum):
    FRIENDLY = "friendly", "Friendly"
    PLAIN = "plain", "Plain"
    EXPERT = "expert", "Expert"


class OfferKind(LabelledEnum):
    DISCOUNT = "discount", "Discount"
    TRIAL = "trial", "Trial"
    PAUSE = "pause", "Pause"
    LOYALTY = "loyalty", "Loyalty"
    LIGHTER_PLAN = "lighter_plan", "Lighter plan"


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Terms that the account has approved for its ads, in its own words: "20% off for three months"."""

    text: str
    kind: OfferKind = OfferKind.DISCOUNT
    code: str | None = None
    ends_on: date | None = None

    def is_active(self, today: date | None) -> bool:
        return self.ends_on is None or today is None or self.ends_on >= today


@dataclass(frozen=True, kw_only=True)
class Brand:
    """How an account looks and speaks. `logo` is PNG bytes that were decoded and re-encoded before they came here, and
    `product_picture`, which shows the audience's tier, PNG or JPEG bytes in the same way.

    `support`: the public address where its customers get help, or nothing where none is known.
    """

    name: str
    primary: str = "#2b45c9"
    accent: str = "#ffb84d"
    tone: Tone = Tone.FRIENDLY
    landing_page: str = ""
    support: str = ""
    banned_terms: tuple[str, ...] = ()
    disclaimer: str = ""
    logo: bytes | None = None
    product_picture: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Brief:
    """One audience and what happened to it. `round` asks for the next angles and phrasings of the same audience.

    `tier_facts`: the audience's own tier, None without a subscription. `next_tier` and `lighter_tier`: its neighbours
    on the price list, only where they are sold.
    """

    event: str
    brand: Brand
    today: date
    tier_facts: TierFacts | None = None
    next_tier: TierFacts | None = None
    lighter_tier: TierFacts | None = None
    segment: Segment | None = None
    offers: tuple[Offer, ...] = ()
    proof: tuple[str, ...] = ()
    release_notes: tuple[str, ...] = ()
    round: int = 0
    customer_names: tuple[str, ...] = ()  # those that the tier or the stored texts contain; for the policy alone

    @property
    def tier(self) -> str | None:
        return self.tier_facts.name if self.tier_facts else None

    @property
    def tier_position(self) -> TierPosition | None:
        return self.tier_facts.position if self.tier_facts else None

    @property
    def objective(self) -> Objective:
        """More is asked only from somebody who already gets a lot out of it."""
        objective = KINDS[self.event].objective
        if objective == Objective.UPSELL and self.segment in (Segment.LOW, Segment.NEW):
            return Objective.RETENTION
        return objective

    def active_offers(self, kind: str, in_days: int = 0) -> list[Offer]:
        day = self.today + timedelta(days=in_days)
        return [offer for offer in self.offers if offer.kind == kind and offer.is_active(day)]


@dataclass(frozen=True)
class Finding:
    """What one policy rule found. `severity` is "block" or "warn"; `message` says what, why and what to do."""

    rule_id: str
    severity: str
    platform: str
    field: str
    message: str
    excerpt: str = ""


@dataclass(frozen=True)
class PlatformCopy:
    """One placement's texts: field name -> its lines (one for most, several for Google), and its own CTA or None."""

    fields: dict[str, tuple[str, ...]]
    call_to_action: str | None = None

    def texts(self) -> list[tuple[str, int, str]]:
        """Every single text as (field, index, text)."""
        return [(name, i, line) for name, lines in self.fields.items() for i, line in enumerate(lines)]


@dataclass(frozen=True)
class PictureContent:
    """What a picture shows beside the headline; the first of these that is there decides what is drawn.

    `columns`: two tiers, the lighter one first, each its name and up to four facts. `figure` and `unit`: an amount and
    what it counts, such as "500" and "automations a month". `facts`: up to four short texts to list.
    """

    facts: tuple[str, ...] = ()
    figure: str = ""
    unit: str = ""
    columns: tuple[tuple[str, tuple[str, ...]], ...] = ()

    @classmethod
    def from_json(cls, data: dict) -> "PictureContent":
        columns = tuple((name, tuple(facts)) for name, facts in data.get("columns", ()))
        return cls(**data | {"facts": tuple(data.get("facts", ())), "columns": columns})


@dataclass(frozen=True)
class Variant:
    """One ad: an angle, its canonical texts, each placement's texts, and what its picture shows in which layout."""

    angle: str
    angle_name: str
    headline: str
    body: str
    call_to_action: str
    platforms: dict[str, PlatformCopy]
    layout: str
    label: str = ""  # "Team plan", or nothing where no tier is known
    why: str = ""
    from_day: int | None = None  # days after the event before which this ad should not run, if later than its set
    rules: tuple[Finding, ...] = ()
    picture: PictureContent = PictureContent()

    @classmethod
    def from_json(cls, data: dict) -> "Variant":
        platforms = {}
        for name, copy in data["platforms"].items():
            fields = {field: tuple(lines) for field, lines in copy["fields"].items()}
            platforms[name] = PlatformCopy(fields, copy["call_to_action"])
        findings = tuple(Finding(**finding) for finding in data["rules"])
        shown = PictureContent.from_json(data.get("picture", {}))  # sets of earlier versions have none
        return cls(**data | {"platforms": platforms, "rules": findings, "picture": shown})


@dataclass(frozen=True)
class CreativeSet:
    """At least three variants for one audience. `generic`: the tier or the segment was not known; `writer`: "mani", or
    "mani + gpt-x" where a language model wrote some of the texts."""

    objective: Objective
    event: str
    tier: str | None
    segment: Segment | None
    generic: bool
    variants: tuple[Variant, ...]
    reasons: tuple[str, ...] = ()
    writer: str = "mani"

    def to_json(self) -> dict:
        return orjson.loads(orjson.dumps(self))  # lists and plain text, as a database gives them back

    @classmethod
    def from_json(cls, data: dict) -> "CreativeSet":
        variants = tuple(map(Variant.from_json, data["variants"]))
        return cls(**data | {"variants": variants, "reasons": tuple(data["reasons"])})


class LanguageModel(Protocol):
    """Which model may write lines, and where it is asked."""

    name: str
    base_url: str
    api_key: str | None


class ModelSkipped(Exception):
    """Why nothing of the language model's stands in the set, in plain words."""


class ExportItem(NamedTuple):
    """What one audience exports: a name of its own, the set with its approved variants only, and the brand."""

    name: str
    creative_set: CreativeSet
    brand: Brand
