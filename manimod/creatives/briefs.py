"""Stored brand kits as the values that the creative engine takes: brand, offers, brief and lint context."""

import re
import string
from collections.abc import Iterable
from datetime import date
from typing import Any

from sqlalchemy import func, or_, select

from manimod.creatives.engine.brief import Brand, Brief, Offer
from manimod.creatives.engine.facts.model import TierFacts
from manimod.extensions import db
from manimod.models import Account, BrandKit, Connection, Customer
from manimod.models.accounts import now

MAX_NAMES = 500  # customers whose names are looked for in one ad
MAX_WORDS_IN_A_NAME = 4
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def get_brand_kit(account: Account) -> BrandKit:
    """The account's brand kit; one with every default, not yet stored, if the owner has saved none."""
    kit = db.session.get(BrandKit, account.id)
    if kit is None:
        kit = BrandKit(account_id=account.id, name=account.name)
        for column in BrandKit.__table__.columns:
            if column.default:
                value = column.default.arg
                setattr(kit, column.key, value(None) if column.default.is_callable else value)
    return kit


def get_brand(account: Account) -> Brand:
    return to_brand(get_brand_kit(account))


def to_brand(kit: BrandKit) -> Brand:
    return Brand(
        name=kit.name,
        primary=kit.primary_colour,
        accent=kit.accent_colour,
        tone=kit.tone,
        landing_page=kit.landing_page,
        banned_terms=tuple(kit.banned_words),
        disclaimer=kit.disclaimer,
        logo=kit.logo,
    )


def to_brief(kit: BrandKit, **audience: Any) -> Brief:
    """`audience`: the brief's event, tier_facts, segment, round and customer_names."""
    offers = []
    for stored in kit.offers:
        ends_on = date.fromisoformat(stored["ends_on"]) if stored["ends_on"] else None
        offers.append(Offer(**stored | {"ends_on": ends_on}))
    return Brief(
        brand=to_brand(kit),
        today=now().date(),
        offers=tuple(offers),
        proof=tuple(kit.proof),
        release_notes=tuple(kit.release_notes),
        **audience,
    )


def get_brief(account: Account, event: str, tier_facts: TierFacts | None = None, **audience: Any) -> Brief:
    """The brief of an audience, with the customers' names that its tier and the stored texts hold, for the policy."""
    kit = get_brand_kit(account)
    tier = tier_facts.name if tier_facts else None
    names = customer_names_in(account, [*stored_texts(kit), tier or ""])
    return to_brief(kit, event=event, tier_facts=tier_facts, customer_names=tuple(names), **audience)


def stored_texts(kit: BrandKit) -> list[str]:
    return [kit.disclaimer, *kit.proof, *kit.release_notes, *(offer["text"] for offer in kit.offers)]


def customer_names_in(account: Account, texts: Iterable[str], or_first_name: bool = False) -> list[str]:
    """Names of the account's customers that stand in the texts, in full or only the first with a capital letter."""
    phrases, first_names = set(), set()
    for text in texts:
        words = re.findall(r"[\w'’.-]+", text)
        for start, word in enumerate(words):
            for end in range(start + 1, start + MAX_WORDS_IN_A_NAME + 1):
                phrases.add(" ".join(words[start:end]).strip("."))
            if word[0].isupper():
                first_names.add(re.sub(r"['’]s$", "", word.strip(".'’-")))
    if not phrases:
        return []
    # PostgreSQL lowers every letter, SQLite and some of PostgreSQL's locales only A to Z.
    lowered = set()
    for phrase in phrases:
        lowered |= {phrase.lower(), phrase.translate(_ASCII_LOWER)}
    is_named = [func.lower(Customer.name).in_(lowered)]
    for name in first_names if or_first_name else ():
        if len(name) > 2:
            is_named.append(Customer.is_named(f"{name} "))
    query = select(Customer.name).distinct().join(Connection, Connection.id == Customer.connection_id)
    return list(db.session.scalars(query.where(Connection.account_id == account.id, or_(*is_named)).limit(MAX_NAMES)))
