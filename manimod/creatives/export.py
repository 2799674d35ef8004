"""Approved creatives on their way to the ad platforms: which may go, what stands in the way, and the file of them.

A worker makes the file. It draws the pictures of one creative after another and keeps each, so a killed worker loses
those of one creative at most, and the next export only packs what is drawn already. All of it is in the database,
because web servers and workers may run on different machines.
"""

import time
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import structlog
from sqlalchemy import Select, func, insert, not_, select, update

from manimod import jobs
from manimod.creatives import briefs, editing, review
from manimod.creatives.engine.ad_names import AdNames, segments_of
from manimod.creatives.engine.brief import Brand, CreativeSet, ExportItem
from manimod.creatives.engine.policy import policy
from manimod.creatives.engine.policy.rules import PolicyContext
from manimod.creatives.engine.sheets import archive
from manimod.creatives.engine.sheets.ad_accounts import AdAccounts
from manimod.creatives.engine.sheets.rows import check_names_and_links
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.models import Account, AuditEntry, Creative, DrawnPictures, Export, Review, User
from manimod.models.accounts import is_ahead, is_recent, now
from manimod.models.bulk import insert_new
from manimod.models.states import CreativeStatus, ExportState, ReviewAction

log = structlog.get_logger()

NEW, ALL, CHOSEN = "new", "all", "chosen"
MAX_CREATIVES = 200  # in one file with pictures: about 300 MB
MAX_TEXTS = 1000  # creatives in one file without pictures
PAGE_SIZE = 20  # creatives in memory at once
LASTS = timedelta(days=1)  # a file; ingest/retention.py deletes it later
LEASE = timedelta(minutes=1)  # longer than it takes to draw the pictures of one creative
SLICE_SECONDS = 20  # then the worker is free for others
MAX_ATTEMPTS = 5  # time slices in which nothing was done
# Measured by `python -m bench engine`: an average creative has three variants in nine sizes each.
PICTURES, SECONDS, BYTES = 27, 3.3, 1_600_000


@dataclass(frozen=True)
class ExportSelection:
    """Which approved creatives, of live or of test data: ALL, those that are NEW since the last export, or `ids`."""

    is_test: bool = False
    wanted: str = ALL
    ids: tuple[int, ...] = ()
    with_pictures: bool = True

    @property
    def most(self) -> int:
        return MAX_CREATIVES if self.with_pictures else MAX_TEXTS

    def query(self, account: Account) -> Select:
        query = select(Creative).filter_by(account_id=account.id, status=CreativeStatus.APPROVED, is_test=self.is_test)
        if self.wanted == NEW:
            query = query.where(Creative.exported_revision.is_distinct_from(Creative.revision))
        elif self.wanted == CHOSEN:
            query = query.where(Creative.id.in_(self.ids))
        return query


@dataclass(frozen=True)
class Exportable:
    """A creative that may go. `pictures`: the version of its pictures."""

    id: int
    revision: int
    item: ExportItem
    pictures: str


@dataclass(frozen=True)
class Estimate:
    """What an export of so many creatives will be: `pictures`, `bytes`, and `seconds` for what isn't drawn yet."""

    creatives: int
    pictures: int
    bytes: int
    seconds: int


def count(account: Account, selection: ExportSelection) -> int:
    return db.session.scalar(selection.query(account).with_only_columns(func.count()))


def estimate(account: Account, selection: ExportSelection) -> Estimate:
    creatives = min(count(account, selection), selection.most)
    ids = selection.query(account).with_only_columns(Creative.id)
    drawn = select(func.count(DrawnPictures.creative_id.distinct())).where(DrawnPictures.creative_id.in_(ids))
    missing = max(0, creatives - db.session.scalar(drawn))
    return Estimate(creatives, creatives * PICTURES, creatives * BYTES, round(missing * SECONDS))


def get_ad_accounts(account: Account) -> AdAccounts:
    return AdAccounts.from_json({"payer": account.name} | account.ad_accounts)


def get_today(account: Account) -> date:
    return now().astimezone(ZoneInfo(account.time_zone)).date()


def judge(account: Account, creatives: Iterable[Creative]) -> tuple[list[Exportable], dict[str, str]]:
    """Those that may go, and number -> why of those that may not: each is judged once more, since an offer may have
    ended, a word may be banned, a fact may be gone by now."""
    stored = briefs.StoredFacts(account)
    context = PolicyContext.of(briefs.to_brief(stored.kit, event="new_customer"))
    accounts, today = get_ad_accounts(account), get_today(account)
    exportable, left_out = [], {}
    for creative in creatives:
        content = CreativeSet.from_json(creative.content | {"variants": creative.ads})
        own_context = replace(context, tier=content.tier, objective=content.objective)
        problems = [editing.say_lost(claim) for claim in stored.lost_claims(creative)]
        for variant in content.variants:
            problems += [finding.message for finding in policy.blocks(policy.check(variant, own_context))]
        item = _to_item(creative, content, stored.get_brand(creative))
        problems += [finding.message for finding in check_names_and_links(item, accounts)]
        if item.names.end < today:
            problems.append(f"Its ads were to run until {item.names.end:%-d %B %Y}. A new event opens a new set.")
        if problems:
            left_out[str(creative.id)] = problems[0]
            continue
        files = zlib.crc32(repr([item.names.picture(place, "") for place in item.places]).encode())
        version = review.picture_version(creative, stored.kit, stored.picture_of(creative))
        exportable.append(Exportable(creative.id, creative.revision, item, f"{version}{files:08x}"))
    return exportable, left_out


def _to_item(creative: Creative, content: CreativeSet, brand: Brand) -> ExportItem:
    zone = ZoneInfo(creative.account.time_zone)
    names = AdNames(
        creative_id=creative.id,
        event=content.event,
        tier=creative.tier,
        segments=segments_of(creative.content),
        round=creative.round,
        start=creative.run_from.astimezone(zone).date(),
        end=creative.run_until.astimezone(zone).date(),
    )
    places = range(len(creative.content["variants"]))
    return ExportItem(names, content, tuple(place for place in places if place not in creative.left_out), brand)


def request(account: Account, selection: ExportSelection, by: User) -> Export:
    """Ask a worker for a file. While one is being made for the account, it is that one. Raises EXPORT_EMPTY or
    LANDING_PAGE_MISSING."""
    db.session.execute(select(Account.id).filter_by(id=account.id).with_for_update())
    if under_way := get_making(account):
        return under_way
    newest = selection.query(account).with_only_columns(Creative.id).order_by(Creative.id.desc())
    ids = list(db.session.scalars(newest.limit(selection.most)))
    if not ids:
        raise ManimodError("EXPORT_EMPTY")
    if not briefs.get_brand_kit(account).landing_page:
        raise ManimodError("LANDING_PAGE_MISSING")
    export = Export(account_id=account.id, requested_by=by.id, creative_ids=ids, is_test=selection.is_test)
    export.with_pictures = selection.with_pictures
    export.done = 0 if selection.with_pictures else len(ids)
    db.session.add(export)
    db.session.flush()
    jobs.enqueue("make_export", export.id)
    return export


def get_making(account: Account) -> Export | None:
    """The one that is being made now, of live or of test data."""
    return db.session.scalar(select(Export).filter_by(account_id=account.id, state=ExportState.MAKING).limit(1))


def list_recent(account: Account, is_test: bool) -> list[Export]:
    """Those that can still be downloaded or have failed; newest first."""
    query = select(Export).filter_by(account_id=account.id, is_test=is_test).where(Export.finished_at.is_not(None))
    return list(db.session.scalars(query.where(is_recent(Export.created_at, LASTS)).order_by(Export.id.desc())))


def get_ready(account: Account, export_id: int) -> Export:
    """Raises EXPORT_GONE, also for another account's."""
    export = db.session.scalar(select(Export).filter_by(account_id=account.id, id=export_id, state=ExportState.READY))
    if export is None or not is_recent(export.finished_at, LASTS):
        raise ManimodError("EXPORT_GONE")
    return export


def stream(parts: Iterable[tuple[int, str]], sheets: bytes) -> Iterator[bytes]:
    """The file in chunks. One creative's pictures are in memory at a time, and no transaction is open in between."""
    return archive.zip_files(_files(parts, sheets))


def _files(parts: Iterable[tuple[int, str]], sheets: bytes) -> Iterator[tuple[str, bytes]]:
    for creative_id, version in parts:
        kept = select(DrawnPictures.data).filter_by(creative_id=creative_id, version=version)
        data = db.session.scalar(kept)
        db.session.rollback()
        yield from archive.unzip_files(data)
    yield from archive.unzip_files(sheets)


# --- how it is made --------------------------------------------------------------------------------------------------


def due() -> list[int]:
    """Exports that no worker is at."""
    is_held = is_ahead(Export.lease_until, LEASE)
    return list(db.session.scalars(select(Export.id).where(Export.state == ExportState.MAKING, not_(is_held))))


def make(export_id: int) -> bool:
    """One time slice; True where it has to go on. Does nothing where another worker is at it."""
    with jobs.transaction():
        export = _lock(export_id)
        if export is None or is_ahead(export.lease_until, LEASE):
            return False
        export.lease_until = now() + LEASE
        export.attempts += 1
        if export.attempts > MAX_ATTEMPTS:
            _fail(export, "EXPORT_FAILED")
    ends, goes_on = time.monotonic() + SLICE_SECONDS, True
    while goes_on and time.monotonic() < ends:
        goes_on = _take_step(export_id)
    if goes_on:
        with jobs.transaction():
            db.session.execute(update(Export).filter_by(id=export_id).values(lease_until=now()))
    return goes_on


def _lock(export_id: int) -> Export | None:
    """The export while it is being made; None where it is finished, or deleted by a disconnect."""
    query = select(Export).filter_by(id=export_id, state=ExportState.MAKING)
    return db.session.scalar(query.with_for_update().execution_options(populate_existing=True))


def _fail(export: Export, code: str) -> None:
    export.state, export.error_code, export.finished_at = ExportState.FAILED, code, now()
    log.warning("export_failed", export=export.id, code=code)


def _take_step(export_id: int) -> bool:
    """Draw the pictures of the next creative, or finish; True where it has to go on."""
    export = db.session.scalar(select(Export).filter_by(id=export_id, state=ExportState.MAKING))
    if export is None:
        return False
    if export.done >= len(export.creative_ids):
        return _finish(export)
    drawn = []
    for one in _judge_part(export, export.done, 1)[0]:
        if not _get_drawn([one]):
            db.session.rollback()  # no transaction stays open meanwhile
            drawn.append(_draw(one))
    with jobs.transaction():
        insert_new(DrawnPictures, drawn, ("creative_id", "version"))
        if export := _lock(export_id):
            export.done += 1
            export.attempts, export.lease_until = 0, now() + LEASE
    return export is not None


def _draw(one: Exportable) -> dict:
    files, refused = [], []
    for name, png in archive.pictures(one.item):
        if png is None:
            refused.append(name)
        else:
            files.append((name, png))
    data = b"".join(archive.zip_files(files))
    own = {"creative_id": one.id, "version": one.pictures, "used_at": now()}
    return own | {"data": data, "pictures": len(files), "refused": refused}


def _judge_part(export: Export, start: int, size: int = PAGE_SIZE) -> tuple[list[Exportable], dict[str, str]]:
    """Those of the creatives from `start` on that are still approved, as `judge` says."""
    wanted = export.creative_ids[start : start + size]
    approved = ExportSelection(export.is_test, CHOSEN, tuple(wanted)).query(export.account)
    return judge(export.account, db.session.scalars(approved.order_by(Creative.id.desc())))


def _get_drawn(exportable: list[Exportable]) -> list[DrawnPictures]:
    """Their pictures, without the data; of those that have none, or an older version, nothing."""
    query = select(DrawnPictures).where(DrawnPictures.creative_id.in_([one.id for one in exportable]))
    wanted = {(one.id, one.pictures) for one in exportable}
    found = db.session.scalars(query.order_by(DrawnPictures.creative_id.desc()))
    return [drawn for drawn in found if (drawn.creative_id, drawn.version) in wanted]


def _finish(export: Export) -> bool:
    """Write the sheets and mark the creatives. True where something has changed meanwhile and is drawn anew."""
    export_id, with_pictures = export.id, export.with_pictures
    sheets = archive.Sheets(get_ad_accounts(export.account), get_today(export.account))
    marks, left_out, drawn = [], {}, []
    exported = {"exported_at": now()}
    for start in range(0, len(export.creative_ids), PAGE_SIZE):
        exportable, blocked = _judge_part(export, start)
        left_out |= blocked
        drawn += _get_drawn(exportable) if with_pictures else []
        for one in exportable:
            sheets.add(one.item)
            marks.append(exported | {"id": one.id, "exported_revision": one.revision})
    error = None if marks else "EXPORT_BLOCKED"
    if not briefs.get_brand_kit(export.account).landing_page:
        error = "LANDING_PAGE_MISSING"
    has_changed = with_pictures and len(drawn) < len(marks)
    pictures, refused = sum(kept.pictures for kept in drawn), [name for kept in drawn for name in kept.refused]
    parts = [(kept.creative_id, kept.version) for kept in drawn]
    db.session.rollback()
    packed = b"".join(archive.zip_files(sheets.files(pictures, refused, left_out)))
    size = 0 if has_changed else sum(map(len, stream(parts, packed)))
    with jobs.transaction():
        export = _lock(export_id)
        if export is None:
            return False
        export.left_out = left_out
        if has_changed:
            export.done = 0
            return True
        if error:
            _fail(export, error)
            return False
        export.state, export.finished_at = ExportState.READY, now()
        export.parts, export.sheets, export.size = parts, packed, size
        export.creatives, export.pictures = len(marks), pictures
        db.session.execute(update(Creative), marks)
        _note(export, [mark["id"] for mark in marks])
        ids = [creative_id for creative_id, _ in parts]
        db.session.execute(update(DrawnPictures).where(DrawnPictures.creative_id.in_(ids)).values(used_at=now()))
    log.info("export_made", export=export_id, creatives=len(marks), bytes=size)
    return False


def _note(export: Export, creative_ids: list[int]) -> None:
    """Who exported what, in each creative's history and in the audit log."""
    said = f"export {export.id}, of {len(creative_ids):,}"
    review = {"user_id": export.requested_by, "action": ReviewAction.EXPORTED, "reason": said}
    db.session.execute(insert(Review), [review | {"creative_id": creative_id} for creative_id in creative_ids])
    if export.requested_by:
        details = {"export": export.id, "creatives": creative_ids, "pictures": export.pictures}
        of_account = {"user_id": export.requested_by, "account_id": export.account_id}
        entry = AuditEntry(**of_account, action="exported", reason="", details=details | {"test": export.is_test})
        db.session.add(entry)
