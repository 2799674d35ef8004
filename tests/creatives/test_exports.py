"""Exports: a worker makes the file, a killed one loses nothing, what was exported is known, a day later it is gone."""

import io
import re
import zipfile
from datetime import timedelta

import pytest
from sqlalchemy import select

from manimod import tasks
from manimod.creatives import brand_kit, export, review
from manimod.creatives.engine.picture import picture
from manimod.creatives.engine.sheets import archive
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.ingest import retention
from manimod.jobs import transaction
from manimod.models import AuditEntry, Creative, DrawnPictures, Export
from manimod.models.accounts import now
from manimod.stripe import connections
from tests import factories
from tests.browser.filling import make_creative
from tests.creatives.sheets import validator
from tests.creatives.sheets.items import SAVED

pytestmark = pytest.mark.both_databases


@pytest.fixture(autouse=True)
def _landing_page(account):
    set_brand(account, landing_page="https://brightside.example/back")


def set_brand(account, **form):
    with transaction():
        account.ad_accounts = SAVED
        brand_kit.save(account, {"name": account.name} | form)


def store(account, **more) -> Creative:
    creative = make_creative(account, **{"status": "approved", "is_test": False} | more)
    creative.content = creative.content | {"variants": creative.content["variants"][:1]}  # pictures take long
    with transaction():
        db.session.add(creative)
    return creative


def ask(account, owner, **selection) -> Export:
    with transaction():
        return export.request(account, export.ExportSelection(**{"with_pictures": False} | selection), owner)


def export_now(account, owner, drain, **selection) -> Export:
    made = ask(account, owner, **selection)
    drain()
    db.session.refresh(made)
    return made


def unzip(made: Export) -> zipfile.ZipFile:
    data = b"".join(export.stream(made.parts, made.sheets))
    assert len(data) == made.size
    return zipfile.ZipFile(io.BytesIO(data))


def rows(made: Export) -> list[dict]:
    return validator.read_xlsx(unzip(made).read("meta-bulk-sheet.xlsx"))


def numbers(made: Export) -> set[int]:
    """The creatives whose ads are in the file."""
    return {int(re.search(r"-s(\d+)-", row["Ad Name"])[1]) for row in rows(made)}


def new_ones(account) -> int:
    return export.count(account, export.ExportSelection(wanted=export.NEW))


def refused(account, owner, **selection) -> str:
    with pytest.raises(ManimodError) as refusal:
        ask(account, owner, **selection)
    return refusal.value.code


# --- what is in it ---------------------------------------------------------------------------------------------------


def test_nothing_approved_is_said(account, owner):
    store(account, status="waiting")
    store(account, is_test=True)
    assert refused(account, owner) == "EXPORT_EMPTY"


def test_without_a_landing_page_nothing_is_exported(account, owner):
    set_brand(account, landing_page="")
    store(account)
    assert refused(account, owner) == "LANDING_PAGE_MISSING"


def test_a_file_has_the_sheets_and_every_picture(account, owner, drain):
    store(account)
    made = export_now(account, owner, drain, with_pictures=True)
    assert made.state == "ready"
    names = unzip(made).namelist()
    assert len([name for name in names if name.startswith("pictures/")]) == made.pictures > 5
    assert {"meta-bulk-sheet.xlsx", "google-ads-editor.csv", "README.txt"} <= {*names}
    for row in rows(made):
        assert row["Ad Status"] == "PAUSED"
        assert row["Link"] == "https://brightside.example/back"


def test_a_second_export_draws_nothing_anew(account, owner, drain, monkeypatch):
    store(account)
    first = export_now(account, owner, drain, with_pictures=True)
    monkeypatch.delattr(picture, "png")  # whoever draws would fail
    second = export_now(account, owner, drain, with_pictures=True)
    assert unzip(second).namelist() == unzip(first).namelist()


def test_a_changed_brand_is_drawn_anew(account, owner, drain):
    store(account)
    before = export_now(account, owner, drain, with_pictures=True)
    set_brand(account, landing_page="https://brightside.example/back", primary_colour="#aa0000")
    after = export_now(account, owner, drain, with_pictures=True)
    name = next(name for name in unzip(after).namelist() if name.endswith(".png"))
    assert unzip(after).read(name) != unzip(before).read(name)


def test_test_data_is_exported_by_itself(account, owner, drain):
    real, test = store(account), store(account, is_test=True)
    assert numbers(export_now(account, owner, drain)) == {real.id}
    assert numbers(export_now(account, owner, drain, is_test=True)) == {test.id}


def test_a_set_that_breaks_a_rule_by_now_is_left_out_with_the_reason(account, owner, drain):
    good, bad = store(account), store(account)
    first = bad.content["variants"][0]
    with transaction():
        bad.content = bad.content | {"variants": [first | {"headline": "Plain talk about plans"}]}
    set_brand(account, landing_page="https://brightside.example/", banned_words=["plain talk"])
    made = export_now(account, owner, drain)
    assert numbers(made) == {good.id}
    assert "bans" in made.left_out[str(bad.id)]
    assert f"Creative {bad.id}: {made.left_out[str(bad.id)]}" in unzip(made).read("README.txt").decode()


def test_where_all_are_left_out_it_fails_and_says_so(account, owner, drain):
    creative = store(account)
    set_brand(account, landing_page="https://x.example/", banned_words=creative.content["variants"][0]["headline"])
    made = export_now(account, owner, drain)
    assert (made.state, made.error_code) == ("failed", "EXPORT_BLOCKED")
    assert list(made.left_out) == [str(creative.id)]


def test_variants_that_the_approval_left_out_are_not_exported(account, owner, drain):
    with transaction():
        creative = make_creative(account, status="approved", is_test=False)
        creative.left_out = [0]
        db.session.add(creative)
    made = export_now(account, owner, drain)
    places = {int(row["Ad Name"].split("-v")[1][0]) for row in rows(made)}
    assert places == {*range(2, len(creative.content["variants"]) + 1)}


def test_hostile_texts_stay_texts(account, owner, drain):
    creative = store(account)
    with transaction():
        creative.content["variants"][0]["platforms"]["meta_feed"]["fields"]["headline"] = ["=cmd|' /C calc'!A0"]
        creative.content = {**creative.content, "tier": "../../etc/<script>"}
    made = export_now(account, owner, drain)
    assert not [name for name in unzip(made).namelist() if ".." in name or "<" in name]
    assert rows(made)[0]["Title"] == "=cmd|' /C calc'!A0", "as a text: the workbook has no formula"


# --- what was exported -----------------------------------------------------------------------------------------------


def test_what_was_exported_is_no_longer_new_until_it_changes(account, owner, drain):
    first, second = store(account), store(account)
    assert new_ones(account) == 2
    export_now(account, owner, drain, wanted=export.CHOSEN, ids=(first.id,))
    assert first.exported_at is not None
    assert second.exported_at is None
    assert numbers(export_now(account, owner, drain, wanted=export.NEW)) == {second.id}
    assert new_ones(account) == 0
    assert refused(account, owner, wanted=export.NEW) == "EXPORT_EMPTY"
    with transaction():
        first.revision += 1
    assert numbers(export_now(account, owner, drain, wanted=export.NEW)) == {first.id}


def test_another_choice_of_variants_is_new_again(account, owner, drain):
    with transaction():
        creative = make_creative(account, status="approved", is_test=False)
        db.session.add(creative)
    export_now(account, owner, drain)
    with transaction():
        review.decide(creative, "waiting", owner)
        review.decide(creative, "approved", owner)
    assert new_ones(account) == 0, "it was put back and approved as it was"
    with transaction():
        review.decide(creative, "waiting", owner)
        review.decide(creative, "approved", owner, left_out=[0])
    assert new_ones(account) == 1


def test_who_exported_what_stands_in_the_history_and_in_the_audit_log(account, owner, drain, as_owner):
    creative = store(account)
    store(account)
    export_now(account, owner, drain)
    page = as_owner.get(f"/creatives/{creative.id}").text
    assert re.search(r"Exported: “export \d+, of 2”", page)
    assert owner.email in page
    (entry,) = db.session.scalars(select(AuditEntry))
    assert (entry.action, entry.user_id, entry.account_id) == ("exported", owner.id, account.id)
    assert creative.id in entry.details["creatives"]
    assert "Export made: 2 creatives" in re.sub(r"\s+", " ", as_owner.get("/settings/account").text)


def test_an_approved_creative_whose_window_is_over_is_left_out(account, owner, drain):
    good, over = store(account), store(account)
    with transaction():
        over.run_until = now() - timedelta(days=2)
    made = export_now(account, owner, drain)
    assert numbers(made) == {good.id}
    assert "Its ads were to run until" in made.left_out[str(over.id)]


def test_a_stranger_exports_nothing_of_this_account(account, owner):
    creative = store(account)
    other = factories.make_account(name="Elsewhere")
    set_brand(other, landing_page="https://elsewhere.example/")
    assert refused(other, factories.make_owner(other, "o@example.com"), wanted=export.CHOSEN, ids=(creative.id,))


# --- how it is made --------------------------------------------------------------------------------------------------


def test_a_second_press_shows_the_one_that_is_being_made(account, owner):
    store(account)
    assert ask(account, owner).id == ask(account, owner, wanted=export.NEW).id
    assert db.session.query(Export).count() == 1


class Killed(BaseException):
    """As SIGKILL: nothing of the worker runs any more."""


def test_a_killed_worker_loses_one_creative_at_most(account, owner, drain, monkeypatch, valkey):
    for _ in range(3):
        store(account)
    made = ask(account, owner, with_pictures=True)
    pictures, drawn = archive.pictures, []

    def draw(item):
        drawn.append(item.names.creative_id)
        if len(drawn) == 2:
            raise Killed
        return pictures(item)

    monkeypatch.setattr(archive, "pictures", draw)
    with pytest.raises(Killed):
        export.make(made.id)
    db.session.rollback()
    valkey.flushall()
    db.session.refresh(made)
    assert (made.state, made.done) == ("making", 1)
    assert export.due() == [], "its lease still runs"
    with transaction():
        made.lease_until = now() - timedelta(seconds=1)
    tasks.reconcile()
    drain()
    db.session.refresh(made)
    assert made.state == "ready"
    assert len(drawn) == 4, "only the creative at hand was drawn twice"
    assert made.pictures == len([name for name in unzip(made).namelist() if name.startswith("pictures/")])


def test_one_that_never_gets_on_fails_in_words(account, owner):
    store(account)
    made = ask(account, owner)
    for _ in range(export.MAX_ATTEMPTS):
        with transaction():
            made.attempts += 1
    assert not export.make(made.id)
    db.session.refresh(made)
    assert (made.state, made.error_code) == ("failed", "EXPORT_FAILED")


def test_a_long_one_goes_on_in_slices(account, owner, monkeypatch):
    for _ in range(2):
        store(account)
    monkeypatch.setattr(export, "SLICE_SECONDS", 0)
    made = ask(account, owner, with_pictures=True)
    assert export.make(made.id), "others get their turn"
    assert export.due() == [made.id]


# --- how it ends -----------------------------------------------------------------------------------------------------


def test_a_day_later_the_file_is_gone(account, owner, drain, as_owner, connected):
    store(account)
    made = export_now(account, owner, drain, with_pictures=True)
    address = f"/creatives/export/{made.id}.zip"
    answer = as_owner.get(address, buffered=True)
    assert answer.headers["Content-Length"] == str(len(answer.data)) == str(made.size)
    with transaction():
        made.finished_at = made.created_at = now() - timedelta(hours=25)
    answer = as_owner.get(address, buffered=True)
    assert answer.status_code == 404
    assert "a file is kept for a day" in answer.text
    retention.prune(connected.id)
    assert db.session.scalars(select(Export)).all() == []
    assert db.session.query(DrawnPictures).count() == 1, "the next export needs them"
    with transaction():
        db.session.scalar(select(DrawnPictures)).used_at -= timedelta(days=8)
    retention.prune(connected.id)
    assert db.session.query(DrawnPictures).count() == 0


def test_a_disconnect_deletes_the_files_but_not_the_creatives(account, owner, drain, connected):
    creative = store(account, is_test=not connected.livemode)
    made = export_now(account, owner, drain, with_pictures=True, is_test=creative.is_test)
    number = made.id
    with transaction():
        connections.disconnect(connected)
    assert db.session.get(Export, number) is None
    assert db.session.query(DrawnPictures).count() == 0
    assert db.session.get(Creative, creative.id).status == "approved"
