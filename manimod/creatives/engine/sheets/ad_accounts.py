"""What only the owner knows of the ad accounts, which the sheets hold, and the links of the ads."""

import tomllib
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from manimod.creatives.engine.ad_names import AdNames
from manimod.creatives.engine.policy.platforms import PLACEMENTS, Placement
from manimod.lifecycle import KINDS

_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
_PLACES = tomllib.loads(Path(__file__).with_name("places.toml").read_text("utf-8"))
SHEETS = tomllib.loads(Path(__file__).with_name("sheets.toml").read_text("utf-8"))
COUNTRIES, LANGUAGES = _PLACES["countries"], _PLACES["languages"]
EUROPEAN_UNION = frozenset(_PLACES["european_union"].split())
MEDIUMS = _TABLES["mediums"]
PATTERN_PARTS = ("platform", "medium", "campaign", "content")


@dataclass(frozen=True, kw_only=True)
class AdAccounts:
    """`page_id` and `instagram_account`: numbers at Meta. `countries` and `languages`: codes of places.toml.
    `daily_budget`: of each campaign, in whole units of `currency`. `payer`: who pays for the ads, which the European
    Union wants to be told. `link_pattern`: the query that every link gets, with the PATTERN_PARTS in braces."""

    page_id: str
    instagram_account: str
    countries: tuple[str, ...]
    languages: tuple[str, ...]
    daily_budget: int
    currency: str
    payer: str
    link_pattern: str

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> "AdAccounts":
        """`stored`: what the owner has saved, if anything. The rest are defaults."""
        known = _TABLES["defaults"] | stored
        values = {field.name: known[field.name] for field in fields(cls)}
        return cls(**values | {"countries": tuple(known["countries"]), "languages": tuple(known["languages"])})

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {"countries": list(self.countries), "languages": list(self.languages)}

    def missing(self, sheet: str) -> list[str]:
        """What the sheet cannot be made without, as the page names it."""
        needed = list(SHEETS[sheet]["needs"])
        if sheet == "meta" and EUROPEAN_UNION & set(self.countries):
            needed.append("payer")
        return [_TABLES["missing"][name] for name in needed if not getattr(self, name)]

    def left_out(self) -> dict[str, list[str]]:
        """Sheets that cannot be made -> what is missing."""
        return {sheet: missing for sheet in SHEETS if (missing := self.missing(sheet))}

    def tags(self, placement: Placement, names: AdNames, place: int, landing_page: str) -> str:
        """The query of an ad's link, without what the landing page's own query already says. `place`: the variant's."""
        known = {key for key, _ in parse_qsl(urlsplit(landing_page).query, keep_blank_values=True)}
        medium = MEDIUMS.get(placement.id, MEDIUMS["other"])
        values = {"platform": placement.family, "medium": medium}
        values |= {"campaign": names.group, "content": names.content(place)}
        tags = []
        for part in self.link_pattern.split("&"):
            key, _, value = part.partition("=")
            if key not in known:
                for name in PATTERN_PARTS:
                    value = value.replace(f"{{{name}}}", values[name])
                tags.append(f"{quote(key, safe='')}={quote(value, safe='{}')}")
        return "&".join(tags)

    def example_link(self, landing_page: str) -> str:
        """The link of some ad, for the linter to judge before there is one."""
        event, day = next(iter(KINDS)), date(2026, 12, 1)
        names = AdNames(creative_id=1, event=event, tier=None, segments=(), round=0, start=day, end=day)
        return with_tags(landing_page, self.tags(PLACEMENTS["meta_feed"], names, 0, landing_page))


def with_tags(landing_page: str, tags: str) -> str:
    """The landing page's address with more in its query, before a #."""
    page, hash_sign, fragment = landing_page.partition("#")
    joint = "&" if "?" in page else "?"
    if page.endswith(("?", "&")) or not tags:
        joint = ""
    return f"{page}{joint}{tags}{hash_sign}{fragment}"
