"""Would Google Ads Editor and Meta take these sheets? What their public pages and public exports of such sheets show,
written down once more, apart from the tables that the sheets are made from.

Sources: support.google.com/google-ads/editor/answer/57747, developers.google.com ResponsiveDisplayAdInfo,
support.google.com/google-ads/answer/7684791, public exports of Meta's Ads Manager. No import was tried.
"""

import csv
import io
import re
import zipfile
from collections import Counter, defaultdict
from datetime import date, datetime
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree

from PIL import Image

SPREADSHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
FORMULA = re.compile(r"\s*[=+@\t\r-]")
NOT_NEUTRAL = re.compile(
    r"pay|paid|fail|declin|overdue|past.due|debt|dunning|credit|income|value|whale|cheap|high|low|invoice|billing", re.I
)
# event - tier - value - round - creative - first day - last day, with the day from which a part of the set runs
NAME = re.compile(r"mani-[a-z]+-[a-z0-9]+-[a-z]+(-d\d+)?-r\d+-s\d+-(\d{8})-(\d{8})")
GOOGLE_ENUMERATIONS = {
    "Campaign Type": {"Search", "Display"},
    "Networks": {"Google Search", "Google Search;Search Partners"},
    "Budget type": {"Daily"},
    "Bid Strategy Type": {"Maximize clicks", "Maximize conversions", "Manual CPC", "Target CPA", "Target ROAS"},
    "Ad type": {"Responsive search ad", "Responsive display ad"},
    "Criterion Type": {"Phrase", "Exact", "Broad"},
    "EU political ads": {"Doesn't have EU political ads", "No"},
    "Campaign Status": {"Paused"},
    "Ad Group Status": {"Paused"},
    "Status": {"Paused"},
}
GOOGLE_CAMPAIGN = ["Campaign Type", "Budget", "Bid Strategy Type", "Languages", "EU political ads", "Campaign Status"]
META_ENUMERATIONS = {
    "Campaign Status": {"PAUSED"},
    "Ad Set Run Status": {"PAUSED"},
    "Ad Status": {"PAUSED"},
    "Campaign Objective": {"Outcome Traffic", "Outcome Sales", "Outcome Leads", "Outcome Engagement"},
    "Buying Type": {"AUCTION"},
    "Campaign Bid Strategy": {"Highest volume or value"},
    "Optimization Goal": {"LINK_CLICKS", "LANDING_PAGE_VIEWS", "OFFSITE_CONVERSIONS"},
    "Billing Event": {"IMPRESSIONS"},
    "Creative Type": {"Link Page Post Ad"},
    "Advantage Audience": {"0"},
    "Age Min": {"18"},
    "Age Max": {"65"},
}
META_REQUIRED = [
    *META_ENUMERATIONS,
    "Campaign Name",
    "Campaign Daily Budget",
    "Ad Set Name",
    "Ad Set Time Stop",
    "Link",
]
META_REQUIRED += [
    "Link Object ID",
    "Countries",
    "Publisher Platforms",
    "Facebook Positions",
    "Ad Name",
    "Title",
    "Body",
]
META_REQUIRED += ["Image File Name", "Call to Action", "URL Tags"]
META_CALLS = set(["LEARN_MORE", "SIGN_UP", "SUBSCRIBE", "GET_OFFER", "SEE_MORE", "CONTACT_US", "GET_STARTED"])
SHAPES = {"feed": 4 / 5, "story": 9 / 16}
EUROPEAN = {"DE", "FR", "ES", "IT", "AT", "NL", "IE", "PL", "SE"}
UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_content")


def read_csv(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def read_xlsx(data: bytes) -> list[dict[str, str]]:
    """The first sheet's rows by their headings. A formula is an error."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        strings = ElementTree.fromstring(book.read("xl/sharedStrings.xml"))
        texts = ["".join(text.itertext()) for text in strings.iter(f"{SPREADSHEET}si")]
        sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    assert not list(sheet.iter(f"{SPREADSHEET}f")), "there is a formula"
    table = []
    for row in sheet.iter(f"{SPREADSHEET}row"):
        cells = {}
        for cell in row.iter(f"{SPREADSHEET}c"):
            assert cell.get("t") == "s", "a cell is no text"
            column = re.match("[A-Z]+", cell.get("r"))[0]
            cells[column] = texts[int(cell.find(f"{SPREADSHEET}v").text)]
        table.append(cells)
    header = table[0]
    return [{heading: row.get(column, "") for column, heading in header.items()} for row in table[1:]]


def unzip(archive: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def find_problems(files: dict[str, bytes], today: date) -> list[str]:
    """Everything that an importer would refuse, or a person would have to repair. `files`: name -> content."""
    found = []
    if "google-ads-editor.csv" not in files or "meta-bulk-sheet.xlsx" not in files:
        return ["A sheet for upload is missing."]
    if not files["google-ads-editor.csv"].startswith(b"\xef\xbb\xbf"):
        found.append("Google: no byte order mark")
    found += google_problems(read_csv(files["google-ads-editor.csv"]), files, today)
    found += meta_problems(read_xlsx(files["meta-bulk-sheet.xlsx"]), files, today)
    for name in ("other-platforms.csv", "legend.csv"):
        for row in read_csv(files.get(name, b"\xef\xbb\xbf")):
            found += [f"{name}: a formula in {column}" for column, cell in row.items() if FORMULA.match(cell or "")]
    for row in read_csv(files["other-platforms.csv"]):
        found += name_problems(row["Ad"]) + link_problems(row["Link"], row["Ad"])
        found += [f"{row['Ad']}: no file {name}" for name in row["Pictures"].split() if name not in files]
        found += [f"{row['Ad']}: no {column}" for column in ("Platform", "Text", "Link") if not row.get(column)]
    return found


def name_problems(name: str) -> list[str]:
    if NOT_NEUTRAL.search(name):
        return [f"{name}: the name is not neutral"]
    return [] if NAME.match(name) else [f"{name}: the name doesn't tell event, tier, value, round and window"]


def link_problems(link: str, ad: str) -> list[str]:
    query = parse_qs(urlsplit(link).query)
    found = [f"{ad}: {key} is not there once" for key in UTM if len(query.get(key, ())) != 1]
    own = re.search(r"-s(\d+)-.*-v(\d+)", ad)
    if own and query.get("utm_content") != [f"s{own[1]}-v{own[2]}"]:
        found.append(f"{ad}: utm_content doesn't tell the ad")
    if not link.startswith("https://") or "{" in link:
        found.append(f"{ad}: {link} leads nowhere")
    return found


def wrong_values(row: dict[str, str], allowed: dict[str, set[str]], name: str) -> list[str]:
    """Of the columns that the row has."""
    return [
        f"{name}: {column} is {row[column]}" for column in allowed.keys() & row if row[column] not in allowed[column]
    ]


def kind_of(row: dict[str, str]) -> str:
    """Editor tells the kind of a row by the cells that are filled."""
    for column in ("Ad type", "Campaign Type", "Location", "Keyword", "Ad Group"):
        if row.get(column):
            return column
    return "nothing"


def google_problems(rows: list[dict[str, str]], files: dict[str, bytes], today: date) -> list[str]:
    found, by_kind = [], defaultdict(lambda: defaultdict(list))
    for row in rows:
        kind, name = kind_of(row), row["Campaign"]
        filled = {column: cell for column, cell in row.items() if cell}
        found += [f"{name}: a formula in {column}" for column, cell in filled.items() if FORMULA.match(cell)]
        found += name_problems(name) + wrong_values(filled, GOOGLE_ENUMERATIONS, name)
        by_kind[kind][name if kind in ("Campaign Type", "Location") else (name, row.get("Ad Group"))].append(filled)
    for name, theirs in by_kind["Campaign Type"].items():
        found += [f"{name} is there twice"] if len(theirs) > 1 else []
        found += [] if by_kind["Location"][name] else [f"{name}: no location"]
        found += campaign_problems(theirs[0], name, today)
    for (name, group), ads in by_kind["Ad type"].items():
        campaign = by_kind["Campaign Type"].get(name, [None])[0]
        found += group_problems(name, group, ads, campaign, bool(by_kind["Ad Group"][name, group]))
        if ads[0]["Ad type"] == "Responsive search ad" and not by_kind["Keyword"][name, group]:
            found.append(f"{group}: no keyword")
        for ad in ads:
            found += google_ad_problems(ad, group, files)
    return found + ["a row says nothing"] * len(by_kind["nothing"])


def campaign_problems(row: dict[str, str], name: str, today: date) -> list[str]:
    found = [f"{name}: no {column}" for column in GOOGLE_CAMPAIGN if not row.get(column)]
    found += [] if float(row.get("Budget") or 0) > 0 else [f"{name}: no budget"]
    found += [] if row["Campaign Type"] == "Display" or row.get("Networks") else [f"{name}: no networks"]
    return found + day_problems(row.get("Start Date", ""), row.get("End Date", ""), "%Y-%m-%d", today, name)


def group_problems(campaign: str, group: str, ads: list[dict], row: dict | None, has_row: bool) -> list[str]:
    found, kinds = [], {ad["Ad type"] for ad in ads}
    if row is None:
        return [f"{campaign}: no row of its own, so no campaign type, budget or bid strategy"]
    if not has_row:
        found.append(f"{group}: no row of its own")
    if kinds != {f"Responsive {row['Campaign Type'].lower()} ad"}:
        found.append(f"{group}: {' and '.join(sorted(kinds))} in a {row['Campaign Type']} campaign")
    if len(ads) > 3:
        found.append(f"{group}: {len(ads)} ads, at most 3 may be enabled")
    windows = {NAME.match(name)[0] for name in (campaign, group) if NAME.match(name)}
    return found if len(windows) == 1 else [*found, f"{group}: two audiences or windows"]


def google_ad_problems(row: dict[str, str], name: str, files: dict[str, bytes]) -> list[str]:
    is_search = row["Ad type"] == "Responsive search ad"
    headlines = [row[f"Headline {n}"] for n in range(1, 16) if row.get(f"Headline {n}")]
    descriptions = [row[f"Description {n}"] for n in range(1, 6) if row.get(f"Description {n}")]
    found = link_problems(f"{row['Final URL']}?{row.get('Final URL suffix', '')}", "")
    lengths = {30: headlines, 90: [*descriptions, row.get("Long headline 1", "")], 25: [row.get("Business name", "")]}
    lengths[15] = [row.get("Path 1", ""), row.get("Path 2", "")]
    for most, texts in lengths.items():
        found += [f"{name}: “{text}” has more than {most} characters" for text in texts if len(text) > most]
    at_least, at_most = ((3, 2), (15, 4)) if is_search else ((1, 1), (5, 5))
    if not (at_least[0] <= len(set(headlines)) == len(headlines) <= at_most[0]):
        found.append(f"{name}: {len(headlines)} headlines")
    if not (at_least[1] <= len(set(descriptions)) == len(descriptions) <= at_most[1]):
        found.append(f"{name}: {len(descriptions)} descriptions")
    if is_search:
        return found
    found += [f"{name}: no {column}" for column in ("Long headline 1", "Business name") if not row.get(column)]
    pictures = {"Landscape image 1": (1.91, 600), "Square image 1": (1, 300), "Square logo 1": (1, 128)}
    for column, (shape, width) in (pictures | {"Landscape logo 1": (4, 512)}).items():
        found += picture_problems(files, row.get(column, ""), shape, width, name)
    return found


def picture_problems(files: dict[str, bytes], file: str, shape: float, width: int, name: str) -> list[str]:
    if file not in files:
        return [f"{name}: no file “{file}”"]
    with Image.open(io.BytesIO(files[file])) as picture:
        if picture.width < width or abs(picture.width / picture.height / shape - 1) > 0.01 or picture.mode == "RGBA":
            return [f"{name}: {file} is {picture.width}x{picture.height} {picture.mode}"]
    return []


def day_problems(first: str, last: str, form: str, today: date, name: str) -> list[str]:
    """The days of the cells may not lie before today, and the last one is the window's."""
    try:
        first_day, last_day = datetime.strptime(first, form).date(), datetime.strptime(last, form).date()
    except ValueError:
        return [f"{name}: “{first}” to “{last}” is no window"]
    window = NAME.match(name)
    if window and last_day != datetime.strptime(window[3], "%Y%m%d").date():
        return [f"{name}: its name has another window"]
    return [] if today <= first_day <= last_day else [f"{name}: a window that is over"]


def meta_problems(rows: list[dict[str, str]], files: dict[str, bytes], today: date) -> list[str]:
    found, sets, ads = [], defaultdict(set), Counter()
    for row in rows:
        name, ad_set, campaign = row["Ad Name"], row["Ad Set Name"], row["Campaign Name"]
        ads[name] += 1
        sets[ad_set].add((campaign, row.get("Facebook Positions"), row.get("Ad Set Time Start")))
        for called in (campaign, ad_set, name):
            found += name_problems(called)
            found += [] if called.startswith(campaign) else [f"{name}: two audiences or windows"]
        found += [f"{name}: no {column}" for column in META_REQUIRED if not row.get(column)]
        found += wrong_values(row, META_ENUMERATIONS | {"Call to Action": META_CALLS}, name)
        found += link_problems(f"{row['Link']}?{row.get('URL Tags', '')}", name)
        found += meta_account_problems(row, name)
        found += placement_problems(row, ad_set.rpartition("-")[2], name, files)
        times = row.get("Ad Set Time Start", ""), row.get("Ad Set Time Stop", "")
        found += day_problems(*times, "%m/%d/%Y %I:%M:%S %p", today, campaign)
    found += [f"{name} is there twice" for name, count in ads.items() if count > 1]
    return found + [f"{ad_set}: ads of several kinds" for ad_set, kinds in sets.items() if len(kinds) > 1]


def meta_account_problems(row: dict[str, str], name: str) -> list[str]:
    found = []
    forms = {"Link Object ID": r"o:\d+", "Campaign Daily Budget": r"[1-9]\d*", "Countries": r"[A-Z]{2}(, [A-Z]{2})*"}
    for column, form in forms.items():
        found += [] if re.fullmatch(form, row.get(column, "")) else [f"{name}: {column} is “{row.get(column)}”"]
    if EUROPEAN & set(row.get("Countries", "").split(", ")) and not (row.get("Payer") and row.get("Beneficiary")):
        found.append(f"{name}: nobody pays in the European Union")
    for column, most in {"Title": 255, "Body": 1024, "Link Description": 255}.items():
        found += [f"{name}: {column} is too long"] if len(row.get(column, "")) > most else []
    return found


def placement_problems(row: dict[str, str], shape: str, name: str, files: dict[str, bytes]) -> list[str]:
    if shape not in SHAPES or ("story" in row.get("Facebook Positions", "")) != (shape == "story"):
        return [f"{name}: its positions don't fit its pictures"]
    found = picture_problems(files, f"pictures/{row['Image File Name']}", SHAPES[shape], 1080, name)
    instagram = "instagram" in row.get("Publisher Platforms", "")
    if instagram != bool(row.get("Instagram Account ID")) or instagram != bool(row.get("Instagram Positions")):
        found.append(f"{name}: Instagram without its account or positions")
    return found
