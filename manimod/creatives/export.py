"""Approved creative sets on their way to the ad platforms: which may go, and what stands in the way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Select, func, select

from manimod.creatives import briefs
from manimod.creatives.engine.brief import CreativeSet, ExportItem
from manimod.creatives.engine.copy.plan_names import slug
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.rules import PolicyContext
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Account, Creative

PAGE_SIZE = 20  # sets in a ZIP with pictures, which take some seconds a set
MAX_CREATIVES = 1000  # sets in a ZIP of texts, which take some milliseconds


@dataclass(frozen=True)
class ExportSelection:
    """Which approved sets: those from test data as well, only one of them, only those older than the id `before`."""

    with_test: bool = False
    only: int | None = None
    before: int | None = None


@dataclass(frozen=True)
class ExportPage:
    """The next A_PART sets, the newest first. `blocked`: id -> the rule that a set breaks today; `older`: the id after
    which the next part begins, or None."""

    items: list[ExportItem]
    blocked: dict[int, str]
    older: int | None


def count(account: Account, asked: ExportSelection) -> int:
    return db.session.scalar(_approved(account, asked).with_only_columns(func.count()))


def get_page(account: Account, asked: ExportSelection) -> ExportPage:
    """The sets judged once more: an offer may have ended, a word may be banned by now."""
    rows = db.session.execute(_approved(account, asked).order_by(Creative.id.desc()).limit(PAGE_SIZE)).all()
    brief = briefs.to_brief(briefs.get_brand_kit(account), event="new_customer")
    items, blocked = [], {}
    for row in rows:
        content = CreativeSet.from_json(row.content)
        context = replace(PolicyContext.of(brief), tier=content.tier, objective=content.objective)
        problems = policy.blocks(
            [finding for variant in content.variants for finding in policy.check(variant, context)]
        )
        if problems:
            blocked[row.id] = problems[0].message
        else:
            items.append(ExportItem(_name(row.id, content), content, brief.brand))
    return ExportPage(items, blocked, rows[-1].id if len(rows) == PAGE_SIZE else None)


def all_items(account: Account, asked: ExportSelection, blocked: dict[int, str]) -> Iterator[ExportItem]:
    """Up to MOST sets, with one part in memory at a time; what is left out is added to `blocked`."""
    for _ in range(MAX_CREATIVES // PAGE_SIZE):
        found = get_page(account, asked)
        blocked.update(found.blocked)
        yield from found.items
        if found.older is None:
            return
        asked = replace(asked, before=found.older)


def require_ready(account: Account, found: ExportPage) -> None:
    """Raises EXPORT_EMPTY, EXPORT_BLOCKED or LANDING_PAGE_MISSING."""
    if not found.items:
        raise ManimodError("EXPORT_BLOCKED" if found.blocked else "EXPORT_EMPTY")
    if not briefs.get_brand_kit(account).landing_page:
        raise ManimodError("LANDING_PAGE_MISSING")


def _approved(account: Account, asked: ExportSelection) -> Select:
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
