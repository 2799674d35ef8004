"""What the studio is asked for (Brief) and what it delivers (CreativeSet): plain frozen values that survive JSON."""

from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from typing import NamedTuple

from manimod.lifecycle import KINDS

EVENTS = tuple(KINDS)
SEGMENTS = ("high", "core", "low", "new")
POSITIONS = ("entry", "middle", "top", "single")
TONES = ("friendly", "plain", "expert")
OBJECTIVES = ("retention", "upsell", "winback")
OFFER_KINDS = ("discount", "trial", "pause", "loyalty", "lighter_plan")


def objective_of(event, segment=None):
    """The objective of an event's ad. More is asked only from somebody who already gets a lot out of it."""
    objective = KINDS[event].objective
    return "retention" if objective == "upsell" and segment in ("low", "new") else objective


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Terms that the account has approved for its ads, in its own words: "20% off for three months"."""

    text: str
    kind: str = "discount"
    code: str | None = None
    ends_on: date | None = None

    def is_active(self, today):
        return self.ends_on is None or today is None or self.ends_on >= today


@dataclass(frozen=True, kw_only=True)
class Brand:
    """How an account looks and speaks. `logo` is PNG bytes that were decoded and re-encoded before they came here."""

    name: str
    primary: str = "#2b45c9"
    accent: str = "#ffb84d"
    tone: str = "friendly"
    landing_page: str = ""
    banned_terms: tuple[str, ...] = ()
    disclaimer: str = ""
    logo: bytes | None = None


@dataclass(frozen=True, kw_only=True)
class Brief:
    """One audience and what happened to it. `round` asks for the next angles and phrasings of the same audience."""

    event: str
    brand: Brand
    today: date
    tier: str | None = None
    tier_position: str | None = None
    segment: str | None = None
    offers: tuple[Offer, ...] = ()
    proof: tuple[str, ...] = ()
    release_notes: tuple[str, ...] = ()
    round: int = 0
    customer_names: tuple[str, ...] = ()  # that stand in the tier or the stored texts; for the lint alone

    @property
    def objective(self):
        return objective_of(self.event, self.segment)

    def active_offers(self, *kinds, in_days=0):
        day = self.today + timedelta(days=in_days)
        return [o for o in self.offers if o.is_active(day) and (not kinds or o.kind in kinds)]


@dataclass(frozen=True)
class Finding:
    """What one lint rule found. `severity` is "block" or "warn"; `message` says what, why and what to do."""

    rule_id: str
    severity: str
    platform: str
    field: str
    message: str
    excerpt: str = ""

    def to_json(self):
        return asdict(self)


@dataclass(frozen=True)
class PlatformCopy:
    """One placement's texts: field name -> its lines (one for most, several for Google), and its own CTA or None."""

    fields: dict[str, tuple[str, ...]]
    call_to_action: str | None = None

    def texts(self):
        """Every single text as (field, index, text)."""
        return [(name, i, line) for name, lines in self.fields.items() for i, line in enumerate(lines)]

    def to_json(self):
        fields = {name: list(lines) for name, lines in self.fields.items()}
        return {"fields": fields, "call_to_action": self.call_to_action}

    @classmethod
    def from_json(cls, data):
        return cls({name: tuple(lines) for name, lines in data["fields"].items()}, data["call_to_action"])


@dataclass(frozen=True)
class Variant:
    """One ad: an angle, its canonical texts, each placement's texts, and the layout of its picture."""

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

    def to_json(self):
        plain = {k: getattr(self, k) for k in self.__dataclass_fields__ if k not in ("platforms", "rules")}
        platforms = {name: copy.to_json() for name, copy in self.platforms.items()}
        return {**plain, "platforms": platforms, "rules": [finding.to_json() for finding in self.rules]}

    @classmethod
    def from_json(cls, data):
        platforms = {name: PlatformCopy.from_json(copy) for name, copy in data["platforms"].items()}
        return cls(**{**data, "platforms": platforms, "rules": tuple(Finding(**f) for f in data["rules"])})


@dataclass(frozen=True)
class CreativeSet:
    """At least three variants for one audience. `generic`: the tier or the segment was not known; `writer`: "mani", or
    "mani + gpt-x" where a language model wrote some of the texts."""

    objective: str
    event: str
    tier: str | None
    segment: str | None
    generic: bool
    variants: tuple[Variant, ...]
    reasons: tuple[str, ...] = field(default=())
    writer: str = "mani"

    def to_json(self):
        plain = {k: getattr(self, k) for k in self.__dataclass_fields__ if k not in ("variants", "reasons")}
        return {**plain, "variants": [v.to_json() for v in self.variants], "reasons": list(self.reasons)}

    @classmethod
    def from_json(cls, data):
        variants = tuple(Variant.from_json(v) for v in data["variants"])
        return cls(**{**data, "variants": variants, "reasons": tuple(data["reasons"])})


class ExportItem(NamedTuple):
    """What one audience exports: a name of its own, the set with its approved variants only, and the brand."""

    name: str
    creative_set: CreativeSet
    brand: Brand
