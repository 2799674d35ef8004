"""What the engine is asked for (Brief) and what it delivers (CreativeSet): plain frozen values that survive JSON."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import NamedTuple, Protocol

import orjson

from manimod.creatives.engine.ad_names import AdNames
from manimod.creatives.engine.facts.model import Proof, ReleaseNote, TierFacts
from manimod.lifecycle import KINDS, LabelledEnum, Objective, Segment

EVENTS = tuple(KINDS)


class Tone(LabelledEnum):
    PLAIN = "plain", "Plain"
    FRIENDLY = "friendly", "Friendly"
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
    tone: Tone = Tone.PLAIN
    landing_page: str = ""
    support: str = ""
    banned_terms: tuple[str, ...] = ()
    disclaimer: str = ""
    logo: bytes | None = None
    product_picture: bytes | None = None


class ClaimKind(LabelledEnum):
    """What an ad may state; copy/claims.py says when each holds."""

    BRAND = "brand", "The brand's name"
    TIER = "tier", "The plan's name"
    SUBSCRIPTION = "subscription", "They have a plan"
    PLANS = "plans", "There is another plan"
    FACT = "fact", "What a plan has"
    LACKS = "lacks", "What the lighter plan leaves out"
    NEXT = "next", "The next plan"
    LIGHTER = "lighter", "The lighter plan"
    YEAR = "year", "A year of the plan is sold"
    SEATS = "seats", "The plan is paid for by the number"
    SUPPORT = "support", "Somebody answers"
    TRIAL = "trial", "Trial"
    PAUSE = "pause", "Pause"
    DISCOUNT = "discount", "Discount"
    PROOF = "proof", "Proof"
    RELEASE = "release", "A release note"


@dataclass(frozen=True, order=True)
class Claim:
    """Something an ad states. `basis` is the stored text it rests on, `phrase` how the ad says it. `tier`: the plan it
    is said of, as stored, or None. `source`: where the basis is stored, "stripe", "owner" or "brand kit"."""

    kind: ClaimKind
    basis: str
    phrase: str
    tier: str | None
    source: str


@dataclass(frozen=True)
class Preferences:
    """What the account's decisions say: weights around 1.0 of angles and phrases, from 0.5 to 1.5."""

    angles: Mapping[str, float] = field(default_factory=dict)
    phrases: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Brief:
    """One audience and what happened to it. `round` asks for the next angles and phrasings of the same audience.

    `tier_facts`: the audience's own tier, None without a subscription. `next_tier` and `lighter_tier`: its neighbours
    on the price list, only where they are sold. `seed`: the account's own, so that two accounts get different wordings;
    `used_phrases`: how often the account's open sets use each.
    """

    event: str
    brand: Brand
    today: date
    tier_facts: TierFacts | None = None
    next_tier: TierFacts | None = None
    lighter_tier: TierFacts | None = None
    segment: Segment | None = None
    offers: tuple[Offer, ...] = ()
    proof: tuple[Proof, ...] = ()
    release_notes: tuple[ReleaseNote, ...] = ()
    round: int = 0
    seed: str = ""
    used_phrases: Mapping[str, int] = field(default_factory=dict)
    preferences: Preferences = Preferences()
    customer_names: tuple[str, ...] = ()  # those that the tier or the stored texts contain; for the policy alone

    @property
    def tier(self) -> str | None:
        return self.tier_facts.name if self.tier_facts else None

    @property
    def objective(self) -> Objective:
        """More is asked only from somebody who already gets a lot out of it."""
        objective = KINDS[self.event].objective
        if objective == Objective.UPSELL and self.segment in (Segment.LOW, Segment.NEW):
            return Objective.RETENTION
        return objective

    @property
    def new_releases(self) -> list[ReleaseNote]:
        """What is new today for this audience: in its tier, or in all of them."""
        return [note for note in self.release_notes if note.is_new(self.today) and note.tier in (None, self.tier)]

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
    phrases: tuple[str, ...] = ()  # the wordings of headline and body
    claims: tuple[Claim, ...] = ()  # what all its texts state; none of sets of earlier versions

    @classmethod
    def from_json(cls, data: dict) -> "Variant":
        platforms = {}
        for name, copy in data["platforms"].items():
            fields = {field: tuple(lines) for field, lines in copy["fields"].items()}
            platforms[name] = PlatformCopy(fields, copy["call_to_action"])
        findings = tuple(Finding(**finding) for finding in data["rules"])
        shown = PictureContent.from_json(data.get("picture", {}))  # sets of earlier versions have none
        claims = tuple(Claim(**claim) for claim in data.get("claims", ()))
        read = {"platforms": platforms, "rules": findings, "picture": shown, "claims": claims}
        return cls(**data | read | {"phrases": tuple(data.get("phrases", ()))})


@dataclass(frozen=True)
class CreativeSet:
    """Three variants for one audience, and those for later in its window. `generic`: the tier or the segment was not
    known; `needs_facts`: nothing is known of what the plans do; `segments`: those for which there is nothing else to
    say, so that they share the set; `writer`: "mani", or "mani + gpt-x" where a language model wrote some texts."""

    objective: Objective
    event: str
    tier: str | None
    segment: Segment | None
    generic: bool
    variants: tuple[Variant, ...]
    reasons: tuple[str, ...] = ()
    writer: str = "mani"
    needs_facts: bool = False
    segments: tuple[Segment, ...] = ()

    def to_json(self) -> dict:
        return orjson.loads(orjson.dumps(self))  # lists and plain text, as a database gives them back

    @classmethod
    def from_json(cls, data: dict) -> "CreativeSet":
        variants = tuple(map(Variant.from_json, data["variants"]))
        segments = tuple(map(Segment, data.get("segments", ())))
        return cls(**data | {"variants": variants, "reasons": tuple(data["reasons"]), "segments": segments})


class LanguageModel(Protocol):
    """Which model may write lines, and where it is asked."""

    name: str
    base_url: str
    api_key: str | None


class ModelSkipped(Exception):
    """Why nothing of the language model's stands in the set, in plain words."""


class ExportItem(NamedTuple):
    """What one audience exports: what its ads are called, the set with its approved variants only, the place of each of
    them among all variants, and the brand."""

    names: AdNames
    creative_set: CreativeSet
    places: tuple[int, ...]
    brand: Brand
