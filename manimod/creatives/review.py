"""The review queue: a person approves or rejects what mani wrote, changes its texts, or asks for a new version."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import ScalarSelect, Select, func, literal, select, union_all, update

from manimod.creatives import briefs
from manimod.creatives.engine.brief import Brief, CreativeSet, Finding, PlatformCopy, Variant
from manimod.creatives.engine.copy import copywriter
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.picture.text_layout import PictureRefused
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.platforms import CANVASES, PLACEMENTS
from manimod.creatives.engine.policy.rules import BLOCK, WARN, PolicyContext
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import (
    Account,
    BrandKit,
    Connection,
    Creative,
    Review,
    Tier,
    User,
)
from manimod.models.accounts import now


def expire(account_id: int) -> None:
    """Take sets whose window is over out of the queue."""
    query = update(Creative).where(
        Creative.account_id == account_id, Creative.status == "waiting", Creative.run_until < now()
    )
    db.session.execute(query.values(status="expired"))


def render_svg(creative: Creative, variant: int, canvas: str, little_text: bool = False) -> str:
    """The picture of one variant as SVG. Raises IndexError or KeyError for a variant or canvas that is not there."""
    content = CreativeSet.from_json(creative.content)
    return picture.draw(content.variants[variant], briefs.get_brand(creative.account), canvas, little_text=little_text)


def render_png(creative: Creative, variant: int, canvas: str, little_text: bool = False) -> bytes:
    return picture.png(render_svg(creative, variant, canvas, little_text), canvas)


STATUSES = ("waiting", "approved", "rejected", "withdrawn", "expired")
TABS = STATUSES[:3]
MAX_COUNTED = 1000  # a count goes no further; one more means "more than that"
MAX_BULK = 100
MAX_TEXT_LENGTH = 3000
CHANGES = ("edited", "rewritten", "restored")  # what keeps the content that it replaced


@dataclass(frozen=True)
class QueueFilters:
    """Which creatives of a status are looked at; None leaves a question open."""

    objective: str | None = None
    event: str | None = None
    segment: str | None = None
    tier: str | None = None
    is_test: bool | None = None

    def conditions(self) -> list:
        return [getattr(Creative, name) == value for name, value in vars(self).items() if value is not None]


NO_FILTERS = QueueFilters()


class TextBlocked(ManimodError):
    """The texts were not stored. `findings`: what blocks them."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        super().__init__("TEXT_BLOCKED", sentence=findings[0].message)


def waiting(
    account: Account,
    status: str = "waiting",
    before: int | None = None,
    limit: int = 24,
    filters: QueueFilters = NO_FILTERS,
) -> list[Creative]:
    """A page of the queue, newest first; `before` is the id after which the page goes on."""
    query = _for_account(account).where(Creative.status == status, *filters.conditions())
    if before is not None:
        query = query.where(Creative.id < before)
    return list(db.session.scalars(query.order_by(Creative.id.desc()).limit(limit)))


def newer(account: Account, since: int, limit: int = 24, filters: QueueFilters = NO_FILTERS) -> list[Creative]:
    """What has come into the queue after the creative with the id `since`, newest first."""
    query = _for_account(account).where(Creative.status == "waiting", Creative.id > since, *filters.conditions())
    return list(db.session.scalars(query.order_by(Creative.id.desc()).limit(limit)))


def counts(account: Account, filters: QueueFilters = NO_FILTERS) -> dict[str, int]:
    """Creatives by the statuses that have a tab, none counted beyond COUNTED + 1."""
    found = db.session.execute(select(*(_count(account, status, filters).label(status) for status in TABS)))
    return dict(found.mappings().one())


def waiting_count(account: Account) -> int:
    """The same of those that wait, for every page."""
    return db.session.scalar(select(_count(account, "waiting")))


def _count(account: Account, status: str, filters: QueueFilters = NO_FILTERS) -> ScalarSelect:
    mine = select(literal(1)).where(Creative.account_id == account.id, Creative.status == status)
    some = mine.where(*filters.conditions()).limit(MAX_COUNTED + 1).subquery()
    return select(func.count()).select_from(some).scalar_subquery()


def latest(account: Account, columns: tuple, count: int) -> Select:
    """A query for columns of the latest creatives of any status, the newest first."""
    parts = (select(_latest_of(account, status, count).subquery()) for status in STATUSES)  # as the index has them
    ids = union_all(*parts).subquery()
    return select(*columns).where(Creative.id.in_(select(ids.c.id))).order_by(Creative.id.desc()).limit(count)


def _latest_of(account: Account, status: str, count: int) -> Select:
    query = select(Creative.id).where(Creative.account_id == account.id, Creative.status == status)
    return query.order_by(Creative.id.desc()).limit(count)


def tiers(account: Account) -> list[str]:
    """The tiers that creatives of the account speak of, for the filter."""
    first = select(func.min(Creative.tier).label("tier")).where(Creative.account_id == account.id).cte(recursive=True)
    following = select(func.min(Creative.tier)).where(Creative.account_id == account.id, Creative.tier > first.c.tier)
    # From one name to the next along the index, instead of through all rows.
    each = first.union_all(select(following.scalar_subquery()).where(first.c.tier.is_not(None)))
    return list(db.session.scalars(select(each.c.tier).where(each.c.tier.is_not(None)).limit(100)))


def get(account: Account, creative_id: int) -> Creative:
    """One creative of the account. Raises NOT_FOUND for another account's as for none."""
    creative = db.session.scalar(_for_account(account).where(Creative.id == creative_id))
    if creative is None:
        raise ManimodError("NOT_FOUND")
    return creative


def picture_version(creative: Creative, kit: BrandKit) -> str:
    """Changes with the creative's texts and with the account's brand, which its pictures show."""
    facts = f"{creative.id}:{creative.revision}:{creative.generated_at.timestamp()}:{kit.version}:{kit.name}"
    return hashlib.sha256(facts.encode()).hexdigest()[:10]


# --- decisions -------------------------------------------------------------------------------------------------------


def approve(creative: Creative, by: User, revision: int | None = None) -> None:
    """Approve what the person has seen: with `revision`, only as long as nobody has changed the texts since."""
    _move(creative, "waiting", "approved", by, revision=revision)


def reject(creative: Creative, by: User, reason: str = "", revision: int | None = None) -> None:
    _move(creative, "waiting", "rejected", by, reason.strip()[:255], revision)


def reopen(creative: Creative, by: User) -> None:
    """Undo an approval or a rejection."""
    origin = creative.status if creative.status in ("approved", "rejected") else "approved"
    _move(creative, origin, "waiting", by)


def approve_many(account: Account, ids: Iterable[int], by: User) -> list[int]:
    """Approve those of the account that still wait; the ids of what was approved."""
    return _move_many(account, ids, "waiting", "approved", by)


def reopen_many(account: Account, ids: Iterable[int], by: User) -> list[int]:
    return _move_many(account, ids, "approved", "waiting", by)


def _move(
    creative: Creative, origin: str, status: str, by: User, reason: str = "", revision: int | None = None
) -> None:
    """Change the status where it is still `origin`; two people who press at once don't both win."""
    query = update(Creative).where(Creative.id == creative.id, Creative.status == origin).values(status=status)
    if revision is not None:
        query = query.where(Creative.revision == revision)
    if not db.session.execute(query).rowcount:
        raise _gone(creative, origin)
    _record(creative.id, by, "reopened" if status == "waiting" else status, reason=reason or None)


def _move_many(account: Account, ids: Iterable[int], origin: str, status: str, by: User) -> list[int]:
    """Each one that is still `origin`; a row that somebody else has just decided is left as it is."""
    moved = []
    for creative_id in sorted(set(ids))[:MAX_BULK]:
        mine = [Creative.id == creative_id, Creative.account_id == account.id, Creative.status == origin]
        if db.session.execute(update(Creative).where(*mine).values(status=status)).rowcount:
            _record(creative_id, by, "reopened" if status == "waiting" else status)
            moved.append(creative_id)
    return moved


# --- changes of the texts --------------------------------------------------------------------------------------------


def texts_of(variant: Variant) -> dict[str, str]:
    """Every text of a variant by its key: headline, body, and placement.field.number."""
    own = {"headline": variant.headline, "body": variant.body}
    for placement, copy in variant.platforms.items():
        own |= {f"{placement}.{field}.{number}": text for field, number, text in copy.texts()}
    return own


def draft(creative: Creative, index: int, texts: Mapping[str, str]) -> tuple[Variant, list[Finding]]:
    """The variant with other texts, and everything that the rules and its pictures say about it."""
    before = _variant(creative, index)
    variant = _with_texts(before, {key: _clean(text) for key, text in texts.items()})
    old, new = texts_of(before), texts_of(variant)
    changed = [text for key, text in new.items() if text != old.get(key)]
    context = _context(creative, changed)
    findings = policy.check(variant, context)
    if not variant.headline or not variant.body:
        empty = "headline" if not variant.headline else "body"
        findings.append(Finding("CNT-01", BLOCK, "all", empty, "This text is empty. An ad needs it."))
    elif (before.headline, before.body) != (variant.headline, variant.body):
        findings += _picture_findings(variant, context)
    return replace(variant, rules=tuple(f for f in findings if f.severity == WARN)), findings


def check_text(creative: Creative, index: int, key: str, text: str) -> list[Finding]:
    """What the rules say of one text while it is typed. Raises NOT_FOUND for a key that the variant hasn't."""
    if key not in texts_of(_variant(creative, index)):
        raise ManimodError("NOT_FOUND")
    text = _clean(text)
    if not text:
        return []
    placement, _, rest = key.partition(".")
    name, field = (placement, rest.rpartition(".")[0]) if rest else ("all", key)
    return policy.check_text(text, field, name, _context(creative, [text]))


def edit(creative: Creative, index: int, texts: Mapping[str, str], by: User, revision: int) -> None:
    """Store a person's texts. Raises TextBlocked, and CREATIVE_CHANGED where somebody else was quicker."""
    variant, findings = draft(creative, index, texts)
    if policy.blocks(findings):
        raise TextBlocked(policy.blocks(findings))
    content = CreativeSet.from_json(creative.content)
    variants = (*content.variants[:index], variant, *content.variants[index + 1 :])
    _replace(creative, replace(content, variants=variants), by, "edited", revision)


def rewrite(creative: Creative, by: User, revision: int) -> None:
    """A new version: the next round's angles and phrasings. The history keeps what was there.

    By the built-in writer even where a model is configured: a person is waiting, and a transaction is open, for which a
    model's 20 seconds are too long. The set says so with its `writer`.
    """
    try:
        content = copywriter.write(_brief(creative, round=creative.round + 1))
    except copywriter.NoLegalCopy as refusal:
        raise TextBlocked(list(refusal.findings)) from None
    _replace(creative, content, by, "rewritten", revision, round=creative.round + 1)


def restore(creative: Creative, review_id: int, by: User, revision: int) -> None:
    """Bring back the texts from before a change."""
    review = next((r for r in creative.reviews if r.id == review_id and r.action in CHANGES), None)
    if review is None or not review.before:
        raise ManimodError("NOT_FOUND")
    content = CreativeSet.from_json(review.before)
    findings = [f for variant in content.variants for f in policy.check(variant, _context(creative, []))]
    if policy.blocks(findings):
        raise TextBlocked(policy.blocks(findings))
    _replace(creative, content, by, "restored", revision)


def _replace(creative: Creative, content: CreativeSet, by: User, action: str, revision: int, **columns: int) -> None:
    query = update(Creative).where(
        Creative.id == creative.id, Creative.status == "waiting", Creative.revision == revision
    )
    before = creative.content
    values = {"content": content.to_json(), "is_generic": content.generic, "revision": revision + 1, **columns}
    if not db.session.execute(query.values(**values)).rowcount:
        raise _gone(creative, "waiting")
    _record(creative.id, by, action, before=before)
    db.session.expire(creative)


def _variant(creative: Creative, index: int) -> Variant:
    variants = creative.content["variants"]
    if not 0 <= index < len(variants):
        raise ManimodError("NOT_FOUND")
    return Variant.from_json(variants[index])


def _with_texts(variant: Variant, texts: dict[str, str]) -> Variant:
    """The variant with the texts of the form. A text that was the same as the headline or body goes along with it."""
    headline, body = texts.get("headline", variant.headline), texts.get("body", variant.body)
    follows = {variant.headline: headline, variant.body: body}
    platforms = {}
    for placement, copy in variant.platforms.items():
        fields = {}
        for field, lines in copy.fields.items():
            given = [(line, texts.get(f"{placement}.{field}.{i}", line)) for i, line in enumerate(lines)]
            written = [follows.get(old, new) if new == old else new for old, new in given]
            fields[field] = tuple(line for line in written if line)
        platforms[placement] = PlatformCopy(fields, copy.call_to_action)
    return replace(variant, headline=headline, body=body, platforms=platforms)


def _picture_findings(variant: Variant, context: PolicyContext) -> list[Finding]:
    """Whether every placement's picture can still be drawn with the texts."""
    findings = []
    for placement in (name for name in PLACEMENTS if name in variant.platforms):
        for canvas in {CANVASES[c].master or c for c in PLACEMENTS[placement].canvases}:
            try:
                drawn = picture.lay_out(variant, context.brand, canvas, PLACEMENTS[placement].little_text)
            except PictureRefused as refusal:
                return [Finding("IMG-04", BLOCK, "all", "headline", str(refusal))]
            findings += [replace(f, field="headline") for f in policy.check_picture(drawn, placement)]
    return list(dict.fromkeys(findings))


def _context(creative: Creative, texts: Iterable[str]) -> PolicyContext:
    context = briefs.lint_context(creative.account, _brief(creative), texts, creative.audience_size)
    return replace(context, tier=creative.content["tier"] or creative.tier, objective=creative.objective)


def _brief(creative: Creative, round: int = 0) -> Brief:
    audience = {"event": creative.event, "tier": creative.tier, "segment": creative.segment, "round": round}
    return briefs.get_brief(creative.account, tier_position=_tier_position(creative), **audience)


def _tier_position(creative: Creative) -> str | None:
    query = select(Tier).join(Connection).where(Connection.account_id == creative.account_id)
    return next((tier.position for tier in db.session.scalars(query) if tier.name == creative.tier), None)


def _gone(creative: Creative, origin: str) -> ManimodError:
    """Why an update found nothing: decided by somebody else, or changed by somebody else."""
    db.session.refresh(creative)
    if creative.status == origin:
        return ManimodError("CREATIVE_CHANGED")
    return ManimodError("CREATIVE_GONE", status=creative.status)


def _record(creative_id: int, by: User, action: str, **more: object) -> None:
    db.session.add(Review(creative_id=creative_id, user_id=by.id, action=action, **more))


def _clean(text: str) -> str:
    """One line of printable characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[:MAX_TEXT_LENGTH]).split())


def _for_account(account: Account):
    return select(Creative).where(Creative.account_id == account.id)
