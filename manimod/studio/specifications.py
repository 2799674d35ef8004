"""What the platforms accept: placements, text lengths, canvases, calls to action, audience minimums, export columns.

Data only, each with its source. `recommended` lengths make a warning, `hard` lengths block. All checked on CHECKED.
"""

from dataclasses import dataclass
from datetime import date

CHECKED = date(2026, 11, 22)


@dataclass(frozen=True)
class Field:
    """A text of a placement; lengths in characters, `at_least`/`at_most` in lines."""

    name: str
    label: str
    hard: int
    recommended: int | None = None
    at_least: int = 1
    at_most: int = 1
    wanted: int = 1

    @property
    def target(self):
        return min(self.hard, self.recommended or self.hard)


@dataclass(frozen=True)
class Placement:
    id: str
    label: str
    family: str
    fields: tuple[Field, ...]
    canvases: tuple[str, ...]
    source: str
    weight_limit: int = 5_000_000
    little_text: bool = False

    def field(self, name):
        return next((f for f in self.fields if f.name == name), None)


PLACEMENTS = {
    p.id: p
    for p in (
        Placement(
            "meta_feed",
            "Meta feed",
            "meta",
            (
                Field("primary_text", "Primary text", 1024, 150),
                Field("headline", "Headline", 255, 27),
                Field("description", "Description", 255, 30),
            ),
            ("1080x1080", "1080x1350", "1440x1440", "1440x1800"),
            "facebook.com/business/ads-guide",
            30_000_000,
        ),
        Placement(
            "meta_story",
            "Meta story",
            "meta",
            (Field("primary_text", "Primary text", 1024, 125), Field("headline", "Headline", 255, 40)),
            ("1080x1920",),
            "facebook.com/business/ads-guide",
            30_000_000,
        ),
        Placement(
            "google_search",
            "Google responsive search",
            "google",
            (
                Field("headlines", "Headlines", 30, None, 3, 15, 5),
                Field("descriptions", "Descriptions", 90, None, 2, 4, 2),
                Field("paths", "Display paths", 15, None, 0, 2, 0),
            ),
            (),
            "support.google.com/google-ads/answer/7684791",
        ),
        Placement(
            "google_display",
            "Google responsive display",
            "google",
            (
                Field("headlines", "Short headlines", 30, None, 1, 5, 3),
                Field("long_headline", "Long headline", 90),
                Field("descriptions", "Descriptions", 90, None, 1, 5, 2),
                Field("business_name", "Business name", 25),
            ),
            ("1200x628", "1080x1080"),
            "developers.google.com/google-ads/api ResponsiveDisplayAdInfo",
            5_120_000,
            True,
        ),
        Placement(
            "linkedin",
            "LinkedIn single image",
            "linkedin",
            (Field("introduction", "Introductory text", 3000, 150), Field("headline", "Headline", 200, 70)),
            ("1200x628", "1080x1080"),
            "linkedin.com/help/lms/answer/a426534",
        ),
        Placement(
            "x",
            "X",
            "x",
            (Field("post", "Post", 280), Field("website_title", "Website title", 70, 50)),
            ("1200x628", "1080x1080"),
            "business.x.com/en/help/campaign-setup/creative-ad-specifications",
        ),
        Placement(
            "pinterest",
            "Pinterest",
            "pinterest",
            (Field("title", "Title", 100, 40), Field("description", "Description", 500)),
            ("1000x1500",),
            "help.pinterest.com/business/article/pinterest-product-specs",
            20_000_000,
        ),
        Placement(
            "tiktok",
            "TikTok",
            "tiktok",
            (Field("ad_text", "Ad text", 100), Field("display_name", "Display name", 40)),
            ("1080x1920", "1200x628"),
            "tiktok-business-api-sdk docs",
            500_000,
        ),
    )
}

X_LINK_LENGTH = 23  # a link in a post costs this many characters, and a space before it


@dataclass(frozen=True)
class Canvas:
    """Pixels of a picture; `clear` is what must stay free of text: top, bottom, sides, as shares."""

    width: int
    height: int
    clear: tuple[float, float, float] = (0.0, 0.0, 0.0)
    master: str | None = None  # drawn as this canvas and only rasterised wider


CANVASES = {
    "1080x1080": Canvas(1080, 1080),
    "1080x1350": Canvas(1080, 1350),
    "1080x1920": Canvas(1080, 1920, (0.14, 0.35, 0.06)),
    "1200x628": Canvas(1200, 628),
    "1000x1500": Canvas(1000, 1500),
    "1440x1440": Canvas(1440, 1440, master="1080x1080"),
    "1440x1800": Canvas(1440, 1800, master="1080x1350"),
}
MASTERS = tuple(name for name, canvas in CANVASES.items() if not canvas.master)
LITTLE_TEXT_SHARE = 0.20  # support.google.com/adspolicy/answer/6363786
CONTRAST = 4.5  # WCAG 2.2, 1.4.3

# Families without an entry have no call-to-action field, or publish no list of it.
CTA_LISTS = {
    "meta": (
        "LEARN_MORE SIGN_UP SUBSCRIBE GET_STARTED GET_OFFER SEE_MORE CONTACT_US DOWNLOAD SHOP_NOW BOOK_NOW "
        "OPEN_LINK NO_BUTTON"
    ).split(),  # facebook-python-business-sdk adcreative.py
    "google": (
        "CONTACT_US DOWNLOAD GET_QUOTE LEARN_MORE SEE_MORE SHOP_NOW SIGN_UP START_NOW SUBSCRIBE VISIT_SITE BUY_NOW "
        "BOOK_NOW"
    ).split(),  # Google Ads API CallToActionType
    "linkedin": ["Learn More", "Sign Up", "Subscribe", "Register", "Join", "Download", "Request Demo", "View Quote"],
    "tiktok": "LEARN_MORE SHOP_NOW SIGN_UP DOWNLOAD_NOW CONTACT_US SUBSCRIBE BOOK_NOW".split(),
}
PLACEMENTS_WITHOUT_CTA = ("google_search", "x", "pinterest")

# canonical call to action -> label for people, and each family's nearest own
CTA_MAP = {
    "LEARN_MORE": {"label": "Learn more", "linkedin": "Learn More"},
    "SEE_MORE": {"label": "See more", "linkedin": "Learn More", "tiktok": "LEARN_MORE"},
    "GET_STARTED": {"label": "Get started", "google": "START_NOW", "linkedin": "Learn More", "tiktok": "LEARN_MORE"},
    "CONTACT_US": {"label": "Contact us", "linkedin": "Learn More"},
    "SUBSCRIBE": {"label": "Subscribe", "linkedin": "Subscribe"},
    "SIGN_UP": {"label": "Sign up", "linkedin": "Sign Up"},
    "GET_OFFER": {"label": "Get offer", "google": "LEARN_MORE", "linkedin": "Learn More", "tiktok": "LEARN_MORE"},
}
CTA_SUITS = {
    "retention": {"LEARN_MORE", "SEE_MORE", "GET_STARTED", "CONTACT_US"},
    "upsell": {"LEARN_MORE", "SEE_MORE", "GET_STARTED", "SUBSCRIBE", "SIGN_UP", "CONTACT_US"},
    "winback": {"LEARN_MORE", "SEE_MORE", "GET_STARTED", "GET_OFFER", "CONTACT_US"},
}

AUDIENCE_MINIMUMS = {"google": 100, "tiktok": 1000, "linkedin": 300, "meta": 100}


def call_to_action(canonical, placement_id):
    """The placement's own id or label for a canonical call to action; None where it has no such field."""
    if placement_id in PLACEMENTS_WITHOUT_CTA:
        return None
    return CTA_MAP[canonical].get(PLACEMENTS[placement_id].family, canonical)


META_COLUMNS = (
    "Campaign Name|Campaign Status|Campaign Objective|Buying Type|Ad Set Name|Ad Set Run Status|Custom Audiences|"
    "Link Object ID|Link|Ad Name|Ad Status|Title|Body|Link Description|Display Link|Call to Action|Image File Name|"
    "Creative Type|URL Tags|Optimize text per person"
).split("|")
GOOGLE_COLUMNS = (
    ["Campaign", "Ad Group", "Ad type"]
    + [c for i in range(1, 16) for c in (f"Headline {i}", f"Headline {i} position")]
    + ["Long headline 1"]
    + [c for i in range(1, 5) for c in (f"Description {i}", f"Description {i} position")]
    + ["Description 5", "Call to action", "Business name", "Path 1", "Path 2", "Final URL", "Labels"]
    + ["Campaign Status", "Ad Group Status", "Status"]
)
