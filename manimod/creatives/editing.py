"""Changing what a creative says: a person's own texts, a new version, or the texts from before."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from sqlalchemy import select

from manimod.creatives import briefs, learning
from manimod.creatives.briefs import StoredFacts
from manimod.creatives.engine import ad_texts
from manimod.creatives.engine.ad_texts import texts_of, with_texts
from manimod.creatives.engine.brief import Brand, Claim, CreativeSet, Finding, Variant
from manimod.creatives.engine.copy import claims, copywriter
from manimod.creatives.engine.facts.model import TierFacts
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.picture.text_layout import PictureRefused
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import CANVASES, PLACEMENTS
from manimod.creatives.engine.policy.rules import ALL, BLOCK, WARN, PolicyContext
from manimod.creatives.review import update_seen
from manimod.customers import replica
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Account, Creative, Review, User
from manimod.models.creatives import searchable
from manimod.models.states import CreativeStatus, GenericReason, ReviewAction
from manimod.moments import audience_lists

MAX_REWRITTEN = 50  # at one press
CHANGES = (ReviewAction.EDITED, ReviewAction.REWRITTEN, ReviewAction.RESTORED)  # these keep the content they replaced


class TextBlocked(ManimodError):
    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("TEXT_BLOCKED", sentence=findings[0].message)


def draft(creative: Creative, index: int, texts: Mapping[str, str]) -> tuple[Variant, list[Finding]]:
    """The variant with other texts, and everything that the rules and its pictures say about it."""
    before = Variant.from_json(creative.content["variants"][index])
    variant = with_texts(before, texts)
    context = _policy_context(creative, {*texts_of(variant).values()} - {*texts_of(before).values()})
    findings = policy.check(variant, context)
    empty = [field for field in ("headline", "body") if not getattr(variant, field)]
    if empty:
        findings.append(Finding("CNT-01", BLOCK, ALL, empty[0], "This text is empty. An ad needs it."))
    elif (before.headline, before.body) != (variant.headline, variant.body):
        findings += _picture_findings(variant, context.brand)
    return replace(variant, rules=tuple(f for f in findings if f.severity == WARN)), findings


def check_text(creative: Creative, index: int, key: str, text: str) -> list[Finding]:
    """What the rules say of one text while it is typed. Raises NOT_FOUND for a key that the variant hasn't."""
    if key not in texts_of(Variant.from_json(creative.content["variants"][index])):
        raise ManimodError("NOT_FOUND")
    text = ad_texts.clean(text)
    if not text:
        return []
    placement, field = ad_texts.split_key(key)
    return policy.check_text(text, field, placement, _policy_context(creative, [text]))


def edit(creative: Creative, index: int, texts: Mapping[str, str], by: User, revision: int | None) -> None:
    """Store a person's texts. Raises TextBlocked, and CREATIVE_CHANGED if somebody else was quicker."""
    variant, findings = draft(creative, index, texts)
    if policy.blocks(findings):
        raise TextBlocked(policy.blocks(findings))
    content = CreativeSet.from_json(creative.content)
    variants = (*content.variants[:index], variant, *content.variants[index + 1 :])
    _replace(creative, replace(content, variants=variants), by, ReviewAction.EDITED, revision)


def merge(creative: Creative, index: int, typed: Mapping[str, str], seen: int) -> tuple[dict[str, str], dict[str, str]]:
    """The texts of a form that was opened at an earlier revision, `seen`, together with what was stored since.

    A text that only one of both has changed is that one's. The second answer holds what is stored where both did.
    """
    changes = [change.before for change in creative.reviews if change.before]
    before, merged, both = {}, {}, {}
    if 0 < creative.revision - seen <= len(changes):
        variants = changes[seen - creative.revision]["variants"]
        before = texts_of(Variant.from_json(variants[min(index, len(variants) - 1)]))
    for key, stored in texts_of(Variant.from_json(creative.content["variants"][index])).items():
        text = ad_texts.clean(typed.get(key, stored))
        merged[key] = text
        if text in (stored, before.get(key)):
            merged[key] = stored
        elif stored != before.get(key):
            both[key] = stored
    return merged, both


def rewrite(creative: Creative, by: User, revision: int | None) -> None:
    """A new version: the next round's angles and phrasings, by the built-in writer, because a person is waiting.

    An approved creative that states what no longer holds is written anew as well, and waits for review again.
    """
    history = briefs.get_history(creative.account, creative.is_test)
    of_audience = _audience(creative) | {"round": creative.round + 1}
    brief = briefs.get_brief(creative.account, history=history, is_test=creative.is_test, **of_audience)
    columns = {"round": brief.round, "tier": brief.tier or creative.tier}
    expected, lost = CreativeStatus.WAITING, StoredFacts(creative.account).lost_claims(creative)
    if creative.status == CreativeStatus.APPROVED and lost:
        expected, columns["status"] = CreativeStatus.APPROVED, CreativeStatus.WAITING
    try:
        content = copywriter.write(brief)
    except copywriter.NoLegalCopy as refusal:
        raise TextBlocked(refusal.findings) from None
    if content.generic and not creative.is_generic:
        columns["generic_reason"] = briefs.why_unnamed(brief)
    reason = learning.FACTS_CHANGED if lost else None
    _replace(creative, content, by, ReviewAction.REWRITTEN, revision, expected, reason, **columns)


def list_outdated(account: Account) -> list[Creative]:
    """Those of the newest MAX_REWRITTEN in use that state what no longer holds, such as a former name of the brand."""
    query = select(Creative).where(Creative.account_id == account.id, Creative.status.in_(briefs.OPEN_STATUSES))
    stored, found = StoredFacts(account), []
    for creative in db.session.scalars(query.order_by(Creative.id.desc()).limit(MAX_REWRITTEN)):
        if stored.lost_claims(creative):
            found.append(creative)
    return found


def rewrite_outdated(account: Account, by: User) -> int:
    """Write them anew, but those for which nothing lawful can be written now. Returns how many were."""
    rewritten = 0
    for creative in list_outdated(account):
        with suppress(TextBlocked):
            rewrite(creative, by, None)
            rewritten += 1
    return rewritten


def say_lost(claim: Claim) -> str:
    return f"{claims.say_lost(claim)} Ask for a new version."


def restore(creative: Creative, review_id: int, by: User, revision: int | None) -> None:
    """Bring back the texts from before a change."""
    query = select(Review.before).filter_by(id=review_id, creative_id=creative.id).where(Review.action.in_(CHANGES))
    before = db.session.scalar(query)
    if before is None:
        raise ManimodError("NOT_FOUND")
    content, context = CreativeSet.from_json(before), _policy_context(creative, [])
    for variant in content.variants:
        blocking = policy.blocks(policy.check(variant, context))
        if blocking:
            raise TextBlocked(blocking)
    _replace(creative, content, by, ReviewAction.RESTORED, revision)


def _replace(
    creative: Creative,
    content: CreativeSet,
    by: User,
    action: ReviewAction,
    revision: int | None,
    expected: CreativeStatus = CreativeStatus.WAITING,
    reason: str | None = None,
    **columns: Any,
) -> None:
    before = creative.content
    stored = content.to_json()
    columns |= {"content": stored, "is_generic": content.generic, "revision": Creative.revision + 1}
    columns |= {"search_text": searchable(columns.get("tier", creative.tier), stored), "left_out": []}
    update_seen(creative, expected, revision, columns)
    db.session.add(Review(creative_id=creative.id, user_id=by.id, action=action, reason=reason, before=before))
    db.session.expire(creative)


def _picture_findings(variant: Variant, brand: Brand) -> list[Finding]:
    """Whether every placement's picture can still be drawn with the texts."""
    findings = {}
    for name in variant.platforms:
        placement = PLACEMENTS[name]
        for canvas in {CANVASES[c].master or c for c in placement.canvases}:
            try:
                drawn = picture.lay_out(variant, brand, canvas, placement.little_text)
            except PictureRefused as refusal:
                return [Finding("IMG-04", BLOCK, ALL, "headline", str(refusal))]
            for finding in policy.check_picture(drawn, name):
                findings[replace(finding, field="headline")] = True
    return list(findings)


def _policy_context(creative: Creative, texts: Iterable[str]) -> PolicyContext:
    brief = briefs.to_brief(briefs.get_brand_kit(creative.account), **_audience(creative))
    return replace(
        PolicyContext.of(brief),
        tier=creative.content["tier"] or creative.tier,
        objective=creative.objective,
        customer_names=replica.customer_names_in(creative.account, texts, or_first_name=True, is_test=creative.is_test),
        audience_size=audience_lists.count_customers(creative) or None,
    )


def _audience(creative: Creative) -> dict[str, Any]:
    """Whom the creative addresses, as a brief says it."""
    stored = briefs.load_tiers(creative.account_id, creative.is_test)
    tiers = briefs.get_tiers(creative.account, creative.stripe_product_id, creative.tier, stored)
    if creative.generic_reason == GenericReason.UNNAMED_TIER:
        tiers |= {"tier_facts": TierFacts(), "picture_of": None}
    return {"event": creative.event, "segment": creative.segment} | tiers
