"""Approved sets -> the files that a marketing team uploads: CSV sheets, pictures and a README, as a streamed ZIP.

Every row is PAUSED: a person switches it on. Columns were checked against the published ones; no platform has promised
to accept them.
"""

import csv
import io
import tempfile
import zipfile
from types import MappingProxyType

from manimod.creatives.engine.copy.plan_names import slug
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.picture.text_layout import PictureRefused
from manimod.creatives.engine.policy.platforms import CANVASES, CHECKED, COLUMNS, PLACEMENTS

PLAIN_COLUMNS = ["Platform", "Campaign", "Ad", "Status", "Field", "Line", "Text", "Call to action", "Link", "Pictures"]
PLAIN_PLACEMENTS = [placement for placement in PLACEMENTS.values() if placement.family not in COLUMNS]
FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


def defuse_formula(value):
    """A cell that no spreadsheet takes for a formula."""
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_SIGNS) else text


def campaign(item):
    audience = [item.creative_set.tier or "all tiers", item.creative_set.segment or "all values"]
    return f"mani {item.creative_set.objective} - {' - '.join(audience)}"


def ad_name(item, variant):
    start = f"-from-day-{variant.from_day}" if variant.from_day else ""
    return f"{slug(item.name)}-{variant.angle.lower()}{start}"


def _start(variant):
    return f" - from day {variant.from_day}" if variant.from_day else ""


def picture_name(item, variant, canvas, little_text=False):
    return f"pictures/{ad_name(item, variant)}-{canvas}{'-little-text' if little_text else ''}.png"


def meta_rows(item):
    """One row a variant and placement, for Meta's bulk sheet."""
    for variant in item.creative_set.variants:
        for placement in ("meta_feed", "meta_story"):
            copy = variant.platforms.get(placement)
            if copy:
                canvas = "1440x1440" if placement == "meta_feed" else "1080x1920"
                yield {
                    "Campaign Name": campaign(item),
                    "Campaign Status": "PAUSED",
                    "Buying Type": "AUCTION",
                    "Ad Set Name": f"{campaign(item)} - {PLACEMENTS[placement].label}{_start(variant)}",
                    "Ad Set Run Status": "PAUSED",
                    "Link": item.brand.landing_page,
                    "Ad Name": f"{ad_name(item, variant)}-{placement}",
                    "Ad Status": "PAUSED",
                    "Title": copy.fields["headline"][0],
                    "Body": copy.fields["primary_text"][0],
                    "Link Description": "".join(copy.fields.get("description", ())[:1]),
                    "Call to Action": copy.call_to_action,
                    "Image File Name": picture_name(item, variant, canvas).removeprefix("pictures/"),
                    "Creative Type": "Link Page Post Ad",
                    "Optimize text per person": "No",
                }


def google_rows(item):
    """A responsive search ad and a responsive display ad a variant, for Google Ads Editor."""
    for variant in item.creative_set.variants:
        for placement, kind in (("google_search", "Responsive search ad"), ("google_display", "Responsive display ad")):
            copy = variant.platforms.get(placement)
            if copy:
                yield {**_google_frame(item, variant, kind), **_google_texts(copy)}


def _google_frame(item, variant, kind):
    return {
        "Campaign": campaign(item),
        "Ad Group": f"{variant.angle_name}{_start(variant)}",
        "Ad type": kind,
        "Final URL": item.brand.landing_page,
        "Labels": "mani",
        "Campaign Status": "Paused",
        "Ad Group Status": "Paused",
        "Status": "Paused",
    }


def _google_texts(copy):
    fields = copy.fields
    row = {f"Headline {i}": line for i, line in enumerate(fields["headlines"], 1)}
    row |= {f"Description {i}": line for i, line in enumerate(fields["descriptions"], 1)}
    row |= {f"Path {i}": line for i, line in enumerate(fields.get("paths", ()), 1)}
    if "long_headline" in fields:
        row["Long headline 1"], row["Business name"] = fields["long_headline"][0], fields["business_name"][0]
        row["Call to action"] = copy.call_to_action
    return row


def plain_rows(item):
    """Every text of the platforms that publish no bulk format: one row a text."""
    for variant in item.creative_set.variants:
        for placement in PLAIN_PLACEMENTS:
            copy = variant.platforms.get(placement.id)
            for field, i, text in copy.texts() if copy else ():
                pictures = " ".join(picture_name(item, variant, c) for c in placement.canvases)
                frame = [placement.label, campaign(item), ad_name(item, variant), "PAUSED"]
                label = placement.fields[field].label
                cells = [*frame, label, i + 1, text, copy.call_to_action or "", item.brand.landing_page, pictures]
                yield dict(zip(PLAIN_COLUMNS, cells, strict=True))


SHEETS = {
    "meta-bulk-sheet.csv": (COLUMNS["meta"], meta_rows),
    "google-ads-editor.csv": (COLUMNS["google"], google_rows),
    "other-platforms.csv": (PLAIN_COLUMNS, plain_rows),
}


def pictures(item):
    """(file name, PNG bytes) of every variant in every size, and (file name, None) where none can be drawn."""
    little = [c for p in PLACEMENTS.values() if p.little_text for c in p.canvases]
    wanted = [(canvas, False) for canvas in CANVASES] + [(canvas, True) for canvas in dict.fromkeys(little)]
    for variant in item.creative_set.variants:
        for canvas, little_text in wanted:
            name = picture_name(item, variant, canvas, little_text)
            try:
                yield name, picture.png(picture.draw(variant, item.brand, canvas, little_text), canvas)
            except PictureRefused:
                yield name, None


def stream(items, with_pictures=True, left_out=None):
    """The ZIP in chunks of bytes. One set is in memory at a time, however many there are. `left_out`: number of a set
    -> why it is missing, which the README says; the items may add to it until they end."""
    sink = _Sink()
    counts, refused = {"sets": 0, "ads": 0, "pictures": 0}, []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        sheets = {name: _Sheet(columns) for name, (columns, _) in SHEETS.items()}
        for item in items:
            counts["sets"] += 1
            counts["ads"] += len(item.creative_set.variants)
            for name, (_, rows) in SHEETS.items():
                sheets[name].write(rows(item))
            for name, png in pictures(item) if with_pictures else ():
                if png is None:
                    refused.append(name)
                    continue
                counts["pictures"] += 1
                archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), png)
                yield sink.take()
        for name, sheet in sheets.items():
            with archive.open(name, "w") as entry:
                for chunk in sheet.chunks():
                    entry.write(chunk)
            yield sink.take()
        archive.writestr("README.txt", readme(counts, refused, left_out or {}))
    yield sink.take()


def readme(counts, refused=(), left_out=MappingProxyType({})):
    """What is in the ZIP and what was checked, in plain words."""
    missing = "".join(f"  {name}\n" for name in refused)
    broken = "".join(f"  Creative {number}: {why}\n" for number, why in left_out.items())
    return (
        f"{counts['sets']} creative sets, {counts['ads']} ads, {counts['pictures']} pictures.\n\n"
        "Every row is paused: nothing runs before a person switches it on.\n\n"
        "What was checked\n"
        f"- Text lengths, calls to action and picture sizes against the platforms' published limits of {CHECKED}.\n"
        "- The policy rules that mani knows. This lowers the risk of a refusal; no platform has approved anything.\n"
        "- The columns of meta-bulk-sheet.csv and google-ads-editor.csv against the published columns.\n\n"
        "What is left to do\n"
        "- Meta: choose the campaign objective and the custom audience, which mani does not know.\n"
        "- An ad with from-day-30 in its name is for customers who cancelled at least 30 days ago: start it then.\n"
        "- Google: blank cells mean no change. Pictures for display ads are those that end in -little-text.\n"
        "- The platforms of other-platforms.csv publish no columns for bulk creation: that sheet is for copying.\n"
        "- A cell that starts with ' was protected so that a spreadsheet does not take it for a formula.\n"
        + (f"\nLeft out, because they break a rule by now:\n{broken}" if broken else "")
        + (f"\nThese pictures could not be drawn, because the font lacks a sign:\n{missing}" if missing else "")
    )


class _Sheet:
    """A CSV that moves to disk once it grows."""

    def __init__(self, columns):
        self.file = tempfile.SpooledTemporaryFile(max_size=1_000_000)  # noqa: SIM115  see chunks
        self.columns = columns
        self.file.write(b"\xef\xbb\xbf")  # so that spreadsheets read it as UTF-8
        self.write([{column: column for column in columns}])

    def write(self, rows):
        lines = io.StringIO(newline="")
        writer = csv.DictWriter(lines, self.columns, restval="")
        writer.writerows({column: defuse_formula(value) for column, value in row.items()} for row in rows)
        self.file.write(lines.getvalue().encode())

    def chunks(self):
        with self.file:
            self.file.seek(0)
            yield from iter(lambda: self.file.read(65536), b"")


class _Sink(io.RawIOBase):
    """Where the archive writes; `take` hands over what has come since."""

    def __init__(self):
        self.parts = []

    def writable(self):
        return True

    def write(self, data):
        self.parts.append(bytes(data))
        return len(data)

    def take(self):
        parts, self.parts = self.parts, []
        return b"".join(parts)
