"""Settings > Account: the name, and the time zone of exact times."""

import re

import pytest

from manimod.jobs import transaction


def test_the_name_is_changed(as_owner, account):
    answer = as_owner.post("/settings/account", data={"name": "  Harbour &  Finch ", "time_zone": "UTC"})
    assert answer.status_code == 303
    assert "Harbour &amp; Finch" in as_owner.get("/").text


@pytest.mark.parametrize(
    ("name", "time_zone", "said"),
    [
        ("", "UTC", "An account needs a name"),
        ("n" * 121, "UTC", "An account needs a name"),
        ("Harbour", "Mars/Olympus", "doesn&#39;t know this time zone"),
        ("Harbour", "../../etc/passwd", "doesn&#39;t know this time zone"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_changes(as_owner, account, name, time_zone, said):
    answer = as_owner.post("/settings/account", data={"name": name, "time_zone": time_zone})
    assert answer.status_code == 422
    assert said in answer.text
    assert 'aria-invalid="true"' in answer.text
    assert "Brightside Studio" in as_owner.get("/").text


def test_exact_times_are_told_in_the_accounts_time_zone(as_owner, account, creative):
    address = f"/creatives/{creative.id}"
    assert re.search(r'title="[^"]+ UTC"', as_owner.get(address).text)
    as_owner.post("/settings/account", data={"name": account.name, "time_zone": "Asia/Tokyo"})
    assert re.search(r'title="[^"]+ JST"', as_owner.get(address).text)
    as_owner.post("/settings/account", data={"name": account.name, "time_zone": "America/Sao_Paulo"})
    assert re.search(r'title="[^"]+ UTC-03"', as_owner.get(address).text)


def test_support_has_no_account_to_change(as_support):
    assert as_support.get("/settings/account").status_code == 403


def test_what_somebody_else_has_saved_meanwhile_stands_beside_what_was_typed(as_owner, account):
    seen = f"{account.name}; {account.time_zone}"
    as_owner.post("/settings/account", data={"name": "Theirs", "time_zone": "Europe/Berlin", "seen": seen})
    mine = {"name": "Mine", "time_zone": "Europe/Berlin", "seen": seen}
    late = as_owner.post("/settings/account", data=mine)
    assert late.status_code == 422
    assert "Both versions are here" in late.text
    assert 'value="Mine"' in late.text
    assert 'data-take="name" value="Theirs"' in late.text
    assert 'data-take="time_zone"' not in late.text
    assert as_owner.post("/settings/account", data=mine | {"seen": "Theirs; Europe/Berlin"}).status_code == 303


def test_time_zones_are_listed_by_region_with_offset_and_city(as_owner, account):
    page = as_owner.get("/settings/account").text
    assert re.findall(r"<option[^>]* selected [^>]*>", page) == ['<option selected value="UTC">']
    assert '<optgroup label="Asia">' in page
    assert re.search(r'data-also="Asia/Calcutta"[^>]*>UTC\+05:30 Kolkata</option>', page)
    assert re.search(r">UTC-0\d:00 Knox, Indiana</option>", page)
    assert page.count("Istanbul</option>") == 1


def test_an_older_name_of_a_time_zone_stays_chosen(as_owner, account):
    with transaction():
        account.time_zone = "Asia/Calcutta"
    assert re.search(r"<option[^>]* selected value=\"Asia/Kolkata\"", as_owner.get("/settings/account").text)
