"""What may be exported: approved, lawful today, with a landing page; test sets only where somebody asks."""

import csv
import io
import zipfile

import pytest

from manimod.errors import ManimodError
from manimod.extensions import db
from manimod.flow import brand_kit, exports
from manimod.jobs import transaction
from manimod.models import Creative
from manimod.studio import export
from tests import factories
from tests.browser.filling import make_creative


def store(account, **more) -> Creative:
    creative = make_creative(account, **{"status": "approved", "is_test": False} | more)
    with transaction():
        db.session.add(creative)
    return creative


def set_brand(account, **form):
    with transaction():
        brand_kit.save(account, brand_kit.read(account, {"name": "Brightside"} | form))


def code_of(account, **asked) -> str:
    with pytest.raises(ManimodError) as refused:
        exports.require_ready(exports.choose(account, **asked))
    return refused.value.code


def archive(account, **asked) -> zipfile.ZipFile:
    items = exports.items(account, exports.choose(account, **asked))
    return zipfile.ZipFile(io.BytesIO(b"".join(export.stream(items, with_pictures=False))))


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
    exports.require_ready(exports.choose(account))


def test_test_sets_are_exported_only_where_somebody_asks(account):
    real, test = store(account), store(account, is_test=True)
    assert exports.choose(account).ids == [real.id]
    assert exports.choose(account, with_test=True).ids == [test.id, real.id]


def test_a_stranger_exports_nothing_of_this_account(account):
    creative = store(account)
    other = factories.make_account(name="Elsewhere")
    assert not exports.choose(other, only=creative.id).ids
    assert not list(exports.items(other, exports.choose(account)))


def test_a_set_that_breaks_a_rule_by_now_is_left_out_with_the_reason(account):
    creative = store(account)
    headline = creative.content["variants"][0]["headline"]
    set_brand(account, landing_page="https://brightside.example/", banned_words=headline)
    choice = exports.choose(account)
    assert list(choice.blocked) == [creative.id]
    assert "bans" in choice.blocked[creative.id]
    assert code_of(account) == "EXPORT_BLOCKED"


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
        creative.content = {**creative.content}
        creative.tier = "../../etc/<script>"
    content = next(exports.items(account, exports.choose(account)))
    assert "/" not in content.name
    assert "<" not in content.name
    cells = [cell for row in rows(archive(account), "meta-bulk-sheet.csv") for cell in row.values()]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
