"""What mani keeps of the public catalogue: products, prices, and how the account presents itself to its customers.

As payloads.py does for events: what is not named here leaves this module in no form. Which field may be printed:
Stripe API reference ("displayable to the customer", "hidden from customers"), checked 2026-11-27.
"""

import re
from dataclasses import dataclass, field

from manimod.stripe.reader import Reader

MAX_QUANTITY = 1_000_000_000
MAX_TRIAL_DAYS = 730  # Stripe's own limit
MONTHLY = {"day": 365 / 12, "week": 52 / 12, "month": 1.0, "year": 1 / 12}  # how many of an interval make a month
MAX_FEATURES, MAX_IMAGES = 15, 8  # of a product, as Stripe has it
MAX_FEATURE_LENGTH, MAX_DESCRIPTION_LENGTH, MAX_ADDRESS_LENGTH = 200, 2000, 400
MAX_NOTES, MAX_NOTE_LENGTH = 12, 500  # of a product's metadata
# Metadata that may say what a plan does, by its key: "features", "support_level", "generated_images". The rest is for
# machines: ids, keys, the order on a page.
MACHINE_KEY = re.compile(
    r"(?:^|[_\W])(?:\w*ids?|key|keys|index|order|sort|sorting|rank|position|slug|url|link|icon|image|colou?r|version"
    r"|sku|code|hash|token|secret|tax|price|amount|currency|internal|test|env|email|note|notes|owner|contact|created"
    r"|updated|is|has)(?:$|[_\W])",
    re.IGNORECASE,
)
SPLIT_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")  # "planId" is "plan_Id"
MACHINE_VALUE = re.compile(r"\S+://\S*|\S*@\S+|[a-z]{2,6}_\w{8,}|true|false|null|[0-9a-f-]{16,}", re.IGNORECASE)
ADDRESS = re.compile(r"https://[\w-]+(\.[\w-]+)+(:\d{1,5})?([/?#][^\s\"'<>\\]*)?")
EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]+(\.[\w-]+)+")


@dataclass(frozen=True)
class PriceFacts:
    """A plan of the price list. `amount` is the list price of one unit in minor units, which may have a fraction; None
    for metered and tiered prices and where the customer chooses it. A unit is a pack of `pack_size` pieces.
    """

    id: str
    product: str | None = None
    nickname: str | None = None  # Stripe hides it from customers, and so do ads
    currency: str | None = None
    amount: float | None = None
    pack_size: int = 1
    rounds_up: bool = False  # whether a pack that isn't full counts
    interval: str | None = None
    interval_count: int = 1
    # Only the default of a subscription that is made with trial_from_plan (Stripe API reference 2026-10-28, Price), so
    # it says what the owner may offer, not what a customer gets. Trial offers of their own are in preview there.
    trial_days: int | None = None
    active: bool = True  # False: archived, so nobody can buy it any more
    is_tiered: bool = False  # its amount depends on the number that is bought, not on what is used

    def monthly(self, quantity: int) -> float:
        """The list price of so many per month in minor units; 0 without a fixed recurring price."""
        if self.amount is None or self.interval not in MONTHLY:
            return 0
        if self.rounds_up:
            quantity += self.pack_size - 1
        return self.amount * (quantity // self.pack_size) * MONTHLY[self.interval] / max(self.interval_count, 1)


@dataclass(frozen=True)
class ProductFacts:
    """A product: what its customers are shown of it, and `notes`, metadata that may say what it does."""

    id: str
    name: str | None = None
    active: bool = True
    features: list[str] = field(default_factory=list)
    description: str | None = None
    notes: dict[str, str] = field(default_factory=dict)
    unit_label: str | None = None
    url: str | None = None
    images: list[str] = field(default_factory=list)


def read_price(reader: Reader) -> PriceFacts | None:
    """A price, or a plan of the years before prices."""
    price_id = reader.identifier("id")
    if price_id is None:
        return None
    terms = reader.inside("recurring") if reader.raw("recurring") else reader
    pack = reader.inside("transform_quantity" if reader.raw("transform_quantity") else "transform_usage")
    is_metered, is_tiered = terms.raw("usage_type") == "metered", reader.raw("billing_scheme") == "tiered"
    amount, interval = None, terms.identifier("interval")
    for name in ("unit_amount", "amount"):
        if amount is None:
            amount = reader.number(name)
        if amount is None:
            amount = reader.decimal(f"{name}_decimal")
    if is_metered or is_tiered:
        amount = None
    return PriceFacts(
        id=price_id,
        product=reader.identifier("product"),
        nickname=reader.text("nickname"),
        currency=(reader.identifier("currency") or "").lower()[:3] or None,
        amount=amount,
        pack_size=max(pack.number("divide_by", MAX_QUANTITY) or 1, 1),
        rounds_up=pack.text("round") == "up",
        interval=interval if interval in MONTHLY else None,
        interval_count=min(terms.number("interval_count") or 1, 1000),
        trial_days=terms.number("trial_period_days", MAX_TRIAL_DAYS) or None,
        active=reader.value("active", bool) is not False,
        is_tiered=is_tiered and not is_metered,
    )


def read_price_and_product(reader: Reader) -> tuple[PriceFacts, ProductFacts | None] | None:
    """A price of a list, and its product where the list brings it whole."""
    price = read_price(reader)
    return price and (price, read_product(reader.inside("product")))


def read_product(reader: Reader) -> ProductFacts | None:
    product_id = reader.identifier("id")
    if product_id is None:
        return None
    features: list[str] = []
    for listed in reader.each("marketing_features" if reader.raw("marketing_features") else "features"):  # until 2024
        feature = " ".join((listed.whole_text("name", MAX_FEATURE_LENGTH) or "").split())
        if feature and feature not in features:
            features.append(feature)
    images = list(filter(ADDRESS.fullmatch, reader.texts("images", MAX_ADDRESS_LENGTH)))
    return ProductFacts(
        id=product_id,
        name=reader.text("name"),
        active=reader.value("active", bool) is not False and not reader.flag("deleted"),
        features=features[:MAX_FEATURES],
        description=reader.whole_text("description", MAX_DESCRIPTION_LENGTH),
        notes=_read_notes(reader.inside("metadata")),
        unit_label=(reader.text("unit_label") or "")[:40] or None,
        url=_read_address(reader, "url"),
        images=images[:MAX_IMAGES],
    )


def _read_notes(metadata: Reader) -> dict[str, str]:
    notes: dict[str, str] = {}
    for key in metadata.data if isinstance(metadata.data, dict) else ():
        if len(notes) == MAX_NOTES or not key.isprintable() or MACHINE_KEY.search(SPLIT_WORDS.sub("_", key)):
            continue
        note = metadata.whole_text(key, MAX_NOTE_LENGTH)
        if note and not MACHINE_VALUE.fullmatch(note):
            notes[key[:40]] = note
    return notes


def read_profile(account: Reader) -> dict[str, str]:
    """How an account presents itself: its name, website, help address and colours, as far as it has said so.

    `product_description` and `mcc` are Stripe's own notes about the business, and are not read.
    """
    business, branding = account.inside("business_profile"), account.inside("settings", "branding")
    profile = {"name": business.text("name"), "website": _read_address(business, "url")}
    profile["support"], email = _read_address(business, "support_url"), business.text("support_email") or ""
    if not profile["support"] and EMAIL.fullmatch(email):
        profile["support"] = email
    for name in ("primary_color", "secondary_color"):
        colour = branding.text(name) or ""
        if re.fullmatch("#[0-9a-fA-F]{6}", colour):
            profile[name] = colour.lower()
    return {name: text for name, text in profile.items() if text}


def _read_address(reader: Reader, name: str) -> str | None:
    """A whole address of a public page; owners also write them without https://."""
    text = reader.whole_text(name, MAX_ADDRESS_LENGTH) or ""
    address = text if "://" in text else f"https://{text}"
    return address if ADDRESS.fullmatch(address) else None
