"""The review queue: a person approves or rejects what mani wrote, changes its texts, or asks for a new version."""

import hashlib
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Select, and_, func, not_, select, update

from manimod.creatives import briefs, learning
from manimod.creatives.briefs import StoredFacts
from manimod.creatives.engine.brief import Brand, Claim, CreativeSet, Finding, Variant
from manimod.creatives.engine.copy import claims, copywriter
from manimod.creatives.engine.facts.model import TierFacts
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.picture.text_layout import PictureRefused
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import CANVASES, EMOJI, PLACEMENTS
from manimod.creatives.engine.policy.rules import ALL, BLOCK, WARN, PolicyContext
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Account, BrandKit, Creative, Health, Moment, Review, Subscription, Tier, User
from manimod.models.accounts import is_future, now
from manimod.models.states import CreativeStatus, GenericReason, RejectionReason, ReviewAction

TABS = (CreativeStatus.WAITING, CreativeStatus.APPROVED, CreativeStatus.REJECTED)
CHANGES = (ReviewAction.EDITED, ReviewAction.REWRITTEN, ReviewAction.RESTORED)  # these keep the content they replaced
PAGE_SIZE = 24
MAX_BULK = 100  # creatives that are approved at once
MAX_TEXT_LENGTH = 3000


class TextBlocked(ManimodError):
    def __init__(self, findings: Sequence[Finding]) -> None:
        super().__init__("TEXT_BLOCKED", sentence=findings[0].message)


def get_page(
    account: Account, status: str, before: int | None = None, after: int = 0, limit: int = PAGE_SIZE, **filters: Any
) -> list[Creative]:
    """Creatives of a status, newest first, with ids lower than `before` and higher than `after`. `filters`: columns."""
    query = select(Creative).filter_by(account_id=account.id, status=status, **filters).where(Creative.id > after)
    if before is not None:
        query = query.where(Creative.id < before)
    return list(db.session.scalars(query.order_by(Creative.id.desc()).limit(limit)))


def counts(account: Account, **filters: Any) -> dict[str, int]:
    """The number of creatives of each status that has a tab."""
    query = select(Creative.status, func.count()).filter_by(account_id=account.id, **filters)
    rows = db.session.execute(query.where(Creative.status.in_(TABS)).group_by(Creative.status))
    return dict.fromkeys(TABS, 0) | dict(rows.all())


def latest(account: Account, columns: tuple, count: int) -> Select:
    """A query for columns of the latest creatives of any status, newest first."""
    return select(*columns).where(Creative.account_id == account.id).order_by(Creative.id.desc()).limit(count)


def tiers(account: Account) -> list[str]:
    """The tiers of the account's creatives, for the filter."""
    query = select(Creative.tier).where(Creative.account_id == account.id, Creative.tier.is_not(None))
    return list(db.session.scalars(query.distinct().order_by(Creative.tier).limit(100)))


def get(account: Account, creative_id: int, variant: int = 0) -> Creative:
    """One creative of the account. Raises NOT_FOUND, also for another account's and for a variant that it hasn't."""
    creative = db.session.scalar(select(Creative).filter_by(account_id=account.id, id=creative_id))
    if creative is None or not 0 <= variant < len(creative.content["variants"]):
        raise ManimodError("NOT_FOUND")
    return creative


def why_they_left(creative: Creative) -> list[tuple[str, int]]:
    """What the customers of a win-back chose when they cancelled, or else what Stripe gives, most frequent first."""
    reason = func.coalesce(Subscription.cancellation_feedback, Subscription.cancellation_reason)
    theirs = and_(
        Subscription.connection_id == Moment.connection_id, Subscription.stripe_id == Moment.stripe_subscription_id
    )
    query = select(reason, func.count()).join(Moment, theirs).where(Moment.creative_id == creative.id)
    rows = db.session.execute(query.where(reason.is_not(None)).group_by(reason).order_by(func.count().desc(), reason))
    return [(name.replace("_", " "), count) for name, count in rows]


def render_picture(
    creative: Creative, variant: int, canvas: str, file_format: str = "svg", stored: StoredFacts | None = None
) -> str | bytes:
    """The picture of one variant as SVG or PNG. `stored`: what the ads rest on, where it is read already."""
    content = CreativeSet.from_json(creative.content)
    brand = (stored or StoredFacts(creative.account)).get_brand(creative)
    svg = picture.draw(content.variants[variant], brand, canvas)
    return picture.png(svg, canvas) if file_format == "png" else svg


def picture_version(creative: Creative, kit: BrandKit, shown: Tier | None = None) -> str:
    """Changes with the creative's texts, the account's brand, and the product's picture `shown`."""
    look = f"{kit.version}:{kit.name}:{kit.primary_colour}:{kit.accent_colour}"
    if shown:
        look += f":{shown.id}:{shown.picture_at}"
    facts = f"{creative.id}:{creative.revision}:{creative.generated_at.timestamp()}:{look}"
    return hashlib.sha256(facts.encode()).hexdigest()[:10]


def decide(
    creative: Creative,
    status: CreativeStatus,
    by: User,
    reason: str = "",
    about: RejectionReason | None = None,
    revision: int | None = None,
) -> None:
    """Approve or reject a creative that waits, or put a decided one back into the queue. Raises CREATIVE_GONE if
    somebody else was first, and CREATIVE_CHANGED if the texts are not those of the `revision` that was seen."""
    before, action = CreativeStatus.WAITING, ReviewAction.REOPENED
    if status != CreativeStatus.WAITING:
        action = ReviewAction(status)
    elif creative.status in TABS[1:]:
        before = CreativeStatus(creative.status)
    _update(creative, before, revision, {"status": status})
    said = {"reason": reason.strip()[:255] or None, "about": about if action == ReviewAction.REJECTED else None}
    db.session.add(Review(creative_id=creative.id, user_id=by.id, action=action, **said))


def _update(creative: Creative, expected: CreativeStatus, seen: int | None, columns: dict[str, Any]) -> None:
    query = update(Creative).where(Creative.id == creative.id, Creative.status == expected)
    if seen is not None:
        query = query.where(Creative.revision == seen)
    if not db.session.execute(query.values(columns)).rowcount:
        db.session.refresh(creative)
        if creative.status == expected:
            raise ManimodError("CREATIVE_CHANGED")
        raise ManimodError("CREATIVE_GONE", status=creative.status)


def decide_many(account: Account, ids: Iterable[int], status: CreativeStatus, by: User) -> list[int]:
    """Approve those of the account that wait, or reopen those that are approved; returns their ids."""
    before = CreativeStatus.APPROVED if status == CreativeStatus.WAITING else CreativeStatus.WAITING
    query = select(Creative).filter_by(account_id=account.id, status=before).where(Creative.id.in_(ids))
    creatives = db.session.scalars(query.order_by(Creative.id).limit(MAX_BULK).with_for_update()).all()
    for creative in creatives:
        decide(creative, status, by)
    return [creative.id for creative in creatives]


def expire(account_id: int) -> None:
    """Take creatives whose window is over out of the queue, and put back what a clock took out that was ahead."""
    is_over, theirs = Creative.run_until < now(), update(Creative).where(Creative.account_id == account_id)
    is_waiting = Creative.status == CreativeStatus.WAITING
    db.session.execute(theirs.where(is_waiting, is_over).values(status=CreativeStatus.EXPIRED))
    health = db.session.get(Health, account_id)  # as this was last asked, or later
    if health and is_future(health.checked_at):
        superseded = select(Review.creative_id).where(Review.action == ReviewAction.EXPIRED)
        is_early = and_(Creative.status == CreativeStatus.EXPIRED, not_(is_over), Creative.id.not_in(superseded))
        db.session.execute(theirs.where(is_early).values(status=CreativeStatus.WAITING))


def texts_of(variant: Variant) -> dict[str, str]:
    """Every text of a variant by its key: headline, body, and placement.field.number."""
    texts = {"headline": variant.headline, "body": variant.body}
    for placement, copy in variant.platforms.items():
        for field, number, text in copy.texts():
            texts[f"{placement}.{field}.{number}"] = text
    return texts


def split_key(key: str) -> tuple[str, str]:
    """The placement and the field of a text's key; the headline and body of the picture belong to ALL."""
    placement, _, rest = key.partition(".")
    if not rest:
        return ALL, key
    return placement, rest.rpartition(".")[0]


def draft(creative: Creative, index: int, texts: Mapping[str, str]) -> tuple[Variant, list[Finding]]:
    """The variant with other texts, and everything that the rules and its pictures say about it."""
    before = Variant.from_json(creative.content["variants"][index])
    variant = _with_texts(before, texts)
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
    text = _clean(text)
    if not text:
        return []
    placement, field = split_key(key)
    return policy.check_text(text, field, placement, _policy_context(creative, [text]))


def edit(creative: Creative, index: int, texts: Mapping[str, str], by: User, revision: int | None) -> None:
    """Store a person's texts. Raises TextBlocked, and CREATIVE_CHANGED if somebody else was quicker."""
    variant, findings = draft(creative, index, texts)
    if policy.blocks(findings):
        raise TextBlocked(policy.blocks(findings))
    content = CreativeSet.from_json(creative.content)
    variants = (*content.variants[:index], variant, *content.variants[index + 1 :])
    _replace(creative, replace(content, variants=variants), by, ReviewAction.EDITED, revision)


def rewrite(creative: Creative, by: User, revision: int | None) -> None:
    """A new version: the next round's angles and phrasings, by the built-in writer, because a person is waiting.

    An approved creative that states what no longer holds is written anew as well, and waits for review again.
    """
    brief = briefs.get_brief(creative.account, round=creative.round + 1, **_audience(creative))
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
    columns |= {"content": content.to_json(), "is_generic": content.generic, "revision": Creative.revision + 1}
    _update(creative, expected, revision, columns)
    db.session.add(Review(creative_id=creative.id, user_id=by.id, action=action, reason=reason, before=before))
    db.session.expire(creative)


def _with_texts(variant: Variant, texts: Mapping[str, str]) -> Variant:
    """The variant with the texts of the form. A text that equals the headline or body changes along with
    it, where the new one fits."""
    new = {key: _clean(texts.get(key, text)) for key, text in texts_of(variant).items()}
    follows = {variant.headline: new["headline"], variant.body: new["body"]}
    platforms = {}
    for placement, copy in variant.platforms.items():
        fields = dict.fromkeys(copy.fields, ())
        for field, number, old in copy.texts():
            text, following = new[f"{placement}.{field}.{number}"], follows.get(old, old)
            if text == old and len(following) <= PLACEMENTS[placement].fields[field].hard:
                text = following
            fields[field] += tuple(filter(None, [text]))
        platforms[placement] = replace(copy, fields=fields)
    return replace(variant, headline=new["headline"], body=new["body"], platforms=platforms)


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
        customer_names=briefs.customer_names_in(creative.account, texts, or_first_name=True),
        audience_size=creative.audience_size,
    )


def _audience(creative: Creative) -> dict[str, Any]:
    """Whom the creative addresses, as a brief says it."""
    tiers = briefs.get_tiers(creative.account, creative.stripe_product_id, creative.tier)
    if creative.generic_reason == GenericReason.UNNAMED_TIER:
        tiers |= {"tier_facts": TierFacts(), "picture_of": None}
    return {"event": creative.event, "segment": creative.segment} | tiers


def _clean(text: str) -> str:
    """One line without invisible characters, but for those that hold the parts of an emoji together."""
    kept, end = [], 0
    text = text[:MAX_TEXT_LENGTH]
    for emoji in EMOJI.finditer(text):
        kept += [_without_invisible(text[end : emoji.start()]), emoji[0]]
        end = emoji.end()
    return " ".join("".join([*kept, _without_invisible(text[end:])]).split())


def _without_invisible(text: str) -> str:
    seen = (sign for sign in text if unicodedata.category(sign) != "Cf")
    return "".join(sign if sign.isprintable() else " " for sign in seen)
