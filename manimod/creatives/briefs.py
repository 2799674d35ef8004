"""The brand behind an account's ads: what the owner has set, or a sensible default from the account's name."""

import re
import string
from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from sqlalchemy import ColumnElement, func, or_, select

from manimod.creatives.engine.brief import Brand, Brief, Offer
from manimod.creatives.engine.policy.policy import LintContext
from manimod.extensions import db
from manimod.models import Account, BrandKit, Connection, Customer
from manimod.models.accounts import now

MAX_NAMES = 500
_CAPITALS = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def get_brand_kit(account: Account) -> BrandKit:
    """The account's brand kit; one with every default, not yet stored, where the owner has saved none."""
    return db.session.get(BrandKit, account.id) or BrandKit(
        account_id=account.id,
        name=account.name,
        primary_colour=Brand.primary,
        accent_colour=Brand.accent,
        tone=Brand.tone,
        landing_page="",
        banned_words=[],
        disclaimer="",
        offers=[],
        proof=[],
        release_notes=[],
        version=0,
    )


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


def to_offers(kit: BrandKit) -> tuple[Offer, ...]:
    return tuple(Offer(**{**stored, "ends_on": to_date(stored["ends_on"])}) for stored in kit.offers)


def to_date(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text or "")
    except ValueError:
        return None


def get_brief(account: Account, **audience: object) -> Brief:
    """What the studio is asked for: an audience (event, tier, tier_position, segment, round) and all that is stored."""
    return to_brief(get_brand_kit(account), **audience)


def with_names(account: Account, briefs: list[Brief]) -> list[Brief]:
    """The briefs, and the customers' names that their tiers and stored texts hold, which the studio leaves out: a plan
    made for one customer bears their name, and a proof may be older than the customer whom it names."""
    stored = stored_texts(get_brand_kit(account))
    found = customers_in_full(account, [*stored, *(brief.tier or "" for brief in briefs)])
    return [replace(brief, customer_names=_names_in([*stored, brief.tier or ""], found)) for brief in briefs]


def _names_in(texts: list[str], names: list[str]) -> tuple[str, ...]:
    spans = _lowered(_spans(texts)) if names else set()
    return tuple(name for name in names if not spans.isdisjoint(_lowered({name})))


def stored_texts(kit: BrandKit) -> list[str]:
    return [kit.disclaimer, *kit.proof, *kit.release_notes, *(offer["text"] for offer in kit.offers)]


def to_brief(kit: BrandKit, **audience: object) -> Brief:
    return Brief(
        brand=to_brand(kit),
        today=now().date(),
        offers=to_offers(kit),
        proof=tuple(kit.proof),
        release_notes=tuple(kit.release_notes),
        **audience,
    )


def lint_context(account: Account, brief: Brief, texts: Iterable[str], audience_size: int | None = None) -> LintContext:
    """What a person's texts are judged against, the names of the account's customers among it."""
    return LintContext.of(brief, customer_names=customers_named(account, texts), audience_size=audience_size)


def customers_named(account: Account, texts: Iterable[str]) -> list[str]:
    """Names of customers that may stand in the texts: in full, or a first name with a capital letter."""
    texts = list(texts)
    words = {re.sub(r"['’]s$", "", word.strip(".'’-")) for text in texts for word in _words(text) if word[0].isupper()}
    first = [Customer.is_named(word + " ") for word in words if len(word) > 2]
    return _names(account, texts, *first)


def customers_in_full(account: Account, texts: Iterable[str]) -> list[str]:
    """Names of customers that stand in the texts as a whole."""
    return _names(account, texts)


def _names(account: Account, texts: Iterable[str], *or_which: ColumnElement[bool]) -> list[str]:
    spans = _spans(texts)
    if not spans:
        return []
    query = select(Customer.name).distinct().join(Connection, Connection.id == Customer.connection_id)
    named = or_(func.lower(Customer.name).in_(_lowered(spans)), *or_which)
    return list(db.session.scalars(query.where(Connection.account_id == account.id, named).limit(MAX_NAMES)))


def _spans(texts: Iterable[str]) -> set[str]:
    """Every one to four words in a row."""
    lines = [_words(text) for text in texts]
    return {" ".join(line[i:j]).strip(".") for line in lines for i in range(len(line)) for j in range(i + 1, i + 5)}


def _lowered(spans: set[str]) -> set[str]:
    """As the databases do it: PostgreSQL takes all letters, SQLite and some of PostgreSQL's locales only A to Z."""
    return {span.lower() for span in spans} | {span.translate(_CAPITALS) for span in spans}


def _words(text: str) -> list[str]:
    return re.findall(r"[\w'’.-]+", text)
