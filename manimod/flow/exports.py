"""Approved creative sets on their way to the ad platforms: which may go, and what stands in the way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Select, func, select

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.flow import brands
from manimod.models import Account, Creative
from manimod.studio import lint
from manimod.studio.brief import CreativeSet
from manimod.studio.export import Item
from manimod.studio.tiers import slug

A_PART = 20  # sets in a ZIP with pictures, which take some seconds a set
MOST = 1000  # sets in a ZIP of texts, which take some milliseconds


@dataclass(frozen=True)
class Asked:
    """Which approved sets: those from test data as well, only one of them, only those older than the id `before`."""

    with_test: bool = False
    only: int | None = None
    before: int | None = None


@dataclass(frozen=True)
class Part:
    """The next A_PART sets, the newest first. `blocked`: id -> the rule that a set breaks today; `older`: the id after
    which the next part begins, or None."""

    items: list[Item]
    blocked: dict[int, str]
    older: int | None


def count(account: Account, asked: Asked) -> int:
    return db.session.scalar(_approved(account, asked).with_only_columns(func.count()))


def part(account: Account, asked: Asked) -> Part:
    """The sets judged once more: an offer may have ended, a word may be banned by now."""
    rows = db.session.execute(_approved(account, asked).order_by(Creative.id.desc()).limit(A_PART)).all()
    brief = brands.brief_of(account, event="new_customer")
    items, blocked = [], {}
    for row in rows:
        content = CreativeSet.from_json(row.content)
        context = replace(lint.LintContext.of(brief), tier=content.tier, objective=content.objective)
        problems = lint.blocks([finding for variant in content.variants for finding in lint.check(variant, context)])
        if problems:
            blocked[row.id] = problems[0].message
        else:
            items.append(Item(_name(row.id, content), content, brief.brand))
    return Part(items, blocked, rows[-1].id if len(rows) == A_PART else None)


def every(account: Account, asked: Asked, blocked: dict[int, str]) -> Iterator[Item]:
    """Up to MOST sets, with one part in memory at a time; what is left out is added to `blocked`."""
    for _ in range(MOST // A_PART):
        found = part(account, asked)
        blocked.update(found.blocked)
        yield from found.items
        if found.older is None:
            return
        asked = replace(asked, before=found.older)


def require_ready(account: Account, found: Part) -> None:
    """Raises EXPORT_EMPTY, EXPORT_BLOCKED or LANDING_PAGE_MISSING."""
    if not found.items:
        raise ManimodError("EXPORT_BLOCKED" if found.blocked else "EXPORT_EMPTY")
    if not brands.kit_of(account).landing_page:
        raise ManimodError("LANDING_PAGE_MISSING")


def _approved(account: Account, asked: Asked) -> Select:
    query = select(Creative.id, Creative.content).where(
        Creative.account_id == account.id, Creative.status == "approved"
    )
    if not asked.with_test:
        query = query.where(Creative.is_test.is_(False))
    if asked.only is not None:
        query = query.where(Creative.id == asked.only)
    return query if asked.before is None else query.where(Creative.id < asked.before)


def _name(creative_id: int, content: CreativeSet) -> str:
    """Of the set's own tier: the product's name may be a customer's."""
    parts = (slug(content.event), slug(content.tier or "")[:30], content.segment, str(creative_id))
    return "-".join(filter(None, parts))
