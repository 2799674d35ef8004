"""The export page: what will be in it is said before, how far it is while it is made, and then there is a link."""

import pytest

from manimod.creatives import export
from tests import factories


@pytest.fixture(autouse=True)
def _landing_page(as_owner, account):
    as_owner.post("/settings/brand", data={"name": account.name, "landing_page": "https://brightside.example/"})


def test_nothing_approved_is_said(as_owner):
    assert "Nothing approved yet" in as_owner.get("/creatives/export").text


def test_what_is_all_from_test_data_is_counted_and_told_apart(as_owner, account, add_creative):
    for _ in range(2):
        add_creative(account, status="approved")
    page = as_owner.get("/creatives/export?mode=live").text
    assert "2 approved creatives, all from test data" in page
    assert "Nothing approved" not in page
    assert 'href="/creatives/export?mode=test"' in page
    assert "Export of test data" in as_owner.get("/creatives/export?mode=test").text


def test_a_missing_landing_page_is_said_before(as_owner, account, add_creative):
    add_creative(account, status="approved")
    as_owner.post("/settings/brand", data={"name": account.name, "landing_page": ""})
    assert "no landing page" in as_owner.get("/creatives/export").text
    assert as_owner.post("/creatives/export").status_code == 422


def test_number_pictures_size_and_time_are_said_before(as_owner, account, add_creative):
    for _ in range(3):
        add_creative(account, status="approved")
    page = as_owner.get("/creatives/export").text
    assert "New since the last export: 3 creatives" in page
    assert "About 81 pictures, 4.8 MB" in page


def test_it_is_watched_until_there_is_a_link(as_owner, account, add_creative, drain):
    creative = add_creative(account, status="approved")
    started = as_owner.htmx("post", "/creatives/export", data={"wanted": "new", "without_pictures": "1"}).text
    assert "Exporting 1 creative" in started
    assert 'data-poll="2"' in started
    assert "Exporting 1 creative" in as_owner.htmx("post", "/creatives/export", data={"wanted": "all"}).text
    drain()
    done = as_owner.htmx("get", "/creatives/export?watched=1").text
    assert "/creatives/export/1.zip" in done
    assert "The export is ready." in done
    assert "data-poll" not in done
    assert "New since the last export: 0 creatives" in done
    assert "Exported " in as_owner.get("/creatives?status=approved").text
    assert as_owner.get("/creatives/export/1.zip", buffered=True).mimetype == "application/zip"
    assert creative.exported_revision == creative.revision


def test_only_the_selected_ones_are_exported(as_owner, account, add_creative, drain):
    first, _ = (add_creative(account, status="approved") for _ in range(2))
    assert f'form="export-chosen" name="id" value="{first.id}"' in as_owner.get("/creatives?status=approved").text
    assert "The selected ones: 1 creative" in as_owner.get(f"/creatives/export?id={first.id}").text
    form = {"wanted": "chosen", "id": first.id, "without_pictures": "1"}
    assert as_owner.post("/creatives/export", data=form).status_code == 303
    drain()
    assert "New since the last export: 1 creative" in as_owner.get("/creatives/export").text


def test_more_than_one_file_holds_is_said(as_owner, account, add_creative, monkeypatch):
    monkeypatch.setattr(export, "MAX_CREATIVES", 1)
    for _ in range(2):
        add_creative(account, status="approved")
    assert "One file holds 1" in as_owner.get("/creatives/export").text


def test_a_strangers_file_is_not_there(app, as_owner, account, add_creative, drain):
    add_creative(account, status="approved")
    as_owner.post("/creatives/export", data={"wanted": "all", "without_pictures": "1"})
    drain()
    assert as_owner.get("/creatives/export/1.zip", buffered=True).status_code == 200
    stranger = app.test_client().sign_in(
        factories.make_owner(factories.make_account(name="Elsewhere"), "e@example.com")
    )
    assert stranger.get("/creatives/export/1.zip").status_code == 404
