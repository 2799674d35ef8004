"""The review queue: a person approves or rejects what mani wrote, changes its texts, or asks for a new version."""

import hashlib
import zlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, Update, and_, func, insert, not_, or_, select, tuple_, update
from sqlalchemy.orm import aliased

from manimod import jobs
from manimod.creatives.briefs import StoredFacts
from manimod.creatives.engine.brief import CreativeSet
from manimod.creatives.engine.picture import picture
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Account, BrandKit, Creative, Health, Moment, Review, Subscription, Tier, User
from manimod.models.accounts import is_future, now
from manimod.models.states import CreativeStatus, RejectionReason, ReviewAction

TABS = (CreativeStatus.WAITING, CreativeStatus.APPROVED, CreativeStatus.REJECTED)
PAGE_SIZE = 24
EPOCH, MAX_MICROSECONDS = datetime(1970, 1, 1, tzinfo=UTC), 10**17
MAX_LIVE_IDS = 1000  # of which an open queue hears that they have left


class Place(NamedTuple):
    """Where a creative stands in the queue: the one that an event has joined last stands first."""

    joined_at: datetime
    id: int

    @classmethod
    def of(cls, creative: Creative) -> "Place":
        return cls(creative.joined_at, creative.id)

    @classmethod
    def read(cls, text: str) -> "Place | None":
        """From an address, as `str()` writes it there."""
        time, _, creative_id = text.partition("-")
        if not (time.isdecimal() and creative_id.isdecimal() and int(time) < MAX_MICROSECONDS):
            return None
        return cls(EPOCH + timedelta(microseconds=int(time)), int(creative_id))

    def __str__(self) -> str:
        return f"{(self.joined_at - EPOCH) // timedelta(microseconds=1)}-{self.id}"


PLACE = tuple_(Creative.joined_at, Creative.id)


class QueueState(NamedTuple):
    """What an open queue compares, to learn whether something has come, left or changed."""

    count: int
    newest_id: int
    version: str


class Neighbours(NamedTuple):
    """Where a creative stands among those that match, from 1, and the ids beside it."""

    number: int
    total: int
    previous: int | None
    next: int | None


def matching(account: Account, status: str, search: str = "", **columns: Any) -> Select:
    """A query for the creatives of a status. `search`: part of the tier or of a headline."""
    query = select(Creative).filter_by(account_id=account.id, status=status, **columns)
    return query.where(Creative.search_text.contains(search.lower(), autoescape=True)) if search else query


def get_page(
    account: Account,
    status: str,
    before: Place | None = None,
    after: Place | None = None,
    limit: int = PAGE_SIZE,
    **filters: Any,
) -> list[Creative]:
    """Creatives of a status in the queue's order: the first, those next behind `before`, or next ahead of `after`."""
    query = matching(account, status, **filters)
    if after is not None:
        ahead = query.where(tuple_(*after) < PLACE).order_by(Creative.joined_at, Creative.id).limit(limit)
        return list(db.session.scalars(ahead))[::-1]
    if before is not None:
        query = query.where(tuple_(*before) > PLACE)
    return list(db.session.scalars(query.order_by(Creative.joined_at.desc(), Creative.id.desc()).limit(limit)))


def get_state(account: Account, status: str, **filters: Any) -> QueueState:
    parts = (func.count(), func.max(Creative.id), func.sum(Creative.id), func.sum(Creative.revision))
    query = matching(account, status, **filters).with_only_columns(*parts, func.max(Creative.joined_at))
    count, newest_id, *rest = db.session.execute(query).one()
    return QueueState(count, newest_id or 0, f"{zlib.crc32(repr((count, newest_id, *rest)).encode()):08x}")


def list_ids(account: Account, status: str, **filters: Any) -> list[int] | None:
    """The ids of those that match; None where they are too many to compare."""
    query = matching(account, status, **filters).with_only_columns(Creative.id).limit(MAX_LIVE_IDS + 1)
    ids = list(db.session.scalars(query))
    return ids if len(ids) <= MAX_LIVE_IDS else None


def get_neighbours(creative: Creative, status: str, **filters: Any) -> Neighbours:
    """Of those of a status that match, whether the creative itself still does or not."""
    listed, place = matching(creative.account, status, **filters), tuple_(creative.joined_at, creative.id)
    ahead, behind = listed.where(place < PLACE), listed.where(place > PLACE)
    number, total = (query.with_only_columns(func.count()).scalar_subquery() for query in (ahead, listed))
    previous = ahead.with_only_columns(Creative.id).order_by(Creative.joined_at, Creative.id).limit(1)
    following = behind.with_only_columns(Creative.id).order_by(Creative.joined_at.desc(), Creative.id.desc()).limit(1)
    row = db.session.execute(select(number + 1, total, previous.scalar_subquery(), following.scalar_subquery()))
    return Neighbours(*row.one())


def counts(account: Account, search: str = "", **columns: Any) -> dict[str, int]:
    """The number of creatives of each status that has a tab."""
    query = select(Creative.status, func.count()).filter_by(account_id=account.id, **columns)
    if search:
        query = query.where(Creative.search_text.contains(search.lower(), autoescape=True))
    rows = db.session.execute(query.where(Creative.status.in_(TABS)).group_by(Creative.status))
    return dict.fromkeys(TABS, 0) | dict(rows.all())


def latest(account: Account, is_test: bool, columns: tuple, count: int) -> Select:
    """A query for columns of the latest creatives of any status, newest first."""
    query = select(*columns).filter_by(account_id=account.id, is_test=is_test)
    return query.order_by(Creative.id.desc()).limit(count)


def tiers(account: Account, is_test: bool) -> list[str]:
    """The tiers of the account's creatives, for the filter."""
    query = select(Creative.tier).filter_by(account_id=account.id, is_test=is_test).where(Creative.tier.is_not(None))
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
    left_out: Iterable[int] = (),
) -> Review:
    """Approve or reject a creative that waits, or put a decided one back into the queue. Raises CREATIVE_GONE if
    somebody else was first, and CREATIVE_CHANGED if the texts are not those of the `revision` that was seen.

    `left_out`: places of the variants that the approval leaves out; NO_VARIANT_CHOSEN if those are all.
    """
    before, action = CreativeStatus.WAITING, ReviewAction.REOPENED
    if status != CreativeStatus.WAITING:
        action = ReviewAction(status)
    elif creative.status in TABS[1:]:
        before = CreativeStatus(creative.status)
    if len(set(left_out)) == len(creative.content["variants"]):
        raise ManimodError("NO_VARIANT_CHOSEN")
    columns = {"status": status, "left_out": sorted(left_out)}
    if columns["left_out"] != creative.left_out:
        columns["exported_revision"] = None  # what was exported were other variants
    update_seen(creative, before, revision, columns)
    said = {"reason": reason.strip()[:255] or None, "about": about if action == ReviewAction.REJECTED else None}
    review = Review(creative_id=creative.id, user_id=by.id, action=action, **said)
    db.session.add(review)
    return review


def update_seen(creative: Creative, expected: CreativeStatus, seen: int | None, columns: dict[str, Any]) -> None:
    """Change a creative that has the expected status and the revision that was seen, or raise as `decide` does."""
    query = update(Creative).where(Creative.id == creative.id, Creative.status == expected)
    if seen is not None:
        query = query.where(Creative.revision == seen)
    jobs.creatives_changed(creative.account_id)
    if not db.session.execute(query.values(columns)).rowcount:
        db.session.refresh(creative)
        if creative.status == expected:
            raise ManimodError("CREATIVE_CHANGED")
        raise ManimodError("CREATIVE_GONE", status=creative.status)


def decide_many(which: Select, status: CreativeStatus, by: User) -> list[int]:
    """Approve or reject those of a query for waiting creatives; returns the ids of the reviews."""
    decided = update(Creative).where(which.whereclause).values(status=status)
    return _add_reviews(decided, ReviewAction(status), by)


def reopen_many(account: Account, reviews: Iterable[tuple[int, int]], by: User) -> list[int]:
    """Take back one's own decisions, given as first and last ids of reviews, where nobody has acted since."""
    later = aliased(Review)
    acted = select(later.id).where(later.creative_id == Review.creative_id, later.id > Review.id).exists()
    mine = select(Review.creative_id).where(Review.user_id == by.id, ~acted)
    mine = mine.where(or_(*(Review.id.between(first, last) for first, last in reviews)))
    theirs = update(Creative).where(Creative.account_id == account.id, Creative.id.in_(mine))
    theirs = theirs.where(Creative.status.in_(TABS[1:])).values(
        status=CreativeStatus.WAITING, left_out=[], exported_revision=None
    )
    return _add_reviews(theirs, ReviewAction.REOPENED, by)


def _add_reviews(decided: Update, action: ReviewAction, by: User) -> list[int]:
    """Carry out an update of creatives, and note it for each of them."""
    rows = []
    found = decided.returning(Creative.id, Creative.account_id)
    for creative_id, account_id in db.session.execute(found, execution_options={"synchronize_session": False}).all():
        jobs.creatives_changed(account_id)
        rows.append({"creative_id": creative_id, "user_id": by.id, "action": action})
    return sorted(db.session.scalars(insert(Review).returning(Review.id), rows)) if rows else []


def expire(account_id: int) -> None:
    """Take creatives whose window is over out of the queue, and put back what a clock took out that was ahead."""
    is_over, theirs = Creative.run_until < now(), update(Creative).where(Creative.account_id == account_id)
    is_waiting = Creative.status == CreativeStatus.WAITING
    if db.session.execute(theirs.where(is_waiting, is_over).values(status=CreativeStatus.EXPIRED)).rowcount:
        jobs.creatives_changed(account_id)
    # As this was last asked, or later.
    checked_at = db.session.scalar(select(func.max(Health.checked_at)).where(Health.account_id == account_id))
    if checked_at and is_future(checked_at):
        superseded = select(Review.creative_id).where(Review.action == ReviewAction.EXPIRED)
        is_early = and_(Creative.status == CreativeStatus.EXPIRED, not_(is_over), Creative.id.not_in(superseded))
        db.session.execute(theirs.where(is_early).values(status=CreativeStatus.WAITING))
