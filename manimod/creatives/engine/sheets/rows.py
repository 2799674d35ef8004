"""Creatives as the rows of sheets.toml: one audience, one campaign, and nothing of two audiences together.

No cell can become a formula. Upload sheets hold the literal text: every cell of the XLSX sheet is written as text, and
a CSV sheet for upload has no cell that begins with a formula's sign, because such a line is left out of its ad, and the
ad with too few lines is left out of the sheet. In the plain tables, which people open, such a cell gets a ' before it.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from urllib.parse import urlsplit

from manimod.creatives.engine.ad_names import AdNames
from manimod.creatives.engine.brief import Brand, ExportItem, Finding, PlatformCopy, Variant
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import PLACEMENTS, Placement
from manimod.creatives.engine.sheets.ad_accounts import COUNTRIES, SHEETS, AdAccounts, with_tags
from manimod.lifecycle import KINDS

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
MAX_ADS_IN_A_GROUP = 3  # enabled responsive search ads, support.google.com/google-ads/answer/7684791
PICTURES = "pictures/"


@dataclass(frozen=True)
class AdGroup:
    """The ads of one creative that start on the same day; `ads` holds the place of each variant in its creative."""

    names: AdNames
    ads: tuple[tuple[int, Variant], ...]


def ad_groups(item: ExportItem) -> list[AdGroup]:
    """Those for later in the window stand apart, because they start later."""
    found: dict[int, list[tuple[int, Variant]]] = defaultdict(list)
    for place, variant in zip(item.places, item.creative_set.variants, strict=True):
        found[variant.from_day or 0].append((place, variant))
    groups = []
    for from_day, ads in sorted(found.items()):
        names = item.names
        if from_day:
            day_of_event = names.start - timedelta(days=KINDS[names.event].runs[0])
            start = min(day_of_event + timedelta(days=from_day), names.end)
            names = replace(names, from_day=from_day, start=start)
        groups.append(AdGroup(names, tuple(ads)))
    return groups


def columns(sheet: str) -> list[str]:
    found: dict[str, str] = {}
    for kind in SHEETS[sheet]["row_kinds"]:
        found |= SHEETS[sheet][kind]
    return list(found)


def sheet_of(placement: Placement) -> str:
    return placement.family if placement.family in SHEETS else "other"


def rows(item: ExportItem, sheet: str, accounts: AdAccounts, today: date) -> Iterator[dict[str, str]]:
    """The rows of one creative. `today`: no ad starts before it."""
    for group in ad_groups(item):
        for placement in PLACEMENTS.values():
            if sheet_of(placement) == sheet:
                for kind, values in _lines(group, placement, item.brand, accounts, today):
                    if kind in SHEETS[sheet]["row_kinds"]:
                        cells = SHEETS[sheet][kind]
                        yield {column: template.format_map(values) for column, template in cells.items()}


def _lines(
    group: AdGroup, placement: Placement, brand: Brand, accounts: AdAccounts, today: date
) -> Iterator[tuple[str, dict[str, str]]]:
    """(kind of row, its values) of a group's ads in one placement: the campaign, its countries, then its ad groups,
    each with its keyword and its ads."""
    common = _common_values(group.names, placement, brand, accounts, today)
    ads = []
    for place, variant in group.ads:
        copy = importable(variant, placement, brand)
        if copy:
            ads.append(common | _ad_values(group.names, place, placement, copy, brand, accounts))
    if not ads:
        return
    yield "campaign", common
    for country in accounts.countries:
        yield "location", common | {"location": COUNTRIES[country]}
    for start in range(0, len(ads), MAX_ADS_IN_A_GROUP):
        own = {"ad_group": f"{group.names.group}-g{start // MAX_ADS_IN_A_GROUP + 1}"}
        yield "ad_group", common | own
        if common["keyword"] and not is_formula(brand.name):
            yield "keyword", common | own | {"keyword": brand.name}
        for values in ads[start : start + MAX_ADS_IN_A_GROUP]:
            yield "ad", values | own


def _common_values(
    names: AdNames, placement: Placement, brand: Brand, accounts: AdAccounts, today: date
) -> dict[str, str]:
    """What all ads of a group say alike in a placement."""
    own = SHEETS[sheet_of(placement)].get(placement.id, {})
    start = max(names.start, today)
    values = defaultdict(str, own | {"label": placement.label, "group": names.group, "domain": ""})
    values |= {"landing_page": brand.landing_page, "domain": urlsplit(brand.landing_page).netloc}
    values |= {"page_id": accounts.page_id, "payer": accounts.payer, "daily_budget": str(accounts.daily_budget)}
    values |= {"google_start": f"{start}", "google_end": f"{names.end}"}
    values |= {"meta_start": f"{start:%m/%d/%Y} 12:00:00 am", "meta_end": f"{names.end:%m/%d/%Y} 11:59:59 pm"}
    values |= {"meta_countries": ", ".join(accounts.countries), "google_languages": ";".join(accounts.languages)}
    values["publisher_platforms"] = "facebook"
    if accounts.instagram_account:
        values["publisher_platforms"] = "facebook, instagram"
        values["instagram_positions"] = own.get("instagram", "")
        values["instagram_account"] = f"x:{accounts.instagram_account}"
    return values


def _ad_values(
    names: AdNames, place: int, placement: Placement, copy: PlatformCopy, brand: Brand, accounts: AdAccounts
) -> dict[str, str]:
    own = SHEETS[sheet_of(placement)].get(placement.id, {})
    tags = accounts.tags(placement, names, place, brand.landing_page)
    values = {"ad": names.ad(place), "call_to_action": copy.call_to_action or "", "tags": tags}
    values["link"] = with_tags(brand.landing_page, tags)
    values["pictures"] = " ".join(PICTURES + names.picture(place, canvas) for canvas in placement.canvases)
    for name, canvas in own.items():
        if name.startswith("picture"):
            values[name] = names.picture(place, canvas)
    for field, number, text in copy.texts():
        values[f"{field}_{number + 1}"] = text
    return values


def importable(variant: Variant, placement: Placement, brand: Brand) -> PlatformCopy | None:
    """A variant's texts in a placement as its sheet may hold them, or None. Google's CSV takes no line that a
    spreadsheet could read as a formula, and its search ads say the brand in a headline."""
    copy = variant.platforms.get(placement.id)
    if copy is None or placement.family != "google":
        return copy
    fields = {}
    for name, lines in copy.fields.items():
        fields[name] = tuple(line for line in lines if not is_formula(line))
    headlines, field = fields["headlines"], placement.fields["headlines"]
    is_said = any(brand.name.casefold() in line.casefold() for line in headlines)
    may_be_said = field.size(brand.name) <= field.hard and not is_formula(brand.name)
    if placement.id == "google_search" and may_be_said and not is_said:
        fields["headlines"] = (*headlines[: field.lines[1] - 1], brand.name)
    if any(len(fields[name]) < field.lines[0] for name, field in placement.fields.items()):
        return None
    return replace(copy, fields=fields)


def check_names_and_links(item: ExportItem, accounts: AdAccounts) -> list[Finding]:
    """What the linter finds in the names and links of every platform. The ads of a group differ by a number alone."""
    findings, page = [], item.brand.landing_page
    for group in ad_groups(item):
        place, _ = group.ads[0]
        findings += policy.check_ad_name(group.names.ad(place))
        for placement in PLACEMENTS.values():
            tags = accounts.tags(placement, group.names, place, page)
            findings += policy.check_ad_name(tags) + policy.check_link(with_tags(page, tags))
    return list(dict.fromkeys(findings))


def is_formula(text: str) -> bool:
    return text.lstrip(" ").startswith(FORMULA_SIGNS)
