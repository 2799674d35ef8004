"""The price list of a Stripe account: prices and tiers, and what a tier is called where only Stripe has a name for it.

Other systems write such names: with HTML entities, signs that nobody sees, prices, intervals and codes. The rules are
in tiers.toml.
"""

import re
import tomllib
import unicodedata
from datetime import datetime
from functools import cache, lru_cache
from html import unescape
from pathlib import Path

from sqlalchemy import ForeignKey, String, UniqueConstraint, false, true
from sqlalchemy.orm import Mapped, mapped_column

from manimod.extensions import db

RULES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-f]+|[a-z]\w*);", re.IGNORECASE)
# Letters and signs that are drawn as nothing, beside those that Unicode calls control or format characters.
BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
GAP = r"[\s\-–—:·|/,;.&•*>›»(\[]"
BEFORE, AFTER = " -–—:·|/,;&•*›»_", " -–—:·|/,;&•*›»_(@"  # what a name neither begins nor ends with
BRACKETS = {"（": " (", "）": ")", "［": " [", "］": "]", "【": " [", "】": "]"}
AMOUNT = r"(?:\d+(?:[.,'’]\d{3})*(?:[.,]\d{1,2})?k?(?:,[-–])?)"
LETTER = r"[^\W\d_]"
MAX_LENGTH = 120
UPLOAD = "upload"  # where an owner's picture of a tier comes from


class Price(db.Model):
    """A plan's list price: what a plan costs on the price list, never what a person paid."""

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    stripe_id: Mapped[str]
    stripe_product_id: Mapped[str]
    nickname: Mapped[str | None]
    currency: Mapped[str | None] = mapped_column(String(3))
    unit_amount: Mapped[float | None]  # minor units, which may have a fraction; None: metered, tiered or chosen
    pack_size: Mapped[int] = mapped_column(default=1, server_default="1")  # pieces in one unit
    rounds_up: Mapped[bool] = mapped_column(default=False, server_default=false())  # a pack that isn't full counts
    interval: Mapped[str | None] = mapped_column(String(10))  # day, week, month, year; None: one-time
    interval_count: Mapped[int] = mapped_column(default=1)
    trial_days: Mapped[int | None]  # that Stripe gives where a subscription is made so
    active: Mapped[bool] = mapped_column(default=True, server_default=true())  # False: archived
    is_tiered: Mapped[bool] = mapped_column(default=False, server_default=false())  # depends on the number bought

    __table_args__ = (UniqueConstraint("connection_id", "stripe_id"),)


class Tier(db.Model):
    """A Stripe product as a subscription tier. The owner's name for it wins over Stripe's, which is kept as it is.

    What Stripe says about the product is refreshed with each sync; so is its place among the others, by
    customers.catalogue. Before that a tier has no place.
    """

    id: Mapped[int] = mapped_column(primary_key=True)
    connection_id: Mapped[int] = mapped_column(ForeignKey("connection.id"))
    stripe_product_id: Mapped[str]
    product_name: Mapped[str | None]
    owner_name: Mapped[str | None] = mapped_column(String(80))
    nickname: Mapped[str | None]  # of one of its prices; Stripe hides it from customers
    active: Mapped[bool] = mapped_column(default=True, server_default=true())  # False: archived
    asked_at: Mapped[datetime | None]  # when Stripe was asked for the product
    features: Mapped[list] = mapped_column(default=list, server_default="[]")  # Stripe's marketing features
    description: Mapped[str | None] = mapped_column(String(2000))
    notes: Mapped[dict] = mapped_column(default=dict, server_default="{}")  # metadata that may say what it does
    unit_label: Mapped[str | None] = mapped_column(String(40))
    url: Mapped[str | None] = mapped_column(String(500))
    images: Mapped[list] = mapped_column(default=list, server_default="[]")  # addresses
    picture: Mapped[bytes | None] = mapped_column(deferred=True)  # PNG or JPEG that mani encoded itself
    picture_from: Mapped[str | None] = mapped_column(String(500))  # UPLOAD, or the address it was fetched from
    picture_at: Mapped[datetime | None]  # when it was stored; None: there is none
    picture_error: Mapped[str | None] = mapped_column(String(50))  # a code of errors.toml; None: Stripe's could be read
    owner_lines: Mapped[list] = mapped_column(default=list, server_default="[]")  # what it does; none: as Stripe says

    position: Mapped[str | None] = mapped_column(String(10))  # a TierPosition
    next_product: Mapped[str | None]  # the neighbours that are sold, by their Stripe ids
    lighter_product: Mapped[str | None]
    is_sold: Mapped[bool] = mapped_column(default=False, server_default=false())  # now, as a subscription
    has_year: Mapped[bool] = mapped_column(default=False, server_default=false())
    trial_days: Mapped[int | None]  # of a price that is sold, the longest
    by_the_seat: Mapped[bool] = mapped_column(default=False, server_default=false())
    is_one_of_several: Mapped[bool] = mapped_column(default=False, server_default=false())  # of intervals of one tier

    __table_args__ = (UniqueConstraint("connection_id", "stripe_product_id"),)

    @property
    def name(self) -> str | None:
        """As ads and pages say it. The product "Pro - Annual" is called Pro where that is a product, too."""
        if self.owner_name:
            return self.owner_name
        name, _ = clean_name(self.product_name or "")
        if name and self.is_one_of_several:
            return without_interval(name)
        return name

    @property
    def proposed_name(self) -> str | None:
        """A name from what customers don't see, for the owner to confirm."""
        return None if self.name else clean_name(self.nickname or "")[0]

    @property
    def why_unnamed(self) -> str | None:
        """Why no ad uses the name that Stripe has; None where the tier is named, or Stripe has no name."""
        return None if self.name or not self.product_name else clean_name(self.product_name)[1]


@lru_cache(maxsize=10_000)
def clean_name(raw: str) -> tuple[str | None, str | None]:
    """A tier's name, with its interval in brackets: "Pro (annual)". Or None, and why it cannot be one."""
    text = _decode(raw)
    if len(text) > MAX_LENGTH:
        return None, "it is too long for an ad"
    name, reason = _without_extras(text)
    interval = None
    for word in RULES["intervals"]:
        found = _interval(word).search(name)
        if found:
            name, why_shorter = _without_extras(f"{name[: found.start()]} {name[found.end() :]}")
            interval, reason = word, why_shorter or "it says only how often it is billed"
            break
    for rule in RULES["refused"]:
        if _pattern(rule["pattern"]).search(text) or _pattern(rule["pattern"]).search(name):
            return None, rule["reason"]
    if not any(sign.isalnum() for sign in name):
        return None, reason or "it has no letters"
    if _pattern(RULES["bare"]["pattern"]).fullmatch(name):
        return None, RULES["bare"]["reason"]
    return (f"{name} ({interval})" if interval else name), None


def without_interval(name: str) -> str:
    """What `clean_name` has made of a name, without the interval: "Pro" of "Pro (annual)"."""
    intervals = "|".join(RULES["intervals"])
    return re.sub(rf" \((?:{intervals})\)$", "", name)


def _without_extras(text: str) -> tuple[str, str | None]:
    """The name without what the rules take out of it, and what was taken out last."""
    name, before, reason = _trim(text), None, None
    while name != before:
        before = name
        for rule in RULES["removed"]:
            shorter = _trim(_pattern(rule["pattern"]).sub(" ", name))
            if shorter != name:
                name, reason = shorter, rule["reason"]
    return name, reason


def _decode(raw: str) -> str:
    """The text as a person sees it. Some systems write entities twice: "&amp;amp;"."""
    for _ in range(2):
        raw = ENTITY.sub(lambda found: unescape(found[0]), raw)
    seen = []
    for sign in unicodedata.normalize("NFC", raw):
        if sign.isspace():
            seen.append(" ")
        elif sign in BRACKETS:
            seen.append(BRACKETS[sign])
        elif unicodedata.category(sign)[0] != "C" and sign not in BLANKS:
            seen.append(sign)
    return " ".join("".join(seen).split())


def _trim(name: str) -> str:
    """The name without empty brackets and without what used to stand before or after something else."""
    name = re.sub(r"[(\[]\s*[)\]]", " ", name)
    name = re.sub(r"\s+(?=[)\]])", "", name)
    return " ".join(name.split()).lstrip(BEFORE).rstrip(AFTER)


@cache
def _pattern(pattern: str) -> re.Pattern[str]:
    """A rule's pattern with the words that it names."""
    words = {name: _any_of(listed) for name, listed in RULES["words"].items()}
    words["money"] = f"(?:{words['symbols']}|(?<!{LETTER}){words['currencies']}(?!{LETTER}))"
    words |= {"gap": GAP, "amount": AMOUNT, "start": f"(?<!{LETTER})", "end": f"(?!{LETTER})"}
    for name, expression in words.items():
        pattern = pattern.replace(f"{{{name}}}", expression)
    return re.compile(pattern, re.IGNORECASE | re.VERBOSE)


@cache
def _interval(word: str) -> re.Pattern[str]:
    """Finds the interval at the end of a name, or set apart at its beginning; "bi-monthly" is none of these."""
    said, billed = _any_of(RULES["intervals"][word]), _any_of(RULES["words"]["billed"])
    front = rf"^[(\[]?{said}\s*[)\]:|–—-]+\s+"
    beginning = rf"(?:^|(?=/)|(?<!\bbi)(?<!\btri)(?<!\bsemi)(?<!\bmid){GAP}+)"
    return re.compile(rf"{front}|{beginning}(?:{billed}\s+)?{said}(?:\s+{billed})?[)\]]?$", re.IGNORECASE)


def _any_of(listed: str) -> str:
    """One of the words, with spaces or hyphens between their parts."""
    longest_first = sorted(re.split(r",\s+", listed), key=len, reverse=True)
    words = "|".join(map(re.escape, longest_first))
    return "(?:" + words.replace("\\ ", r"[\s-]+").replace("/", r"/\s*") + ")"
