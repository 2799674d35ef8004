"""Approved creatives on their way to the ad platforms: which may go, and what stands in the way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlalchemy import Select, func, select

from manimod.creatives import briefs, editing
from manimod.creatives.engine.brief import CreativeSet, ExportItem
from manimod.creatives.engine.copy.plan_names import slug
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.rules import PolicyContext
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Account, Creative
from manimod.models.states import CreativeStatus

PAGE_SIZE = 20  # creatives in a ZIP with pictures, which take some seconds each
MAX_CREATIVES = 1000  # creatives in a ZIP of texts, which take some milliseconds each


@dataclass(frozen=True)
class ExportSelection:
    """Which approved creatives: those of test data as well, only one of them, only ids lower than `before`."""

    with_test: bool = False
    only: int | None = None
    before: int | None = None

    def query(self, account: Account) -> Select:
        wanted = {"account_id": account.id, "status": CreativeStatus.APPROVED}
        if not self.with_test:
            wanted["is_test"] = False
        if self.only is not None:
            wanted["id"] = self.only
        query = select(Creative).filter_by(**wanted)
        return query if self.before is None else query.where(Creative.id < self.before)


@dataclass(frozen=True)
class ExportPage:
    """Up to PAGE_SIZE creatives, newest first. `blocked`: id -> the rule that a creative breaks today. `older`: the
    id before which the next page begins, or None."""

    items: list[ExportItem]
    blocked: dict[int, str]
    older: int | None


def count(account: Account, selection: ExportSelection) -> int:
    return db.session.scalar(selection.query(account).with_only_columns(func.count()))


def get_page(account: Account, selection: ExportSelection) -> ExportPage:
    """Each creative is judged once more: an offer may have ended, a word may be banned, a fact may be gone by now."""
    creatives = db.session.scalars(selection.query(account).order_by(Creative.id.desc()).limit(PAGE_SIZE)).all()
    stored = briefs.StoredFacts(account)
    context = PolicyContext.of(briefs.to_brief(briefs.get_brand_kit(account), event="new_customer"))
    items, blocked = [], {}
    for creative in creatives:
        content = CreativeSet.from_json(creative.content | {"variants": creative.ads})
        own_context = replace(context, tier=content.tier, objective=content.objective)
        problems = [editing.say_lost(claim) for claim in stored.lost_claims(creative)]
        for variant in content.variants:
            problems += [finding.message for finding in policy.blocks(policy.check(variant, own_context))]
        if problems:
            blocked[creative.id] = problems[0]
            continue
        # The set's own tier, because the product's name may be a customer's.
        parts = (slug(content.event), slug(content.tier or "")[:30], content.segment, str(creative.id))
        items.append(ExportItem("-".join(filter(None, parts)), content, stored.get_brand(creative)))
    return ExportPage(items, blocked, creatives[-1].id if len(creatives) == PAGE_SIZE else None)


def all_items(account: Account, selection: ExportSelection, blocked: dict[int, str]) -> Iterator[ExportItem]:
    """Up to MAX_CREATIVES, one page in memory at a time, no transaction open. `blocked` gets what is left out."""
    for _ in range(MAX_CREATIVES // PAGE_SIZE):
        page = get_page(account, selection)
        db.session.rollback()
        blocked.update(page.blocked)
        yield from page.items
        if page.older is None:
            return
        selection = replace(selection, before=page.older)


def require_ready(account: Account, page: ExportPage) -> None:
    """Raises EXPORT_EMPTY, EXPORT_BLOCKED or LANDING_PAGE_MISSING."""
    if not page.items:
        raise ManimodError("EXPORT_BLOCKED" if page.blocked else "EXPORT_EMPTY")
    if not briefs.get_brand_kit(account).landing_page:
        raise ManimodError("LANDING_PAGE_MISSING")
