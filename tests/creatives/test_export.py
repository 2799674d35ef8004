"""What may be exported: approved, lawful today, with a landing page; test sets only where somebody asks."""

import csv
import io
import zipfile

import pytest

from manimod.creatives import brand_kit, export
from manimod.creatives.engine import bulk_sheets
from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.jobs import transaction
from manimod.models import Creative
from tests import factories
from tests.browser.filling import make_creative


def store(account, **more) -> Creative:
    creative = make_creative(account, **{"status": "approved", "is_test": False} | more)
    with transaction():
        db.session.add(creative)
    return creative


def set_brand(account, **form):
    with transaction():
        brand_kit.save(account, {"name": account.name} | form)


def chosen(account, **asked) -> export.ExportPage:
    return export.get_page(account, export.ExportSelection(**asked))


def numbers(part: export.ExportPage) -> list[int]:
    return [int(item.name.rpartition("-")[2]) for item in part.items]


def code_of(account, **asked) -> str:
    with pytest.raises(ManimodError) as refused:
        export.require_ready(account, chosen(account, **asked))
    return refused.value.code


def archive(account, **asked) -> zipfile.ZipFile:
    left_out = {}
    items = export.all_items(account, export.ExportSelection(**asked), left_out)
    return zipfile.ZipFile(io.BytesIO(b"".join(bulk_sheets.stream(items, with_pictures=False, left_out=left_out))))


def rows(files: zipfile.ZipFile, name: str) -> list[dict]:
    return list(csv.DictReader(io.StringIO(files.read(name).decode("utf-8-sig"))))


def test_nothing_approved_is_said(account):
    store(account, status="waiting")
    store(account, is_test=True)
    assert code_of(account) == "EXPORT_EMPTY"


def test_without_a_landing_page_nothing_is_exported(account):
    store(account)
    assert code_of(account) == "LANDING_PAGE_MISSING"
    set_brand(account, landing_page="https://brightside.example/")
    export.require_ready(account, chosen(account))


def test_test_sets_are_exported_only_where_somebody_asks(account):
    real, test = store(account), store(account, is_test=True)
    assert numbers(chosen(account)) == [real.id]
    assert numbers(chosen(account, with_test=True)) == [test.id, real.id]


def test_a_stranger_exports_nothing_of_this_account(account):
    creative = store(account)
    other = factories.make_account(name="Elsewhere")
    assert not chosen(other, only=creative.id).items
    assert not list(export.all_items(other, export.ExportSelection(), {}))


def test_a_set_that_breaks_a_rule_by_now_is_left_out_with_the_reason(account):
    creative = store(account)
    first, *others = creative.content["variants"]
    with transaction():
        creative.content = creative.content | {"variants": [first | {"headline": "Plain talk about plans"}, *others]}
    set_brand(account, landing_page="https://brightside.example/", banned_words=["plain talk"])
    blocked = chosen(account).blocked
    assert list(blocked) == [creative.id]
    assert "bans" in blocked[creative.id]
    assert f"Creative {creative.id}: {blocked[creative.id]}" in archive(account).read("README.txt").decode()
    assert code_of(account) == "EXPORT_BLOCKED"


def test_variants_that_the_approval_left_out_are_not_exported(account):
    set_brand(account, landing_page="https://brightside.example/")
    creative = store(account)
    with transaction():
        creative.left_out = [0]
    (item,) = chosen(account).items
    assert [ad.headline for ad in item.creative_set.variants] == [
        variant["headline"] for variant in creative.content["variants"][1:]
    ]
    assert creative.content["variants"][0]["headline"] not in archive(account).read("meta-bulk-sheet.csv").decode()


def test_every_row_is_paused_and_leads_to_the_landing_page(account):
    set_brand(account, landing_page="https://brightside.example/back")
    store(account)
    store(account, event="cancelled", segment="high")
    files = archive(account)
    meta = rows(files, "meta-bulk-sheet.csv")
    assert {row["Ad Status"] for row in meta} == {"PAUSED"}
    assert {row["Link"] for row in meta} == {"https://brightside.example/back"}
    names = [row["Ad Name"] for row in meta]
    assert len(names) == len(set(names)), "two sets never share a name"


def test_hostile_texts_stay_texts(account):
    set_brand(account, landing_page="https://brightside.example/")
    creative = store(account)
    variant = creative.content["variants"][0]
    variant["platforms"]["meta_feed"]["fields"]["headline"] = ["=cmd|' /C calc'!A0"]
    with transaction():
        creative.content = {**creative.content, "tier": "../../etc/<script>"}
    (content,) = chosen(account).items
    assert "/" not in content.name
    assert "<" not in content.name
    cells = [cell for row in rows(archive(account), "meta-bulk-sheet.csv") for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


def test_pictures_come_in_parts_and_texts_all_at_once(account, monkeypatch):
    monkeypatch.setattr(export, "PAGE_SIZE", 2)
    set_brand(account, landing_page="https://brightside.example/")
    ids = [store(account).id for _ in range(5)]
    first = chosen(account)
    assert numbers(first) == ids[:2:-1]
    assert numbers(chosen(account, before=first.older)) == ids[2:0:-1]
    assert chosen(account, before=ids[1]).older is None
    assert "5 creative sets" in archive(account).read("README.txt").decode()
