"""Approved creative sets on their way to the ad platforms: which may go, and what stands in the way."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import select

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.flow import brands
from manimod.models import Account, Creative
from manimod.studio import lint
from manimod.studio.brief import Brand, CreativeSet
from manimod.studio.export import Item
from manimod.studio.tiers import slug

A_SHEET = 500  # sets in one export, the newest first


@dataclass(frozen=True)
class Choice:
    """What would be exported: the creatives' ids, those that break a rule today, and the brand they speak for."""

    ids: list[int]
    blocked: dict[int, str] = field(default_factory=dict)
    brand: Brand | None = None


def choose(account: Account, with_test: bool = False, only: int | None = None) -> Choice:
    """The approved sets, judged once more: an offer may have ended, a word may be banned by now."""
    query = select(Creative).where(Creative.account_id == account.id, Creative.status == "approved")
    if not with_test:
        query = query.where(Creative.is_test.is_(False))
    if only is not None:
        query = query.where(Creative.id == only)
    brief = brands.brief_of(account, event="new_customer")
    ids, blocked = [], {}
    for creative in db.session.scalars(query.order_by(Creative.id.desc()).limit(A_SHEET)):
        context = lint.LintContext(
            brief.brand,
            creative.content["tier"],
            brief.offers,
            brief.proof,
            objective=creative.objective,
            today=brief.today,
        )
        content = CreativeSet.from_json(creative.content)
        problems = lint.blocks([f for variant in content.variants for f in lint.check(variant, context)])
        if problems:
            blocked[creative.id] = problems[0].message
        else:
            ids.append(creative.id)
    return Choice(ids, blocked, brief.brand)


def require_ready(choice: Choice) -> None:
    """Raises EXPORT_EMPTY, EXPORT_BLOCKED or LANDING_PAGE_MISSING."""
    if not choice.ids:
        raise ManimodError("EXPORT_BLOCKED" if choice.blocked else "EXPORT_EMPTY")
    if not choice.brand.landing_page:
        raise ManimodError("LANDING_PAGE_MISSING")


def items(account: Account, choice: Choice) -> Iterator[Item]:
    """One set at a time, so that any number of them needs the memory of one. The account has to own them still."""
    account_id, brand = account.id, choice.brand
    for creative_id in choice.ids:
        query = select(Creative.event, Creative.tier, Creative.segment, Creative.content)
        row = db.session.execute(
            query.where(Creative.id == creative_id, Creative.account_id == account_id, Creative.status == "approved")
        ).first()
        if row:
            name = "-".join(filter(None, (slug(row.event), slug(row.tier or "")[:30], row.segment, str(creative_id))))
            yield Item(name, CreativeSet.from_json(row.content), brand)
