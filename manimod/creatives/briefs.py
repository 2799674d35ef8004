"""Stored brand kits as the values that the creative engine takes: brand, offers, brief and lint context."""

from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

from sqlalchemy import select

from manimod.creatives import learning
from manimod.creatives.engine.brief import Brand, Brief, Claim, ClaimKind, Offer
from manimod.creatives.engine.copy import claims, copywriter
from manimod.creatives.engine.facts.model import FactSource, Proof, ReleaseNote, TierFacts
from manimod.creatives.engine.facts.steps import Line, read_tiers
from manimod.customers import catalogue, replica
from manimod.extensions import db
from manimod.lifecycle import KINDS, Objective, Segment
from manimod.models import Account, BrandKit, Connection, Creative, Tier
from manimod.models.accounts import now
from manimod.models.states import CreativeStatus, GenericReason

MAX_BRAND_NAME = 60
MAX_TIERS_READ = 30  # beside the three of a brief
# Columns of a brand kit and what Stripe's profile of an account has for them.
FROM_PROFILE = {
    "name": "name",
    "landing_page": "website",
    "support": "support",
    "primary_colour": "primary_color",
    "accent_colour": "secondary_color",
}
TIER_PARTS = ("tier_facts", "next_tier", "lighter_tier")  # of a brief
MAX_ADS = 5  # in one set
OPEN_STATUSES = (CreativeStatus.WAITING, CreativeStatus.APPROVED)


def get_brand_kit(account: Account, profile: dict[str, str] | None = None) -> BrandKit:
    """The account's brand kit. If the owner has saved none: one that isn't stored yet, as Stripe presents the account,
    with defaults for the rest. `profile`: what `get_profile` returns, where it is known already.
    """
    kit = db.session.get(BrandKit, account.id)
    if kit is None:
        kit = BrandKit(account_id=account.id, name=account.name)
        for column in BrandKit.__table__.columns:
            if column.default:
                value = column.default.arg
                setattr(kit, column.key, value(None) if column.default.is_callable else value)
        profile = get_profile(account.id) if profile is None else profile
        for column, entry in FROM_PROFILE.items():
            if profile.get(entry) and not (column == "name" and len(profile[entry]) > MAX_BRAND_NAME):
                setattr(kit, column, profile[entry])
    return kit


def get_profile(account_id: int) -> dict[str, str]:
    """How the account presents itself in Stripe, as far as a key may read that; in live mode, if that says anything."""
    query = select(Connection.profile).where(Connection.account_id == account_id).order_by(Connection.livemode.desc())
    return next(filter(None, db.session.scalars(query)), {})


def get_brand(account: Account, profile: dict[str, str] | None = None) -> Brand:
    return to_brand(get_brand_kit(account, profile))


def to_brand(kit: BrandKit, picture_of: Tier | None = None) -> Brand:
    """`picture_of`: as `find_pictured` gives it."""
    return Brand(
        name=kit.name,
        primary=kit.primary_colour,
        accent=kit.accent_colour,
        tone=kit.tone,
        landing_page=kit.landing_page,
        support=kit.support,
        banned_terms=tuple(kit.banned_words),
        disclaimer=kit.disclaimer,
        logo=kit.logo,
        product_picture=picture_of.picture if picture_of else None,
    )


def to_brief(
    kit: BrandKit,
    profile: dict[str, str] | None = None,
    picture_of: Tier | None = None,
    tiers: list[Tier] | None = None,
    **audience: Any,
) -> Brief:
    """`audience`: the brief's event, tiers, segment, round and customer_names. `profile`: as for `get_brand_kit`;
    `tiers`: the account's, where they are loaded already."""
    own = audience.get("tier_facts")
    if own and own.is_archived and KINDS[audience["event"]].objective == Objective.WINBACK:
        audience["tier_facts"] = TierFacts(is_sold=False, is_archived=True)  # nobody can come back to it
    offers = []
    for stored in kit.offers:
        ends_on = date.fromisoformat(stored["ends_on"]) if stored["ends_on"] else None
        offers.append(Offer(**stored | {"ends_on": ends_on}))
    support = kit.support
    if not support:
        support = (get_profile(kit.account_id) if profile is None else profile).get("support", "")
    return Brief(
        brand=replace(to_brand(kit, picture_of), support=support),
        today=now().date(),
        offers=tuple(offers),
        proof=tuple(map(Proof.read, kit.proof)),
        release_notes=_release_notes(kit, tiers),
        **audience,
    )


def _release_notes(kit: BrandKit, tiers: list[Tier] | None) -> tuple[ReleaseNote, ...]:
    """Without those of a tier that is gone or has no name."""
    names = {}
    if any(stored["tier"] for stored in kit.releases):
        for tier in tiers or load_tiers(kit.account_id):
            names[tier.stripe_product_id] = tier.name
    notes = []
    for stored in kit.releases:
        day, product = stored["released_on"], stored["tier"]
        if not product or names.get(product):
            notes.append(ReleaseNote(stored["text"], day and date.fromisoformat(day), names.get(product)))
    return tuple(notes)


def load_tiers(account_id: int, is_test: bool | None = None) -> list[Tier]:
    """Those of test or of live mode, or of both."""
    query = select(Tier).join(Connection).where(Connection.account_id == account_id).order_by(Tier.id)
    if is_test is not None:
        query = query.where(Connection.livemode.is_(not is_test))
    return list(db.session.scalars(query))


def tier_choices(account: Account) -> list[tuple[str, str]]:
    """(product, name) of each tier that has a name; of products that are one tier the first."""
    products: dict[str, str] = {}
    for tier in load_tiers(account.id):
        if tier.name:
            products.setdefault(tier.name, tier.stripe_product_id)
    return list(zip(products.values(), products, strict=True))


def find_tier(tiers: list[Tier], product: str | None, name: str | None) -> Tier | None:
    """By its product, else by its name: one that is still sold before an archived one."""
    named = None
    for tier in tiers:
        if tier.stripe_product_id == product:
            return tier
        if name and tier.name == name and (named is None or tier.is_sold > named.is_sold):
            named = tier
    return named


def find_pictured(tiers: list[Tier], product: str | None, name: str | None) -> Tier | None:
    """The product whose picture a tier's ads show: its own, or another one that is sold as the same tier."""
    own = find_tier(tiers, product, name)
    if own is None or not own.name:  # ads that name no tier are for several products
        return None
    if own.picture_at:
        return own
    for tier in tiers:
        if tier.picture_at and tier.is_sold and tier.name == own.name:
            return tier
    return None


def get_tiers(
    account: Account, product: str | None = None, name: str | None = None, tiers: list[Tier] | None = None
) -> dict[str, TierFacts | Tier | None]:
    """`tier_facts`, `next_tier`, `lighter_tier` and `picture_of` of a Stripe product, or of a tier by its name.

    All are None without either: then there is no subscription. `tiers`: the account's, where they are loaded already.
    """
    if tiers is None:
        tiers = load_tiers(account.id) if product or name else []
    found: dict[str, Any] = dict.fromkeys(TIER_PARTS)
    found["picture_of"] = find_pictured(tiers, product, name)
    own = find_tier(tiers, product, name)
    if own is None:
        if product or name:
            found["tier_facts"] = TierFacts(name=name, is_sold=False)
        return found
    by_product = {tier.stripe_product_id: tier for tier in tiers}
    parts = {"tier_facts": own}
    for part, neighbour in (("next_tier", own.next_product), ("lighter_tier", own.lighter_product)):
        if neighbour in by_product and by_product[neighbour].name:
            parts[part] = by_product[neighbour]
    same = defaultdict(list)  # a tier's name -> the products that it is sold as
    for tier in tiers:
        if tier.is_sold:
            same[tier.name].append(tier)
    # The other tiers may be those that one of these refers to: "Everything in Starter".
    others = [tier for tier in tiers if tier.is_sold and tier.name and tier not in parts.values()]
    price_list = []
    for tier in [*parts.values(), *others[:MAX_TIERS_READ]]:
        price_list.append((tier.name or "", _lines(tier, same[tier.name] if tier.is_sold else [])))
    for (part, tier), (facts, inherited) in zip(parts.items(), read_tiers(price_list), strict=False):
        found[part] = TierFacts(
            name=tier.name,
            facts=facts,
            inherited=inherited,
            is_sold=tier.is_sold,
            is_archived=not tier.active and not same[tier.name],
            has_year=tier.has_year or any(product.has_year for product in same[tier.name] if tier.is_sold),
            seat=tier.unit_label if tier.by_the_seat else None,
        )
    return found


def _lines(tier: Tier, same: list[Tier]) -> list[Line]:
    has_owners = any(product.owner_lines for product in [tier, *same])
    source = FactSource.OWNER if has_owners else FactSource.STRIPE
    return [(line, source) for line in catalogue.lines_of(tier, same)]


def get_brief(
    account: Account, event: str, history: dict[str, Any] | None = None, is_test: bool | None = None, **audience: Any
) -> Brief:
    """The brief of an audience, with the customers' names that its tiers and the stored texts hold, for the policy.

    `history`: from `get_history`, where it is known already. `is_test`: as for `replica.customer_names_in`.
    A neighbour that is named after a customer is left out: it isn't for everybody.
    """
    kit = get_brand_kit(account)
    texts = stored_texts(kit)
    for part in TIER_PARTS:
        if tier := audience.get(part):
            texts += [tier.name or "", *(fact.text for fact in (*tier.facts, *tier.inherited))]
    names = replica.customer_names_in(account, texts, is_test=is_test)
    for part in ("next_tier", "lighter_tier"):
        for name in names:
            if (tier := audience.get(part)) and " " in name and name.lower() in tier.name.lower():
                audience[part] = None
    return to_brief(
        kit,
        event=event,
        customer_names=tuple(names),
        seed=str(account.id),
        **(history or get_history(account)),
        **audience,
    )


def why_unnamed(brief: Brief) -> GenericReason:
    """Why the brief's ads name no tier, although its customers have one."""
    if brief.tier_facts and brief.tier_facts.is_archived:
        return GenericReason.NOT_SOLD
    return GenericReason.UNNAMED_TIER


def get_history(account: Account, is_test: bool = False) -> dict[str, Any]:
    """What the account's earlier sets say for a brief: the phrases that open ones of the same mode use, and what
    decisions teach."""
    return {"used_phrases": _count_phrases(account, is_test), "preferences": learning.get_preferences(account)}


def _count_phrases(account: Account, is_test: bool) -> Counter[str]:
    """Phrase -> how many ads of the account's open sets use it."""
    columns = [Creative.content[("variants", place, "phrases")] for place in range(MAX_ADS)]
    open_sets = select(*columns).filter_by(account_id=account.id, is_test=is_test).where(Creative.run_until > now())
    used: Counter[str] = Counter()
    for row in db.session.execute(open_sets.where(Creative.status.in_(OPEN_STATUSES))):
        for phrases in row:
            used.update(phrases or ())
    return used


class StoredFacts:
    """What is stored of an account for its ads, read once for many briefs: brand kit, Stripe's profile, and the tiers
    of test and live mode (`tiers`, by `is_test`).
    """

    def __init__(self, account: Account) -> None:
        self.account, self.profile = account, get_profile(account.id)
        self.kit = get_brand_kit(account, self.profile)
        self.tiers: dict[bool, list[Tier]] = {True: [], False: []}
        query = select(Tier, Connection.livemode).join(Connection).where(Connection.account_id == account.id)
        for tier, livemode in db.session.execute(query.order_by(Tier.id)):
            self.tiers[not livemode].append(tier)

    def get_brief(
        self, event: str, is_test: bool, product: str | None = None, name: str | None = None, **audience: Any
    ) -> Brief:
        """Without what only the writing of new ads needs: customers' names, used phrases, preferences, a picture."""
        tiers = self._get_tiers(is_test, product, name) | audience
        all_tiers = self.tiers[is_test] + self.tiers[not is_test]
        return to_brief(self.kit, self.profile, tiers=all_tiers, event=event, **tiers | {"picture_of": None})

    @cache  # noqa: B019 - lives as long as a request or a turn of a job
    def _get_tiers(self, is_test: bool, product: str | None, name: str | None) -> dict[str, TierFacts | Tier | None]:
        return get_tiers(self.account, product, name, self.tiers[is_test])

    def picture_of(self, creative: Creative) -> Tier | None:
        """The product whose picture the creative's own pictures show."""
        if creative.generic_reason == GenericReason.UNNAMED_TIER:  # it is for several products
            return None
        return find_pictured(self.tiers[creative.is_test], creative.stripe_product_id, creative.tier)

    def get_brand(self, creative: Creative) -> Brand:
        """The brand as the creative's pictures show it."""
        return to_brand(self.kit, self.picture_of(creative))

    def lost_claims(self, creative: Creative) -> list[Claim]:
        """What the ads state and these facts no longer hold, each once. Of a tier that is gone or has another name,
        the name stands for the facts."""
        stated = {}
        for ad in creative.ads:
            for fields in ad.get("claims", ()):
                claim = Claim(**fields)
                stated[claim.kind, claim.basis, claim.tier] = claim
        if not stated:
            return []
        audience = {"product": creative.stripe_product_id, "name": creative.tier, "segment": creative.segment}
        if creative.generic_reason == GenericReason.UNNAMED_TIER:
            audience["tier_facts"] = TierFacts()
        brief = self.get_brief(creative.event, creative.is_test, **audience)
        lost, gone = [], set()
        for claim in stated.values():
            if not claims.stands(claim, brief):
                lost.append(claim)
                if claim.kind in (ClaimKind.TIER, ClaimKind.NEXT, ClaimKind.LIGHTER):
                    gone.add(claim.tier)
        return [claim for claim in lost if claim.kind != ClaimKind.FACT or claim.tier not in gone]

    @cache  # noqa: B019 - lives as long as a request or a turn of a job
    def shared_segments(self, event: str, is_test: bool, product: str | None) -> dict[Segment, Segment | None]:
        """Segment -> the one whose set it gets after an event; see copywriter.shared_segments."""
        return copywriter.shared_segments(self.get_brief(event, is_test, product))


def stored_texts(kit: BrandKit) -> list[str]:
    return [kit.disclaimer, *kit.proof, *(row["text"] for row in [*kit.releases, *kit.offers])]
